import { slotMates } from '../pci/slot.ts';
import { type Expectation, type GuardedTransaction, expectNote } from '../guarded-transaction.ts';
import * as at from '../locations.ts';
import {
  type EnumeratedNote,
  type InflightNote,
  type LastCommandNote,
  type PciNote,
  type Pin,
  formatNote,
} from '../notes.ts';
import type { PlanNode } from '../plan-node.ts';
import type { Conclusion } from './channel.ts';
import { expectLinked, expectPinned } from './links.ts';
import { type ChannelCommit, stateFor } from './machine.ts';
import { requestedVdevfn } from './parameter.ts';

/** What the text of a transaction needs beside the effect. */
export interface ChannelFacts {
  readonly stub: Pin;
  readonly target: Pin;
  readonly enumerated: EnumeratedNote | undefined;
  /** Devices in the PV back end now. */
  readonly listed: readonly string[];
  readonly pciNotes: ReadonlyMap<string, PciNote>;
  /** The guest has its grants of the device already. */
  readonly granted: boolean;
  /** Milliseconds since the epoch, for people. */
  readonly time: number;
  /** The same by a clock that nobody sets, for what is waited for since. */
  readonly now: number;
}

type Conclude = Extract<ChannelCommit, { do: 'conclude' }>;

interface Paths {
  readonly state: string;
  readonly command: string;
  readonly parameter: string;
  readonly inflight: string;
  readonly last: string;
}

function pathsOf(stub: Pin, target: Pin): Paths {
  const channel = at.deviceModelPath(stub.domid, target.domid);
  return {
    state: `${channel}/state`,
    command: `${channel}/command`,
    parameter: `${channel}/parameter`,
    inflight: at.inflightPath(target.uuid),
    last: at.lastCommandPath(target.uuid),
  };
}

const underWay = (paths: Paths, note: InflightNote): Expectation =>
  expectNote('inflight', paths.inflight, note, 'the command was concluded');
const noneUnderWay = (paths: Paths): Expectation =>
  expectNote('inflight', paths.inflight, undefined, 'a command is under way');
const expectState = (paths: Paths, text: string, otherwise: string): Expectation => ({
  path: paths.state,
  text,
  otherwise,
});

/**
 * Compare and send: that the domains are the pinned ones, that the model would take the command and that none is under
 * way; then parameter, command and our note of it.
 */
function submit(note: InflightNote, facts: ChannelFacts): GuardedTransaction {
  const { stub, target, enumerated } = facts;
  const paths = pathsOf(stub, target);
  const lists = note.command === 'pci-ins' && enumerated?.stub.uuid !== stub.uuid;
  const write: PlanNode[] = [
    ...(note.parameter === '' ? [] : [{ path: paths.parameter, value: note.parameter }]),
    { path: paths.command, value: note.command },
    { path: paths.inflight, value: formatNote('inflight', lists ? { ...note, lists } : note) },
    ...(lists
      ? [{ path: at.enumeratedPath(target.uuid), value: formatNote('enumerated', { stub, addresses: facts.listed }) }]
      : []),
  ];
  return {
    expect: [
      ...expectLinked(stub, target),
      expectState(paths, stateFor(note), 'the state changed'),
      { path: paths.command, text: undefined, otherwise: 'somebody gave a command' },
      noneUnderWay(paths),
    ],
    write,
    remove: [],
  };
}

function lastNote(
  note: Pick<LastCommandNote, 'id' | 'command' | 'owner' | 'address' | 'parameter' | 'sentAt'>,
  stub: Pin,
  { outcome, reason }: { readonly outcome: LastCommandNote['outcome']; readonly reason: string },
  { time: finishedAt, now: endedAt }: Pick<ChannelFacts, 'time' | 'now'>,
): string {
  const { id, command, owner, address, parameter, sentAt } = note;
  return formatNote('last', {
    id,
    command,
    owner,
    ...(address === undefined ? {} : { address }),
    ...(parameter === undefined ? {} : { parameter }),
    stub,
    outcome,
    reason,
    sentAt,
    finishedAt,
    endedAt,
  });
}

