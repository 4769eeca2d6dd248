/** A structural schema, read once into a form that is quick to walk. */
import { isObject, own, type JsonObject } from './json.ts';
import { metadataSchema } from './object-meta.ts';

/** One CEL rule as written in the schema. */
export interface RawRule {
  readonly rule: string;
  readonly message: string | undefined;
  readonly messageExpression: string | undefined;
  readonly reason: string | undefined;
  readonly fieldPath: string | undefined;
  readonly optionalOldSelf: boolean;
}

/** One node of a schema. Absent keywords are undefined. */
export interface SchemaNode {
  readonly type: string | undefined;
  readonly format: string | undefined;
  readonly nullable: boolean;
  readonly intOrString: boolean;
  readonly preserveUnknown: boolean;
  readonly embeddedResource: boolean;
  readonly properties: ReadonlyMap<string, SchemaNode>;
  /** Of `additionalProperties`; true for any value. */
  readonly additional: SchemaNode | true | undefined;
  readonly items: SchemaNode | undefined;
  readonly required: readonly string[];
  readonly enumeration: readonly unknown[] | undefined;
  readonly pattern: { readonly source: string; readonly regex: RegExp } | undefined;
  readonly limits: Limits;
  readonly listType: 'atomic' | 'set' | 'map';
  readonly listKeys: readonly string[];
  readonly uniqueItems: boolean;
  readonly defaultValue: unknown;
  readonly allOf: readonly SchemaNode[];
  readonly anyOf: readonly SchemaNode[];
  readonly oneOf: readonly SchemaNode[];
  readonly not: SchemaNode | undefined;
  readonly rules: readonly RawRule[];
  /** Whether this node or one below has rules. */
  readonly hasRules: boolean;
}

/** Numeric keywords. */
export interface Limits {
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly exclusiveMinimum: boolean;
  readonly exclusiveMaximum: boolean;
  readonly multipleOf?: number | undefined;
  readonly minLength?: number | undefined;
  readonly maxLength?: number | undefined;
  readonly minItems?: number | undefined;
  readonly maxItems?: number | undefined;
  readonly minProperties?: number | undefined;
  readonly maxProperties?: number | undefined;
}

function numberAt(schema: JsonObject, key: string): number | undefined {
  const value = own(schema, key);
  return typeof value === 'number' ? value : undefined;
}

function textAt(schema: JsonObject, key: string): string | undefined {
  const value = own(schema, key);
  return typeof value === 'string' ? value : undefined;
}

function nodesAt(schema: JsonObject, key: string): SchemaNode[] {
  const value = own(schema, key);
  return Array.isArray(value) ? value.filter(isObject).map((item) => readSchema(item)) : [];
}

/** A Go (RE2) pattern as a JavaScript regular expression; undefined if it is none. */
export function compilePattern(source: string): RegExp | undefined {
  const flags = /^\(\?([ims]+)\)/.exec(source);
  const body = (flags === null ? source : source.slice(flags[0].length))
    .replaceAll('(?P<', '(?<')
    .replaceAll('\\z', '$');
  for (const mode of ['u', '']) {
    try {
      return new RegExp(body, (flags?.[1] ?? '') + mode);
    } catch {
      continue;
    }
  }
  return undefined;
}

/** The rules of a node, in order. */
export function readRules(schema: JsonObject): RawRule[] {
  const rules = own(schema, 'x-kubernetes-validations');
  if (!Array.isArray(rules)) return [];
  return rules.filter(isObject).map((rule) => ({
    rule: textAt(rule, 'rule') ?? '',
    message: textAt(rule, 'message'),
    messageExpression: textAt(rule, 'messageExpression'),
    reason: textAt(rule, 'reason'),
    fieldPath: textAt(rule, 'fieldPath'),
    optionalOldSelf: rule['optionalOldSelf'] === true,
  }));
}

