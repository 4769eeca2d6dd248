/** Compares an answer with what a step expects of it. Says what differs, in words. */
import { absent, type Expected, present, type Step } from './case.ts';

/** An answer of a server. */
export interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly warnings: readonly string[];
}

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Text for messages, not too long. */
export function shown(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 1500 ? `${text.slice(0, 1500)}…` : text;
}

/** The value at a path with dots; indexes are numbers. */
export function at(value: unknown, path: string): unknown {
  let here = value;
  for (const key of path.split('.')) {
    if (Array.isArray(here)) here = here[Number(key)];
    else here = isObject(here) && Object.hasOwn(here, key) ? here[key] : undefined;
  }
  return here;
}

/** What differs between a value and what is expected of it; empty if nothing does. */
export function differences(expected: Expected, actual: unknown, path = ''): string[] {
  const where = path === '' ? 'the body' : path;
  if (expected === absent) return actual === undefined ? [] : [`${where} should not be there, it is ${shown(actual)}`];
  if (expected === present) return actual === undefined ? [`${where} is missing`] : [];
  if (expected instanceof RegExp) {
    return typeof actual === 'string' && expected.test(actual)
      ? []
      : [`${where} is ${shown(actual)}, not ${String(expected)}`];
  }
  if (Array.isArray(expected)) {
    if (!Array.isArray(actual) || actual.length !== expected.length) {
      return [`${where} is ${shown(actual)}, not ${shown(expected)}`];
    }
    return expected.flatMap((item, i) => differences(item, actual[i], `${path}[${String(i)}]`));
  }
  if (isObject(expected)) {
    if (!isObject(actual)) return [`${where} is ${shown(actual)}, not ${shown(expected)}`];
    return Object.keys(expected).flatMap((key) =>
      differences(
        expected[key],
        Object.hasOwn(actual, key) ? actual[key] : undefined,
        path === '' ? key : `${path}.${key}`,
      ),
    );
  }
  return expected === actual ? [] : [`${where} is ${shown(actual)}, not ${shown(expected)}`];
}

function elementText(element: string): string {
  const body = element.slice(2);
  if (element.startsWith('f:')) return `.${body}`;
  if (element.startsWith('v:')) return `[=${body}]`;
  if (element.startsWith('i:')) return `[${body}]`;
  const keys = JSON.parse(body) as Json;
  return `[${Object.entries(keys)
    .map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    .join(',')}]`;
}

function ownedPaths(node: unknown, prefix: string): string[] {
  if (!isObject(node)) return [];
  const keys = Object.keys(node);
  const self = prefix !== '' && (keys.length === 0 || keys.includes('.')) ? [prefix] : [];
  return [
    ...self,
    ...keys.filter((key) => key !== '.').flatMap((key) => ownedPaths(node[key], prefix + elementText(key))),
  ];
}

/** Who owns what, as `owners` of a step has it. */
export function ownersOf(object: unknown): Record<string, string[]> {
  const owners: Record<string, string[]> = {};
  const entries = at(object, 'metadata.managedFields');
  for (const entry of Array.isArray(entries) ? (entries as Json[]) : []) {
    const subresource = typeof entry['subresource'] === 'string' ? `/${entry['subresource']}` : '';
    owners[`${String(entry['manager'])} ${String(entry['operation'])}${subresource}`] = ownedPaths(
      entry['fieldsV1'],
      '',
    ).sort();
  }
  return owners;
}

function causesOf(body: unknown): string[] {
  const causes = at(body, 'details.causes');
  return (Array.isArray(causes) ? (causes as Json[]) : []).map(
    (cause) => `${String(cause['field'])}: ${String(cause['message'])}`,
  );
}

function sorted(values: readonly string[]): string[] {
  return [...values].sort();
}

/** All that is wrong with an answer. */
export function faults(step: Step, answer: Answer): string[] {
  const { body } = answer;
  const status = step.status ?? (step.do.startsWith('POST') ? 201 : 200);
  if (answer.status !== status) return [`status ${String(answer.status)}, not ${String(status)}: ${shown(body)}`];
  const out: string[] = [];
  if (step.reason !== undefined) out.push(...differences(step.reason, at(body, 'reason'), 'reason'));
  if (step.message !== undefined) out.push(...differences(step.message, at(body, 'message'), 'message'));
  if (step.has !== undefined) out.push(...differences(step.has, body));
  if (step.causes !== undefined) out.push(...differences(sorted(step.causes), sorted(causesOf(body)), 'causes'));
  if (step.items !== undefined) {
    const items = at(body, 'items');
    const names = (Array.isArray(items) ? items : []).map((item) => String(at(item, 'metadata.name')));
    out.push(...differences(sorted(step.items), sorted(names), 'items'));
  }
  if (step.warns !== undefined) {
    const missing = step.warns.filter((text) => !answer.warnings.some((warning) => warning.includes(text)));
    if (missing.length > 0) out.push(`warnings are ${shown(answer.warnings)}, without ${shown(missing)}`);
  }
  if (step.owners !== undefined) {
    const actual = ownersOf(body);
    const expected = Object.fromEntries(Object.entries(step.owners).map(([owner, fields]) => [owner, sorted(fields)]));
    out.push(...differences(sorted(Object.keys(expected)), sorted(Object.keys(actual)), 'owners'));
    out.push(...differences(expected, actual, 'owners'));
  }
  return out;
}
