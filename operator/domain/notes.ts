/**
 * What the agent notes in XenStore about each guest's stub domain, so that it may die between any two lines: each note
 * is written in the same transaction as the change that it speaks of. JSON; dom0 alone can read and write them.
 */

/** A domain pinned by both names. */
export interface Pin {
  readonly domid: number;
  readonly uuid: string;
}

/** The stub domain that was made for one incarnation of the guest. */
export interface StubNote {
  /** UID of the StubDomain object. */
  readonly owner: string;
  readonly target: Pin;
  /** Chosen before the domain is created, so that a restarted agent finds it by its uuid. */
  readonly uuid: string;
  /** How far it came. The domid is known from `wired` on. */
  readonly stage: 'intended' | 'wired' | 'started';
  readonly domid?: number;
  /** Fingerprint of what was laid out, from `wired` on. */
  readonly plan?: string;
  /** It starts from the saved state of spec.restoreFrom. */
  readonly restores?: boolean;
  /** Milliseconds since the epoch. */
  readonly startedAt?: number;
  /** Another toolstack made it: it is driven, and never ended or laid out anew. */
  readonly adopted?: boolean;
}

/** A guest that was started for an object, together with its stub domain. Written before the toolstack is asked. */
export interface GuestNote {
  /** UID of the StubDomain object. */
  readonly owner: string;
  /** intended: asked for, perhaps made, and paused. started: it was let run once. */
  readonly stage: 'intended' | 'started';
}

export type CommandName = 'save' | 'continue' | 'pci-ins' | 'pci-rem';

/** The command under way: written in the transaction that sends it, removed in the one that acknowledges it. */
export interface InflightNote {
  readonly id: string;
  readonly command: CommandName;
  /** The text that was written to `parameter`; empty where the command has none. */
  readonly parameter: string;
  /** UID of the object it is for. */
  readonly owner: string;
  /** It is the insert at which the stub domain lists its devices. */
  readonly lists?: boolean;
  /** The device it is about, for pci-ins and pci-rem. */
  readonly address?: string;
  readonly target: Pin;
  readonly stub: Pin;
  /** Milliseconds since the epoch. */
  readonly sentAt: number;
}

/** A PCI device on its way to, in, or out of the guest. */
export interface PciNote {
  /** UID of the PciAttachment. */
  readonly owner: string;
  /** Name of the PciAttachment, for people. */
  readonly name: string;
  /** The stub domain whose back end has it. Another incarnation starts from `claimed` again. */
  readonly stub: Pin;
  readonly target: Pin;
  /**
   * claimed: reserved, perhaps seized. inserted: the device model said so. attached: the guest's grants are given too.
   * unknown: the insert was taken and never answered. removed: out of the guest, not yet given back.
   */
  readonly stage: 'claimed' | 'inserted' | 'attached' | 'unknown' | 'removed';
  readonly vdevfn?: number;
  /** The dom0 driver it was seized from. */
  readonly originalDriver?: string;
  /** The guest never confirmed that it let the device go: it may still be told to write to memory. */
  readonly unconfirmed?: boolean;
  /** How it was asked for (`requestText`). */
  readonly request?: string;
  /** When it was taken by force, in milliseconds since the epoch. */
  readonly forcedAt?: number;
}

/** Which devices the stub domain listed at its first pci-ins: it never lists again (MiniOS). */
export interface EnumeratedNote {
  readonly stub: Pin;
  readonly addresses: readonly string[];
}

/** What came of our last `save`. */
export interface SavedNote {
  readonly path: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Of the command; set when the file was looked at. */
  readonly id?: string;
  /** Bytes in the file then. */
  readonly size?: number;
  /** Why the file is not what was to be saved. */
  readonly problem?: 'SaveFileMissing' | 'SaveFileEmpty' | 'SaveFileStale';
  /** Somebody else had the device model go on: when it is paused again, that is not this pause. */
  readonly over?: boolean;
}

