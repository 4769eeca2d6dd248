/**
 * How a device model, its guest or the host's back ends misbehave. Everything off is a well-behaved host; each field is
 * one entry of stubdom-protocol §13 or of the traps in §4 and §9.
 */
export interface QuirkSettings {
  /** From unpause to `running`, in milliseconds. */
  readonly bootDelayMs: number;
  /** The device model never says `running`. */
  readonly neverBoots: boolean;
  /** Before each reply, in milliseconds; the device model does nothing else meanwhile. */
  readonly replyDelayMs: number;
  /** From `save` to the file being written, in milliseconds. */
  readonly saveDelayMs: number;
  /** What comes of the save file; undefined is well. The device model says `paused` in any case (§4.3). */
  readonly saveFile: SaveFileFault | undefined;
  /** How long the guest takes to eject; undefined leaves it to the guest's definition. */
  readonly ejectDelayMs: number | undefined;
  readonly neverEjects: boolean;
  /** Slots in use from the start; undefined counts them from the command line. */
  readonly slotsUsed: number | undefined;
  readonly falseSuccess: boolean;
  readonly insertFailure: string | undefined;
  readonly ignoresCommands: boolean;
  readonly dropsReplies: boolean;
  readonly hostile: HostileBehaviour | undefined;
  /** Where the stub domain dies. */
  readonly diesAt: DeathPoint | undefined;
  readonly shim: boolean;
  /** The path layout of Xen 4.5 and before: the channel is below domain 0. */
  readonly legacyLayout: boolean;
  /** Before pcifront starts to connect, in milliseconds. */
  readonly pcifrontDelayMs: number;
  /** pciback never writes `vdev-N`. */
  readonly missingVdev: boolean;
  /** Before each step of a back end in dom0, in milliseconds. */
  readonly backendDelayMs: number;
  /** Back ends never leave their first state. */
  readonly backendsStuck: boolean;
}

/** What a compromised device model does to `state` and `parameter` (§13, 14). */
export type HostileBehaviour = (typeof hostileBehaviours)[number];

export const hostileBehaviours = [
  'garbage',
  'huge',
  'binary',
  'flapping',
  'deletes-nodes',
  'forges-removed',
  'forges-inserted',
] as const;

/** No file, one without a byte, or one that was there before. */
export type SaveFileFault = (typeof saveFileFaults)[number];

export const saveFileFaults = ['none', 'empty', 'old'] as const;

/** The steps at which a stub domain can die (§13, 15). */
export type DeathPoint = (typeof deathPoints)[number];

export const deathPoints = ['boot', 'pick-up', 'parameter', 'reply'] as const;

export const noQuirks: QuirkSettings = {
  bootDelayMs: 20,
  neverBoots: false,
  replyDelayMs: 0,
  saveDelayMs: 5,
  saveFile: undefined,
  ejectDelayMs: undefined,
  neverEjects: false,
  slotsUsed: undefined,
  falseSuccess: false,
  insertFailure: undefined,
  ignoresCommands: false,
  dropsReplies: false,
  hostile: undefined,
  diesAt: undefined,
  shim: false,
  legacyLayout: false,
  pcifrontDelayMs: 0,
  missingVdev: false,
  backendDelayMs: 0,
  backendsStuck: false,
};

/** One change of the settings, for every guest or for the one with this name or uuid. Later ones win. */
export interface Quirk {
  readonly guest: string | undefined;
  readonly change: Partial<QuirkSettings>;
}

/** In order: those for all guests and those for one are not told apart but by their place. */
export type Quirks = readonly Quirk[];

/** What holds for a guest. */
export function quirksFor(quirks: Quirks, guest: { readonly name: string; readonly uuid: string }): QuirkSettings {
  let settings = noQuirks;
  for (const quirk of quirks) {
    const applies = quirk.guest === undefined || quirk.guest === guest.name || quirk.guest === guest.uuid;
    if (applies) settings = { ...settings, ...quirk.change };
  }
  return settings;
}
