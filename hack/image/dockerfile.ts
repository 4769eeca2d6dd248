/** One instruction of a Dockerfile, continued lines joined. */
export interface Instruction {
  /** In capitals. */
  readonly name: string;
  /** What follows the name and the flags. */
  readonly text: string;
  /** `--from=build` is `from: 'build'`. */
  readonly flags: Readonly<Record<string, string>>;
  /** Where it begins, from 1. */
  readonly line: number;
}

/** What one FROM begins. */
export interface Stage {
  /** The base: `scratch`, a name of an earlier stage, or an image, with arguments put in. */
  readonly base: string;
  /** The name after AS; the stage's number without one. */
  readonly name: string;
  readonly instructions: readonly Instruction[];
}

/** A Dockerfile, taken apart. */
export interface Dockerfile {
  /** ARGs before the first FROM, with what `given` puts in their place. */
  readonly args: Readonly<Record<string, string>>;
  readonly stages: readonly Stage[];
}

/** Joins continued lines and leaves comments out, also those between continued lines. */
function joined(text: string): { line: number; text: string }[] {
  const logical: { line: number; text: string }[] = [];
  let open = false;
  for (const [index, line] of text.split('\n').entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const continues = line.endsWith('\\');
    const part = continues ? line.slice(0, -1) : line;
    const last = logical.at(-1);
    if (open && last !== undefined) last.text += part;
    else logical.push({ line: index + 1, text: part });
    open = continues;
  }
  return logical;
}

function instruction(line: number, text: string): Instruction {
  const match = /^\s*([A-Za-z]+)\s+(.*)$/s.exec(text);
  if (match === null) throw new Error(`Dockerfile line ${line}: no instruction`);
  const flags: Record<string, string> = {};
  let rest = (match[2] ?? '').trim();
  for (let flag = /^--([a-z-]+)=(\S+)\s+/.exec(rest); flag !== null; flag = /^--([a-z-]+)=(\S+)\s+/.exec(rest)) {
    flags[flag[1] ?? ''] = flag[2] ?? '';
    rest = rest.slice(flag[0].length);
  }
  return { name: (match[1] ?? '').toUpperCase(), text: rest, flags, line };
}

/** `${NAME}` and `$NAME`, with what `values` says; nothing where it says nothing. */
export function substituted(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(
    /\$(?:\{(\w+)\}|(\w+))/g,
    (_, braced?: string, bare?: string) => values[braced ?? bare ?? ''] ?? '',
  );
}

/** Takes a Dockerfile apart. `given` are the `--build-arg`s. Throws for what is no instruction, or comes before any FROM. */
export function parseDockerfile(text: string, given: Readonly<Record<string, string>> = {}): Dockerfile {
  const args: Record<string, string> = {};
  const stages: { base: string; name: string; instructions: Instruction[] }[] = [];
  for (const { line, text: source } of joined(text)) {
    const found = instruction(line, source);
    const stage = stages.at(-1);
    if (found.name === 'FROM') {
      const [base = '', as, name] = found.text.split(/\s+/);
      stages.push({
        base: substituted(base, args),
        name: as?.toUpperCase() === 'AS' && name !== undefined ? name : String(stages.length),
        instructions: [],
      });
    } else if (stage !== undefined) stage.instructions.push(found);
    else if (found.name === 'ARG') {
      const [name = '', ...value] = found.text.split('=');
      args[name] = given[name] ?? value.join('=');
    } else throw new Error(`Dockerfile line ${line}: ${found.name} before FROM`);
  }
  return { args, stages };
}
