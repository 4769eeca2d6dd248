/** Schemas of CRDs, compiled once and used for every write: pruning, defaulting, validation with rules. */
import { CelRules } from './cel-rules.ts';
import { type FieldError, invalid, isBlocking } from './field-error.ts';
import { isObject, type JsonObject, own } from './json.ts';
import { metadataSchema } from './object-meta.ts';
import { defaultValue, pruneValue } from './prune.ts';
import { readSchema, type SchemaNode } from './schema-node.ts';
import { validateValue } from './validate.ts';

export { checkSchema } from './check-schema.ts';
export type { FieldError, FieldErrorReason } from './field-error.ts';

/** A compiled schema. Objects that go in are never changed; results share what did not change. */
export interface ObjectSchema {
  /** Drops fields that the schema does not know; `dropped` are their paths (`spec.disks[0].bogus`). */
  prune(object: JsonObject): { readonly object: JsonObject; readonly dropped: string[] };
  /** Fills in defaults; nulls that are not allowed go. */
  applyDefaults(object: JsonObject): JsonObject;
  /**
   * What is wrong with an object that is to be stored; `old` is what is stored. Metadata is not looked at. What did not
   * change is let through, and parts that are the same JavaScript object are not walked at all.
   */
  validate(object: JsonObject, old?: JsonObject): FieldError[];
}

const NOT_CHECKED =
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

/** The root of an object's schema: apiVersion, kind and metadata are always known. */
function readRoot(schema: JsonObject): SchemaNode {
  const properties = isObject(schema['properties']) ? schema['properties'] : {};
  return readSchema({
    ...schema,
    properties: { ...properties, apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata: metadataSchema },
  });
}

function withoutMetadata(object: JsonObject | undefined): JsonObject | undefined {
  if (object === undefined) return undefined;
  const { metadata: _, ...rest } = object;
  return rest;
}

/** Rules of the root may speak of metadata.name and metadata.generateName, of nothing else in it. */
function forRules(object: JsonObject | undefined): JsonObject | undefined {
  if (object === undefined) return undefined;
  const metadata = own(object, 'metadata');
  if (!isObject(metadata)) return object;
  const { name, generateName } = metadata;
  const known = { ...(name === undefined ? {} : { name }), ...(generateName === undefined ? {} : { generateName }) };
  return { ...object, metadata: known };
}

/** Compiles an `openAPIV3Schema`. A schema that `checkSchema` refuses compiles as far as it is understood. */
export function compileSchema(openAPIV3Schema: JsonObject): ObjectSchema {
  const root = readRoot(openAPIV3Schema);
  const rules = new CelRules(root);
  return {
    prune: (object) => {
      const dropped: string[] = [];
      const kept = pruneValue(root, object, '', dropped);
      return { object: kept as JsonObject, dropped: dropped.sort() };
    },
    applyDefaults: (object) => defaultValue(root, object) as JsonObject,
    validate: (object, old) => {
      const errors: FieldError[] = [];
      // metadata is checked by the server's own rules, and required here may not name it.
      const body = { ...withoutMetadata(object), metadata: {} };
      validateValue(root, body, withoutMetadata(old), '', errors);
      if (!rules.any) return errors;
      if (errors.some(isBlocking)) errors.push(invalid('<nil>', null, NOT_CHECKED));
      else errors.push(...rules.check(forRules(object), forRules(old)));
      return errors;
    },
  };
}
