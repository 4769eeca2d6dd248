import { KeyMemory } from '../../operator/agent/observe/key-memory.ts';
import type { PciAttachment } from '../../operator/api/generated/pci-attachment.ts';
import { agentFinalizer } from '../../operator/api/names.ts';
import { channelPhase } from '../../operator/domain/command-channel/look.ts';
import { type ChannelFacts, channelTransaction } from '../../operator/domain/command-channel/transactions.ts';
import type { ChannelCommit } from '../../operator/domain/command-channel/machine.ts';
import { inflightPath, lastCommandPath, pciNotePath } from '../../operator/domain/locations.ts';
import { nextStep } from '../../operator/domain/next-step.ts';
import { type InflightNote, type LastCommandNote, type PciNote, parseNote } from '../../operator/domain/notes.ts';
import type { BackendEntry } from '../../operator/domain/pci/backend.ts';
import { pciAttachmentConditions } from '../../operator/domain/pci/conditions.ts';
import { functionOf, isIn, slotMates, slotOf } from '../../operator/domain/pci/slot.ts';
import type { Snapshot } from '../../operator/domain/snapshot.ts';
import type { Step } from '../../operator/domain/step.ts';
import { type DeviceModelWord, parseParameterReply } from '../../operator/domain/untrusted.ts';
import { aDevice, aPciNote, aSnapshot, anAttachment, hostDevices, theStub, theTarget } from './builders.ts';

export type UnitAction =
  /** The agent takes so many steps, if there are any. */
  | { readonly do: 'pass'; readonly steps: number }
  /** Everybody does their part, until nothing changes any more. */
  | { readonly do: 'settle' }
  | { readonly do: 'modelTakes' | 'modelAnswers' | 'modelRefuses' | 'guestEjects' }
  /** The agent dies, and with it what it kept in memory. */
  | { readonly do: 'crash' }
  | { readonly do: 'time'; readonly ms: number }
  | { readonly do: 'apply' | 'delete' | 'unclaim'; readonly fn: number };

const addressOf = (fn: number): string => `0000:03:00.${fn}`;
const allFunctions = [0, 1, 2, 3];
const path = (address: string): string => pciNotePath(theTarget.uuid, address);

/**
 * Four functions of one card for slot 6 of one guest: the agent's decisions and its channel transactions as they are, and
 * a model of everything else. It throws where something happens that must never happen; `trace` says how it came to that.
 */
export class UnitWorld {
  readonly trace: string[] = [];
  #now = 1_000_000;
  #generation = 0;
  #memory = new KeyMemory();
  readonly #attachments = new Map<number, PciAttachment>();
  readonly #notes = new Map<string, PciNote>();
  readonly #claims = new Map<string, number>();
  readonly #granted = new Set<string>();
  #entries: BackendEntry[] = [];
  /** pciback closes at once what it is told to close. */
  #isClosed = false;
  #inflight: InflightNote | undefined;
  #last: LastCommandNote | undefined;
  #state: DeviceModelWord = 'running';
  #command = false;
  #parameter: string | undefined;
  /** What the device model works at: it has taken the command and not answered. */
  #working: InflightNote | undefined;
  /** By slot and function: the device, and whether the guest was told of it. */
  readonly #model = new Map<number, { readonly address: string; told: boolean }>();
  #ejecting: number | undefined;

  act(action: UnitAction): void {
    this.trace.push('fn' in action ? `${action.do} ${action.fn}` : action.do);
    switch (action.do) {
      case 'pass':
        for (let step = 0; step < action.steps; step += 1) this.#pass();
        return;
      case 'settle':
        this.settle();
        return;
      case 'modelTakes':
        this.#modelTakes();
        return;
      case 'modelAnswers':
        this.#modelAnswers(true);
        return;
      case 'modelRefuses':
        this.#modelAnswers(false);
        return;
      case 'guestEjects':
        this.#guestEjects();
        return;
      case 'crash':
        this.#memory = new KeyMemory();
        return;
      case 'time':
        this.#now += action.ms;
        return;
      case 'apply':
        this.#apply(action.fn);
        return;
      case 'delete':
        this.#delete(action.fn);
        return;
      case 'unclaim':
        this.#unclaim(action.fn);
    }
  }

