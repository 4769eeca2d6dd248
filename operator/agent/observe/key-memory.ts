import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import { type ChannelCommit, type ChannelState, step, unseenChannel } from '../../domain/command-channel/machine.ts';
import type { Attempt, Memory, Snapshot } from '../../domain/snapshot.ts';
import type { Wiring } from '../../domain/stub-domain/drift.ts';
import { isReconcilePaused } from '../../domain/reconcile-pause.ts';
import { isRefusal } from '../../domain/step-owner.ts';
import { claimedAddress } from '../../domain/wanted.ts';
import { xenbusState } from '../../domain/xenbus.ts';

const firstRetryMs = 1000;
const maxRetryMs = 300_000;

/** Silence of the hypervisor that lasts no longer is over before anybody reads of it. */
const silenceMs = 2000;
/** It may answer again at any moment, and nothing tells of it. */
const maxSilentRetryMs = 30_000;

/**
 * A back end that has been connected for that long is a new one when it is given up again; a device model that has answered
 * for that long died of something else than the one before it.
 */
const calmMs = 60_000;

const inspectEveryMs = 600_000;
/** With broken links no command can be sent, so that it is looked at again sooner. */
const unlinkedMs = 30_000;

/** Between 0.7 and 1, by chance of a uuid: what an agent looked at when it started is not looked at together for ever. */
const share = (uuid: string): number => 0.7 + (0.3 * (Number.parseInt(uuid.slice(0, 4), 16) || 0)) / 0xffff;

/** Of which spec and which stub domain a comparison speaks. */
const subject = ({ object, note }: Omit<Snapshot, 'memory'>): string =>
  `${object?.metadata.uid ?? ''} ${object?.metadata.generation ?? 0} ${note?.uuid ?? ''}`;

/** What the agent remembers of one stub domain between passes. See `Memory`. */
export class KeyMemory {
  readonly #attempts = new Map<string, Attempt>();
  readonly #readied = new Map<string, string>();
  /** Since when the hypervisor has not answered what was asked for an object. By UID. */
  readonly #silentSince = new Map<string, number>();
  #generations = new Map<string, number>();
  #frontend: { readonly since: number; readonly entries: number } | undefined;
  #channel: ChannelState = unseenChannel;
  #closingSince: number | undefined;
  #backendDrops: { readonly count: number; readonly retryAt: number } | undefined;
  /** Devices that were noted at the last look. */
  #noted: ReadonlySet<string> = new Set();
  #wiring: { readonly value: Wiring; readonly at: number; readonly about: string } | undefined;
  #deletingSince: number | undefined;
  readonly #removingSince = new Map<string, number>();
  #pausedSince: number | undefined;
  #answersSince: number | undefined;

