import type { ChannelDecision } from '../../domain/command-channel/channel.ts';
import * as at from '../../domain/locations.ts';
import {
  type CommandName,
  type InflightNote,
  type LastCommandNote,
  type PciNote,
  formatNote,
  parseNote,
} from '../../domain/notes.ts';
import type { Step } from '../../domain/step.ts';
import { formatVdevfn, parseDeviceModelState } from '../../domain/untrusted.ts';
import { areLinked } from '../observe/links.ts';
import { ABORT } from '../../xenstore/transaction.ts';
import { type ActContext, StaleSnapshotError, pinOf, randomUuid, stubOf, targetOf } from './context.ts';

/** After a withdrawal: a device model caught between its two reads could pair the old word with a new parameter. */
const quietAfterWithdrawalMs = 2000;

/** The state in which the device model takes the command. */
const stateFor = (command: CommandName): 'running' | 'paused' => (command === 'continue' ? 'paused' : 'running');

/**
 * Compare and send: one transaction checks that the domains are the pinned ones, that the model would take the command
 * and that none is under way, and writes parameter, command and our note of it. A crash leaves all of it or nothing.
 */
export async function send(context: ActContext, step: Extract<Step, { do: 'send' }>): Promise<void> {
  const stub = pinOf(stubOf(context));
  const target = pinOf(targetOf(context));
  const channel = at.deviceModelPath(stub.domid, target.domid);
  const { command, parameter, owner, address } = step;
  const note: InflightNote = {
    id: randomUuid(context.random),
    command,
    parameter,
    owner,
    target,
    stub,
    sentAt: context.clock.now(),
    ...(address === undefined ? {} : { address }),
  };
  const addresses = context.snapshot.pciBackend.entries.map((entry) => entry.address);
  await context.xenstore.transaction(async (tx) => {
    const [pinned, state, waiting, inflight, enumerated] = await Promise.all([
      areLinked(tx, stub, target),
      tx.tryRead(`${channel}/state`),
      tx.tryRead(`${channel}/command`),
      tx.tryRead(at.inflightPath(target.uuid)),
      tx.tryRead(at.enumeratedPath(target.uuid)),
    ]);
    if (!pinned) throw new StaleSnapshotError('a domain is not the one it was');
    if (parseDeviceModelState(state) !== stateFor(command)) throw new StaleSnapshotError('the state changed');
    if (waiting !== undefined || inflight !== undefined) throw new StaleSnapshotError('a command is under way');
    const listsNow = command === 'pci-ins' && parseNote('enumerated', enumerated)?.stub.uuid !== stub.uuid;
    await Promise.all([
      ...(parameter === '' ? [] : [tx.write(`${channel}/parameter`, parameter)]),
      tx.write(`${channel}/command`, command),
      tx.write(at.inflightPath(target.uuid), formatNote('inflight', listsNow ? { ...note, lists: true } : note)),
      ...(listsNow ? [tx.write(at.enumeratedPath(target.uuid), formatNote('enumerated', { stub, addresses }))] : []),
    ]);
  });
}

function lastNote(note: InflightNote, outcome: LastCommandNote['outcome'], reason: string, finishedAt: number): string {
  const { id, command, owner, sentAt } = note;
  return formatNote('last', { id, command, owner, outcome, reason, sentAt, finishedAt });
}

/** The device's note after the command ended; undefined where it stays as it is. */
function pciNoteAfter(
  note: InflightNote,
  conclusion: Extract<ChannelDecision, { kind: 'conclude' }>['conclusion'],
  before: PciNote,
): PciNote | undefined {
  if (note.command === 'pci-ins' && conclusion.outcome === 'Applied') {
    return { ...before, stage: 'inserted', vdevfn: conclusion.vdevfn ?? 0 };
  }
  if (note.command === 'pci-ins' && conclusion.outcome === 'Unknown') return { ...before, stage: 'unknown' };
  if (note.command === 'pci-rem' && conclusion.outcome === 'Applied') return { ...before, stage: 'removed' };
  return undefined;
}

/**
 * Acknowledges the end of our command, in one transaction: `running` is written only over our own terminal reply, the
 * note of the command goes, and what came of it is noted.
 */
