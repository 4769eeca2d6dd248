/** Whether an applied object fits its schema (structured-merge-diff, typed/validate.go), in kube-apiserver's words. */
import { isObject } from '../schema/json.ts';
import { itemElement } from './elements.ts';
import { fieldPaths } from './field-set.ts';
import { childTopology, type ListTopology, type Topology, topologyFor } from './topology.ts';

const MAX_ERRORS = 16;

function goValue(value: unknown): string {
  if (Array.isArray(value)) return `&[${value.map(goText).join(' ')}]`;
  if (isObject(value)) {
    const entries = Object.keys(value).sort();
    return `&{map[${entries.map((key) => `${key}:${goText(value[key])}`).join(' ')}]}`;
  }
  return `&value.valueUnstructured{Value:${typeof value === 'string' ? JSON.stringify(value) : String(value)}}`;
}

function goText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(goText).join(' ')}]`;
  if (isObject(value)) {
    return `map[${Object.keys(value)
      .sort()
      .map((key) => `${key}:${goText(value[key])}`)
      .join(' ')}]`;
  }
  return value === null ? '<nil>' : typeof value === 'string' ? value : JSON.stringify(value);
}

function checkScalar(type: string, value: unknown, path: string, errors: string[]): void {
  if (value === null) return;
  const object = typeof value === 'object';
  if (type === 'string' && typeof value !== 'string') errors.push(`${path}: expected string, got ${goValue(value)}`);
  if (type === 'numeric' && typeof value !== 'number') {
    errors.push(`${path}: expected numeric (int or float), got ${goValue(value)}`);
  }
  if (type === 'boolean' && typeof value !== 'boolean') errors.push(`${path}: expected boolean, got ${goValue(value)}`);
  if (type === 'untyped' && object) errors.push(`${path}: expected scalar, got ${goValue(value)}`);
}

function checkList(shape: ListTopology, value: unknown, path: string, errors: string[]): void {
  if (!Array.isArray(value)) {
    if (value !== null) errors.push(`${path}: expected list, got ${goValue(value)}`);
    return;
  }
  const seen = new Set<string>();
  for (const [i, item] of value.entries()) {
    const name = shape.relation === 'atomic' ? undefined : itemElement(shape, item);
    if (shape.relation !== 'atomic') {
      if (name === undefined) {
        errors.push(
          isObject(item)
            ? `${path}: element ${String(i)}: associative list with keys has an element that omits all key fields [${shape.keys.map((key) => JSON.stringify(key)).join(' ')}] (and doesn't have default values for any key fields)`
            : `${path}: element ${String(i)}: associative list with keys may not have non-map elements`,
        );
        return;
      }
      if (seen.has(name)) {
        errors.push(`${path}: duplicate entries for key ${elementPath(name)}`);
        return;
      }
      seen.add(name);
    }
    const first = errors.length;
    check(shape.element, item, '', errors);
    // The path of an item is made only for what is wrong with it: nearly always nothing is.
    for (let at = first; at < errors.length; at++) {
      errors[at] = `${path}${name === undefined ? `[${String(i)}]` : elementPath(name)}${errors[at] ?? ''}`;
    }
  }
}

function elementPath(element: string): string {
  return fieldPaths({ [element]: {} })[0] ?? '';
}

function check(topology: Topology, value: unknown, path: string, errors: string[]): void {
  if (errors.length >= MAX_ERRORS) return;
  const shape = topologyFor(topology, value);
  switch (shape.kind) {
    case 'scalar':
      checkScalar(shape.type, value, path, errors);
      return;
    case 'list':
      checkList(shape, value, path, errors);
      return;
    case 'map':
      if (!isObject(value)) {
        if (value !== null) errors.push(`${path}: expected map, got ${goValue(value)}`);
        return;
      }
      for (const key of Object.keys(value)) {
        const child = childTopology(shape, key);
        if (child === undefined) errors.push(`${path}.${key}: field not declared in schema`);
        else check(child, value[key], `${path}.${key}`, errors);
      }
  }
}

/** What is wrong with the types of an object, one line each; empty if nothing. */
export function typeErrors(topology: Topology, object: unknown): string[] {
  const errors: string[] = [];
  check(topology, object, '', errors);
  return errors;
}
