import type { DomainIdentity } from '../../hypervisor/hypervisor.ts';
import type { Clock, Logger, Random } from '../../runtime/ports.ts';
import { openXenStore } from '../../xenstore/client.ts';
import { startDeviceModel, type DeviceModel, type GuestBehaviour } from './device-model/driver.ts';
import type { DeviceModelReport } from './device-model/record.ts';
import type { SaveFiles } from './device-model/save-files.ts';
import type { DomainRecord, DomainTable } from './domains.ts';
import type { DomainEvents } from './hypervisor-core.ts';
import type { QuirkSettings } from './quirks.ts';

/** The device models of a host: one for each stub domain that was started, until its domain ends. */
export interface DeviceModels extends DomainEvents {
  /** Of every device model that ever ran, in order of their start. */
  reports(): DeviceModelReport[];
  /** What holds for a stub domain, by the guest that it may serve. */
  quirksOf(domid: number): QuirkSettings;
  close(): Promise<void>;
}

export interface DeviceModelsOptions {
  readonly domains: DomainTable;
  /** For a guest; for undefined, what holds for all. */
  readonly quirks: (guest: { readonly name: string; readonly uuid: string } | undefined) => QuirkSettings;
  readonly kill: (domain: DomainIdentity) => Promise<void>;
  readonly saves: SaveFiles;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/** Within the 20 outstanding requests that xenstored allows an unprivileged domain. */
const requestsInFlight = 16;

/** Reports of dead device models that are kept, so that a host that runs for weeks does not grow. */
const mostReports = 1000;

const defaultEjectDelayMs = 50;

export function createDeviceModels(options: DeviceModelsOptions): DeviceModels {
  const { domains, saves, clock, random, logger } = options;
  const running = new Map<number, DeviceModel>();
  const ended: DeviceModelReport[] = [];

  const quirksOf = (domid: number): QuirkSettings => {
    const target = domains.get(domid)?.target;
    const guest = target === undefined ? undefined : domains.get(target.domid);
    return options.quirks(guest !== undefined && guest.uuid === target?.uuid ? guest : undefined);
  };

  /** The hypervisor's view: only a domain that may map the target's memory can serve it. */
  const guestOf = (stub: number, target: number): GuestBehaviour | undefined => {
    const allowed = domains.get(stub)?.target;
    const guest = domains.get(target)?.guest;
    if (allowed?.domid !== target || guest === undefined || guest.uuid !== allowed.uuid) return undefined;
    return {
      name: guest.name,
      ejectDelayMs: guest.ejectDelayMs ?? defaultEjectDelayMs,
      acceptsEject: guest.acceptsEject ?? true,
    };
  };

  const end = async (domid: number): Promise<void> => {
    const model = running.get(domid);
    if (model === undefined) return;
    running.delete(domid);
    await model.stop();
    ended.push(model.report());
    if (ended.length > mostReports) ended.shift();
  };

  return {
    started: ({ domid, uuid }: DomainRecord, guestSocket: string) => {
      const store = openXenStore({
        transport: { kind: 'socket', path: guestSocket },
        clock,
        random,
        maxInFlight: requestsInFlight,
        reconnect: false,
      });
      const model = startDeviceModel({
        domid,
        uuid,
        store,
        quirks: () => quirksOf(domid),
        guest: (target) => guestOf(domid, target),
        saves,
        onDeath: (reason) => {
          options.kill({ domid, uuid }).catch((error: unknown) => {
            logger.error('a dead domain could not be removed', { domid, reason, error: String(error) });
          });
        },
        clock,
        logger,
      });
      running.set(domid, model);
    },
    ending: async ({ domid }) => end(domid),
    reports: () => [...ended, ...[...running.values()].map((model) => model.report())],
    quirksOf,
    close: async () => {
      await Promise.all([...running.keys()].map(end));
    },
  };
}
