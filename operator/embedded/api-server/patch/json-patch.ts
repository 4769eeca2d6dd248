/**
 * JSON patch (RFC 6902) with the latitude of the library that kube-apiserver uses: `replace` may add a key, `copy` may
 * copy what is not there (as null), and negative indexes count from the end.
 */
import { deepEqual, isObject, own, setOwn, type JsonObject } from '../schema/json.ts';
import { PatchError } from './errors.ts';

/** As in kube-apiserver. */
const MAX_OPERATIONS = 10_000;
const MAX_POINTER_DEPTH = 256;
/** Sum of the sizes of what `copy` may copy, in JSON characters: a few copies of copies would fill the memory. */
const MAX_COPIED = 3 * 1024 * 1024;

interface Document {
  root: unknown;
  copied: number;
}

function invalid(message: string): PatchError {
  return new PatchError(422, message);
}

function pointer(text: unknown, what: string): string[] {
  if (typeof text !== 'string') throw invalid(`${what} must be a string`);
  if (text === '') return [];
  if (!text.startsWith('/')) throw invalid(`${what} must start with a slash: ${JSON.stringify(text)}`);
  const tokens = text
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (tokens.length > MAX_POINTER_DEPTH) throw invalid(`${what} is too deep`);
  return tokens;
}

function index(token: string, length: number, path: string): number {
  if (!/^(0|-?[1-9]\d{0,8})$/.test(token)) throw invalid(`not an index of a list: ${JSON.stringify(path)}`);
  const number = Number(token);
  const at = number < 0 ? length + number : number;
  if (at < 0 || at >= length) throw invalid(`no such index: ${JSON.stringify(path)}`);
  return at;
}

/** The value at a path; a key that an object lacks is undefined, everything else that is missing is an error. */
function read(root: unknown, tokens: readonly string[], path: string): unknown {
  let value = root;
  for (const [i, token] of tokens.entries()) {
    if (Array.isArray(value)) value = value[index(token, value.length, path)];
    else if (isObject(value)) value = own(value, token);
    else throw invalid(`no such path: ${JSON.stringify(path)}`);
    if (value === undefined && i < tokens.length - 1) throw invalid(`no such path: ${JSON.stringify(path)}`);
  }
  return value;
}

/** A copy of `root` in which the container at the path before the last token is what `change` makes of it. */
function rewrite(
  root: unknown,
  tokens: readonly string[],
  path: string,
  change: (container: JsonObject | unknown[], token: string) => void,
): unknown {
  const [token, ...rest] = tokens;
  if (token === undefined) throw invalid('the whole document cannot be changed that way');
  const copy = Array.isArray(root) ? [...(root as unknown[])] : isObject(root) ? { ...root } : undefined;
  if (copy === undefined) throw invalid(`no such path: ${JSON.stringify(path)}`);
  if (rest.length === 0) {
    change(copy, token);
  } else if (Array.isArray(copy)) {
    const at = index(token, copy.length, path);
    copy[at] = rewrite(copy[at], rest, path, change);
  } else {
    setOwn(copy, token, rewrite(own(copy, token), rest, path, change));
  }
  return copy;
}

function add(document: Document, path: string, value: unknown): void {
  const tokens = pointer(path, 'path');
  if (tokens.length === 0) {
    document.root = value;
    return;
  }
  document.root = rewrite(document.root, tokens, path, (container, token) => {
    if (!Array.isArray(container)) setOwn(container, token, value);
    else if (token === '-') container.push(value);
    else
      container.splice(
        token === String(container.length) ? container.length : index(token, container.length, path),
        0,
        value,
      );
  });
}

function remove(document: Document, path: string): void {
  document.root = rewrite(document.root, pointer(path, 'path'), path, (container, token) => {
    if (Array.isArray(container)) container.splice(index(token, container.length, path), 1);
    else if (Object.hasOwn(container, token)) delete container[token];
    else throw invalid(`no such key to remove: ${JSON.stringify(path)}`);
  });
}

function replace(document: Document, path: string, value: unknown): void {
  const tokens = pointer(path, 'path');
  if (tokens.length === 0) {
    document.root = value;
    return;
  }
  document.root = rewrite(document.root, tokens, path, (container, token) => {
    if (Array.isArray(container)) container[index(token, container.length, path)] = value;
    else setOwn(container, token, value);
  });
}

function test(document: Document, path: string, expected: unknown): void {
  const actual = read(document.root, pointer(path, 'path'), path);
  if (!deepEqual(actual ?? null, expected ?? null)) throw invalid(`testing value ${path} failed`);
}

function copy(document: Document, from: string, path: string): void {
  const value = read(document.root, pointer(from, 'from'), from) ?? null;
  document.copied += JSON.stringify(value).length;
  if (document.copied > MAX_COPIED) throw invalid('copy operations would make the object too large');
  add(document, path, value);
}

function move(document: Document, from: string, path: string): void {
  if (path.startsWith(`${from}/`)) throw invalid('a value cannot be moved into itself');
  const value = read(document.root, pointer(from, 'from'), from);
  remove(document, from);
  add(document, path, value);
}

function run(document: Document, operation: JsonObject): void {
  const path = own(operation, 'path');
  if (typeof path !== 'string') throw invalid('an operation needs a path');
  const op = own(operation, 'op');
  const from = own(operation, 'from');
  switch (op) {
    case 'add':
    case 'replace': {
      if (!Object.hasOwn(operation, 'value')) throw invalid(`operation ${op} needs a value`);
      (op === 'add' ? add : replace)(document, path, operation['value']);
      return;
    }
    case 'remove':
      remove(document, path);
      return;
    case 'test':
      test(document, path, own(operation, 'value'));
      return;
    case 'copy':
    case 'move':
      if (typeof from !== 'string') throw invalid(`operation ${op} needs from`);
      (op === 'copy' ? copy : move)(document, from, path);
      return;
    default:
      throw invalid('unknown operation');
  }
}

/** The target with all operations done, in order; all or nothing. The target itself is not changed. */
export function jsonPatch(target: JsonObject, patch: unknown): JsonObject {
  if (!Array.isArray(patch)) throw new PatchError(400, 'error decoding patch: a JSON patch is a list of operations');
  if (patch.length > MAX_OPERATIONS) {
    throw new PatchError(
      422,
      `The allowed maximum operations in a JSON patch is ${String(MAX_OPERATIONS)}, got ${String(patch.length)}`,
    );
  }
  const document: Document = { root: target, copied: 0 };
  for (const operation of patch) {
    if (!isObject(operation)) throw new PatchError(400, 'error decoding patch: an operation is an object');
    run(document, operation);
  }
  if (!isObject(document.root)) throw invalid('the patch leaves no object');
  return document.root;
}
