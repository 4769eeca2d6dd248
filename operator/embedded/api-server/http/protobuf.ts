import { badRequest } from '../api-status.ts';
import type { JsonObject } from '../served-resource.ts';

/** Kubernetes' binary form, as far as kubectl sends it: bodies of `kubectl create` and `kubectl auth` for built-in kinds. */
export const protobufType = 'application/vnd.kubernetes.protobuf';

type FieldType = 'string' | 'bytes' | 'bool' | 'int' | 'time' | 'stringMap' | 'bytesMap' | Message;

/** Fields by number: JSON name, type, and whether it repeats. */
interface Message {
  readonly [number: number]: readonly [name: string, type: FieldType, repeated?: 'repeated'];
}

const ownerReference: Message = {
  1: ['kind', 'string'],
  3: ['name', 'string'],
  4: ['uid', 'string'],
  5: ['apiVersion', 'string'],
  6: ['controller', 'bool'],
  7: ['blockOwnerDeletion', 'bool'],
};

const objectMeta: Message = {
  1: ['name', 'string'],
  2: ['generateName', 'string'],
  3: ['namespace', 'string'],
  5: ['uid', 'string'],
  6: ['resourceVersion', 'string'],
  8: ['creationTimestamp', 'time'],
  11: ['labels', 'stringMap'],
  12: ['annotations', 'stringMap'],
  13: ['ownerReferences', ownerReference, 'repeated'],
  14: ['finalizers', 'string', 'repeated'],
};

const metadata = ['metadata', objectMeta] as const;
const nameOnly: Message = { 1: ['name', 'string'] };

/** k8s.io/api generated.proto of each group. */
const messages: Readonly<Record<string, Message>> = {
  Namespace: {
    1: metadata,
    2: ['spec', { 1: ['finalizers', 'string', 'repeated'] }],
    3: ['status', { 1: ['phase', 'string'] }],
  },
  ConfigMap: { 1: metadata, 2: ['data', 'stringMap'], 3: ['binaryData', 'bytesMap'], 4: ['immutable', 'bool'] },
  Secret: {
    1: metadata,
    2: ['data', 'bytesMap'],
    3: ['type', 'string'],
    4: ['stringData', 'stringMap'],
    5: ['immutable', 'bool'],
  },
  ServiceAccount: {
    1: metadata,
    2: ['secrets', { 3: ['name', 'string'] }, 'repeated'],
    3: ['imagePullSecrets', nameOnly, 'repeated'],
    4: ['automountServiceAccountToken', 'bool'],
  },
  SelfSubjectAccessReview: {
    1: metadata,
    2: [
      'spec',
      {
        1: [
          'resourceAttributes',
          {
            1: ['namespace', 'string'],
            2: ['verb', 'string'],
            3: ['group', 'string'],
            4: ['version', 'string'],
            5: ['resource', 'string'],
            6: ['subresource', 'string'],
            7: ['name', 'string'],
          },
        ],
        2: ['nonResourceAttributes', { 1: ['path', 'string'], 2: ['verb', 'string'] }],
      },
    ],
  },
  SelfSubjectRulesReview: { 1: metadata, 2: ['spec', { 1: ['namespace', 'string'] }] },
  SelfSubjectReview: { 1: metadata },
  DeleteOptions: {
    1: ['gracePeriodSeconds', 'int'],
    2: ['preconditions', { 1: ['uid', 'string'], 2: ['resourceVersion', 'string'] }],
    3: ['orphanDependents', 'bool'],
    4: ['propagationPolicy', 'string'],
    5: ['dryRun', 'string', 'repeated'],
  },
};

const magic = Buffer.from('k8s\0', 'latin1');

/** Decodes a body; refuses kinds that it does not know and anything malformed. */
export function decodeProtobuf(body: Buffer): JsonObject {
  if (!body.subarray(0, 4).equals(magic)) throw malformed();
  let type: JsonObject = {};
  let raw: Buffer = Buffer.alloc(0);
  for (const field of fieldsOf(body.subarray(4))) {
    if (field.number === 1) type = decode({ 1: ['apiVersion', 'string'], 2: ['kind', 'string'] }, bytesOf(field));
    else if (field.number === 2) raw = bytesOf(field);
  }
  const message = messages[String(type['kind'])];
  if (message === undefined) throw badRequest('this kind is not understood in protobuf here: send application/json');
  return { ...type, ...decode(message, raw) };
}

interface Field {
  readonly number: number;
  readonly value: Buffer | number;
}

function decode(message: Message, data: Buffer): JsonObject {
  const result: JsonObject = {};
  for (const field of fieldsOf(data)) {
    const known = message[field.number];
    if (known === undefined) continue;
    const [name, type, repeated] = known;
    if (type === 'stringMap' || type === 'bytesMap') {
      const [key, value] = entryOf(bytesOf(field), type);
      result[name] = { ...(result[name] as JsonObject | undefined), [key]: value };
      continue;
    }
    const value = valueOf(type, field);
    if (value === undefined) continue;
    if (repeated !== undefined) result[name] = [...((result[name] as unknown[] | undefined) ?? []), value];
    else result[name] = value;
  }
  return result;
}

/** Go's encoder writes empty strings and empty messages of required fields; in JSON they are left out. */
function valueOf(type: Exclude<FieldType, 'stringMap' | 'bytesMap'>, field: Field): unknown {
  switch (type) {
    case 'string': {
      const text = bytesOf(field).toString('utf8');
      return text === '' ? undefined : text;
    }
    case 'bytes':
      return bytesOf(field).toString('base64');
    case 'bool':
      return field.value === 1;
    case 'int':
      return field.value;
    case 'time': {
      const seconds = decode({ 1: ['seconds', 'int'] }, bytesOf(field))['seconds'];
      return typeof seconds === 'number' ? `${new Date(seconds * 1000).toISOString().slice(0, 19)}Z` : undefined;
    }
    default: {
      const object = decode(type, bytesOf(field));
      return Object.keys(object).length === 0 ? undefined : object;
    }
  }
}

function entryOf(data: Buffer, type: 'stringMap' | 'bytesMap'): [string, string] {
  let key = '';
  let value: Buffer = Buffer.alloc(0);
  for (const field of fieldsOf(data)) {
    if (field.number === 1) key = bytesOf(field).toString('utf8');
    else if (field.number === 2) value = bytesOf(field);
  }
  return [key, value.toString(type === 'stringMap' ? 'utf8' : 'base64')];
}

function bytesOf(field: Field): Buffer {
  if (typeof field.value === 'number') throw malformed();
  return field.value;
}

function* fieldsOf(data: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let result = 0;
    for (let shift = 0; shift < 64; shift += 7) {
      const byte = data[at++];
      if (byte === undefined) throw malformed();
      if (shift < 49) result += (byte & 0x7f) * 2 ** shift;
      if ((byte & 0x80) === 0) return result;
    }
    throw malformed();
  };
  while (at < data.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { number, value: varint() };
        break;
      case 2: {
        const length = varint();
        if (length > data.length - at) throw malformed();
        yield { number, value: data.subarray(at, at + length) };
        at += length;
        break;
      }
      default:
        throw malformed();
    }
  }
}

function malformed(): Error {
  return badRequest('the body of the request is not valid Kubernetes protobuf');
}