/** How the last command ended. */
export interface LastCommandNote {
  readonly id: string;
  readonly command: CommandName;
  readonly owner: string;
  /** The device it was about, for pci-ins and pci-rem. */
  readonly address?: string;
  /** The text that was written to `parameter`. */
  readonly parameter?: string;
  /** The stub domain that was asked. */
  readonly stub?: Pin;
  readonly outcome: 'Applied' | 'NotApplied' | 'Unknown' | 'WaitingForGuest' | 'Gone';
  readonly reason: string;
  readonly sentAt: number;
  readonly finishedAt: number;
  /** `finishedAt` by the agent's steady clock: setting the time of day changes nothing of what is waited for since. */
  readonly endedAt?: number;
}

type Check = (value: unknown) => boolean;
const isString: Check = (value) => typeof value === 'string' && value.length <= 1024;
const isNumber: Check = (value) => typeof value === 'number' && Number.isFinite(value);
const isPin: Check = (value) => matches(value, { domid: isNumber, uuid: isString });
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const oneOf =
  (...words: readonly string[]): Check =>
  (value) =>
    words.includes(value as string);

function matches(value: unknown, shape: Readonly<Record<string, Check>>): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(shape).every(([key, check]) => check((value as Record<string, unknown>)[key]));
}

const commandName = oneOf('save', 'continue', 'pci-ins', 'pci-rem');

const shapes = {
  stub: {
    owner: isString,
    target: isPin,
    uuid: isString,
    stage: oneOf('intended', 'wired', 'started'),
    domid: optional(isNumber),
    plan: optional(isString),
    restores: optional((value) => typeof value === 'boolean'),
    startedAt: optional(isNumber),
    adopted: optional((value) => typeof value === 'boolean'),
  },
  guest: { owner: isString, stage: oneOf('intended', 'started') },
  inflight: {
    id: isString,
    command: commandName,
    parameter: isString,
    owner: isString,
    address: optional(isString),
    lists: optional((value) => typeof value === 'boolean'),
    target: isPin,
    stub: isPin,
    sentAt: isNumber,
  },
  pci: {
    owner: isString,
    name: isString,
    stub: isPin,
    target: isPin,
    stage: oneOf('claimed', 'inserted', 'attached', 'unknown', 'removed'),
    vdevfn: optional(isNumber),
    originalDriver: optional(isString),
    unconfirmed: optional((value) => typeof value === 'boolean'),
    request: optional(isString),
    forcedAt: optional(isNumber),
  },
  enumerated: { stub: isPin, addresses: (value: unknown) => Array.isArray(value) && value.every(isString) },
  saved: {
    path: isString,
    time: isNumber,
    id: optional(isString),
    size: optional(isNumber),
    problem: optional(oneOf('SaveFileMissing', 'SaveFileEmpty', 'SaveFileStale')),
    over: optional((value) => typeof value === 'boolean'),
  },
  last: {
    id: isString,
    command: commandName,
    owner: isString,
    address: optional(isString),
    parameter: optional(isString),
    stub: optional(isPin),
    outcome: oneOf('Applied', 'NotApplied', 'Unknown', 'WaitingForGuest', 'Gone'),
    reason: isString,
    sentAt: isNumber,
    finishedAt: isNumber,
    endedAt: optional(isNumber),
  },
} as const;

/** Every kind of note. */
export interface Notes {
  stub: StubNote;
  guest: GuestNote;
  inflight: InflightNote;
  pci: PciNote;
  enumerated: EnumeratedNote;
  saved: SavedNote;
  last: LastCommandNote;
}

export type NoteKind = keyof Notes;

/** A note that cannot be read is as good as none; who wrote it was not this operator. */
export function parseNote<K extends NoteKind>(kind: K, value: Uint8Array | undefined): Notes[K] | undefined {
  if (value === undefined || value.length > 4096) return undefined;
  try {
    const data: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(value));
    return matches(data, shapes[kind]) ? (data as Notes[K]) : undefined;
  } catch {
    return undefined;
  }
}

/** The text of a note. */
export function formatNote<K extends NoteKind>(_kind: K, note: Notes[K]): string {
  return JSON.stringify(note);
}

/** Whether the two are the same domain. */
export function samePin(a: Pin | undefined, b: Pin | undefined): boolean {
  return a !== undefined && b !== undefined && a.domid === b.domid && a.uuid === b.uuid;
}
