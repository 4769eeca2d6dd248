/** The parts of a CustomResourceDefinition and of its schema that the generators read. */
export interface Schema {
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly items?: Schema;
  readonly [keyword: string]: unknown;
}

export interface Crd {
  readonly spec: {
    readonly group: string;
    readonly scope: 'Namespaced' | 'Cluster';
    readonly names: { readonly kind: string; readonly plural: string; readonly shortNames?: readonly string[] };
    readonly versions: readonly {
      readonly name: string;
      readonly schema: { readonly openAPIV3Schema: Schema };
    }[];
  };
}

/** The schema of `spec` or `status` in the one served version. */
export function partOf(crd: Crd, part: 'spec' | 'status'): Schema {
  const schema = crd.spec.versions[0]?.schema.openAPIV3Schema.properties?.[part];
  if (schema === undefined) throw new Error(`${crd.spec.names.kind} has no ${part}`);
  return schema;
}

/** The schema as JSON Schema: without what only Kubernetes knows, closed, and optionally with defaulted fields required. */
export function toJsonSchema(schema: Schema, options: { defaultsAreRequired: boolean }): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    if (!key.startsWith('x-kubernetes-')) out[key] = value;
  }
  if (schema.properties !== undefined) {
    const entries = Object.entries(schema.properties);
    out['properties'] = Object.fromEntries(entries.map(([name, child]) => [name, toJsonSchema(child, options)]));
    const defaulted = entries.filter(([, child]) => child.default !== undefined).map(([name]) => name);
    if (options.defaultsAreRequired) out['required'] = [...new Set([...(schema.required ?? []), ...defaulted])];
    out['additionalProperties'] = false;
  }
  if (schema.additionalProperties !== undefined) {
    out['additionalProperties'] = toJsonSchema(schema.additionalProperties, options);
  }
  if (schema.items !== undefined) out['items'] = toJsonSchema(schema.items, options);
  return out;
}
