/** JSON values as CEL sees them: integers as int, dates as timestamps, names escaped where CEL could not spell them. */
import { isObject, own, setOwn, type JsonObject } from './json.ts';
import { propertyNode, type SchemaNode } from './schema-node.ts';

const KEYWORDS = new Set([
  'true',
  'false',
  'null',
  'in',
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'package',
  'namespace',
  'return',
]);

/** The name of a property in rules: `__dash__` for `-` and so on; undefined if it has none (apiserver, pkg/cel/escaping.go). */
export function celName(property: string): string | undefined {
  if (KEYWORDS.has(property)) return `__${property}__`;
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(property) && !property.includes('__')) return property;
  if (!/^[A-Za-z_][A-Za-z0-9_./-]*$/.test(property)) return undefined;
  return property
    .replaceAll('__', '__underscores__')
    .replaceAll('.', '__dot__')
    .replaceAll('-', '__dash__')
    .replaceAll('/', '__slash__');
}

function celObject(node: SchemaNode, value: JsonObject): JsonObject {
  const out: JsonObject = {};
  for (const key of Object.keys(value)) {
    const name = node.properties.has(key) ? celName(key) : key;
    if (name !== undefined) setOwn(out, name, celValue(propertyNode(node, key), own(value, key)));
  }
  return out;
}

function plain(value: unknown): unknown {
  if (typeof value === 'number') return Number.isInteger(value) ? BigInt(value) : value;
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  const out: JsonObject = {};
  for (const key of Object.keys(value)) setOwn(out, key, plain(value[key]));
  return out;
}

/** A value for a rule. */
export function celValue(node: SchemaNode | undefined, value: unknown): unknown {
  if (node === undefined || value === null) return plain(value);
  if (typeof value === 'number') return node.type === 'number' || !Number.isInteger(value) ? value : BigInt(value);
  if (typeof value === 'string') {
    if (node.format !== 'date-time' && node.format !== 'date') return value;
    const date = new Date(value);
    return Number.isNaN(date.getTime()) ? value : date;
  }
  if (Array.isArray(value)) return value.map((item) => celValue(node.items, item));
  return isObject(value) ? celObject(node, value) : value;
}
