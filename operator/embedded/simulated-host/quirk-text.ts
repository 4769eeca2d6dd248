import { deathPoints, hostileBehaviours, type Quirk, type QuirkSettings, saveFileFaults } from './quirks.ts';

/** One quirk as `--quirk` takes it: `name`, or `name=value`, and `@guest` after either for one guest alone. */
export interface QuirkDescription {
  readonly name: string;
  /** What follows `=`, in words; absent if there is no value. */
  readonly value?: string;
  readonly description: string;
}

/** A quirk that cannot be read. The message says what to write instead. */
export class QuirkError extends Error {
  readonly code = 'BadQuirk';
  constructor(message: string) {
    super(message);
    this.name = 'QuirkError';
  }
}

type Change = Partial<QuirkSettings>;

interface Definition extends QuirkDescription {
  readonly parse: (value: string | undefined, name: string) => Change;
}

/** The quirks there are, for help texts. */
export function listQuirks(): readonly QuirkDescription[] {
  return definitions.map(({ name, value, description }) =>
    value === undefined ? { name, description } : { name, value, description },
  );
}

/** Reads `name[=value][@guest]`, the guest by name or uuid. */
export function parseQuirk(text: string): Quirk {
  const at = text.lastIndexOf('@');
  const guest = at < 0 ? undefined : text.slice(at + 1);
  if (guest === '') throw new QuirkError(`quirk "${text}": a guest's name or uuid is missing after @`);
  const body = at < 0 ? text : text.slice(0, at);
  const equals = body.indexOf('=');
  const name = equals < 0 ? body : body.slice(0, equals);
  const definition = definitions.find((one) => one.name === name);
  if (definition === undefined) {
    throw new QuirkError(`unknown quirk "${name}"; there are: ${definitions.map((one) => one.name).join(', ')}`);
  }
  return { guest, change: definition.parse(equals < 0 ? undefined : body.slice(equals + 1), name) };
}

function flag(name: string, description: string, change: Change): Definition {
  return {
    name,
    description,
    parse: (value) => {
      if (value !== undefined) throw new QuirkError(`quirk "${name}" takes no value`);
      return change;
    },
  };
}

const maximumMs = 3_600_000;

function number(name: string, maximum: number, what: string, text: string, change: (n: number) => Change): Definition {
  return {
    name,
    value: what,
    description: text,
    parse: (value) => {
      const parsed = value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
      if (!(parsed <= maximum))
        throw new QuirkError(`quirk "${name}" needs a number from 0 to ${maximum}: ${name}=${what}`);
      return change(parsed);
    },
  };
}

function milliseconds(name: string, description: string, change: (ms: number) => Change): Definition {
  return number(name, maximumMs, 'MS', description, change);
}

function choice<T extends string>(
  name: string,
  options: readonly T[],
  description: string,
  change: (option: T) => Change,
): Definition {
  return {
    name,
    value: options.join('|'),
    description,
    parse: (value) => {
      const option = options.find((one) => one === value);
      if (option === undefined)
        throw new QuirkError(`quirk "${name}" needs one of ${options.join(', ')}: ${name}=VALUE`);
      return change(option);
    },
  };
}

const failures = ['no-free-devfn', 'wrong-vdevfn', 'other'] as const;
const failureTexts: Readonly<Record<(typeof failures)[number], string>> = {
  'no-free-devfn': 'no free hotplug devfn',
  'wrong-vdevfn': 'wrong bdf or vdevfn',
  other: 'the device model does not like this device',
};

const definitions: readonly Definition[] = [
  milliseconds('boot-delay', 'the device model says running only after this time', (ms) => ({ bootDelayMs: ms })),
  flag('no-boot', 'the device model never says running', { neverBoots: true }),
  milliseconds('reply-delay', 'each reply takes this long', (ms) => ({ replyDelayMs: ms })),
  milliseconds('save-delay', 'saving takes this long', (ms) => ({ saveDelayMs: ms })),
  choice('save-file', saveFileFaults, 'saving leaves no file, an empty one, or an old one', (one) => ({
    saveFile: one,
  })),
  milliseconds('eject-delay', 'the guest lets go of a device after this time', (ms) => ({ ejectDelayMs: ms })),
  flag('no-eject', 'the guest never lets go of a device', { neverEjects: true }),
  number('slots-used', 32, 'N', 'N of the 32 hot-plug slots are in use from the start', (n) => ({ slotsUsed: n })),
  flag('false-success', 'pci-ins is answered with success, and the guest has nothing', { falseSuccess: true }),
  choice('insert-error', failures, 'every pci-ins fails with this sentence', (one) => ({
    insertFailure: failureTexts[one],
  })),
  flag('ignore-commands', 'commands are never picked up', { ignoresCommands: true }),
  flag('drop-replies', 'commands are picked up and carried out, and never answered', { dropsReplies: true }),
  choice('hostile', hostileBehaviours, 'what it writes is meant to harm', (one) => ({ hostile: one })),
  choice('dies-at', deathPoints, 'the stub domain dies at this step', (one) => ({ diesAt: one })),
  flag('shim', 'the Qubes 4.0 shim: command is not deleted, removal is answered at once', { shim: true }),
  flag('legacy-layout', 'the path layout of Xen 4.5: the channel is below domain 0', { legacyLayout: true }),
  milliseconds('pcifront-delay', 'the stub domain connects its PCI front end late', (ms) => ({ pcifrontDelayMs: ms })),
  flag('missing-vdev', 'pciback never writes vdev-N: the device is inserted blank', { missingVdev: true }),
  milliseconds('backend-delay', 'each step of a back end in dom0 takes this long', (ms) => ({ backendDelayMs: ms })),
  flag('backends-stuck', 'back ends in dom0 never connect', { backendsStuck: true }),
];
