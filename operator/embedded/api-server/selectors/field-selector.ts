import { badRequest } from '../api-status.ts';

type Fields = Readonly<Record<string, string>>;

/** A parsed field selector. */
export interface FieldSelector {
  matches(fields: Fields): boolean;
  /** The value that `field` must equal, if the selector demands one. */
  equals(field: string): string | undefined;
  /** The fields that it names. */
  readonly fields: readonly string[];
}

interface Term {
  readonly field: string;
  readonly value: string;
  readonly negative: boolean;
}

/**
 * Parses `a=b,c!=d` (a backslash escapes `\`, `,` and `=`). `allowed` are the field names that the kind supports; any other
 * is refused as kube-apiserver does. Undefined selects everything.
 */
export function parseFieldSelector(text: string, allowed: ReadonlySet<string>): FieldSelector | undefined {
  const terms = splitTerms(text).map(parseTerm);
  if (terms.length === 0) return undefined;
  for (const term of terms) {
    if (!allowed.has(term.field)) throw badRequest(`field label not supported: ${term.field.slice(0, 128)}`);
  }
  return {
    matches: (fields) => terms.every((term) => ((fields[term.field] ?? '') === term.value) !== term.negative),
    equals: (field) => terms.find((term) => term.field === field && !term.negative)?.value,
    fields: terms.map((term) => term.field),
  };
}

function splitTerms(text: string): string[] {
  return (text.match(/(?:\\.|[^,\\])+/gs) ?? []).filter((term) => term.trim() !== '');
}

function parseTerm(term: string): Term {
  const match = /^((?:\\.|[^=!\\])*)(!=|==|=)((?:\\.|[^=\\])*)$/s.exec(term);
  if (match === null)
    throw badRequest(`invalid selector: '${term.slice(0, 128)}'; can't understand '${term.slice(0, 128)}'`);
  const [, field = '', operator, value = ''] = match;
  return { field: field.trim(), value: value.replaceAll(/\\(.)/gs, '$1'), negative: operator === '!=' };
}
