/**
 * OpenAPI v2 documents in the binary form that kubectl and client-go ask for: `openapi.v2.Document` of gnostic's
 * OpenAPIv2.proto. Written is what those clients read; bounds and patterns of values stay in the JSON form.
 */
import { isObject, type JsonObject } from './json.ts';

/** Fields by JSON name: their number, what they hold, and in which way. */
interface Message {
  readonly [name: string]: readonly [number: number, type: FieldType, form?: 'repeated' | 'named'];
}

/** `any` is gnostic's Any with the value as YAML; a function says which message a value is. */
type FieldType = 'text' | 'bool' | 'any' | Message | ((value: unknown) => Buffer);

/** Vendor extensions are a field of their own: a list of NamedAny. */
const extensions = 'x-';

const schema: Message = {
  $ref: [1, 'text'],
  format: [2, 'text'],
  description: [4, 'text'],
  default: [5, 'any'],
  required: [19, 'text', 'repeated'],
  additionalProperties: [21, additionalProperties],
  type: [22, types],
  items: [23, (value) => embedded(1, schema, value)],
  properties: [25, (value) => named(schema, value)],
  [extensions]: [31, 'any'],
};

const bodyParameter: Message = {
  description: [1, 'text'],
  name: [2, 'text'],
  in: [3, 'text'],
  required: [4, 'bool'],
  schema: [5, schema],
};

const queryParameter: Message = {
  required: [1, 'bool'],
  in: [2, 'text'],
  description: [3, 'text'],
  name: [4, 'text'],
  type: [6, 'text'],
  uniqueItems: [20, 'bool'],
};

const pathParameter: Message = {
  required: [1, 'bool'],
  in: [2, 'text'],
  description: [3, 'text'],
  name: [4, 'text'],
  type: [5, 'text'],
  uniqueItems: [19, 'bool'],
};

/** ResponseValue.response, with SchemaItem.schema inside. */
const response: Message = {
  description: [1, 'text'],
  schema: [2, (value) => embedded(1, schema, value)],
};

const operation: Message = {
  tags: [1, 'text', 'repeated'],
  description: [3, 'text'],
  operationId: [5, 'text'],
  produces: [6, 'text', 'repeated'],
  consumes: [7, 'text', 'repeated'],
  parameters: [8, parameter, 'repeated'],
  responses: [9, (value) => named({ response: [1, response] }, wrapped('response', value))],
  schemes: [10, 'text', 'repeated'],
  [extensions]: [13, 'any'],
};

const pathItem: Message = {
  get: [2, operation],
  put: [3, operation],
  post: [4, operation],
  delete: [5, operation],
  patch: [8, operation],
  parameters: [9, parameter, 'repeated'],
};

const document: Message = {
  swagger: [1, 'text'],
  info: [2, { title: [1, 'text'], version: [2, 'text'] }],
  paths: [8, (value) => named(pathItem, value, 2)],
  definitions: [9, (value) => named(schema, value)],
};

/** A document as `openApiV2` makes it, in gnostic's protobuf. */
export function openApiProtobuf(openApiV2: JsonObject): Buffer {
  return encode(document, openApiV2);
}

function encode(message: Message, value: unknown): Buffer {
  const parts: Buffer[] = [];
  for (const [name, field] of Object.entries(isObject(value) ? value : {})) {
    const extension = name.startsWith(extensions);
    const key = extension ? extensions : name;
    const known = Object.hasOwn(message, key) ? message[key] : undefined;
    if (known === undefined) continue;
    const [number, type, form] = known;
    if (extension) parts.push(delimited(number, entry(name, any(field))));
    else if (form === 'repeated')
      for (const item of Array.isArray(field) ? field : []) parts.push(one(number, type, item));
    else parts.push(one(number, type, field));
  }
  return Buffer.concat(parts);
}

function one(number: number, type: FieldType, value: unknown): Buffer {
  if (type === 'bool') return value === true ? Buffer.from([...varint(number * 8), 1]) : Buffer.alloc(0);
  if (type === 'text') return delimited(number, Buffer.from(String(value)));
  if (type === 'any') return delimited(number, any(value));
  return delimited(number, typeof type === 'function' ? type(value) : encode(type, value));
}

/** Any.yaml: JSON is YAML, but for characters that YAML wants escaped. */
function any(value: unknown): Buffer {
  const yaml = JSON.stringify(value).replaceAll(
    /[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return delimited(2, Buffer.from(yaml));
}

/** A map, as gnostic has it: a list of name and value, in field `number`. */
function named(message: Message, value: unknown, number = 1): Buffer {
  const entries = Object.entries(isObject(value) ? value : {});
  return Buffer.concat(entries.map(([name, item]) => delimited(number, entry(name, encode(message, item)))));
}

function entry(name: string, value: Buffer): Buffer {
  return Buffer.concat([delimited(1, Buffer.from(name)), delimited(2, value)]);
}

function embedded(number: number, message: Message, value: unknown): Buffer {
  return delimited(number, encode(message, value));
}

function wrapped(key: string, value: unknown): JsonObject {
  const entries = Object.entries(isObject(value) ? value : {});
  return Object.fromEntries(entries.map(([name, item]) => [name, { [key]: item }]));
}

/** ParametersItem.parameter, then Parameter.body_parameter or Parameter.non_body_parameter and which of those. */
function parameter(value: unknown): Buffer {
  const where = isObject(value) ? value['in'] : undefined;
  if (where === 'body') return delimited(1, embedded(1, bodyParameter, value));
  const sub = where === 'path' ? embedded(4, pathParameter, value) : embedded(3, queryParameter, value);
  return delimited(1, delimited(2, sub));
}

function types(value: unknown): Buffer {
  return Buffer.concat((Array.isArray(value) ? value : [value]).map((type) => delimited(1, Buffer.from(String(type)))));
}

function additionalProperties(value: unknown): Buffer {
  return typeof value === 'boolean' ? Buffer.from([2 * 8, Number(value)]) : embedded(1, schema, value);
}

function delimited(number: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(data.length)]), data]);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return bytes;
}
