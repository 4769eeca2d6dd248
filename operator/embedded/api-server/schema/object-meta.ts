/** ObjectMeta as OpenAPI: what every kind has under `metadata`, with the list and map types that ownership follows. */
import type { JsonObject } from './json.ts';

const text = (description: string): JsonObject => ({ type: 'string', description });
const texts = (description: string): JsonObject => ({
  type: 'object',
  additionalProperties: { type: 'string' },
  description,
});

const ownerReference: JsonObject = {
  description: 'OwnerReference contains enough information to let you identify an owning object.',
  type: 'object',
  required: ['apiVersion', 'kind', 'name', 'uid'],
  properties: {
    apiVersion: text('API version of the referent.'),
    blockOwnerDeletion: {
      type: 'boolean',
      description: 'If true, the owner cannot be deleted in the foreground until this reference is removed.',
    },
    controller: { type: 'boolean', description: 'If true, this reference points to the managing controller.' },
    kind: text('Kind of the referent.'),
    name: text('Name of the referent.'),
    uid: text('UID of the referent.'),
  },
  'x-kubernetes-map-type': 'atomic',
};

const managedFieldsEntry: JsonObject = {
  description: 'ManagedFieldsEntry is one field manager, and the set of fields that it owns.',
  type: 'object',
  properties: {
    apiVersion: text('The version that the set of fields is for.'),
    fieldsType: text('The format of the set of fields: FieldsV1.'),
    fieldsV1: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true, description: 'The set of fields.' },
    manager: text('The name of the manager.'),
    operation: text('Apply or Update.'),
    subresource: text('The subresource through which it was done; empty for the object itself.'),
    time: { type: 'string', format: 'date-time', description: 'When the entry changed last.' },
  },
};

/** `io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta` */
export const metadataSchema: JsonObject = {
  description: 'Standard object metadata.',
  type: 'object',
  properties: {
    annotations: texts('Unstructured data that tools store with the object.'),
    creationTimestamp: { type: 'string', format: 'date-time', description: 'When the object was created. Read-only.' },
    deletionGracePeriodSeconds: { type: 'integer', format: 'int64', description: 'Read-only.' },
    deletionTimestamp: {
      type: 'string',
      format: 'date-time',
      description: 'When deletion was asked for: the object goes once its finalizers are gone. Read-only.',
    },
    finalizers: {
      type: 'array',
      items: { type: 'string' },
      description: 'Must be empty before the object is deleted from the registry.',
      'x-kubernetes-list-type': 'set',
      'x-kubernetes-patch-strategy': 'merge',
    },
    generateName: text('A prefix from which the server makes a unique name when name is left out.'),
    generation: { type: 'integer', format: 'int64', description: 'Counts changes of the desired state. Read-only.' },
    labels: texts('Keys and values by which objects are organised and selected.'),
    managedFields: {
      type: 'array',
      items: managedFieldsEntry,
      description: 'Which manager owns which fields.',
      'x-kubernetes-list-type': 'atomic',
    },
    name: text('Unique within a namespace. Cannot be updated.'),
    namespace: text('The space within which the name must be unique. Cannot be updated.'),
    ownerReferences: {
      type: 'array',
      items: ownerReference,
      description: 'Objects that this one depends on. When all of them are gone, it is collected.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['uid'],
      'x-kubernetes-patch-merge-key': 'uid',
      'x-kubernetes-patch-strategy': 'merge',
    },
    resourceVersion: text('The version of the object, to tell when it changed. Opaque. Read-only.'),
    selfLink: text('Deprecated. Read-only.'),
    uid: text('Unique in time and space. Read-only.'),
  },
};