  view(): Memory {
    return {
      attempts: this.#attempts,
      readied: this.#readied,
      ...(this.#closingSince === undefined ? {} : { backendClosingSince: this.#closingSince }),
      ...(this.#backendDrops === undefined ? {} : { backendRetryAt: this.#backendDrops.retryAt }),
      ...(this.#frontend === undefined ? {} : { frontendConnectedSince: this.#frontend.since }),
      channel: this.#channel,
      ...(this.#deletingSince === undefined ? {} : { deletingSince: this.#deletingSince }),
      removingSince: this.#removingSince,
      ...(this.#pausedSince === undefined ? {} : { pausedSince: this.#pausedSince }),
      ...(this.#wiring === undefined ? {} : { wiring: this.#wiring.value }),
    };
  }

  /**
   * Whether the next look will likely be followed by a change of XenStore at once: a reply is awaited, or a device is to be
   * claimed.
   */
  isAboutToChange(attachments: readonly PciAttachment[]): boolean {
    const { kind } = this.#channel.phase;
    if (kind === 'unseen') return false;
    if (kind === 'await' || kind === 'waitingForGuest') return true;
    return attachments.some((attachment) => {
      const address = claimedAddress(attachment);
      return address !== undefined && !this.#noted.has(address) && !this.#attempts.has(attachment.metadata.uid);
    });
  }

  /** Takes note of what can only be known by having looked before. */
  observe(snapshot: Omit<Snapshot, 'memory'>): void {
    const { object } = snapshot;
    // What waits because it is left alone has all its time when it goes on.
    const isHeld = isReconcilePaused(object);
    if (isHeld || object?.metadata.deletionTimestamp === undefined) this.#deletingSince = undefined;
    else this.#deletingSince ??= snapshot.now;
    const leaving = snapshot.attachments.filter(
      (one) => one.metadata.deletionTimestamp !== undefined && !isHeld && !isReconcilePaused(one),
    );
    for (const { metadata } of leaving) {
      if (!this.#removingSince.has(metadata.uid)) this.#removingSince.set(metadata.uid, snapshot.now);
    }
    for (const uid of this.#removingSince.keys()) {
      if (!leaving.some(({ metadata }) => metadata.uid === uid)) this.#removingSince.delete(uid);
    }
    const { pciBackend: backend, channel, now } = snapshot;
    const connected = backend.state === xenbusState.connected && backend.frontendState === xenbusState.connected;
    if (connected && now >= (this.#frontend?.since ?? now) + calmMs) this.#backendDrops = undefined;
    if (backend.state === xenbusState.closing) this.#closingSince ??= now;
    else this.#closingSince = undefined;
    if (!connected) this.#frontend = undefined;
    else if (this.#frontend?.entries !== backend.entries.length) {
      this.#frontend = { since: now, entries: backend.entries.length };
    }
    this.#channel =
      channel === undefined ? unseenChannel : step(this.#channel, { kind: 'look', view: channel, now }).state;
    this.#forgetDeaths(snapshot);
    if (channel?.state !== 'paused') this.#pausedSince = undefined;
    else this.#pausedSince ??= now;
    this.#noted = new Set(snapshot.pciNotes.keys());
    this.#forgetChanged(snapshot);
  }

  /** Also looked at when it has died just now: nobody looks at one that is well. */
  #forgetDeaths({ object, channel, now }: Omit<Snapshot, 'memory'>): void {
    const uid = object?.metadata.uid ?? '';
    const wasCalm = this.#answersSince !== undefined && now >= this.#answersSince + calmMs;
    if (wasCalm && this.#attempts.get(uid)?.reason === 'DomainDied') this.#attempts.delete(uid);
    if (channel === undefined || channel.state === 'Absent') this.#answersSince = undefined;
    else this.#answersSince ??= now;
  }

  /** A changed spec deserves a try at once. */
  #forgetChanged(snapshot: Omit<Snapshot, 'memory'>): void {
    const seen = new Map<string, number>();
    for (const object of [snapshot.object, ...snapshot.attachments]) {
      if (object === undefined) continue;
      const { uid, generation = 0 } = object.metadata;
      seen.set(uid, generation);
      const before = this.#generations.get(uid);
      if (before !== undefined && before !== generation) this.#attempts.delete(uid);
    }
    // A device whose attachment is gone is still taken back, and that may fail.
    const owners = new Set([...snapshot.pciNotes.values()].map(({ owner }) => owner));
    for (const all of [this.#attempts, this.#silentSince])
      for (const uid of all.keys()) if (!seen.has(uid) && !owners.has(uid)) all.delete(uid);
    this.#generations = seen;
  }

  /**
   * When what is laid out is to be compared with the spec, in milliseconds since the epoch; undefined while there is no
   * running stub domain. At once for an agent, a stub domain or a spec that is new.
   */
  inspectAt(snapshot: Omit<Snapshot, 'memory'>): number | undefined {
    const { object, note, stub, target, channel, now } = snapshot;
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) return undefined;
    if (stub === undefined || target === undefined || note?.stage !== 'started') return undefined;
    // What another toolstack laid out is not compared with what we would have.
    if (note.adopted === true) return undefined;
    if (note.owner !== object.metadata.uid || note.target.domid !== target.domid) return undefined;
    if (this.#wiring === undefined || this.#wiring.about !== subject(snapshot)) return now;
    return this.#wiring.at + (channel?.linked === false ? unlinkedMs : inspectEveryMs * share(note.uuid));
  }

  inspected(snapshot: Omit<Snapshot, 'memory'>, value: Wiring): void {
    this.#wiring = { value, at: snapshot.now, about: subject(snapshot) };
  }

  /** These were written again; what was not is not tried again before the next look. */
  rewired(paths: ReadonlySet<string>): void {
    if (this.#wiring === undefined) return;
    const { value } = this.#wiring;
    const drift = value.drift.filter(({ path }) => !paths.has(path));
    this.#wiring = { ...this.#wiring, value: { ...value, drift, repairable: [] } };
  }

  failed(uid: string, reason: string, now: number, detail?: string): void {
    const count = (this.#attempts.get(uid)?.count ?? 0) + 1;
    const longest = this.#silentSince.has(uid) ? maxSilentRetryMs : maxRetryMs;
    const delay = Math.min(firstRetryMs * 2 ** (count - 1), longest);
    this.#attempts.set(uid, { reason, count, retryAt: now + delay, ...(detail === undefined ? {} : { detail }) });
  }

  succeeded(uid: string): void {
    this.#attempts.delete(uid);
  }

  /** A back end that pciback gave up was taken away. */
  backendDropped(now: number): void {
    const count = (this.#backendDrops?.count ?? 0) + 1;
    this.#backendDrops = { count, retryAt: now + Math.min(firstRetryMs * 2 ** (count - 1), maxRetryMs) };
  }

  /** The device was made ready for the stub domain with this uuid. After a crash it is done again. */
  ready(address: string, stubUuid: string): void {
    this.#readied.set(address, stubUuid);
  }

  unready(address: string): void {
    this.#readied.delete(address);
  }

  /** The hypervisor did not answer. Gives whether that lasts, so that it is told of and others go on. */
  isSilent(uid: string, now: number): boolean {
    const since = this.#silentSince.get(uid) ?? now;
    this.#silentSince.set(uid, since);
    return now >= since + silenceMs;
  }

  /** The hypervisor answered, if only by a refusal. */
  answered(uid: string): void {
    this.#silentSince.delete(uid);
  }

  /** What the hypervisor refused works now. */
  accepted(uid: string): void {
    this.answered(uid);
    if (isRefusal(this.#attempts.get(uid)?.reason ?? '')) this.#attempts.delete(uid);
  }

  /** What the command channel asked for was done. */
  committed(effect: ChannelCommit, now: number): void {
    this.#channel = step(this.#channel, { kind: 'committed', effect, now }).state;
  }
}
