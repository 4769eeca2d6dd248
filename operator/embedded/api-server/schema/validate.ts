/**
 * Validation of values against a structural schema, in kube-apiserver's words (kube-openapi, pkg/validation, and
 * apiextensions-apiserver, schema/listtype). With an old value, what did not change is let through (ratcheting).
 */
import { childPath, duplicate, type FieldError, invalid, notSupported, required, shown } from './field-error.ts';
import { hasFormat } from './formats.ts';
import { deepEqual, isObject, own, type JsonObject } from './json.ts';
import { propertyNode, type SchemaNode } from './schema-node.ts';

const INT32 = 2 ** 31;

/** More errors than this help nobody. */
const MAX_ERRORS = 1000;

/** The name of a field in the text of a message: below status it is relative, since status is validated alone. */
function inBody(path: string): string {
  return path.startsWith('status.') ? path.slice('status.'.length) : path;
}

function typeName(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value;
}

function typeError(path: string, expected: string, shownType: string): FieldError {
  const name = shown(shownType);
  const detail = `${inBody(path)} in body must be of type ${expected}: ${name}`;
  return { reason: 'FieldValueTypeInvalid', field: path, message: `Invalid value: ${name}: ${detail}` };
}

function tooMany(path: string, count: number, limit: number): FieldError {
  const items = limit === 1 ? 'item' : 'items';
  const message = `Too many: ${String(count)}: must have at most ${String(limit)} ${items}`;
  return { reason: 'FieldValueTooMany', field: path, message };
}

function checkType(node: SchemaNode, value: unknown, path: string, errors: FieldError[]): void {
  if (node.intOrString) {
    if (typeof value !== 'string' && !Number.isInteger(value))
      errors.push(typeError(path, 'integer,string', typeName(value)));
    return;
  }
  const actual = typeName(value);
  switch (node.type) {
    case undefined:
      return;
    case 'integer':
      if (actual === 'number') {
        if (node.format === 'int32' || node.format === 'int64') errors.push(typeError(path, node.format, 'float64'));
        else errors.push(typeError(path, 'integer', 'number'));
      } else if (actual !== 'integer') errors.push(typeError(path, 'integer', actual));
      return;
    case 'number':
      if (actual !== 'integer' && actual !== 'number') errors.push(typeError(path, 'number', actual));
      return;
    default:
      if (actual !== node.type) errors.push(typeError(path, node.type, actual));
  }
}

function checkNumber(node: SchemaNode, value: number, path: string, errors: FieldError[]): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf } = node.limits;
  const name = inBody(path);
  if (node.type === 'integer') {
    const outside = node.format === 'int32' && (value < -INT32 || value >= INT32);
    if (!Number.isInteger(value) || outside) {
      const format = node.format === undefined ? '(default format)' : `with format ${node.format}`;
      errors.push(invalid('<nil>', '', `Checked value must be of type integer ${format} in ${path}`));
    }
  }
  if (multipleOf !== undefined && !Number.isInteger(value / multipleOf)) {
    errors.push(invalid(path, value, `${name} in body should be a multiple of ${String(multipleOf)}`));
  }
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    const than = exclusiveMaximum ? 'less than' : 'less than or equal to';
    errors.push(invalid(path, value, `${name} in body should be ${than} ${String(maximum)}`));
  }
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    const than = exclusiveMinimum ? 'greater than' : 'greater than or equal to';
    errors.push(invalid(path, value, `${name} in body should be ${than} ${String(minimum)}`));
  }
}

/** Length in code points, as Go counts runes. */
function runes(text: string): number {
  let count = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0xd800 && unit <= 0xdbff) count--;
  }
  return count;
}

function checkString(node: SchemaNode, value: string, path: string, errors: FieldError[]): void {
  const { minLength, maxLength } = node.limits;
  const name = inBody(path);
  if (maxLength !== undefined && value.length > maxLength && runes(value) > maxLength) {
    const unit = maxLength === 1 ? 'byte' : 'bytes';
    const message = `Too long: may not be more than ${String(maxLength)} ${unit}`;
    errors.push({ reason: 'FieldValueTooLong', field: path, message });
  } else if (minLength !== undefined && runes(value) < minLength) {
    errors.push(invalid(path, value, `${name} in body should be at least ${String(minLength)} chars long`));
  } else if (node.pattern !== undefined && !node.pattern.regex.test(value)) {
    errors.push(invalid(path, value, `${name} in body should match '${node.pattern.source}'`));
  }
  if (node.format !== undefined && node.type === 'string' && !hasFormat(node.format, value)) {
    errors.push({
      reason: 'FieldValueTypeInvalid',
      field: path,
      message: `Invalid value: ${shown(value)}: ${name} in body must be of type ${node.format}: ${shown(value)}`,
    });
  }
}

/** The keys of an item of a map list, as an object to print. */
function itemKeys(node: SchemaNode, item: JsonObject): JsonObject {
  const keys: JsonObject = {};
  for (const key of [...node.listKeys].sort()) {
    const value = own(item, key);
    if (value !== undefined) keys[key] = value;
  }
  return keys;
}

/** The same for comparing with other items of the list. */
function itemKey(node: SchemaNode, item: JsonObject): string {
  const only = node.listKeys.length === 1 ? own(item, node.listKeys[0] ?? '') : undefined;
  return typeof only === 'string' ? `'${only}` : JSON.stringify(itemKeys(node, item));
}

