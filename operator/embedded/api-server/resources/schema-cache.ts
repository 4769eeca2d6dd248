import { compileSchema, type ObjectSchema } from '../schema/schema.ts';
import type { ServedResource } from '../served-resource.ts';

/** Compiled schemas, one per served resource, made when first needed. */
export class SchemaCache {
  readonly #compiled = new WeakMap<ServedResource, ObjectSchema>();

  get(resource: ServedResource): ObjectSchema {
    let schema = this.#compiled.get(resource);
    if (schema === undefined) {
      schema = compileSchema(resource.schema);
      this.#compiled.set(resource, schema);
    }
    return schema;
  }
}
