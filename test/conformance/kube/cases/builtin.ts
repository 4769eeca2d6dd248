import { absent, type Case, configMap, it, match, present, stubDomain } from '../case.ts';

const secret = (data: object): object => ({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's' }, ...data });
const lease = (spec: object): object => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name: 'l' },
  spec,
});

export const builtinCases: readonly Case[] = [
  it('a namespace is active and has its name as a label', {
    do: 'GET /api/v1/namespaces/{ns}',
    has: {
      metadata: { labels: { 'kubernetes.io/metadata.name': '{ns}' } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    },
  }),
  it(
    'the namespaces of every cluster are there',
    { do: 'GET /api/v1/namespaces/default' },
    { do: 'GET /api/v1/namespaces/kube-system' },
  ),
  it(
    'a namespace that is deleted takes everything with it',
    { do: 'POST /api/v1/namespaces', send: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: '{ns}-d' } } },
    { do: 'POST /apis/stubdom.io/v1alpha1/namespaces/{ns}-d/stubdomains', send: stubDomain('vm') },
    {
      do: 'DELETE /api/v1/namespaces/{ns}-d',
      has: { status: { phase: 'Terminating' }, metadata: { deletionTimestamp: present } },
    },
    { do: 'GET /api/v1/namespaces/{ns}-d', status: 404, eventually: true },
    { do: 'GET /apis/stubdom.io/v1alpha1/stubdomains?fieldSelector=metadata.namespace%3D{ns}-d', items: [] },
  ),
  it(
    'nothing is created in a namespace that is being deleted',
    { do: 'POST /api/v1/namespaces', send: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: '{ns}-d' } } },
    { do: 'POST /api/v1/namespaces/{ns}-d/configmaps', send: configMap('c', {}, { finalizers: ['stubdom.io/hold'] }) },
    { do: 'DELETE /api/v1/namespaces/{ns}-d' },
    {
      do: 'POST /api/v1/namespaces/{ns}-d/configmaps',
      send: configMap('d'),
      status: 403,
      reason: 'Forbidden',
      message:
        'configmaps "d" is forbidden: unable to create new content in namespace {ns}-d because it is being terminated',
    },
    { do: 'PATCH /api/v1/namespaces/{ns}-d/configmaps/c', as: 'merge', send: { metadata: { finalizers: null } } },
    { do: 'GET /api/v1/namespaces/{ns}-d', status: 404, eventually: true },
  ),
  it('a config map has no generation', {
    do: 'POST {core}/configmaps',
    send: configMap('c', { a: '1' }),
    has: { metadata: { generation: absent }, data: { a: '1' } },
  }),
  it(
    'a config map is replaced without a resourceVersion',
    { do: 'POST {core}/configmaps', send: configMap('c', { a: '1' }) },
    { do: 'PUT {core}/configmaps/c', send: configMap('c', { b: '2' }), has: { data: { a: absent, b: '2' } } },
  ),
  it(
    'an immutable config map stays as it is',
    { do: 'POST {core}/configmaps', send: { ...configMap('c', { a: '1' }), immutable: true } },
    {
      do: 'PATCH {core}/configmaps/c',
      as: 'merge',
      send: { data: { a: '2' } },
      status: 422,
      reason: 'Invalid',
      causes: ['data: Forbidden: field is immutable when `immutable` is set'],
    },
  ),
  it('strings of a secret become data', {
    do: 'POST {core}/secrets',
    send: secret({ stringData: { a: 'b' } }),
    has: { data: { a: 'Yg==' }, stringData: absent, type: 'Opaque' },
  }),
  ...(
    [
      ['%%', 0],
      ['YWJj%', 4],
      ['YWJ', 0],
      ['YWJjY', 4],
      ['YQ=', 3],
      ['YQ=a', 2],
      ['YQ==YQ==', 4],
      ['=', 0],
    ] as const
  ).map(([text, at]) =>
    it(`data of a secret must be base64, not ${text}`, {
      do: 'POST {core}/secrets',
      send: secret({ data: { good: 'YQ==', a: text } }),
      status: 400,
      reason: 'BadRequest',
      message: `Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte ${String(at)}`,
    }),
  ),
  it('base64 may have line breaks', {
    do: 'POST {core}/secrets',
    send: secret({ data: { a: 'YW\nJj\r\n' } }),
    has: { data: { a: 'YWJj' } },
  }),
  it(
    'binary data of a config map must be base64, also after a patch',
    { do: 'POST {core}/configmaps', send: configMap('c') },
    {
      do: 'PATCH {core}/configmaps/c',
      as: 'merge',
      send: { binaryData: { a: '?' } },
      status: 422,
      reason: 'Invalid',
      message: / "" is invalid: patch: Invalid value: "\{.*\}": illegal base64 data at input byte 0$/,
    },
  ),
  it('data of a secret that is no text', {
    do: 'POST {core}/secrets',
    send: secret({ data: { a: 5 } }),
    status: 400,
    reason: 'BadRequest',
    message: /cannot unmarshal number into Go struct field Secret.data of type \[\]uint8/,
  }),
  it('a service account', {
    do: 'POST {core}/serviceaccounts',
    send: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'a' } },
    has: { kind: 'ServiceAccount' },
  }),
  it(
    'a lease is taken and renewed',
    {
      do: 'POST {leases}',
      send: lease({ holderIdentity: 'a', leaseDurationSeconds: 15, renewTime: '2026-01-01T00:00:00.000000Z' }),
      save: { rv: 'metadata.resourceVersion' },
    },
    {
      do: 'PUT {leases}/l',
      send: {
        ...lease({ holderIdentity: 'a', leaseDurationSeconds: 15, renewTime: '2026-01-01T00:00:10.123456Z' }),
        metadata: { name: 'l', resourceVersion: '{rv}' },
      },
      has: { spec: { renewTime: '2026-01-01T00:00:10.123456Z' }, metadata: { generation: absent } },
    },
    {
      do: 'PUT {leases}/l',
      send: { ...lease({ holderIdentity: 'b' }), metadata: { name: 'l', resourceVersion: '{rv}' } },
      status: 409,
      reason: 'Conflict',
    },
  ),
  it('the duration of a lease is above zero', {
    do: 'POST {leases}',
    send: lease({ holderIdentity: 'a', leaseDurationSeconds: 0 }),
    status: 422,
    reason: 'Invalid',
    causes: ['spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0'],
  }),
  it(
    'an event of the core group is seen in the newer group, too',
    {
      do: 'POST {core}/events',
      send: {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name: 'e' },
        involvedObject: { kind: 'StubDomain', name: 'vm', namespace: '{ns}' },
        reason: 'R',
        message: 'm',
        type: 'Normal',
        count: 1,
      },
      has: { message: 'm' },
    },
    {
      do: 'GET {events}/e',
      has: { apiVersion: 'events.k8s.io/v1', note: 'm', reason: 'R', deprecatedCount: 1, regarding: { name: 'vm' } },
    },
  ),
  it(
    'an event of the newer group is seen in the core group, too',
    {
      do: 'POST {events}',
      send: {
        apiVersion: 'events.k8s.io/v1',
        kind: 'Event',
        metadata: { name: 'e' },
        eventTime: '2026-01-01T00:00:00.000000Z',
        reportingController: 'stubdom.io/agent',
        reportingInstance: 'xen-1',
        action: 'Start',
        regarding: { kind: 'StubDomain', name: 'vm', namespace: '{ns}' },
        reason: 'R',
        note: 'm',
        type: 'Normal',
      },
    },
    {
      do: 'GET {core}/events/e',
      has: { apiVersion: 'v1', message: 'm', involvedObject: { name: 'vm' }, reportingComponent: 'stubdom.io/agent' },
    },
    { do: 'GET {core}/events?fieldSelector=involvedObject.name%3Dvm%2CinvolvedObject.kind%3DStubDomain', items: ['e'] },
    { do: 'GET {core}/events?fieldSelector=involvedObject.name%3Dother', items: [] },
  ),
  it('an event must be about something in its namespace', {
    do: 'POST {core}/events',
    send: {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'e' },
      involvedObject: { kind: 'StubDomain', name: 'vm', namespace: 'elsewhere' },
      reason: 'R',
      message: 'm',
      type: 'Normal',
    },
    status: 422,
    reason: 'Invalid',
    message: /involvedObject.namespace: Invalid value: "elsewhere": does not match event.namespace/,
  }),
  it('our definitions are established', {
    do: 'GET {crds}/stubdomains.stubdom.io',
    has: {
      spec: { group: 'stubdom.io', names: { kind: 'StubDomain', shortNames: ['sd'] } },
      status: { acceptedNames: { plural: 'stubdomains' }, storedVersions: ['v1alpha1'], conditions: present },
    },
  }),
  it(
    'a definition brings a kind, and takes it away',
    {
      do: 'POST {crds}',
      send: {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'gadgets.{ns}.io' },
        spec: {
          group: '{ns}.io',
          scope: 'Namespaced',
          names: { kind: 'Gadget', plural: 'gadgets' },
          versions: [
            {
              name: 'v1',
              served: true,
              storage: true,
              schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
            },
          ],
        },
      },
      has: { spec: { names: { singular: 'gadget', listKind: 'GadgetList' }, conversion: { strategy: 'None' } } },
    },
    { do: 'GET /apis/{ns}.io/v1/namespaces/{ns}/gadgets', has: { kind: 'GadgetList', items: [] }, eventually: true },
    {
      do: 'POST /apis/{ns}.io/v1/namespaces/{ns}/gadgets',
      send: { apiVersion: '{ns}.io/v1', kind: 'Gadget', metadata: { name: 'g' }, anything: { goes: [1] } },
      has: { anything: { goes: [1] } },
      eventually: true,
    },
    {
      do: 'PATCH /apis/{ns}.io/v1/namespaces/{ns}/gadgets/g?fieldManager=m',
      as: 'apply',
      send: { apiVersion: '{ns}.io/v1', kind: 'Gadget', metadata: { name: 'g' }, more: { a: 1 } },
      has: { more: { a: 1 }, anything: { goes: [1] } },
      eventually: true,
    },
    { do: 'DELETE {crds}/gadgets.{ns}.io' },
    { do: 'GET /apis/{ns}.io/v1/namespaces/{ns}/gadgets', status: 404, eventually: true },
  ),
  it('a definition whose name does not fit is refused', {
    do: 'POST {crds}',
    send: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'wrong.x.io' },
      spec: {
        group: 'x.io',
        scope: 'Cluster',
        names: { kind: 'T', plural: 'ts' },
        versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
      },
    },
    status: 422,
    reason: 'Invalid',
    message: match(/metadata.name: Invalid value: "wrong.x.io": must be spec.names.plural\+"."\+spec.group/) as RegExp,
  }),
];