/** The guest confirms it now, whatever an earlier incarnation left open. */
function removed({ unconfirmed: _, ...confirmed }: PciNote): PciNote {
  return { ...confirmed, stage: 'removed' };
}

/** The device's note after the command ended; undefined where it stays as it is. */
function pciNoteAfter(
  { command, parameter = '' }: Pick<LastCommandNote, 'command' | 'parameter'>,
  conclusion: Conclusion,
  before: PciNote,
  granted: boolean,
): PciNote | undefined {
  switch (command) {
    case 'pci-ins':
      if (conclusion.outcome === 'Unknown') {
        // If it is anywhere, it is where it was asked to go.
        const vdevfn = requestedVdevfn(parameter);
        return { ...before, stage: 'unknown', ...(vdevfn === undefined ? {} : { vdevfn }) };
      }
      if (conclusion.outcome !== 'Applied')
        return before.stage === 'unknown' ? { ...before, stage: 'claimed' } : undefined;
      return { ...before, stage: granted ? 'attached' : 'inserted', vdevfn: conclusion.vdevfn ?? 0 };
    case 'pci-rem':
      return conclusion.outcome === 'Applied' ? removed(before) : undefined;
    default:
      return undefined;
  }
}

/** What changes in the notes of the device that a command was about; a removal takes the whole slot out of the guest. */
function pciChange(
  note: Pick<LastCommandNote, 'command' | 'address' | 'parameter'>,
  uuid: string,
  conclusion: Conclusion,
  facts: ChannelFacts,
): { readonly expect: Expectation[]; readonly write: PlanNode[] } {
  const before = note.address === undefined ? undefined : facts.pciNotes.get(note.address);
  const after = before === undefined ? undefined : pciNoteAfter(note, conclusion, before, facts.granted);
  if (note.address === undefined || before === undefined || after === undefined) return { expect: [], write: [] };
  const mates = note.command === 'pci-rem' ? slotMates(facts.pciNotes, before) : [];
  const changes = [
    { path: at.pciNotePath(uuid, note.address), before, after },
    ...mates.map(({ address, note: mate }) => ({
      path: at.pciNotePath(uuid, address),
      before: mate,
      after: { ...mate, stage: 'removed' as const },
    })),
  ];
  return {
    expect: changes.map((change) => expectNote('pci', change.path, change.before, 'the device is in other hands')),
    write: changes.map((change) => ({ path: change.path, value: formatNote('pci', change.after) })),
  };
}

/** The word that is acknowledged; where `running` was written over it already, nothing else may have come since. */
function expectReply(paths: Paths, { note, conclusion, terminal }: Conclude): Expectation[] {
  const overwritten = note.command === 'pci-ins' && conclusion.outcome === 'Applied';
  const word = terminal ?? (overwritten ? 'running' : undefined);
  return word === undefined ? [] : [expectState(paths, word, 'the reply is gone')];
}

/**
 * Acknowledges the end of our command: `running` is written only over our own terminal reply, the note of the command
 * goes, and what came of it is noted.
 */
function conclude(effect: Conclude, facts: ChannelFacts): GuardedTransaction {
  const { note, conclusion, terminal, leftover } = effect;
  const { stub, target } = note;
  const paths = pathsOf(stub, target);
  const device = pciChange(note, target.uuid, conclusion, facts);
  const saved = note.command === 'save' && conclusion.outcome === 'Applied';
  return {
    expect: [
      underWay(paths, note),
      ...(conclusion.outcome === 'Gone' ? [] : expectPinned(stub, target)),
      ...expectReply(paths, effect),
      ...(leftover === true
        ? [{ path: paths.command, text: note.command, otherwise: 'the command was taken after all' }]
        : []),
      ...device.expect,
    ],
    write: [
      ...(terminal === undefined ? [] : [{ path: paths.state, value: 'running' }]),
      ...device.write,
      ...(saved
        ? [
            {
              path: at.savedPath(target.uuid),
              value: formatNote('saved', { path: at.saveFile(target.domid), time: facts.time }),
            },
          ]
        : []),
      { path: paths.last, value: lastNote(note, stub, conclusion, facts) },
    ],
    remove: [paths.inflight, ...(leftover === true ? [paths.command] : [])],
  };
}

