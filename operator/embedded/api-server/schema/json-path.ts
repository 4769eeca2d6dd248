/** The part of JSONPath that printer columns and selectable fields use: fields, indexes, `[*]` and equality filters. */
import { isObject, own } from './json.ts';

type Step =
  | { readonly kind: 'field'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | { readonly kind: 'all' }
  | { readonly kind: 'filter'; readonly path: readonly string[]; readonly equal: boolean; readonly value: unknown };

const FIELD = /^\.((?:\\.|[^.[\\])+)/;
const QUOTED = /^\[(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)")\]/;
const INDEX = /^\[(-?\d{1,9})\]/;
const ALL = /^(?:\[\*\]|\.\*)/;
const FILTER =
  /^\[\?\(\s*@((?:\.[A-Za-z_][\w-]*)+)\s*(==|!=)\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|true|false|-?\d+(?:\.\d+)?)\s*\)\]/;

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/g, '$1');
}

function literal(text: string): unknown {
  if (text.startsWith('"') || text.startsWith("'")) return unescape(text.slice(1, -1));
  return JSON.parse(text);
}

function nextStep(rest: string): { readonly step: Step; readonly length: number } | undefined {
  const all = ALL.exec(rest);
  if (all !== null) return { step: { kind: 'all' }, length: all[0].length };
  const field = FIELD.exec(rest);
  if (field !== null) return { step: { kind: 'field', name: unescape(field[1] ?? '') }, length: field[0].length };
  const quoted = QUOTED.exec(rest);
  if (quoted !== null) {
    return { step: { kind: 'field', name: unescape(quoted[1] ?? quoted[2] ?? '') }, length: quoted[0].length };
  }
  const index = INDEX.exec(rest);
  if (index !== null) return { step: { kind: 'index', index: Number(index[1]) }, length: index[0].length };
  const filter = FILTER.exec(rest);
  if (filter === null) return undefined;
  const path = (filter[1] ?? '').slice(1).split('.');
  const step: Step = { kind: 'filter', path, equal: filter[2] === '==', value: literal(filter[3] ?? '') };
  return { step, length: filter[0].length };
}

function parse(path: string): Step[] | undefined {
  let rest = path.trim();
  if (rest.startsWith('{') && rest.endsWith('}')) rest = rest.slice(1, -1).trim();
  if (rest.startsWith('$')) rest = rest.slice(1);
  if (rest !== '' && !rest.startsWith('.') && !rest.startsWith('[')) rest = `.${rest}`;
  const steps: Step[] = [];
  while (rest !== '') {
    const next = nextStep(rest);
    if (next === undefined) return undefined;
    steps.push(next.step);
    rest = rest.slice(next.length);
  }
  return steps;
}

function apply(step: Step, value: unknown): unknown[] {
  switch (step.kind) {
    case 'field': {
      const child = isObject(value) ? own(value, step.name) : undefined;
      return child === undefined ? [] : [child];
    }
    case 'index': {
      const item: unknown = Array.isArray(value) ? value.at(step.index) : undefined;
      return item === undefined ? [] : [item];
    }
    case 'all':
      return Array.isArray(value) ? value : isObject(value) ? Object.values(value) : [];
    case 'filter': {
      if (!Array.isArray(value)) return [];
      return value.filter((item: unknown) => {
        let at: unknown = item;
        for (const key of step.path) at = isObject(at) ? own(at, key) : undefined;
        return at !== undefined && (at === step.value) === step.equal;
      });
    }
  }
}

/** A compiled path: all values that an object has there, none if nothing is there. Undefined for a path not understood. */
export function compileJsonPath(path: string): ((object: unknown) => unknown[]) | undefined {
  const steps = parse(path);
  if (steps === undefined) return undefined;
  return (object) => steps.reduce<unknown[]>((values, step) => values.flatMap((value) => apply(step, value)), [object]);
}
