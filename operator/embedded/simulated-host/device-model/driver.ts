import type { Clock, Logger } from '../../../runtime/ports.ts';
import { isXenStoreError } from '../../../xenstore/errors.ts';
import type { WatchHandle, XenStore } from '../../../xenstore/xenstore.ts';
import type { DeathPoint, QuirkSettings } from '../quirks.ts';
import { BootFailure, readBootFacts } from './boot.ts';
import { emulatedSlotCount, restoreFile } from './command-line.ts';
import type { CommandName } from './dispatch.ts';
import { bringUpFrontends } from './frontends.ts';
import {
  flappingIntervalMs,
  flappingStates,
  hostileAtPickUp,
  hostileBeforePickUp,
  hostileReply,
  type Bytes,
} from './hostile.ts';
import { step } from './machine.ts';
import { createMailbox } from './mailbox.ts';
import { initialState, type DeviceModelRules, type DeviceModelState, type Effect, type Input } from './model.ts';
import { withoutSegment } from './pci-parameter.ts';
import { startPcifront, type Pcifront } from './pcifront.ts';
import type { DeviceModelReport, SavedFile } from './record.ts';
import type { SaveFiles } from './save-files.ts';

/** The guest as its device model feels it. */
export interface GuestBehaviour {
  readonly name: string;
  readonly ejectDelayMs: number;
  readonly acceptsEject: boolean;
}

