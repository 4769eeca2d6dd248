/** The schema of CustomResourceDefinition (apiextensions.k8s.io/v1). */
import type { JsonObject } from './json.ts';
import { metadataSchema } from './object-meta.ts';

const text = (description: string): JsonObject => ({ type: 'string', description });
const flag = (description: string): JsonObject => ({ type: 'boolean', description });
const object = (description: string, properties: JsonObject, required: readonly string[] = []): JsonObject => ({
  type: 'object',
  description,
  properties,
  ...(required.length === 0 ? {} : { required }),
});
const list = (description: string, items: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: 'array',
  description,
  items,
  'x-kubernetes-list-type': 'atomic',
  ...more,
});
const strings = (description: string): JsonObject => list(description, { type: 'string' });

const names = object(
  'The names of the resource and its kind.',
  {
    categories: strings('Groups of resources to which it belongs, as `all`.'),
    kind: text('The kind, CamelCase and singular.'),
    listKind: text('The kind of the list. The kind with List appended if left out.'),
    plural: text('The plural name, as in URLs.'),
    shortNames: strings('Short names, as for kubectl.'),
    singular: text('The singular name. The kind in lower case if left out.'),
  },
  ['plural', 'kind'],
);

const version = object(
  'One version of the resource.',
  {
    additionalPrinterColumns: list(
      'Columns of tables.',
      object(
        'A column.',
        {
          description: text('For people.'),
          format: text('An OpenAPI format.'),
          jsonPath: text('Where the value is in the object.'),
          name: text('Name of the column.'),
          priority: { type: 'integer', format: 'int32', description: 'Above 0 it is shown in the wide table only.' },
          type: text('An OpenAPI type.'),
        },
        ['name', 'type', 'jsonPath'],
      ),
    ),
    deprecated: flag('Whether use of this version gives a warning.'),
    deprecationWarning: text('The warning.'),
    name: text('The name, as v1alpha1.'),
    schema: object('How objects are validated, pruned and defaulted.', {
      openAPIV3Schema: {
        type: 'object',
        description: 'The structural schema.',
        'x-kubernetes-preserve-unknown-fields': true,
        'x-kubernetes-map-type': 'granular',
      },
    }),
    selectableFields: list(
      'Fields that may be used in field selectors.',
      object('A field.', { jsonPath: text('Where the value is in the object.') }, ['jsonPath']),
    ),
    served: flag('Whether it is served.'),
    storage: flag('Whether objects are stored in this version. Exactly one is.'),
    subresources: object('Subresources of the resource.', {
      scale: object(
        'The scale subresource.',
        {
          labelSelectorPath: text('Where the selector is.'),
          specReplicasPath: text('Where the desired replicas are.'),
          statusReplicasPath: text('Where the observed replicas are.'),
        },
        ['specReplicasPath', 'statusReplicasPath'],
      ),
      status: { type: 'object', description: 'The status subresource.', 'x-kubernetes-preserve-unknown-fields': true },
    }),
  },
  ['name', 'served', 'storage'],
);

/** CustomResourceDefinition */
export const customResourceDefinitionSchema: JsonObject = object(
  'CustomResourceDefinition represents a resource that should be exposed on the API server.',
  {
    apiVersion: text('The versioned schema of this representation of an object.'),
    kind: text('The REST resource that this object represents.'),
    metadata: metadataSchema,
    spec: object(
      'How the resource is to appear.',
      {
        conversion: object(
          'How objects are converted between versions.',
          {
            strategy: text('None or Webhook.'),
            webhook: { type: 'object', description: 'The webhook.', 'x-kubernetes-preserve-unknown-fields': true },
          },
          ['strategy'],
        ),
        group: text('The API group.'),
        names,
        preserveUnknownFields: flag('Must be false.'),
        scope: text('Cluster or Namespaced.'),
        versions: list('All versions.', version),
      },
      ['group', 'names', 'scope', 'versions'],
    ),
    status: object('What became of it.', {
      acceptedNames: names,
      conditions: list(
        'The latest observations.',
        object(
          'A condition.',
          {
            lastTransitionTime: { type: 'string', format: 'date-time', description: 'When it changed last.' },
            message: text('A message for people.'),
            observedGeneration: { type: 'integer', format: 'int64', description: 'The generation that was observed.' },
            reason: text('A word for programs.'),
            status: text('True, False or Unknown.'),
            type: text('Established, NamesAccepted, ….'),
          },
          ['type', 'status'],
        ),
        { 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['type'] },
      ),
      observedGeneration: { type: 'integer', format: 'int64', description: 'The generation that was observed.' },
      storedVersions: strings('All versions in which objects were ever stored.'),
    }),
  },
  ['spec'],
);
