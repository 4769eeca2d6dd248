import { InvalidArgumentError, Option } from 'commander';
import { listQuirks, parseQuirk, QuirkError } from '../embedded/simulated-host/quirk-text.ts';
import type { Quirk } from '../embedded/simulated-host/quirks.ts';

/** A parser of whole numbers within bounds, for an option's value. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d{1,9}$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`Give a whole number from ${min} to ${max}.`);
    }
    return value;
  };
}

/** A parser of object names (DNS subdomains), as Kubernetes wants them. */
export function objectName(text: string): string {
  if (text.length > 253 || !/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text)) {
    throw new InvalidArgumentError(
      'Give a name of lower case letters, digits, - and . that begins and ends with a letter or digit.',
    );
  }
  return text;
}

/** Collects an option that may be given several times. */
export function collect<T>(parse: (text: string) => T): (text: string, before: readonly T[] | undefined) => T[] {
  return (text, before) => [...(before ?? []), parse(text)];
}

/** One guest of a simulated host, as `NAME=UUID`. */
export interface GuestArgument {
  readonly name: string;
  readonly uuid: string;
}

/** Parses `NAME=UUID`. */
export function guest(text: string): GuestArgument {
  const match = /^([A-Za-z0-9][A-Za-z0-9_.+-]{0,63})=([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/.exec(text);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new InvalidArgumentError('Give NAME=UUID, the uuid in lower case.');
  }
  return { name: match[1], uuid: match[2] };
}

/** Which hypervisor, and where: `xl`, `xl:PROGRAM` or `simulated:SOCKET`. */
export type HypervisorArgument =
  { readonly driver: 'simulated'; readonly socketPath: string } | { readonly driver: 'xl'; readonly program?: string };

/** Parses the hypervisor driver of an agent. */
export function hypervisor(text: string): HypervisorArgument {
  const [, socketPath] = /^simulated:(.+)$/.exec(text) ?? [];
  if (socketPath !== undefined) return { driver: 'simulated', socketPath };
  const [isXl, program] = /^xl(?::(\/.+))?$/.exec(text) ?? [];
  if (isXl === undefined) throw new InvalidArgumentError('Give xl, xl:PROGRAM (an absolute path) or simulated:SOCKET.');
  return { driver: 'xl', ...(program === undefined ? {} : { program }) };
}

/** How guests of a simulated host are attached: the embedded daemon's own sockets, or rings served by fakexen in DIR. */
export type FabricArgument = { readonly kind: 'embedded' } | { readonly kind: 'fakexen'; readonly directory: string };

/** Parses `embedded` or `fakexen:DIR`. */
export function fabric(text: string): FabricArgument {
  if (text === 'embedded') return { kind: 'embedded' };
  const match = /^fakexen:(.+)$/.exec(text);
  if (match?.[1] === undefined) throw new InvalidArgumentError('Give embedded, or fakexen:DIR.');
  return { kind: 'fakexen', directory: match[1] };
}

/** The option `--quirk`, which may be given several times. Its value is a list of `Quirk`. */
export function quirkOption(): Option {
  return new Option('--quirk <quirk>', 'how the device models misbehave, as name[=value][@guest]').argParser(
    collect(quirk),
  );
}

function quirk(text: string): Quirk {
  try {
    return parseQuirk(text);
  } catch (error) {
    if (error instanceof QuirkError) throw new InvalidArgumentError(`${error.message}.`);
    throw error;
  }
}

/** What `--quirk` takes, for the end of a help text. */
export function quirkHelp(): string {
  const rows = listQuirks().map(({ name, value, description }) => {
    const usage = value === undefined ? name : `${name}=${value}`;
    return usage.length > 26 ? `  ${usage}\n${' '.repeat(30)}${description}` : `  ${usage.padEnd(28)}${description}`;
  });
  return ['', 'Quirks:', ...rows].join('\n');
}
