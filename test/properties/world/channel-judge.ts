import * as at from '../../../operator/domain/locations.ts';
import { type InflightNote, parseNote } from '../../../operator/domain/notes.ts';
import type { Change, Commit } from './store-hub.ts';

const deviceNote = /^\/tool\/stubdom\/[0-9a-f-]{36}\/pci\/(.{4})-(..)-(..)-(.)$/;
const channelNode = /^\/local\/domain\/(\d+)\/device-model\/(\d+)\/(state|command|parameter)$/;

/** How long libxl and the agent give any command but pci-rem after it was sent, and an old reply before it is cleared. */
const completionMs = 60_000;
const staleGraceMs = 5000;

/** What `state` says when a command is done. */
const terminals: Readonly<Record<string, readonly string[]>> = {
  'pci-ins': ['pci-inserted', 'pci-insert-failed'],
  'pci-rem': ['pci-removed'],
  save: ['paused'],
  continue: ['running'],
};
const stale = new Set(['pci-inserted', 'pci-removed', 'pci-insert-failed', 'usb-added', 'usb-deleted']);

/** A command of the agent, as it is in truth: by what was written and by whom, not by anybody's notes. */
interface Sent {
  readonly command: string;
  readonly parameter: string;
  readonly address: string;
  readonly sentAt: number;
  consumed: boolean;
  /** The device model answered after it took the command. */
  replied: boolean;
}

/** One channel as it is in truth. */
interface Channel {
  readonly name: string;
  sent: Sent | undefined;
  stateSince: number;
  /** Devices that an insert may have put into the guest and that no removal has taken out. */
  readonly inserted: Map<string, 'sent' | 'in' | 'unknown'>;
  /** The device whose removal the model took and the guest has not confirmed. */
  ejecting: string | undefined;
  /** What the model last said of itself. */
  steady: 'running' | 'paused' | undefined;
}

export interface ChannelJudgeOptions {
  readonly read: (path: string) => string | undefined;
  /** Milliseconds since the beginning. */
  readonly now: () => number;
  /** Whether the removal policy lets the agent stop waiting for the guest, at that age of the removal. */
  readonly mayAbandon: (address: string, ageMs: number) => boolean;
  /** The guest confirmed that it let the device go. */
  readonly removed: (address: string) => void;
  readonly violated: (what: string) => void;
}

/**
 * Judges what the agent writes into command channels, commit by commit, from the store before and after and from who made
 * each change.
 */
export class ChannelJudge {
  readonly #options: ChannelJudgeOptions;
  readonly #channels = new Map<string, Channel>();

  constructor(options: ChannelJudgeOptions) {
    this.#options = options;
  }

  /** A commit is about to be made; gives what to call when it was. */
  committing({ actor, changes }: Commit): () => void {
    const steps = changes.flatMap((change) => {
      const [, stub, target, node] = channelNode.exec(change.path) ?? [];
      if (stub === undefined || target === undefined || node === undefined) return [];
      const channel = this.#channel(Number(stub), Number(target));
      const before = this.#options.read(change.path);
      return [{ channel, stub: Number(stub), target: Number(target), node, change, before }];
    });
    const judgements = actor.startsWith('agent')
      ? steps.map(({ channel, stub, target, node, change, before }) =>
          this.#agentChanges(channel, { stub, target, node, change, before, changes }),
        )
      : [];
    return () => {
      for (const judge of judgements) judge();
      if (actor.startsWith('agent')) for (const change of changes) this.#abandons(change);
      if (actor.startsWith('model')) for (const step of steps) this.#modelChanged(step.channel, step);
      for (const { channel, node } of steps) if (node === 'state') channel.stateSince = this.#options.now();
    };
  }

  /** All that the domain had is gone. */
  released(domid: number): void {
    for (const key of this.#channels.keys()) if (key.startsWith(`${domid}/`)) this.#channels.delete(key);
  }

  #channel(stub: number, target: number): Channel {
    const key = `${stub}/${target}`;
    const known = this.#channels.get(key);
    if (known !== undefined) return known;
    const channel: Channel = {
      name: `the channel of stub domain ${stub}`,
      sent: undefined,
      stateSince: this.#options.now(),
      inserted: new Map(),
      ejecting: undefined,
      steady: undefined,
    };
    this.#channels.set(key, channel);
    return channel;
  }

