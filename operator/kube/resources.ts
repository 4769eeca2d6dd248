import type { KubeObject, ObjectKey, ObjectRef, ResourceType } from './types.ts';

const stubdom = { group: 'stubdom.io', version: 'v1alpha1' } as const;

/** The collections that the operator reads or writes. */
export const stubDomains: ResourceType = { ...stubdom, plural: 'stubdomains', kind: 'StubDomain', namespaced: true };
export const pciAttachments: ResourceType = {
  ...stubdom,
  plural: 'pciattachments',
  kind: 'PciAttachment',
  namespaced: true,
};
export const xenHosts: ResourceType = { ...stubdom, plural: 'xenhosts', kind: 'XenHost', namespaced: false };
export const leases: ResourceType = {
  group: 'coordination.k8s.io',
  version: 'v1',
  plural: 'leases',
  kind: 'Lease',
  namespaced: true,
};
export const events: ResourceType = { group: '', version: 'v1', plural: 'events', kind: 'Event', namespaced: true };
export const namespaces: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'namespaces',
  kind: 'Namespace',
  namespaced: false,
};
export const configMaps: ResourceType = {
  group: '',
  version: 'v1',
  plural: 'configmaps',
  kind: 'ConfigMap',
  namespaced: true,
};
export const customResourceDefinitions: ResourceType = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

/** `v1`, `stubdom.io/v1alpha1`. */
export const apiVersionOf = (type: ResourceType): string =>
  type.group === '' ? type.version : `${type.group}/${type.version}`;

/** The key by which caches and queues name an object. */
export const keyOf = (object: KubeObject): ObjectKey =>
  object.metadata.namespace === undefined
    ? object.metadata.name
    : `${object.metadata.namespace}/${object.metadata.name}`;

/** The reverse of `keyOf`. */
export function refOf(key: ObjectKey): ObjectRef {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** A segment of a path made of what somebody wrote: escaped, and never one that changes the path. */
function segment(what: string, value: string): string {
  if (value === '' || value === '.' || value === '..') throw new TypeError(`'${value}' is no ${what}`);
  return encodeURIComponent(value);
}

/** The URL path of a collection, or with `name` of one object. Throws a TypeError when a part is missing. */
export function pathOf(type: ResourceType, namespace: string | undefined, name?: string, subresource?: string): string {
  const root = type.group === '' ? `/api/${type.version}` : `/apis/${type.group}/${type.version}`;
  if (name !== undefined && type.namespaced && namespace === undefined) {
    throw new TypeError(`${type.kind} ${name} lives in a namespace, and none was given`);
  }
  const inNamespace =
    type.namespaced && namespace !== undefined ? `/namespaces/${segment('namespace', namespace)}` : '';
  const object = name === undefined ? '' : `/${segment('name', name)}`;
  return `${root}${inNamespace}/${type.plural}${object}${subresource === undefined ? '' : `/${subresource}`}`;
}