export async function conclude(
  context: ActContext,
  { conclusion, terminal }: Extract<ChannelDecision, { kind: 'conclude' }>,
): Promise<void> {
  const note = context.snapshot.channel?.inflight;
  if (note === undefined) throw new StaleSnapshotError('the command is gone');
  const now = context.clock.now();
  const { uuid } = note.target;
  const state = `${at.deviceModelPath(note.stub.domid, note.target.domid)}/state`;
  const notePath = note.address === undefined ? undefined : at.pciNotePath(uuid, note.address);
  await context.xenstore.transaction(async (tx) => {
    const [inflight, seen, pci] = await Promise.all([
      tx.tryRead(at.inflightPath(uuid)),
      terminal === undefined ? undefined : tx.tryRead(state),
      notePath === undefined ? undefined : tx.tryRead(notePath),
    ]);
    if (parseNote('inflight', inflight)?.id !== note.id) throw new StaleSnapshotError('the command was concluded');
    if (terminal !== undefined && parseDeviceModelState(seen) !== terminal)
      throw new StaleSnapshotError('the reply is gone');
    const before = parseNote('pci', pci);
    const after = before === undefined ? undefined : pciNoteAfter(note, conclusion, before);
    const saved = note.command === 'save' && conclusion.outcome === 'Applied';
    await Promise.all([
      ...(terminal === undefined ? [] : [tx.write(state, 'running')]),
      ...(after === undefined || notePath === undefined ? [] : [tx.write(notePath, formatNote('pci', after))]),
      ...(saved
        ? [tx.write(at.savedPath(uuid), formatNote('saved', { path: at.saveFile(note.target.domid), time: now }))]
        : []),
      tx.write(at.lastCommandPath(uuid), lastNote(note, conclusion.outcome, conclusion.reason, now)),
      tx.remove(at.inflightPath(uuid)),
    ]);
  });
  if (conclusion.outcome === 'Applied') context.memory.succeeded(note.owner);
  else context.memory.failed(note.owner, conclusion.reason, now);
  tell(context, note, conclusion);
}

function tell(
  context: ActContext,
  note: InflightNote,
  conclusion: Extract<ChannelDecision, { kind: 'conclude' }>['conclusion'],
): void {
  const { command, address = '', owner: uid } = note;
  if (conclusion.outcome !== 'Applied') {
    const message = `${command}${address === '' ? '' : ` of ${address}`} ended with outcome ${conclusion.outcome}: ${conclusion.reason}`;
    context.happened({ uid, type: 'Warning', reason: conclusion.reason, message });
    return;
  }
  const at = conclusion.vdevfn === undefined ? '' : ` at ${formatVdevfn(conclusion.vdevfn)}`;
  const messages: Readonly<Record<CommandName, readonly [string, string]>> = {
    'pci-ins': ['Inserted', `Inserted ${address} into the guest${at}`],
    'pci-rem': ['Removed', `The guest let ${address} go`],
    save: ['Paused', 'The device model saved its state and paused'],
    continue: ['Resumed', 'The device model goes on'],
  };
  const [reason, message] = messages[command];
  context.happened({ uid, type: 'Normal', reason, message });
}

/**
 * Takes back a command that was not picked up: word and parameter in one transaction, since a model that has read the
 * word but not the parameter then finds none and drops it.
 */
export async function withdraw(context: ActContext): Promise<void> {
  const note = context.snapshot.channel?.inflight;
  if (note === undefined) throw new StaleSnapshotError('the command is gone');
  const now = context.clock.now();
  const channel = at.deviceModelPath(note.stub.domid, note.target.domid);
  await context.xenstore.transaction(async (tx) => {
    const [inflight, word] = await Promise.all([
      tx.tryRead(at.inflightPath(note.target.uuid)),
      tx.tryRead(`${channel}/command`),
    ]);
    if (parseNote('inflight', inflight)?.id !== note.id) throw new StaleSnapshotError('the command was concluded');
    if (word === undefined || new TextDecoder().decode(word) !== note.command) {
      throw new StaleSnapshotError('the command was taken after all');
    }
    await Promise.all([
      tx.remove(`${channel}/command`),
      ...(note.parameter === '' ? [] : [tx.remove(`${channel}/parameter`)]),
      tx.remove(at.inflightPath(note.target.uuid)),
      // It found no parameter, so that it never came to list anything.
      ...(note.lists === true ? [tx.remove(at.enumeratedPath(note.target.uuid))] : []),
      tx.write(at.lastCommandPath(note.target.uuid), lastNote(note, 'NotApplied', 'NotDelivered', now)),
    ]);
  });
  context.memory.quiet(now + quietAfterWithdrawalMs);
  context.memory.failed(note.owner, 'NotDelivered', now);
  context.happened({
    uid: note.owner,
    type: 'Warning',
    reason: 'NotDelivered',
    message: `The device model did not take ${note.command} in time; it was withdrawn`,
  });
}

/** Writes `running` over an old reply that nobody waits for. */
export async function repair(context: ActContext): Promise<void> {
  const stub = stubOf(context);
  const target = targetOf(context);
  const channel = at.deviceModelPath(stub.domid, target.domid);
  const expected = context.snapshot.channel?.state;
  const repaired = await context.xenstore.transaction(async (tx) => {
    const [pinned, state, word, inflight] = await Promise.all([
      areLinked(tx, pinOf(stub), pinOf(target)),
      tx.tryRead(`${channel}/state`),
      tx.tryRead(`${channel}/command`),
      tx.tryRead(at.inflightPath(target.uuid)),
    ]);
    if (!pinned || word !== undefined || inflight !== undefined) return ABORT;
    if (parseDeviceModelState(state) !== expected) return ABORT;
    await tx.write(`${channel}/state`, 'running');
    return undefined;
  });
  if (repaired === ABORT) throw new StaleSnapshotError('the old reply is gone');
  context.metrics?.repaired();
  context.happened({
    uid: context.snapshot.object?.metadata.uid ?? '',
    type: 'Warning',
    reason: 'StaleStateCleared',
    message: 'An old reply stood in the command channel; it was cleared',
  });
}
