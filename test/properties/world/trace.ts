import type { Commit } from './store-hub.ts';
import type { WorldTime } from './time.ts';

/** What a person who follows a run wants to see of XenStore. */
const telling =
  /^\/local\/domain\/\d+(?:$|\/device-model\/|\/target$|\/vm$|\/image\/device-model-domid$|\/device\/pci\/0\/state$)|^\/tool\/stubdom\/|^\/libxl\/pci\/|^\/local\/domain\/0\/backend\/pci\/\d+\/0\/(?:state|num_devs|dev-|vdev-)/;

const longest = 150;

/** Who did what in which order: one line each with the time, the actor, the operation, the path and the value. */
export class Trace {
  readonly #time: WorldTime;
  readonly #lines: string[] = [];
  readonly #whole: boolean;
  readonly #names: ReadonlyMap<string, string>;

  /** `whole`: all writes to XenStore, not the telling ones alone. `names`: what is shown in place of a uuid. */
  constructor(time: WorldTime, whole: boolean, names: ReadonlyMap<string, string>) {
    this.#time = time;
    this.#whole = whole;
    this.#names = names;
  }

  note(actor: string, operation: string, what = ''): void {
    const seconds = (this.#time.elapsed / 1000).toFixed(3).padStart(9);
    let named = what;
    for (const [uuid, name] of this.#names) named = named.replaceAll(uuid, name);
    const text = named.length > longest ? `${named.slice(0, longest)}…` : named;
    this.#lines.push(`${seconds} s  ${actor.padEnd(10)} ${operation.padEnd(9)} ${text}`);
  }

  commit({ actor, changes }: Commit): void {
    const told = changes.filter(({ path }) => this.#whole || telling.test(path));
    for (const [index, { kind, path, value }] of told.entries()) {
      const mark = told.length === 1 ? ' ' : index === 0 ? '┌' : index === told.length - 1 ? '└' : '│';
      this.note(actor, `${mark} ${kind}`, kind === 'remove' ? path : `${path} = ${printable(value)}`);
    }
  }

  get text(): string {
    return this.#lines.join('\n');
  }
}

/** A value that anybody may have written: notes by what tells them apart, everything else as JSON. */
function printable(value: string): string {
  const note = value.startsWith('{') ? noteFacts(value) : undefined;
  return note ?? JSON.stringify(value.length > longest ? value.slice(0, longest) : value);
}

const noteFields = ['stage', 'command', 'address', 'addresses', 'outcome', 'reason', 'unconfirmed', 'lists', 'name'];

function noteFacts(value: string): string | undefined {
  try {
    const note = JSON.parse(value) as Record<string, unknown>;
    const pins = ['stub', 'target'].flatMap((name) => {
      const pin = note[name] as { readonly domid?: number } | undefined;
      return pin?.domid === undefined ? [] : [`${name} ${pin.domid}`];
    });
    const facts = noteFields.flatMap((name) =>
      note[name] === undefined ? [] : [`${name} ${JSON.stringify(note[name]).replaceAll('"', '')}`],
    );
    return `{${[...facts, ...pins].join(', ')}}`;
  } catch {
    return undefined;
  }
}
