import { agentManager, apiVersion } from '../../api/names.ts';
import { type Condition, kubeTime, stampConditions } from '../../api/conditions.ts';
import type { XenHost } from '../../api/generated/xen-host.ts';
import { type HostView, hostConditions, hostFacts } from '../../domain/host-status.ts';
import { pciClaimPath } from '../../domain/locations.ts';
import { parseDomid } from '../../domain/untrusted.ts';
import type { HostInfo, Hypervisor } from '../../hypervisor/hypervisor.ts';
import { applyStatusIfChanged } from '../../kube/apply-status.ts';
import { isConflict } from '../../kube/errors.ts';
import { xenHosts } from '../../kube/resources.ts';
import type { Informer, KubeClient } from '../../kube/types.ts';
import type { EventRecorder } from '../../kube/events.ts';
import { type Action, after } from '../../runtime/action.ts';
import type { Clock, Random } from '../../runtime/ports.ts';
import type { XenStore } from '../../xenstore/xenstore.ts';
import type { DeviceInventory } from '../observe/device-inventory.ts';
import type { DomainInventory } from '../observe/domain-inventory.ts';
import { Overlay } from '../../kube/overlay.ts';

/** The inventory of a busy host changes all the time: one write says it all. */
const settleMs = 1000;
const settleMaxMs = 5000;
/** No event says that a domain's memory was changed, or that the host was started anew beside a living agent. */
const lookAgainMs = 300_000;
/** After the list of domains could not be read. */
const listRetryMs = 5000;

const owned = {
  fields: [
    'observedGeneration',
    'versions',
    'bootID',
    'toolstackDriver',
    'memory',
    'guestCount',
    'stubDomainCount',
    'pciSummary',
    'pciDevices',
    'guests',
  ],
  conditions: ['Ready', 'XenStoreConnected', 'HypervisorReady', 'PassthroughReady'],
} as const;

/** The facts, with what was said of domains and devices before. */
function withInventory(facts: ReturnType<typeof hostFacts>, before: XenHost['status']): Partial<typeof facts> {
  const { guestCount: _1, stubDomainCount: _2, pciSummary: _3, pciDevices: _4, guests: _5, ...others } = facts;
  const { guestCount, stubDomainCount, pciSummary, pciDevices, guests } = before ?? {};
  return {
    ...others,
    ...(guestCount === undefined ? {} : { guestCount }),
    ...(stubDomainCount === undefined ? {} : { stubDomainCount }),
    ...(pciSummary === undefined ? {} : { pciSummary }),
    ...(pciDevices === undefined ? {} : { pciDevices }),
    ...(guests === undefined ? {} : { guests }),
  };
}

export interface HostReporterOptions {
  readonly nodeName: string;
  readonly version: string;
  readonly kube: KubeClient;
  readonly xenstore: XenStore;
  readonly hypervisor: Hypervisor;
  readonly hosts: Informer<XenHost>;
  readonly domains: DomainInventory;
  readonly devices: DeviceInventory;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  /** Whether domains and devices were read: until then, what was reported of them before stays. */
  readonly inventoryLoaded: () => boolean;
  /** The host was started anew: nothing that was seen of its domains before holds. */
  readonly rebooted: () => void;
}

/** Registers the host and keeps its inventory true. */
export class HostReporter {
  readonly #options: HostReporterOptions;
  readonly #overlay = new Overlay();
  #writtenAt: number | undefined;
  #changedAt: number | undefined;

  constructor(options: HostReporterOptions) {
    this.#options = options;
  }

  /** How long a change may wait for further ones, from now. */
  delayMs(): number {
    const now = this.#options.clock.now();
    if (this.#writtenAt === undefined) return 0;
    this.#changedAt ??= now;
    return Math.max(0, Math.min(settleMs, this.#changedAt + settleMaxMs - now));
  }

  /** One pass: creates the XenHost if it is missing, and writes what changed. */
  async reconcile(): Promise<Action> {
    const { kube, clock, domains } = this.#options;
    this.#changedAt = undefined;
    // No event says that the hypervisor answers again, and a domain that died meanwhile was not seen.
    if (domains.error !== undefined) await domains.refresh();
    const host = await this.#registered();
    const view = await this.#look(host);
    const previous = host.status?.conditions as Condition[] | undefined;
    const { generation } = host.metadata;
    const conditions = stampConditions('XenHost', hostConditions(view), previous, generation, kubeTime(clock.now()));
    const status = {
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      // A hypervisor that does not answer now has not forgotten which boot this is.
      ...(host.status?.bootID === undefined ? {} : { bootID: host.status.bootID }),
      ...(this.#options.inventoryLoaded() ? hostFacts(view) : withInventory(hostFacts(view), host.status)),
      conditions,
    };
    try {
      const written = await applyStatusIfChanged<XenHost>({
        client: kube,
        type: xenHosts,
        current: host,
        status,
        owned,
        fieldManager: agentManager,
      });
      this.#overlay.put(written);
      this.#tellReboot(host, status.bootID);
    } catch (error) {
      if (!isConflict(error)) throw error;
      this.#overlay.forget(host.metadata.uid);
      return after(settleMs);
    }
    this.#writtenAt = clock.now();
    const { random } = this.#options;
    return after(domains.error === undefined ? lookAgainMs * (0.8 + 0.4 * random()) : listRetryMs);
  }

  #tellReboot(host: XenHost, bootID: string | undefined): void {
    const before = host.status?.bootID;
    if (before === undefined || bootID === undefined || before === bootID) return;
    const message = `The host was started anew: its boot id was ${before} and is ${bootID}. No domain of before lives; stub domains are made again when their guests start.`;
    this.#options.events.record(host, { type: 'Warning', reason: 'Rebooted', message });
    this.#options.rebooted();
  }

  async #registered(): Promise<XenHost> {
    const { kube, hosts, nodeName } = this.#options;
    const shown = hosts.get(nodeName);
    if (shown !== undefined) return this.#overlay.get(shown);
    const object = { apiVersion, kind: 'XenHost', metadata: { name: nodeName } };
    return (
      (await kube.tryGet<XenHost>(xenHosts, { name: nodeName })) ??
      kube.apply<XenHost>(xenHosts, object, { fieldManager: agentManager })
    );
  }

  async #look(host: XenHost): Promise<HostView> {
    const { hypervisor, xenstore, domains, devices, version } = this.#options;
    let info: HostInfo | undefined;
    let failure: string | undefined;
    try {
      info = await hypervisor.info();
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    return {
      info,
      agentVersion: version,
      xenstoreConnected: xenstore.state === 'connected',
      unknownDomids: domains.unknownToXenStore.map(({ domid }) => domid),
      hypervisorError: failure ?? domains.error?.message,
      domains: domains.list(),
      devices: [...devices.devices.values()],
      claims: await this.#claims(),
      spec: host.spec,
    };
  }

  async #claims(): Promise<Map<string, number>> {
    const { xenstore, devices } = this.#options;
    const claims = new Map<string, number>();
    if (xenstore.state !== 'connected') return claims;
    const noted = new Set((await xenstore.tryList('/libxl/pci')) ?? []);
    await Promise.all(
      [...devices.devices.keys()].map(async (address) => {
        const path = pciClaimPath(address);
        if (!noted.has(path.split('/')[3] ?? '')) return;
        const holder = parseDomid(await xenstore.tryRead(path));
        if (holder !== undefined) claims.set(address, holder);
      }),
    );
    return claims;
  }
}
