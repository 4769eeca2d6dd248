/** A JSON object whose shape is not known. */
export type JsonObject = Record<string, unknown>;

/** One column of a Table, with the cell as a JSONPath (CRDs) or computed (built-in kinds). */
export interface PrinterColumn {
  readonly name: string;
  /** string, integer, number, boolean or date, as in a CRD. */
  readonly type: string;
  readonly format?: string;
  readonly description?: string;
  /** 0 is always shown; above only with `-o wide`. */
  readonly priority?: number;
  readonly jsonPath?: string;
  readonly cell?: (object: JsonObject, nowMs: number) => string | number | boolean | null;
}

/** One kind as it is served under one group version. */
export interface ServedResource {
  /** '' for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly namespaced: boolean;
  readonly verbs: readonly string[];
  readonly statusSubresource: boolean;
  /** True for kinds that a CustomResourceDefinition made. */
  readonly custom: boolean;
  /** `openAPIV3Schema`, in the structural form of CRDs, for built-in kinds as well. */
  readonly schema: JsonObject;
  readonly columns: readonly PrinterColumn[];
  /** Field paths that field selectors may name (besides metadata.name and metadata.namespace), without a leading dot. */
  readonly selectableFields: readonly string[];
  /** Which collection of the store holds the objects: `plural.group` of the CRD, shared between versions. */
  readonly collection: string;
}

/** `v1` or `group/version`. */
export function groupVersionOf(resource: Pick<ServedResource, 'group' | 'version'>): string {
  return resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
}

/** `plural` or `plural.group`, as error messages name it. */
export function qualifiedResource(resource: Pick<ServedResource, 'group' | 'plural'>): string {
  return resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
}