function checkDuplicates(node: SchemaNode, value: readonly unknown[], path: string, errors: FieldError[]): void {
  if (value.length < 2 || (node.listType === 'atomic' && !node.uniqueItems)) return;
  const seen = new Set<string>();
  for (const [i, item] of value.entries()) {
    const keyed = node.listType === 'map' && isObject(item);
    const key = keyed ? itemKey(node, item) : JSON.stringify(item);
    if (seen.has(key)) errors.push(duplicate(`${path}[${String(i)}]`, keyed ? itemKeys(node, item) : item));
    seen.add(key);
  }
}

/** The item of the old list that stands for the same thing: in map lists the one with the same keys. */
export function correlated(node: SchemaNode, old: unknown): ((item: unknown) => unknown) | undefined {
  if (node.listType !== 'map' || !Array.isArray(old)) return undefined;
  const byKeys = new Map<string, unknown>();
  for (const item of old) if (isObject(item)) byKeys.set(itemKey(node, item), item);
  return (item) => (isObject(item) ? byKeys.get(itemKey(node, item)) : undefined);
}

function checkList(
  node: SchemaNode,
  value: readonly unknown[],
  old: unknown,
  path: string,
  errors: FieldError[],
): void {
  const { minItems, maxItems } = node.limits;
  if (minItems !== undefined && value.length < minItems) {
    errors.push(invalid(path, value.length, `${inBody(path)} in body should have at least ${String(minItems)} items`));
  }
  if (maxItems !== undefined && value.length > maxItems) errors.push(tooMany(path, value.length, maxItems));
  if (node.items !== undefined) {
    const oldItem = correlated(node, old);
    for (const [i, item] of value.entries()) {
      validateValue(node.items, item, oldItem?.(item), `${path}[${String(i)}]`, errors);
    }
  }
  checkDuplicates(node, value, path, errors);
}

function checkObject(node: SchemaNode, value: JsonObject, old: unknown, path: string, errors: FieldError[]): void {
  const { minProperties, maxProperties } = node.limits;
  if (minProperties !== undefined || maxProperties !== undefined) {
    const count = Object.keys(value).length;
    if (minProperties !== undefined && count < minProperties) {
      const detail = `${inBody(path)} in body should have at least ${String(minProperties)} properties`;
      errors.push(invalid(path, count, detail));
    }
    if (maxProperties !== undefined && count > maxProperties) errors.push(tooMany(path, count, maxProperties));
  }
  for (const key of node.required) {
    if (!Object.hasOwn(value, key)) errors.push(required(childPath(path, key)));
  }
  if (node.embeddedResource) {
    for (const key of ['apiVersion', 'kind']) {
      if (own(value, key) === undefined || own(value, key) === '') errors.push(required(childPath(path, key)));
    }
  }
  const before = isObject(old) ? old : undefined;
  for (const key of Object.keys(value)) {
    const child = propertyNode(node, key);
    if (child === undefined) continue;
    validateValue(child, value[key], before === undefined ? undefined : own(before, key), childPath(path, key), errors);
  }
}

function passes(node: SchemaNode, value: unknown, path: string): boolean {
  const errors: FieldError[] = [];
  validateValue(node, value, undefined, path, errors);
  return errors.length === 0;
}

function checkCombinations(node: SchemaNode, value: unknown, path: string, errors: FieldError[]): void {
  for (const part of node.allOf) validateValue(part, value, undefined, path, errors);
  const name = shown(path);
  if (node.anyOf.length > 0 && !node.anyOf.some((part) => passes(part, value, path))) {
    errors.push(invalid('<nil>', '', `${name} must validate at least one schema (anyOf)`));
    const [first] = node.anyOf;
    if (first !== undefined) validateValue(first, value, undefined, path, errors);
  }
  if (node.oneOf.length > 0) {
    const count = node.oneOf.filter((part) => passes(part, value, path)).length;
    if (count !== 1) {
      const found = count === 0 ? 'Found none valid' : `Found ${String(count)} valid alternatives`;
      errors.push(invalid('<nil>', '', `${name} must validate one and only one schema (oneOf). ${found}`));
      const [first] = node.oneOf;
      if (count === 0 && first !== undefined) validateValue(first, value, undefined, path, errors);
    }
  }
  if (node.not !== undefined && passes(node.not, value, path)) {
    errors.push(invalid('<nil>', '', `${name} must not validate the schema (not)`));
  }
}

/** Adds to `errors` what is wrong with a value. `old` is its value before, if there was one. */
export function validateValue(
  node: SchemaNode,
  value: unknown,
  old: unknown,
  path: string,
  errors: FieldError[],
): void {
  if (value === old || errors.length > MAX_ERRORS) return;
  if (value === null && node.nullable) return;
  const start = errors.length;
  checkType(node, value, path, errors);
  if (node.enumeration !== undefined && !node.enumeration.some((allowed) => deepEqual(allowed, value))) {
    errors.push(notSupported(path, value, node.enumeration));
  }
  if (typeof value === 'string') checkString(node, value, path, errors);
  else if (typeof value === 'number') checkNumber(node, value, path, errors);
  else if (Array.isArray(value)) checkList(node, value, old, path, errors);
  else if (isObject(value)) checkObject(node, value, old, path, errors);
  if (node.allOf.length + node.anyOf.length + node.oneOf.length > 0 || node.not !== undefined) {
    checkCombinations(node, value, path, errors);
  }
  if (errors.length > start && old !== undefined && deepEqual(value, old)) errors.length = start;
}
