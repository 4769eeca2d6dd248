import type { ApiContext } from './api-context.ts';
import { childString, isObject } from './json.ts';
import { definitions } from './lifecycle/definition-keeper.ts';
import { conform } from './objects/conform.ts';
import { createObject } from './objects/create.ts';
import { updateObject } from './objects/update.ts';
import type { WriteOptions } from './objects/write-options.ts';
import type { JsonObject, ServedResource } from './served-resource.ts';
import { ApiServerStartError } from './start-error.ts';

const options: WriteOptions = {
  dryRun: false,
  fieldManager: 'stubdom-api-server',
  fieldValidation: 'Ignore',
  force: false,
};

/** Creates what every cluster has, and the given definitions. */
export function seedObjects(context: ApiContext, crds: readonly object[]): void {
  const namespaces = required(context, '', 'namespaces');
  for (const name of ['default', 'kube-system', 'kube-public', 'kube-node-lease']) {
    if (context.store.collection(namespaces.collection).get(name) !== undefined) continue;
    createObject(context, namespaces, '', { apiVersion: 'v1', kind: 'Namespace', metadata: { name } }, options);
  }
  for (const crd of crds) seedDefinition(context, crd);
}

function seedDefinition(context: ApiContext, crd: object): void {
  const resource = required(context, 'apiextensions.k8s.io', 'customresourcedefinitions');
  const name = isObject(crd) ? childString(crd['metadata'], 'name') : '';
  try {
    const object = conform(context, resource, { object: crd, duplicates: [] }, options, []);
    if (context.store.collection(definitions).get(name) === undefined) {
      createObject(context, resource, '', object, options);
      return;
    }
    const rules = { needsResourceVersion: false, tracked: false };
    const change = (live: JsonObject): JsonObject => ({ ...object, metadata: { ...(live['metadata'] as JsonObject) } });
    updateObject(context, { resource, namespace: '', name, subresource: '' }, change, options, rules);
  } catch (error) {
    const why = error instanceof Error ? error.message : 'unknown error';
    throw new ApiServerStartError('ECRD', `the CustomResourceDefinition ${JSON.stringify(name)} is refused: ${why}`, {
      cause: error,
    });
  }
}

function required(context: ApiContext, group: string, plural: string): ServedResource {
  const resource = context.resources.find(group, 'v1', plural);
  if (resource === undefined) throw new Error(`${plural} is not a built-in kind`);
  return resource;
}
