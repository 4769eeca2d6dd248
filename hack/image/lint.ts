import { parseDockerfile, type Instruction, type Stage } from './dockerfile.ts';

/** Something wrong with a Dockerfile: the line (0: the file as a whole) and what to do about it. */
export interface Finding {
  readonly line: number;
  readonly rule: Rule;
  readonly message: string;
}

/** What is looked at. */
export type Rule =
  | 'pinned-base'
  | 'numeric-user'
  | 'no-add'
  | 'exec-form'
  | 'owned-by-root'
  | 'no-secrets'
  | 'strict-shell'
  | 'multi-stage';

const exact = /(:[\w.-]*\d+\.\d+\.\d+[\w.-]*(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})$/;

function base(stage: Stage, earlier: readonly Stage[]): Finding[] {
  if (stage.base === 'scratch' || earlier.some(({ name }) => name === stage.base) || exact.test(stage.base)) return [];
  const message = `the base ${stage.base} may be another one tomorrow: name a version with all three numbers, or a digest`;
  return [{ line: 0, rule: 'pinned-base', message }];
}

function isExecForm(text: string): boolean {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) && parsed.length > 0 && parsed.every((part) => typeof part === 'string');
  } catch {
    return false;
  }
}

/** Of any stage. */
function everywhere(found: Instruction): Finding[] {
  const { line, name, text } = found;
  if (name === 'ADD') return [{ line, rule: 'no-add', message: 'ADD fetches and unpacks behind your back: use COPY' }];
  if ((name === 'ARG' || name === 'ENV') && /(token|password|secret|private_?key)\w*\s*(=|$)/i.test(text)) {
    return [{ line, rule: 'no-secrets', message: `${name} stays in the image's history: mount a secret instead` }];
  }
  // Without -e a failed command in the middle is not seen.
  if (name === 'RUN' && text.includes(';') && !/^set -[a-z]*e/.test(text)) {
    return [{ line, rule: 'strict-shell', message: 'begin a RUN of several commands with `set -eu;`' }];
  }
  return [];
}

/** Of the stage that is shipped. */
function shipped({ instructions }: Stage): Finding[] {
  const findings: Finding[] = [];
  const of = (...names: string[]) => instructions.filter(({ name }) => names.includes(name));
  const user = of('USER').at(-1);
  if (user === undefined || !/^[1-9]\d*(:\d+)?$/.test(user.text)) {
    const message = 'end with a USER that is a number and not 0: a name cannot be checked by runAsNonRoot';
    findings.push({ line: user?.line ?? 0, rule: 'numeric-user', message });
  }
  for (const { line, name, text } of of('ENTRYPOINT', 'CMD')) {
    if (isExecForm(text)) continue;
    const message = `${name} in a shell hides signals from the program: write a JSON list`;
    findings.push({ line, rule: 'exec-form', message });
  }
  if (of('ENTRYPOINT').length === 0) {
    findings.push({ line: 0, rule: 'exec-form', message: 'the image has no ENTRYPOINT' });
  }
  for (const { line, flags } of of('COPY')) {
    if (flags['chown'] === '0:0') continue;
    const message = "say --chown=0:0: what the program's user owns it can change";
    findings.push({ line, rule: 'owned-by-root', message });
  }
  for (const { line } of of('COPY').filter(({ flags }) => flags['from'] === undefined)) {
    findings.push({ line, rule: 'multi-stage', message: 'copy from a stage: the checkout may have anything in it' });
  }
  return findings;
}

/** Looks at a Dockerfile. Nothing found is an empty list. */
export function lintDockerfile(text: string): readonly Finding[] {
  const { stages } = parseDockerfile(text);
  const last = stages.at(-1);
  if (last === undefined) return [{ line: 0, rule: 'pinned-base', message: 'there is no FROM' }];
  return [
    ...stages.flatMap((stage, index) => base(stage, stages.slice(0, index))),
    ...stages.flatMap(({ instructions }) => instructions.flatMap(everywhere)),
    ...shipped(last),
  ];
}

/** Whether a .dockerignore keeps `path` (or a folder that it is in) from the builder. The last pattern that matches decides. */
export function isIgnored(dockerignore: string, path: string): boolean {
  const parts = path.split('/');
  const candidates = parts.map((_, index) => parts.slice(0, index + 1).join('/'));
  let ignored = false;
  for (const line of dockerignore.split('\n').map((text) => text.trim())) {
    if (line === '' || line.startsWith('#')) continue;
    const negated = line.startsWith('!');
    const pattern = (negated ? line.slice(1) : line).replace(/^\/+|\/+$/g, '');
    if (candidates.some((candidate) => matches(pattern, candidate))) ignored = !negated;
  }
  return ignored;
}

function matches(pattern: string, path: string): boolean {
  const expression = pattern
    .split(/(\*\*\/?|\*|\?)/)
    .map((part) => {
      if (part === '**/') return '(?:.*/)?';
      if (part === '**') return '.*';
      if (part === '*') return '[^/]*';
      if (part === '?') return '[^/]';
      return part.replace(/[.+^${}()|[\]\\]/g, '\\$&');
    })
    .join('');
  return new RegExp(`^${expression}$`).test(path);
}