  /** Everybody does their part, until nothing changes any more. */
  settle(): void {
    for (const [fn, attachment] of this.#attachments) this.#attachments.set(fn, claimed(attachment, fn));
    for (let round = 0, quiet = 0; quiet < 8; round += 1) {
      if (round > 200) {
        // What the model cannot be made to let go is in the way for ever, and is tried again for ever.
        if (this.ghosts().length > 0) return;
        throw this.wrong('it never settles');
      }
      const before = this.#picture();
      this.#pass();
      this.#modelTakes();
      this.#modelAnswers(true);
      // The guest takes its time.
      if (round % 3 === 2) this.#guestEjects();
      if (this.#picture() === before) {
        quiet += 1;
        this.#now += 60_000;
      } else {
        quiet = 0;
      }
    }
  }

  /** Whatever there still is of the four. */
  left(): string[] {
    const left = {
      attachment: [...this.#attachments.keys()],
      note: [...this.#notes.keys()],
      claim: [...this.#claims.keys()],
      entry: this.#entries.map(({ address }) => address),
      grant: [...this.#granted],
    };
    return Object.entries(left).flatMap(([kind, all]) => all.map((one) => `${kind} ${one}`));
  }

  /** Those that are deleted and not gone. */
  leaving(): number[] {
    const all = [...this.#attachments];
    return all.flatMap(([fn, { metadata }]) => (metadata.deletionTimestamp === undefined ? [] : [fn]));
  }

  /** What the model holds without a note of ours that says so. */
  ghosts(): number[] {
    const noted = new Set([...this.#notes].flatMap(([address, note]) => (isIn(note) ? [address] : [])));
    return [...this.#model].flatMap(([devfn, { address }]) => (noted.has(address) ? [] : [devfn]));
  }

  /** Functions of which nobody knows whether the model has them. */
  unknown(): number[] {
    return [...this.#notes.values()].flatMap(({ stage, vdevfn = 0 }) => (stage === 'unknown' ? [vdevfn] : []));
  }

  told(): number[] {
    return [...this.#model].flatMap(([devfn, { told }]) => (told ? [devfn] : [])).sort((a, b) => a - b);
  }

  ready(): string[] {
    const snapshot = this.#look();
    const isReady = (attachment: PciAttachment): boolean =>
      pciAttachmentConditions(snapshot, attachment, channelPhase(snapshot)).some(
        ({ type, status }) => type === 'Ready' && status === 'True',
      );
    return snapshot.attachments.filter(isReady).map(({ metadata }) => metadata.name);
  }

  wrong(what: string): Error {
    return new Error(`${what}\n${this.trace.join('\n')}\n${this.#picture()}`);
  }

  #picture(): string {
    return JSON.stringify([
      [...this.#attachments].map(([fn, { metadata }]) => [fn, metadata.deletionTimestamp, metadata.finalizers]),
      [...this.#notes].map(([address, { stage, vdevfn }]) => [address, stage, vdevfn]),
      [...this.#model],
      this.#entries,
      [this.#inflight?.command, this.#state, this.#command, this.#parameter, this.#ejecting],
    ]);
  }

  #apply(fn: number): void {
    if (this.#attachments.has(fn)) return;
    this.#generation += 1;
    const attachment = anAttachment({
      claimed: addressOf(fn),
      metadata: { uid: `pa-${fn}-${this.#generation}`, name: `fn${fn}`, finalizers: [] },
      spec: { device: { address: addressOf(fn) }, virtualSlot: 6, virtualFunction: fn },
    });
    this.#attachments.set(fn, attachment);
  }

  #delete(fn: number): void {
    const attachment = this.#attachments.get(fn);
    if (attachment === undefined) return;
    const { metadata } = attachment;
    if ((metadata.finalizers ?? []).length === 0) this.#attachments.delete(fn);
    else {
      const deletionTimestamp = '2026-01-01T00:00:00Z';
      this.#attachments.set(fn, { ...attachment, metadata: { ...metadata, deletionTimestamp } });
    }
  }

  /** The controller finds that another has the device; it is the first again at the next `settle`. */
  #unclaim(fn: number): void {
    const attachment = this.#attachments.get(fn);
    if (attachment === undefined) return;
    this.#attachments.set(fn, { ...attachment, status: { nodeName: 'xen-1', address: addressOf(fn) } });
  }

  #look(): Snapshot {
    const { memory: _, ...seen } = aSnapshot({
      now: this.#now,
      attachments: [...this.#attachments.values()],
      pciNotes: new Map([...this.#notes].sort()),
      claims: new Map(this.#claims),
      hostDevices: hostDevices(...allFunctions.map((fn) => aDevice({ address: addressOf(fn) }))),
      pciBackend: {
        exists: this.#entries.length > 0,
        state: this.#isClosed ? 6 : 4,
        frontendState: 4,
        entries: this.#entries,
      },
      channel: {
        inflight: this.#inflight,
        samePins: true,
        linked: true,
        state: this.#state,
        command: this.#command ? 'ours' : 'absent',
        parameter: parseParameterReply(
          this.#parameter === undefined ? undefined : new TextEncoder().encode(this.#parameter),
          this.#inflight?.parameter ?? this.#last?.parameter ?? '',
        ),
        undecided: this.#inflight === undefined && this.#last?.outcome === 'Unknown' ? this.#last : undefined,
      },
      last: this.#last,
    });
    this.#memory.observe(seen);
    return { ...seen, memory: this.#memory.view() };
  }

  /** What is noted as inserted is there; only what the guest let go just now may not be noted as gone yet. */
  #checkNotes(): void {
    if (this.#state === 'pci-removed') return;
    for (const [address, { stage, vdevfn }] of this.#notes) {
      if (stage !== 'inserted' && stage !== 'attached') continue;
      if (this.#model.get(vdevfn ?? 0)?.address !== address) throw this.wrong(`${address} is noted and not there`);
    }
  }

  #pass(): void {
    this.#checkNotes();
    const snapshot = this.#look();
    const { step } = nextStep(snapshot, agentFinalizer);
    if (step === undefined) return;
    this.trace.push(`  ${step.do} ${'address' in step ? (step.address ?? '') : ''}`);
    this.#perform(step, snapshot);
  }

  #perform(step: Step, snapshot: Snapshot): void {
    switch (step.do) {
      case 'addFinalizer':
        this.#finalizers(step.uid, [agentFinalizer]);
        return;
      case 'removeFinalizer':
        this.#finalizers(step.uid, []);
        return;
      case 'claim':
        for (const { uid, address } of step.devices) {
          const name = snapshot.attachments.find(({ metadata }) => metadata.uid === uid)?.metadata.name ?? '';
          this.#notes.set(address, aPciNote({ owner: uid, name }));
          this.#claims.set(address, theTarget.domid);
          this.#memory.unready(address);
        }
        return;
      case 'ready':
        this.#memory.ready(step.address, theStub.uuid);
        return;
      case 'enlist':
        for (const { address } of step.devices) {
          const index = this.#entries.length;
          this.#entries = [...this.#entries, { index, address, state: 3, hasVirtualAddress: true }];
        }
        return;
      case 'send':
        this.#send(step);
        return;
      case 'conclude':
      case 'withdraw':
      case 'adopt':
      case 'repair':
        this.#commit(step, snapshot);
        return;
      case 'grant':
        this.#change(step.address, { stage: 'attached' });
        return;
      case 'rearm':
        this.#rearm(step.address);
        return;
      case 'abandonRemoval':
        this.#abandon(step.address);
        return;
      case 'revoke':
        this.#granted.delete(step.address);
        this.#entries = this.#entries.map((entry) => (entry.address === step.address ? { ...entry, state: 5 } : entry));
        return;
      case 'closeBackend':
        this.#granted.delete(step.address);
        this.#isClosed = true;
        return;
      case 'dropBackend':
        if (!this.#isClosed) throw this.wrong('a back end was dropped that had not closed');
        this.#entries = [];
        this.#isClosed = false;
        return;
      case 'release':
        this.#release(step.address);
        if (this.#entries.length === 0) this.#isClosed = false;
        return;
      default:
        throw this.wrong(`nobody asked for ${step.do}`);
    }
  }

  #finalizers(uid: string, finalizers: string[]): void {
    for (const [fn, attachment] of this.#attachments) {
      if (attachment.metadata.uid !== uid) continue;
      if (finalizers.length === 0) this.#attachments.delete(fn);
      else this.#attachments.set(fn, { ...attachment, metadata: { ...attachment.metadata, finalizers } });
    }
  }

  #change(address: string, change: Partial<PciNote>): void {
    const note = this.#notes.get(address);
    if (note !== undefined) this.#notes.set(address, { ...note, ...change });
  }

  #rearm(address: string): void {
    const { owner, name } = this.#notes.get(address) ?? aPciNote();
    this.#granted.delete(address);
    this.#notes.set(address, aPciNote({ owner, name }));
    this.#memory.unready(address);
  }

  #abandon(address: string): void {
    const note = this.#notes.get(address);
    if (note === undefined) return;
    if (functionOf(note.vdevfn ?? 0) === 0) throw this.wrong('function 0 was taken without asking');
    const told = [...this.#model.values()].some((held) => held.address === address && held.told);
    if (told && note.stage !== 'unknown') throw this.wrong('what the guest was told of was taken without asking');
    const wanted = [...this.#attachments.values()].some(
      ({ metadata, status }) => metadata.deletionTimestamp === undefined && status?.conditions !== undefined,
    );
    if (wanted) throw this.wrong('a function vanishes beneath a model whose slot is wanted');
    for (const one of [address, ...slotMates(this.#notes, note).map((mate) => mate.address)]) {
      this.#change(one, { stage: 'removed', unconfirmed: true, forcedAt: this.#now });
    }
  }

  #release(address: string): void {
    this.#granted.delete(address);
    this.#notes.delete(address);
    this.#claims.delete(address);
    this.#entries = this.#entries
      .filter((entry) => entry.address !== address)
      .map((entry, index) => ({ ...entry, index }));
  }

  #send(step: Extract<Step, { do: 'send' }>): void {
    const { command, parameter, owner, address = '' } = step;
    if (this.#inflight !== undefined || this.#command) throw this.wrong('two commands in flight');
    if (command === 'pci-ins') this.#checkInsert(address);
    else if (functionOf(this.#notes.get(address)?.vdevfn ?? 0) !== 0)
      throw this.wrong('a function other than 0 was asked');
    const id = String(this.trace.length);
    const note = { id, command, parameter, owner, address, target: theTarget, stub: theStub, sentAt: this.#now };
    this.#inflight = note;
    this.#command = true;
    this.#parameter = parameter;
    this.#memory.committed({ do: 'submit', note }, this.#now);
  }

  /** Together or not at all, from the highest function to 0, and each once. */
  #checkInsert(address: string): void {
    const fn = Number(address.at(-1));
    const wanted = [...this.#attachments.values()].filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    if (!wanted.some(({ spec }) => spec.virtualFunction === 0)) throw this.wrong('an insert without function 0');
    for (const { metadata, spec, status } of wanted) {
      const note = [...this.#notes.values()].find(({ owner }) => owner === metadata.uid);
      if (status?.conditions === undefined && !(note !== undefined && isIn(note)))
        throw this.wrong(`${metadata.name} has no device`);
      if (note === undefined) throw this.wrong(`an insert before ${metadata.name} is claimed on the host`);
      if (spec.virtualFunction > fn && !isIn(note)) throw this.wrong(`an insert before ${metadata.name}`);
    }
    if (this.#ejecting !== undefined) throw this.wrong('an insert during a pending eject');
    if (isIn(this.#notes.get(address) ?? aPciNote())) throw this.wrong('an insert of what is in');
  }

  #commit(effect: ChannelCommit, snapshot: Snapshot): void {
    const inserts = effect.do === 'conclude' && effect.note.command === 'pci-ins' ? effect.note.address : undefined;
    const granted = inserts !== undefined && 'conclusion' in effect && effect.conclusion.outcome === 'Applied';
    if (granted) this.#granted.add(inserts);
    const facts: ChannelFacts = {
      stub: theStub,
      target: theTarget,
      enumerated: undefined,
      listed: [],
      pciNotes: snapshot.pciNotes,
      granted,
      time: this.#now,
      now: this.#now,
    };
    const { write, remove } = channelTransaction(effect, facts);
    for (const change of write) this.#write(change.path, change.value ?? '');
    for (const gone of remove) {
      if (gone === inflightPath(theTarget.uuid)) this.#inflight = undefined;
      if (gone.endsWith('/command')) this.#command = false;
      if (gone.endsWith('/parameter')) this.#parameter = undefined;
    }
    this.#memory.committed(effect, this.#now);
    const owner = 'note' in effect ? effect.note.owner : 'last' in effect ? effect.last.owner : undefined;
    if (owner === undefined) return;
    if ('conclusion' in effect && effect.conclusion.outcome === 'Applied') this.#memory.succeeded(owner);
    else this.#memory.failed(owner, 'conclusion' in effect ? effect.conclusion.reason : 'NotDelivered', this.#now);
  }

  #write(at: string, value: string): void {
    const bytes = new TextEncoder().encode(value);
    if (at.endsWith('/state')) this.#state = value as DeviceModelWord;
    if (at === lastCommandPath(theTarget.uuid)) this.#last = parseNote('last', bytes);
    const note = parseNote('pci', bytes);
    const address = allFunctions.map(addressOf).find((one) => path(one) === at);
    if (note !== undefined && address !== undefined) this.#notes.set(address, note);
  }

  #modelTakes(): void {
    if (!this.#command || this.#working !== undefined) return;
    this.#command = false;
    this.#working = this.#inflight;
  }

  #modelAnswers(willing: boolean): void {
    const work = this.#working;
    if (work === undefined) return;
    this.#working = undefined;
    const address = work.address ?? '';
    if (work.command === 'pci-ins') {
      const devfn = Number.parseInt(work.parameter.split('@')[1]?.slice(0, 2) ?? '', 16);
      if (!willing || this.#model.has(devfn)) {
        this.#parameter = 'wrong bdf or vdevfn';
        return;
      }
      this.#model.set(devfn, { address, told: false });
      if (functionOf(devfn) === 0) for (const held of this.#model.values()) held.told = true;
      this.#parameter = `0x${devfn.toString(16)}`;
      this.#state = 'pci-inserted';
      return;
    }
    const [devfn] = [...this.#model].find(([, held]) => held.address === address) ?? [];
    if (devfn !== undefined && functionOf(devfn) === 0) this.#ejecting = devfn;
  }

  #guestEjects(): void {
    const devfn = this.#ejecting;
    if (devfn === undefined) return;
    this.#ejecting = undefined;
    for (const held of [...this.#model.keys()]) if (slotOf(held) === slotOf(devfn)) this.#model.delete(held);
    this.#state = 'pci-removed';
  }
}

const claimed = (attachment: PciAttachment, fn: number): PciAttachment => ({
  ...attachment,
  status: anAttachment({ claimed: addressOf(fn) }).status ?? {},
});