export interface DeviceModelOptions {
  readonly domid: number;
  readonly uuid: string;
  /** The stub domain's own connection. The device model closes it. */
  readonly store: XenStore;
  /** Asked before each thing it does, so that quirks can change while it runs. */
  readonly quirks: () => QuirkSettings;
  /** Whether the hypervisor lets this domain map the target's memory, and which guest that is. */
  readonly guest: (targetDomid: number) => GuestBehaviour | undefined;
  readonly saves: SaveFiles;
  /** The domain must be destroyed: it crashed, or a quirk killed it. */
  readonly onDeath: (reason: string) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface DeviceModel {
  report(): DeviceModelReport;
  /** Ends it at once, as destroying the domain does. */
  stop(): Promise<void>;
}

/** What does the machine's effects on a real connection, and feeds it what happens there. */
export function startDeviceModel(options: DeviceModelOptions): DeviceModel {
  const { domid, store, clock, logger } = options;
  const ending = new AbortController();
  const timers = new Set<() => void>();
  const watches: WatchHandle[] = [];
  const saved: SavedFile[] = [];
  const commands: Partial<Record<CommandName | 'unknown', number>> = {};
  let machine: DeviceModelState = initialState(0);
  let target: number | undefined;
  /** Kept for reports: the guest may be gone before its device model is. */
  let guestName: string | undefined;
  let pcifront: Pcifront | undefined;
  let failure: string | undefined;
  let restoredFrom: string | undefined;
  let replies = 0;
  let commandPending = false;
  let started = false;

  const settings = (): QuirkSettings => options.quirks();
  const rules = (): DeviceModelRules => settings();
  const channel = (): string => {
    const home = settings().legacyLayout ? 0 : domid;
    return `/local/domain/${home}/device-model/${target ?? 0}`;
  };

  const later = (delayMs: number, action: () => void): void => {
    const cancel = clock.setTimer(delayMs, () => {
      timers.delete(cancel);
      action();
    });
    timers.add(cancel);
  };
  const pause = async (delayMs: number): Promise<void> => {
    if (delayMs <= 0) return;
    await new Promise<void>((resolve) => {
      later(delayMs, resolve);
    });
  };

  const die = (reason: string): void => {
    if (ending.signal.aborted) return;
    failure = reason;
    logger.warn('stub domain died', { domid, reason });
    options.onDeath(reason);
  };
  const dieIf = (point: DeathPoint): void => {
    if (settings().diesAt !== point) return;
    die(`quirk: dies at ${point}`);
    throw new Dead();
  };

  const onError = (error: unknown): void => {
    if (error instanceof Dead || ending.signal.aborted) return;
    if (error instanceof BootFailure) die(error.message);
    else if (isXenStoreError(error, 'ECLOSED', 'EDISCONNECTED')) failure ??= 'lost its connection to XenStore';
    else logger.warn('device model error', { domid, error: error instanceof Error ? error.message : 'unknown' });
  };
  const mailbox = createMailbox(onError);

  /** As the real one: a write that is refused (permissions, quota) is simply lost. */
  const quietly = async (write: Promise<void>): Promise<void> => {
    try {
      await write;
    } catch (error) {
      if (isXenStoreError(error, 'ECLOSED', 'EDISCONNECTED') || !isXenStoreError(error)) throw error;
      logger.debug('device model could not write', { domid });
    }
  };
  const put = async (node: string, value: Bytes): Promise<void> => quietly(store.write(`${channel()}/${node}`, value));

  const input = async (one: Input): Promise<void> => {
    const next = step(machine, one, rules());
    machine = next.state;
    for (const effect of next.effects) await perform(effect);
  };

  const perform = async (effect: Effect): Promise<void> => {
    switch (effect.kind) {
      case 'deleteCommand':
        await quietly(store.remove(`${channel()}/command`));
        dieIf('pick-up');
        return;
      case 'picked':
        commands[effect.command ?? 'unknown'] = (commands[effect.command ?? 'unknown'] ?? 0) + 1;
        return hostileAtPickUp(settings().hostile, effect.command, hostileChannel);
      case 'readParameter': {
        const value = await readText(`${channel()}/parameter`);
        dieIf('parameter');
        return input({ kind: 'parameter', command: effect.command, value });
      }
      case 'reply':
        return reply(effect.parameter, effect.state);
      case 'scan': {
        const devices = pcifront?.connected === true ? await pcifront.devices() : undefined;
        return input({ kind: 'scanned', devices: devices?.map(withoutSegment) });
      }
      case 'probe':
        return input({ kind: 'probed', readable: (await pcifront?.readable(effect.device)) ?? false });
      case 'wakeMainLoop': {
        later(settings().saveDelayMs, () => mailbox.post(async () => input({ kind: 'mainLoop' })));
        return;
      }
      case 'saveFile':
        return save();
      case 'notifyGuest':
        if (effect.event === 'remove') askGuest(effect.devfn);
        return;
      case 'log': {
        logger.debug(effect.text, { domid });
        return;
      }
    }
  };

  const readText = async (path: string): Promise<string | undefined> => {
    const value = await store.tryRead(path);
    if (value === undefined) return undefined;
    const text = Buffer.from(value).toString('latin1');
    const end = text.indexOf('\0');
    return end < 0 ? text : text.slice(0, end);
  };

  const reply = async (parameter: string | undefined, state: string | undefined): Promise<void> => {
    const { replyDelayMs, dropsReplies, hostile } = settings();
    if (started) {
      await pause(replyDelayMs);
      dieIf('reply');
      if (dropsReplies) return;
      if (hostile !== undefined && (await hostileReply(hostile, hostileChannel)) === 'replaced') return;
    }
    replies += 1;
    await Promise.all([
      ...(parameter === undefined ? [] : [put('parameter', parameter)]),
      ...(state === undefined ? [] : [put('state', state)]),
    ]);
  };

  const hostileChannel = {
    writeState: async (value: Bytes) => put('state', value),
    writeParameter: async (value: Bytes) => put('parameter', value),
    deleteNodes: async () => {
      for (const node of ['state', 'parameter', 'command']) await quietly(store.remove(`${channel()}/${node}`));
    },
  };

  const flap = (turn: number): void => {
    if (settings().hostile !== 'flapping') return;
    mailbox.post(async () => put('state', flappingStates[turn % flappingStates.length] ?? 'running'));
    later(flappingIntervalMs, () => flap(turn + 1));
  };

  const askGuest = (devfn: number): void => {
    const guest = target === undefined ? undefined : options.guest(target);
    const { neverEjects, ejectDelayMs } = settings();
    if (guest === undefined || neverEjects || !guest.acceptsEject) return;
    later(ejectDelayMs ?? guest.ejectDelayMs, () => mailbox.post(async () => input({ kind: 'guestEject', devfn })));
  };

  const save = async (): Promise<void> => {
    const output = await readText(`/local/domain/${domid}/device/console/1/output`);
    if (output?.startsWith('file:') !== true) return;
    const path = output.slice('file:'.length);
    const { saveFile } = settings();
    if (saveFile === 'none') return;
    const image = Buffer.from(JSON.stringify({ version: 1, target, slots: [...machine.slots] }));
    const written = saveFile === 'empty' ? image.subarray(0, 0) : image;
    const time = clock.now();
    await options.saves.save(path, written, saveFile === 'old' ? time - oldFileMs : time);
    saved.push({ path, bytes: written.length, time });
  };

  const takeCommand = async (): Promise<void> => {
    commandPending = false;
    if (settings().ignoresCommands) return;
    const value = await readText(`${channel()}/command`);
    if (value !== undefined) await hostileBeforePickUp(settings().hostile, hostileChannel);
    await input({ kind: 'command', value });
  };

  const takeLogdirty = async (): Promise<void> => {
    const word = await readText(`${channel()}/logdirty/cmd`);
    if (word === undefined) return;
    if (word !== 'enable' && word !== 'disable') throw new BootFailure('logdirty: unknown word');
    await put('logdirty/ret', word);
  };

  const boot = async (): Promise<void> => {
    await store.connected(ending.signal);
    const facts = await readBootFacts(store, domid);
    target = facts.targetDomid;
    dieIf('boot');
    const served = options.guest(target);
    if (served === undefined) throw new BootFailure('not allowed to map the target');
    guestName = served.name;
    machine = initialState(settings().slotsUsed ?? emulatedSlotCount(facts.words));
    await bringUpFrontends(store, domid, ending.signal);
    await pause(settings().bootDelayMs);
    if (restoreFile(facts.words) !== undefined) await restore();
    if (settings().neverBoots) return;
    await begin();
  };

  const restore = async (): Promise<void> => {
    const output = await readText(`/local/domain/${domid}/device/console/2/output`);
    const path = output?.replace(/^(pipe|file):/, '');
    if (path === undefined || (await options.saves.inspect(path)) === undefined)
      throw new BootFailure('nothing to restore from');
    restoredFrom = path;
  };

  /** The main loop. Watches fire at once, so that a command that was left behind is carried out (§2.5, 6). */
  const begin = async (): Promise<void> => {
    if (settings().shim) await registration();
    await input({ kind: 'started' });
    started = true;
    if (!settings().shim) watches.push(store.watch(`${channel()}/command`, commandChanged));
    watches.push(
      store.watch(`${channel()}/logdirty/cmd`, () => mailbox.post(takeLogdirty)),
      store.watch(`/local/domain/${target ?? 0}/cpu`, () => {}),
    );
    flap(0);
  };

  const commandChanged = (): void => {
    if (commandPending) return;
    commandPending = true;
    mailbox.post(takeCommand);
  };

  /**
   * The shim watches before the device model runs. It does not delete `command`, so that it goes by events alone, and the one
   * of the registration is no command (§8).
   */
  const registration = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      let registered = false;
      const fired = (): void => {
        if (registered) commandChanged();
        registered = true;
        resolve();
      };
      watches.push(store.watch(`${channel()}/command`, fired));
      ending.signal.addEventListener('abort', () => {
        resolve();
      });
    });
  };

  const startFront = (): void => {
    const start = (): void => {
      pcifront = startPcifront(store, domid, onError);
    };
    const { pcifrontDelayMs } = settings();
    if (pcifrontDelayMs > 0) later(pcifrontDelayMs, start);
    else start();
  };

  mailbox.post(async () => {
    await boot();
  });
  startFront();

  return {
    report: () => ({
      domid,
      uuid: options.uuid,
      targetDomid: target,
      guest: guestName,
      phase: ending.signal.aborted ? 'dead' : machine.phase,
      failure,
      commands: { ...commands },
      replies,
      inserted: machine.inserted,
      guestDevices: [...machine.slots].flatMap(([devfn, held]) =>
        held.kind === 'device' && held.visible && held.told ? [{ device: held.device, devfn }] : [],
      ),
      slotsInUse: new Set([...machine.slots.keys()].map((devfn) => devfn >> 3)).size,
      saves: [...saved],
      restoredFrom,
    }),
    stop: async () => {
      ending.abort();
      mailbox.close();
      for (const cancel of timers) cancel();
      timers.clear();
      watches.length = 0;
      store.destroy();
    },
  };
}

/** How old a save file is that was not written now. */
const oldFileMs = 3_600_000;

/** Unwinds whatever a dying device model was doing. */
class Dead extends Error {}