/**
 * Takes back a command that was not picked up: word and parameter together, since a model that has read the word but not
 * the parameter then finds none and drops it.
 */
function withdraw(note: InflightNote, facts: ChannelFacts): GuardedTransaction {
  const { stub, target } = note;
  const paths = pathsOf(stub, target);
  const ended = { outcome: 'NotApplied', reason: 'NotDelivered' } as const;
  return {
    expect: [
      underWay(paths, note),
      ...expectPinned(stub, target),
      { path: paths.command, text: note.command, otherwise: 'the command was taken after all' },
      // The same word beside another request is somebody else's command.
      { path: paths.parameter, noRequestBut: note.parameter, otherwise: 'the command was taken after all' },
    ],
    write: [{ path: paths.last, value: lastNote(note, stub, ended, facts) }],
    remove: [
      paths.command,
      ...(note.parameter === '' ? [] : [paths.parameter]),
      paths.inflight,
      // It found no parameter, so that it never came to list anything.
      ...(note.lists === true ? [at.enumeratedPath(target.uuid)] : []),
    ],
  };
}

/** Writes over an old reply that nobody waits for. `paused` is no such reply. */
function repair(stale: string, steady: string, { stub, target }: ChannelFacts): GuardedTransaction {
  const paths = pathsOf(stub, target);
  return {
    expect: [
      ...expectLinked(stub, target),
      expectState(paths, stale, 'the old reply is gone'),
      { path: paths.command, text: undefined, otherwise: 'somebody gave a command' },
      noneUnderWay(paths),
    ],
    write: [{ path: paths.state, value: steady }],
    remove: [],
  };
}

/** Notes which devices the stub domain can have listed when somebody else's insert came. It never lists again (§4.7). */
function noteListing({ stub, target, listed }: ChannelFacts): GuardedTransaction {
  return {
    expect: [...expectLinked(stub, target), noneUnderWay(pathsOf(stub, target))],
    write: [{ path: at.enumeratedPath(target.uuid), value: formatNote('enumerated', { stub, addresses: listed }) }],
    remove: [],
  };
}

/** Takes the late answer to an insert for what it is. */
function adopt(effect: Extract<ChannelCommit, { do: 'adopt' }>, facts: ChannelFacts): GuardedTransaction {
  const { last, conclusion, terminal } = effect;
  const { stub, target } = facts;
  const paths = pathsOf(stub, target);
  const device = pciChange(last, target.uuid, conclusion, facts);
  return {
    expect: [
      ...expectLinked(stub, target),
      expectState(paths, terminal ?? 'running', 'the reply is gone'),
      { path: paths.command, text: undefined, otherwise: 'somebody gave a command' },
      noneUnderWay(paths),
      expectNote('last', paths.last, last, 'another command was sent'),
      ...device.expect,
    ],
    write: [
      ...(terminal === undefined ? [] : [{ path: paths.state, value: 'running' }]),
      ...device.write,
      { path: paths.last, value: lastNote(last, stub, conclusion, facts) },
    ],
    remove: [],
  };
}

/** The change of XenStore that an effect of the machine stands for. */
export function channelTransaction(effect: ChannelCommit, facts: ChannelFacts): GuardedTransaction {
  switch (effect.do) {
    case 'submit':
      return submit(effect.note, facts);
    case 'conclude':
      return conclude(effect, facts);
    case 'withdraw':
      return withdraw(effect.note, facts);
    case 'adopt':
      return adopt(effect, facts);
    case 'repair':
      return repair(effect.stale, effect.steady, facts);
    case 'noteListing':
      return noteListing(facts);
  }
}
