import type { ChannelView } from '../../domain/command-channel/channel.ts';
import { deviceModelPath } from '../../domain/locations.ts';
import {
  type EnumeratedNote,
  type InflightNote,
  type LastCommandNote,
  type PciNote,
  type Pin,
  samePin,
} from '../../domain/notes.ts';
import { type ParameterReply, parseDeviceModelState, parseParameterReply } from '../../domain/untrusted.ts';
import type { RawChannel } from './command-meter.ts';
import { areLinked } from './links.ts';
import type { TreeReader } from './tree-cache.ts';

/** What is noted about a channel. */
export interface ChannelNotes {
  readonly inflight: InflightNote | undefined;
  readonly enumerated: EnumeratedNote | undefined;
  readonly last: LastCommandNote | undefined;
  readonly pciNotes: ReadonlyMap<string, PciNote>;
}

/** Reads a channel in the light of the notes. `heard` is told what the device model wrote, raw. */
export async function readChannel(
  tree: TreeReader,
  notes: ChannelNotes,
  stub: Pin,
  target: Pin,
  heard: ((raw: RawChannel) => void) | undefined,
): Promise<ChannelView> {
  const channel = deviceModelPath(stub.domid, target.domid);
  const [state, command, parameter, linked, legacy] = await Promise.all([
    tree.tryRead(`${channel}/state`),
    tree.tryRead(`${channel}/command`),
    tree.tryRead(`${channel}/parameter`),
    areLinked(tree, stub, target),
    tree.tryRead(`${deviceModelPath(0, target.domid)}/state`),
  ]);
  heard?.({ state, parameter });
  const { inflight, enumerated, last } = notes;
  const undecided = undecidedInsert(notes, stub);
  const reply = parseParameterReply(parameter, inflight?.parameter ?? undecided?.parameter ?? '');
  const ofThisStub = samePin(last?.stub, stub);
  return {
    inflight,
    samePins: inflight === undefined || (samePin(inflight.stub, stub) && samePin(inflight.target, target)),
    linked,
    state: parseDeviceModelState(state),
    command: commandKind(command, inflight, reply),
    parameter: reply,
    undecided,
    pausedByUs: ofThisStub && last?.command === 'save' && last.outcome === 'Applied',
    foreignInsert: inflight === undefined && isWord(command, 'pci-ins') && !samePin(enumerated?.stub, stub),
    keepsCommands: ofThisStub && last?.reason === 'CommandNotDeleted',
    legacy: state === undefined && legacy !== undefined,
  };
}

const isWord = (value: Uint8Array | undefined, word: string): boolean =>
  value?.length === word.length && new TextDecoder().decode(value) === word;

/** The same word beside somebody else's request is somebody else's: ours was taken before. */
function commandKind(
  value: Uint8Array | undefined,
  note: InflightNote | undefined,
  reply: ParameterReply,
): ChannelView['command'] {
  if (value === undefined) return 'absent';
  const ours = note !== undefined && isWord(value, note.command) && (note.parameter === '' || reply.kind !== 'foreign');
  return ours ? 'ours' : 'foreign';
}

/** The last command, if it was an insert into this very stub domain that was given up without an answer. */
function undecidedInsert({ last, pciNotes }: ChannelNotes, stub: Pin): LastCommandNote | undefined {
  if (last?.reason !== 'InsertUnknown' || last.outcome !== 'Unknown' || last.address === undefined) return undefined;
  const note = pciNotes.get(last.address);
  return note?.stage === 'unknown' && note.owner === last.owner && samePin(note.stub, stub) ? last : undefined;
}