  #violated(channel: Channel, what: string): void {
    this.#options.violated(`${channel.name}: ${what}`);
  }

  #agentChanges(channel: Channel, seen: AgentChange): () => void {
    const { node, change } = seen;
    if (node === 'command')
      return change.kind === 'write' ? this.#sends(channel, seen) : this.#withdraws(channel, seen);
    if (node === 'state') return this.#acknowledges(channel, seen);
    return () => {
      const alone = !seen.changes.some(({ path }) => path === seen.change.path.replace(/parameter$/, 'command'));
      if (alone) this.#violated(channel, 'the parameter was changed without the command');
    };
  }

  #sends(channel: Channel, { stub, target, change, changes, before }: AgentChange): () => void {
    const { read, now } = this.#options;
    const command = change.value;
    const path = at.deviceModelPath(stub, target);
    const uuid = (domid: number): string | undefined => read(`${at.domainPath(domid)}/vm`)?.replace('/vm/', '');
    const facts = {
      state: read(`${path}/state`),
      stub: uuid(stub),
      target: uuid(target),
      serves: read(`${at.domainPath(stub)}/target`),
      servedBy: read(`${at.domainPath(target)}/image/device-model-domid`),
    };
    const inflightPath = at.inflightPath(facts.target ?? '');
    const noteBefore = read(inflightPath);
    return () => {
      if (before !== undefined) this.#violated(channel, `${command} was written over a command that nobody had taken`);
      if (facts.state !== (command === 'continue' ? 'paused' : 'running'))
        this.#violated(channel, `${command} was sent while state was ${String(facts.state)}`);
      if (noteBefore !== undefined)
        this.#violated(channel, `${command} was sent while the journal had another command`);
      if (facts.serves !== String(target) || facts.servedBy !== String(stub))
        this.#violated(channel, `${command} was sent while the two domains were not linked to each other`);
      const journal = changes.find((other) => other.kind === 'write' && other.path === inflightPath);
      const note = journal === undefined ? undefined : parseNote('inflight', Buffer.from(journal.value, 'latin1'));
      if (note === undefined)
        this.#violated(channel, `${command} was sent without its journal entry in the same commit`);
      else this.#checkPins(channel, note, facts, command);
      const parameter = changes.find((other) => other.path === `${path}/parameter`)?.value ?? '';
      this.#newCommand(channel, command, parameter, now());
    };
  }

  #checkPins(
    channel: Channel,
    note: InflightNote,
    facts: { readonly stub: string | undefined; readonly target: string | undefined },
    command: string,
  ): void {
    if (note.command !== command) this.#violated(channel, `the journal says ${note.command}, and ${command} was sent`);
    if (note.stub.uuid !== facts.stub || note.target.uuid !== facts.target)
      this.#violated(channel, `${command} was sent to another incarnation than the journal names`);
  }

  #newCommand(channel: Channel, command: string, parameter: string, now: number): void {
    const address = parameter.slice(0, 12);
    const last = channel.sent;
    if (last !== undefined && !last.replied && !this.#isOver(last, now)) {
      this.#violated(channel, `${command} was sent while ${last.command} ${last.address} was under way`);
    }
    if (command === 'pci-ins') {
      const { ejecting } = channel;
      if (ejecting !== undefined && last !== undefined && !this.#options.mayAbandon(ejecting, now - last.sentAt))
        this.#violated(channel, `${address} was inserted while the eject of ${ejecting} was pending`);
      const known = channel.inserted.get(address);
      if (known !== undefined) this.#violated(channel, `${address} was inserted a second time (the first: ${known})`);
      channel.inserted.set(address, 'sent');
    }
    channel.sent = { command, parameter, address, sentAt: now, consumed: false, replied: false };
  }

  /** Whether a command that was never answered may count as ended. */
  #isOver({ command, address, sentAt }: Sent, now: number): boolean {
    if (command === 'pci-rem') return this.#options.mayAbandon(address, now - sentAt);
    return now - sentAt >= completionMs;
  }

  #withdraws(channel: Channel, { change, before, changes }: AgentChange): () => void {
    const state = this.#options.read(change.path.replace(/command$/, 'state')) ?? '';
    return () => {
      if (before === undefined) return;
      const { sent } = channel;
      // Without a parameter nobody can tell the same word of another toolstack from ours.
      const taken = sent?.consumed === true && sent.parameter !== '';
      if (sent === undefined || taken || before !== sent.command) {
        this.#violated(channel, `a command that was not the agent's (${before.slice(0, 20)}) was taken back`);
        return;
      }
      if (terminals[sent.command]?.includes(state) === true) {
        // Answered and not deleted: what became of it nobody knows, and the word is in the way.
        sent.replied = true;
        return;
      }
      const parameter = change.path.replace(/command$/, 'parameter');
      if (sent.parameter !== '' && !changes.some(({ kind, path }) => kind === 'remove' && path === parameter))
        this.#violated(channel, `${sent.command} was taken back without its parameter`);
      if (sent.command === 'pci-ins') channel.inserted.delete(sent.address);
      channel.sent = undefined;
    };
  }

  #acknowledges(channel: Channel, { stub, target, change, before, changes }: AgentChange): () => void {
    const { read, now } = this.#options;
    const word = read(`${at.deviceModelPath(stub, target)}/command`);
    const uuid = read(`${at.domainPath(target)}/vm`)?.replace('/vm/', '') ?? '';
    const inflightPath = at.inflightPath(uuid);
    const note = read(inflightPath);
    return () => {
      // An insert into a paused model hides that it is paused (reference §4.3).
      const hidden = change.value === 'paused' && channel.steady === 'paused' && stale.has(before ?? '');
      if (change.kind === 'remove' || (change.value !== 'running' && !hidden)) {
        this.#violated(channel, `state was changed to ${change.kind === 'remove' ? 'nothing' : change.value}`);
        return;
      }
      const { sent } = channel;
      const ours = sent?.consumed === true && terminals[sent.command]?.includes(before ?? '') === true;
      const noteGoes = changes.some(({ kind, path }) => kind === 'remove' && path === inflightPath);
      if (before === undefined || !stale.has(before))
        this.#violated(
          channel,
          `running was written over ${before === undefined ? 'nothing' : JSON.stringify(before)}`,
        );
      else if (word !== undefined && !ours)
        this.#violated(channel, 'running was written while a command waited to be taken');
      else if (note !== undefined && !(ours && noteGoes))
        this.#violated(channel, `running was written over ${before}, which does not answer the command under way`);
      else if (note === undefined && !ours && now() - channel.stateSince < staleGraceMs)
        this.#violated(channel, `running was written over a fresh ${before} that the agent had not asked for`);
      if (ours) channel.sent = undefined;
    };
  }

  #modelChanged(channel: Channel, { node, change, stub, target }: ModelChange): void {
    const { sent } = channel;
    if (node === 'state' && (change.value === 'running' || change.value === 'paused')) channel.steady = change.value;
    if (node === 'state' && change.value === 'pci-removed') channel.ejecting = undefined;
    if (sent === undefined) return;
    if (node === 'command' && change.kind === 'remove' && !sent.consumed) {
      sent.consumed = true;
      if (sent.command === 'pci-rem') channel.ejecting = sent.address;
      // An answer that stands there already is forged; from here on nobody can tell it from one.
      const path = at.deviceModelPath(stub, target);
      for (const early of ['parameter', 'state']) {
        const value = this.#options.read(`${path}/${early}`);
        if (value !== undefined && value !== sent.parameter) this.#answered(channel, sent, early, value);
      }
    } else if (sent.consumed && change.kind === 'write') {
      this.#answered(channel, sent, node, change.value);
    }
  }

  #answered(channel: Channel, sent: Sent, node: string, value: string): void {
    const refused = node === 'parameter' && sent.command === 'pci-ins' && !/^0x[0-9a-f]{1,2}$/.test(value);
    // After a forged success the refusal is the truth, or as good as it.
    if (sent.replied && !refused) return;
    const done = node === 'state' && terminals[sent.command]?.includes(value) === true;
    if (!refused && !done) return;
    sent.replied = true;
    if (sent.command === 'pci-ins') {
      if (refused || value === 'pci-insert-failed') channel.inserted.delete(sent.address);
      else channel.inserted.set(sent.address, 'in');
    }
    if (sent.command === 'pci-rem') {
      channel.inserted.delete(sent.address);
      channel.ejecting = undefined;
      this.#options.removed(sent.address);
    }
  }

  /** The agent stops waiting for the guest: the note of the device says so, and the removal policy must. */
  #abandons({ path, value }: Change): void {
    const address = deviceNote.exec(path)?.slice(1, 5);
    const note = parseNote('pci', Buffer.from(value, 'latin1'));
    if (address === undefined || note?.stage !== 'removed' || note.unconfirmed !== true) return;
    const [segment, bus, slot, fn] = address;
    const device = `${segment ?? ''}:${bus ?? ''}:${slot ?? ''}.${fn ?? ''}`;
    for (const channel of this.#channels.values()) {
      if (!channel.inserted.has(device)) continue;
      channel.inserted.delete(device);
      if (channel.ejecting === device) channel.ejecting = undefined;
      const { sent } = channel;
      if (sent?.command !== 'pci-rem' || sent.address !== device || sent.replied) continue;
      sent.replied = true;
      if (!this.#options.mayAbandon(device, this.#options.now() - sent.sentAt))
        this.#violated(channel, `${device} was taken from the guest, which the removal policy does not say yet`);
    }
  }
}

interface ModelChange {
  readonly stub: number;
  readonly target: number;
  readonly node: string;
  readonly change: Change;
}

interface AgentChange extends ModelChange {
  /** The value before the commit. */
  readonly before: string | undefined;
  readonly changes: readonly Change[];
}
