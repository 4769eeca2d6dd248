/**
 * Schemas of the built-in kinds that are served, keyed by kind (`Event` is core/v1, `events.k8s.io/Event` the newer
 * one). Complete enough for `kubectl explain`, for ownership and strategic merge, and for validating what matters.
 */
import { customResourceDefinitionSchema } from './builtin-crd.ts';
import type { JsonObject } from './json.ts';
import { metadataSchema } from './object-meta.ts';

const text = (description: string, more: JsonObject = {}): JsonObject => ({ type: 'string', description, ...more });
const time = (description: string, format = 'date-time'): JsonObject => ({ type: 'string', format, description });
const int = (description: string, more: JsonObject = {}): JsonObject => ({
  type: 'integer',
  format: 'int32',
  description,
  ...more,
});
const object = (description: string, properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: 'object',
  description,
  properties,
  ...more,
});

function kind(description: string, properties: JsonObject, more: JsonObject = {}): JsonObject {
  return object(
    description,
    {
      apiVersion: text('The versioned schema of this representation of an object.'),
      kind: text('The REST resource that this object represents.'),
      metadata: metadataSchema,
      ...properties,
    },
    more,
  );
}

const objectReference = (description: string): JsonObject =>
  object(
    description,
    {
      apiVersion: text('API version of the referent.'),
      fieldPath: text('A part of the object, such as a field.'),
      kind: text('Kind of the referent.'),
      name: text('Name of the referent.'),
      namespace: text('Namespace of the referent.'),
      resourceVersion: text('The resourceVersion to which the reference is made.'),
      uid: text('UID of the referent.'),
    },
    { 'x-kubernetes-map-type': 'atomic' },
  );

const condition = object(
  'Condition contains details for one aspect of the current state.',
  {
    lastTransitionTime: time('When the condition changed last.'),
    message: text('A message for people.'),
    reason: text('A word for programs.'),
    status: text('True, False or Unknown.'),
    type: text('Which condition.'),
  },
  { required: ['type', 'status'] },
);

const stringMap = (description: string, more: JsonObject = {}): JsonObject => ({
  type: 'object',
  description,
  additionalProperties: { type: 'string' },
  ...more,
});
const byteMap = (description: string): JsonObject => ({
  type: 'object',
  description,
  additionalProperties: { type: 'string', format: 'byte' },
});

const namespace = kind('Namespace provides a scope for names.', {
  spec: object('The behaviour of the namespace.', {
    finalizers: {
      type: 'array',
      description: 'Must be empty before the namespace is removed.',
      items: { type: 'string' },
      'x-kubernetes-list-type': 'atomic',
    },
  }),
  status: object('The current state of the namespace.', {
    conditions: {
      type: 'array',
      description: 'The latest observations of its state.',
      items: condition,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
      'x-kubernetes-patch-merge-key': 'type',
      'x-kubernetes-patch-strategy': 'merge',
    },
    phase: text('Active or Terminating.'),
  }),
});

const configMap = kind('ConfigMap holds configuration data for programs to consume.', {
  binaryData: byteMap('Binary data, base64. Keys must not overlap with data.'),
  data: stringMap('The configuration data.'),
  immutable: { type: 'boolean', description: 'If true, the data cannot be updated.' },
});

const secret = kind('Secret holds secret data of a certain type.', {
  data: byteMap('The secret data, base64.'),
  immutable: { type: 'boolean', description: 'If true, the data cannot be updated.' },
  stringData: stringMap('Secret data as plain strings: a write-only convenience that is merged into data.'),
  type: text('Used by programs to handle the data. Opaque if left out.'),
});

const serviceAccount = kind('ServiceAccount binds together a name and an identity.', {
  automountServiceAccountToken: { type: 'boolean', description: 'Whether pods mount a token.' },
  imagePullSecrets: {
    type: 'array',
    description: 'Secrets for pulling images.',
    items: object('', { name: text('Name of the referent.') }, { 'x-kubernetes-map-type': 'atomic' }),
    'x-kubernetes-list-type': 'atomic',
  },
  secrets: {
    type: 'array',
    description: 'Secrets that pods may use.',
    items: objectReference('A secret.'),
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['name'],
    'x-kubernetes-patch-merge-key': 'name',
    'x-kubernetes-patch-strategy': 'merge',
  },
});

const event = kind(
  'Event is a report of an event somewhere in the cluster.',
  {
    action: text('What was done or failed.'),
    count: int('How often it occurred.'),
    eventTime: time('When it was first observed.', 'micro-time'),
    firstTimestamp: time('When it was recorded first.'),
    involvedObject: objectReference('The object that it is about.'),
    lastTimestamp: time('When it was recorded last.'),
    message: text('A description for people.'),
    reason: text('Why, in one word.'),
    related: objectReference('A second object for more complex actions.'),
    reportingComponent: text('The controller that emitted it.'),
    reportingInstance: text('The instance of the controller.'),
    series: object('The series that it stands for.', {
      count: int('How often it occurred so far.'),
      lastObservedTime: time('When it was seen last.', 'micro-time'),
    }),
    source: object('The component that reported it.', {
      component: text('Component from which it comes.'),
      host: text('Node on which it was generated.'),
    }),
    type: text('Normal or Warning.'),
  },
  { required: ['metadata', 'involvedObject'] },
);

const newEvent = kind(
  'Event is a report of an event somewhere in the cluster.',
  {
    action: text('What was done or failed. At most 128 characters.'),
    deprecatedCount: int('For the older Event.'),
    deprecatedFirstTimestamp: time('For the older Event.'),
    deprecatedLastTimestamp: time('For the older Event.'),
    deprecatedSource: object('For the older Event.', { component: text('Component.'), host: text('Node.') }),
    eventTime: time('When it was first observed.', 'micro-time'),
    note: text('A description for people. At most 1024 bytes.'),
    reason: text('Why, in one word. At most 128 characters.'),
    regarding: objectReference('The object that it is about.'),
    related: objectReference('A second object for more complex actions.'),
    reportingController: text('The controller that emitted it.'),
    reportingInstance: text('The instance of the controller.'),
    series: object(
      'The series that it stands for.',
      { count: int('How often it occurred so far.'), lastObservedTime: time('When it was seen last.', 'micro-time') },
      { required: ['count', 'lastObservedTime'] },
    ),
    type: text('Normal or Warning.'),
  },
  { required: ['eventTime'] },
);

const lease = kind('Lease defines a lease concept.', {
  spec: object('The specification of the lease.', {
    acquireTime: time('When the current lease was acquired.', 'micro-time'),
    holderIdentity: text('The identity of the holder.'),
    leaseDurationSeconds: int('How long candidates wait before they force acquisition.'),
    leaseTransitions: int('How often the lease changed hands.'),
    preferredHolder: text('Who should hold it, in coordinated election.'),
    renewTime: time('When the holder renewed it last.', 'micro-time'),
    strategy: text('How the leader is picked, in coordinated election.'),
  }),
});

/** Schemas by kind. */
export const builtinSchemas: Readonly<Record<string, JsonObject>> = {
  Namespace: namespace,
  ConfigMap: configMap,
  Secret: secret,
  ServiceAccount: serviceAccount,
  Event: event,
  'events.k8s.io/Event': newEvent,
  Lease: lease,
  CustomResourceDefinition: customResourceDefinitionSchema,
  ObjectMeta: metadataSchema,
};
