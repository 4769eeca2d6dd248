import type { IncomingMessage } from 'node:http';
import { CORE_SCHEMA, load } from 'js-yaml';
import { ApiStatusError, badRequest, unsupportedMediaType } from '../api-status.ts';
import { isObject } from '../json.ts';
import { duplicateFields } from './duplicate-fields.ts';
import { decodeProtobuf, protobufType } from './protobuf.ts';

const objectTypes = ['application/json', 'application/yaml', protobufType];

/** The largest request body, in bytes, as kube-apiserver has it. */
export const maxBodyBytes = 3 * 1024 * 1024;

/** Reads a request body as UTF-8; refuses one that is too large. */
export async function readBody(request: IncomingMessage): Promise<string> {
  return (await readBytes(request)).toString('utf8');
}

/** Reads a request body and decodes what its content type says: JSON (the default), YAML or protobuf. */
export async function readObject(
  request: IncomingMessage,
): Promise<{ object: unknown; duplicates: readonly string[] }> {
  const type = mediaType(request);
  if (!objectTypes.includes(type) && type !== '') throw unsupportedMediaType(objectTypes);
  const body = await readBytes(request);
  if (body.length === 0) return { object: undefined, duplicates: [] };
  if (type === protobufType) return { object: decodeProtobuf(body), duplicates: [] };
  const text = body.toString('utf8');
  return type === 'application/yaml' ? parseYaml(text) : parseJson(text);
}

async function readBytes(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > maxBodyBytes) {
      throw new ApiStatusError(
        413,
        'RequestEntityTooLarge',
        `Request entity too large: limit is ${String(maxBodyBytes)}`,
      );
    }
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks, size);
}

/** The media type of a request, without parameters. */
export function mediaType(request: IncomingMessage): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** How deep a body may nest: what recurses over it must not run out of stack. */
const maxDepth = 256;

/** How many values a YAML document may hold once its aliases are written out. */
const maxNodes = 500_000;

/** Parses a JSON body, and finds keys that occur twice. */
export function parseJson(text: string): { object: unknown; duplicates: string[] } {
  checkDepth(text);
  try {
    const object = JSON.parse(text) as unknown;
    return { object, duplicates: duplicateFields(text) };
  } catch (error) {
    if (error instanceof ApiStatusError) throw error;
    throw badRequest(`the body of the request is not JSON: ${shortReason(error)}`);
  }
}

/** Parses a YAML (or JSON) body of one document. */
export function parseYaml(text: string): { object: unknown; duplicates: string[] } {
  if (/^\s*[{[]/.test(text)) {
    try {
      return parseJson(text);
    } catch {
      // Flow style YAML starts with a brace as well.
    }
  }
  try {
    return { object: plain(load(text, { schema: CORE_SCHEMA }) ?? null, { nodes: maxNodes }, 0), duplicates: [] };
  } catch (error) {
    if (error instanceof ApiStatusError) throw error;
    throw badRequest(`error decoding YAML: ${shortReason(error)}`);
  }
}

function checkDepth(text: string): void {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (inString) {
      if (code === 0x5c) index++;
      else if (code === 0x22) inString = false;
    } else if (code === 0x22) {
      inString = true;
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > maxDepth) throw badRequest('the body of the request is nested too deeply');
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
    }
  }
}

/** A copy without shared parts: aliases can make a small document grow without bounds, or contain itself. */
function plain(value: unknown, budget: { nodes: number }, depth: number): unknown {
  if (--budget.nodes < 0 || depth > maxDepth) throw badRequest('error decoding YAML: the document is too large');
  if (Array.isArray(value)) return value.map((item) => plain(item, budget, depth + 1));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item, budget, depth + 1)]));
}

function shortReason(error: unknown): string {
  const text = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
  return text.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 200);
}