function readProperties(schema: JsonObject): Map<string, SchemaNode> {
  const properties = new Map<string, SchemaNode>();
  const raw = own(schema, 'properties');
  if (!isObject(raw)) return properties;
  for (const [key, property] of Object.entries(raw)) if (isObject(property)) properties.set(key, readSchema(property));
  return properties;
}

function readAdditional(schema: JsonObject): SchemaNode | true | undefined {
  const additional = own(schema, 'additionalProperties');
  if (additional === true) return true;
  return isObject(additional) ? readSchema(additional) : undefined;
}

/** Reads a schema. Whatever is not understood is left out: checkSchema says so before. */
export function readSchema(schema: JsonObject): SchemaNode {
  const properties = readProperties(schema);
  const embeddedResource = schema['x-kubernetes-embedded-resource'] === true;
  if (embeddedResource) {
    const text = readSchema({ type: 'string' });
    if (!properties.has('apiVersion')) properties.set('apiVersion', text);
    if (!properties.has('kind')) properties.set('kind', text);
    properties.set('metadata', readSchema(metadataSchema));
  }
  const additional = readAdditional(schema);
  const rawItems = own(schema, 'items');
  const items = isObject(rawItems) ? readSchema(rawItems) : undefined;
  const required = own(schema, 'required');
  const enumeration = own(schema, 'enum');
  const source = textAt(schema, 'pattern');
  const regex = source === undefined ? undefined : compilePattern(source);
  const listType = schema['x-kubernetes-list-type'];
  const listKeys = schema['x-kubernetes-list-map-keys'];
  const rawNot = own(schema, 'not');
  const rules = readRules(schema);
  const children = [
    ...properties.values(),
    ...(typeof additional === 'object' ? [additional] : []),
    ...(items ? [items] : []),
  ];
  return {
    type: textAt(schema, 'type'),
    format: textAt(schema, 'format'),
    nullable: schema['nullable'] === true,
    intOrString: schema['x-kubernetes-int-or-string'] === true,
    preserveUnknown: schema['x-kubernetes-preserve-unknown-fields'] === true,
    embeddedResource,
    properties,
    additional,
    items,
    required: Array.isArray(required) ? required.filter((key): key is string => typeof key === 'string') : [],
    enumeration: Array.isArray(enumeration) ? enumeration : undefined,
    pattern: source === undefined || regex === undefined ? undefined : { source, regex },
    limits: {
      minimum: numberAt(schema, 'minimum'),
      maximum: numberAt(schema, 'maximum'),
      exclusiveMinimum: schema['exclusiveMinimum'] === true,
      exclusiveMaximum: schema['exclusiveMaximum'] === true,
      multipleOf: numberAt(schema, 'multipleOf'),
      minLength: numberAt(schema, 'minLength'),
      maxLength: numberAt(schema, 'maxLength'),
      minItems: numberAt(schema, 'minItems'),
      maxItems: numberAt(schema, 'maxItems'),
      minProperties: numberAt(schema, 'minProperties'),
      maxProperties: numberAt(schema, 'maxProperties'),
    },
    listType: listType === 'map' || listType === 'set' ? listType : 'atomic',
    listKeys: Array.isArray(listKeys) ? listKeys.filter((key): key is string => typeof key === 'string') : [],
    uniqueItems: schema['uniqueItems'] === true,
    defaultValue: own(schema, 'default'),
    allOf: nodesAt(schema, 'allOf'),
    anyOf: nodesAt(schema, 'anyOf'),
    oneOf: nodesAt(schema, 'oneOf'),
    not: isObject(rawNot) ? readSchema(rawNot) : undefined,
    rules,
    hasRules: rules.length > 0 || children.some((child) => child.hasRules),
  };
}

/** The schema of one key of an object; undefined if the schema does not know the key. */
export function propertyNode(node: SchemaNode, key: string): SchemaNode | undefined {
  return node.properties.get(key) ?? (typeof node.additional === 'object' ? node.additional : undefined);
}
