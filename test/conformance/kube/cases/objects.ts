import { absent, type Case, condition, configMap, it, match, part, present, stubDomain } from '../case.ts';

export const objectCases: readonly Case[] = [
  it('a created object comes back with uid, resourceVersion, generation 1 and defaults', {
    do: 'POST {sd}',
    send: stubDomain('vm'),
    has: {
      apiVersion: 'stubdom.io/v1alpha1',
      kind: 'StubDomain',
      metadata: {
        name: 'vm',
        namespace: '{ns}',
        uid: present,
        resourceVersion: present,
        generation: 1,
        creationTimestamp: match(/Z$/),
      },
      spec: {
        flavor: 'MiniOS',
        provisioning: 'Create',
        runState: 'Running',
        bios: 'ROMBIOS',
        deletionPolicy: 'Destroy',
        nodeName: absent,
      },
      status: absent,
    },
  }),
  it('a YAML body is as good as JSON', {
    do: 'POST {sd}',
    as: 'yaml',
    send: 'apiVersion: stubdom.io/v1alpha1\nkind: StubDomain\nmetadata: {name: vm}\nspec:\n  target:\n    uuid: 00000000-0000-4000-8000-000000000001\n',
    has: { spec: { flavor: 'MiniOS' } },
  }),
  it(
    'a name that is taken is a conflict',
    { do: 'POST {sd}', send: stubDomain('vm') },
    {
      do: 'POST {sd}',
      send: stubDomain('vm'),
      status: 409,
      reason: 'AlreadyExists',
      message: 'stubdomains.stubdom.io "vm" already exists',
    },
  ),
  it('generateName makes a name', {
    do: 'POST {core}/configmaps',
    send: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'g-' } },
    has: { metadata: { name: match(/^g-[a-z0-9]{5}$/), generateName: 'g-' } },
  }),
  it('an object needs a name', {
    do: 'POST {core}/configmaps',
    send: { apiVersion: 'v1', kind: 'ConfigMap', metadata: {} },
    status: 422,
    reason: 'Invalid',
    causes: ['metadata.name: Required value: name or generateName is required'],
  }),
  it('the namespace in the body must be that of the path', {
    do: 'POST {sd}',
    send: stubDomain('vm', {}, {}, { namespace: 'elsewhere' }),
    status: 400,
    reason: 'BadRequest',
    message: 'the namespace of the provided object does not match the namespace sent on the request',
  }),
  it('a namespace that is not there is not found', {
    do: 'POST /apis/stubdom.io/v1alpha1/namespaces/{ns}-x/stubdomains',
    send: stubDomain('vm'),
    status: 404,
    reason: 'NotFound',
    message: 'namespaces "{ns}-x" not found',
  }),
  it('an object that is not there is not found', {
    do: 'GET {sd}/zzz',
    status: 404,
    reason: 'NotFound',
    message: 'stubdomains.stubdom.io "zzz" not found',
    has: {
      kind: 'Status',
      status: 'Failure',
      code: 404,
      details: { name: 'zzz', group: 'stubdom.io', kind: 'stubdomains' },
    },
  }),
  it('status in the body of a create is dropped', {
    do: 'POST {sd}',
    send: stubDomain('vm', {}, { status: { phase: 'Running' } }),
    has: { status: absent },
  }),
  it('a body that is no JSON is refused', { do: 'POST {sd}', send: '{"a":', status: 400, reason: 'BadRequest' }),
  it('a body of an unknown media type is refused', {
    do: 'POST {sd}',
    as: 'text/plain',
    send: '{}',
    status: 415,
    reason: 'UnsupportedMediaType',
  }),
  it('a kind that does not fit the path is refused', {
    do: 'POST {sd}',
    send: { ...configMap('a') },
    status: 400,
    reason: 'BadRequest',
  }),
  it('a collection of custom objects cannot be replaced', {
    do: 'PUT {sd}',
    send: stubDomain('vm'),
    status: 400,
    reason: 'BadRequest',
    message: 'name must be provided',
  }),
  it('a method that makes no sense is not allowed', {
    do: 'PUT {core}/configmaps',
    send: configMap('c'),
    status: 405,
    reason: 'MethodNotAllowed',
    message: 'the server does not allow this method on the requested resource',
  }),
  it('a patch of a built-in collection is not allowed', {
    do: 'PATCH {core}/configmaps',
    as: 'merge',
    send: {},
    status: 405,
    reason: 'MethodNotAllowed',
  }),
  it('a built-in object cannot be created under its own path', {
    do: 'POST {core}/configmaps/c',
    send: configMap('c'),
    status: 405,
    reason: 'MethodNotAllowed',
  }),
  it(
    'a replace of the spec counts the generation up',
    { do: 'POST {sd}', send: stubDomain('vm'), save: { rv: 'metadata.resourceVersion' } },
    {
      do: 'PUT {sd}/vm',
      send: stubDomain('vm', { memoryMiB: 64 }, {}, { resourceVersion: '{rv}' }),
      has: { metadata: { generation: 2 }, spec: { memoryMiB: 64 } },
    },
  ),
  it(
    'a replace that changes labels alone leaves the generation',
    { do: 'POST {sd}', send: stubDomain('vm'), save: { rv: 'metadata.resourceVersion' } },
    {
      do: 'PUT {sd}/vm',
      send: stubDomain('vm', {}, {}, { resourceVersion: '{rv}', labels: { a: 'b' } }),
      has: { metadata: { generation: 1, labels: { a: 'b' } } },
    },
  ),
  it(
    'a replace with an old resourceVersion is a conflict',
    { do: 'POST {sd}', send: stubDomain('vm'), save: { rv: 'metadata.resourceVersion' } },
    { do: 'PATCH {sd}/vm', as: 'merge', send: { spec: { memoryMiB: 64 } } },
    {
      do: 'PUT {sd}/vm',
      send: stubDomain('vm', { memoryMiB: 65 }, {}, { resourceVersion: '{rv}' }),
      status: 409,
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on stubdomains.stubdom.io "vm": the object has been modified; please apply your changes to the latest version and try again',
    },
  ),
  it(
    'a custom object is not replaced without a resourceVersion',
    { do: 'POST {sd}', send: stubDomain('vm') },
    {
      do: 'PUT {sd}/vm',
      send: stubDomain('vm'),
      status: 422,
      reason: 'Invalid',
      causes: ['metadata.resourceVersion: Invalid value: 0: must be specified for an update'],
    },
  ),
  it(
    'a replace under another name is refused',
    { do: 'POST {core}/configmaps', send: configMap('a') },
    {
      do: 'PUT {core}/configmaps/a',
      send: configMap('b'),
      status: 400,
      reason: 'BadRequest',
      message: 'the name of the object (b) does not match the name on the URL (a)',
    },
  ),
  it(
    'a replace that changes nothing keeps the resourceVersion',
    { do: 'POST {sd}', send: stubDomain('vm'), save: { rv: 'metadata.resourceVersion' } },
    {
      do: 'PUT {sd}/vm',
      send: stubDomain('vm', {}, {}, { resourceVersion: '{rv}' }),
      has: { metadata: { resourceVersion: '{rv}', generation: 1 } },
    },
  ),
  it(
    'a dry run of a create stores nothing',
    {
      do: 'POST {sd}?dryRun=All',
      send: stubDomain('vm'),
      has: { metadata: { uid: present }, spec: { flavor: 'MiniOS' } },
    },
    { do: 'GET {sd}/vm', status: 404 },
  ),
  it(
    'a dry run of a patch answers with what would be, and stores nothing',
    { do: 'POST {sd}', send: stubDomain('vm') },
    {
      do: 'PATCH {sd}/vm?dryRun=All',
      as: 'merge',
      send: { spec: { memoryMiB: 64 } },
      has: { metadata: { generation: 2 }, spec: { memoryMiB: 64 } },
    },
    { do: 'GET {sd}/vm', has: { metadata: { generation: 1 }, spec: { memoryMiB: absent } } },
  ),
  it('a dry run validates', {
    do: 'POST {sd}?dryRun=All',
    send: stubDomain('vm', { memoryMiB: 1 }),
    status: 422,
    reason: 'Invalid',
  }),
  it(
    'a dry run of a delete deletes nothing',
    { do: 'POST {sd}', send: stubDomain('vm') },
    { do: 'DELETE {sd}/vm?dryRun=All' },
    { do: 'GET {sd}/vm' },
  ),
  it('a dry run of a kind that is not known is refused', {
    do: 'POST {sd}?dryRun=Some',
    send: stubDomain('vm'),
    status: 422,
    reason: 'Invalid',
  }),
  it(
    'the main resource does not change status',
    { do: 'POST {sd}', send: stubDomain('vm') },
    { do: 'PATCH {sd}/vm/status', as: 'merge', send: { status: { phase: 'Running' } } },
    {
      do: 'PATCH {sd}/vm',
      as: 'merge',
      send: { spec: { memoryMiB: 64 }, status: { phase: 'Failed' } },
      has: { status: { phase: 'Running' }, spec: { memoryMiB: 64 } },
    },
  ),
  it(
    'the status subresource changes status alone, and not the generation',
    { do: 'POST {sd}', send: stubDomain('vm') },
    {
      do: 'PATCH {sd}/vm/status',
      as: 'merge',
      send: {
        metadata: { labels: { a: 'b' } },
        spec: { memoryMiB: 64 },
        status: { phase: 'Running', conditions: [condition('Ready', 'True')] },
      },
      has: {
        metadata: { generation: 1, labels: absent },
        spec: { memoryMiB: absent },
        status: { phase: 'Running', conditions: [{ type: 'Ready' }] },
      },
    },
    { do: 'GET {sd}/vm/status', has: { kind: 'StubDomain', status: { phase: 'Running' } } },
  ),
  it(
    'status may be replaced',
    { do: 'POST {sd}', send: stubDomain('vm'), save: { rv: 'metadata.resourceVersion' } },
    {
      do: 'PUT {sd}/vm/status',
      send: stubDomain('vm', { memoryMiB: 99 }, { status: { domid: 4 } }, { resourceVersion: '{rv}' }),
      has: { metadata: { generation: 1 }, spec: { memoryMiB: absent }, status: { domid: 4 } },
    },
  ),
  it(
    'unknown fields are pruned, with a warning if it is asked for',
    {
      do: 'POST {sd}?fieldValidation=Warn',
      send: stubDomain('vm', { bogus: 1 }),
      has: { spec: { bogus: absent } },
      warns: ['unknown field \\"spec.bogus\\"'],
    },
    { do: 'POST {sd}?fieldValidation=Ignore', send: stubDomain('vm2', { bogus: 1 }), has: { spec: { bogus: absent } } },
  ),
  it('unknown fields are refused by strict validation', {
    do: 'POST {sd}?fieldValidation=Strict',
    send: stubDomain('vm', { bogus: 1, disks: [{ name: 'x', source: '/x', nope: 5 }] }),
    status: 400,
    reason: 'BadRequest',
    message:
      'StubDomain in version "v1alpha1" cannot be handled as a StubDomain: strict decoding error: unknown field "spec.bogus", unknown field "spec.disks[0].nope"',
  }),
  it('fields that come twice are refused by strict validation', {
    do: 'POST {sd}?fieldValidation=Strict',
    send: '{"apiVersion":"stubdom.io/v1alpha1","kind":"StubDomain","metadata":{"name":"vm"},"spec":{"target":{"uuid":"00000000-0000-4000-8000-000000000001"},"flavor":"MiniOS","flavor":"Linux"}}',
    status: 400,
    reason: 'BadRequest',
    message: /duplicate field "spec.flavor"/,
  }),
  it('nulls for fields that cannot be null are dropped or defaulted', {
    do: 'POST {sd}',
    send: stubDomain('vm', { kernel: null, flavor: null, nics: null }),
    has: { spec: { kernel: absent, flavor: 'MiniOS', nics: absent } },
  }),
  it('defaults reach into lists and objects', {
    do: 'POST {sd}',
    send: stubDomain('vm', { disks: [{ name: 'a', source: '/a' }], graphics: {} }),
    has: {
      spec: {
        disks: [{ name: 'a', source: '/a', backend: 'Block', access: 'ReadWrite', device: 'Disk' }],
        graphics: { type: 'VNC', listen: '127.0.0.1' },
      },
    },
  }),
  it(
    'a cluster-scoped object has no namespace, and a default spec',
    {
      do: 'POST {xh}',
      send: { apiVersion: 'stubdom.io/v1alpha1', kind: 'XenHost', metadata: { name: '{ns}' } },
      has: { metadata: { namespace: absent }, spec: {} },
    },
    { do: 'DELETE {xh}/{ns}' },
  ),
  it(
    'an update tells who changed what',
    { do: 'POST {sd}?fieldManager=one', send: stubDomain('vm') },
    {
      do: 'PATCH {sd}/vm?fieldManager=two',
      as: 'merge',
      send: { metadata: { labels: { a: 'b' } }, spec: { memoryMiB: 64, runState: 'Paused' } },
      owners: {
        'one Update': [
          '.spec',
          '.spec.bios',
          '.spec.deletionPolicy',
          '.spec.flavor',
          '.spec.provisioning',
          '.spec.target',
          '.spec.target.uuid',
        ],
        'two Update': ['.metadata.labels', '.metadata.labels.a', '.spec.memoryMiB', '.spec.runState'],
      },
    },
  ),
  it('the manager is named after the user agent if none is given', {
    do: 'POST {core}/configmaps',
    send: configMap('c', { a: '1' }),
    owners: { 'conformance Update': ['.data', '.data.a'] },
  }),
  it(
    'ownership is forgotten when managedFields is one empty entry',
    { do: 'POST {sd}', send: stubDomain('vm') },
    {
      do: 'PATCH {sd}/vm',
      as: 'merge',
      send: { metadata: { managedFields: [{}] } },
      has: { metadata: { managedFields: absent } },
    },
    {
      do: 'PATCH {sd}/vm',
      as: 'merge',
      send: { spec: { memoryMiB: 64 } },
      has: { metadata: { managedFields: absent } },
    },
    {
      do: 'PATCH {sd}/vm?fieldManager=m',
      as: 'apply',
      send: part('vm', { spec: { memoryMiB: 65 } }),
      status: 409,
      message:
        'Apply failed with 1 conflict: conflict with "before-first-apply" using stubdom.io/v1alpha1: .spec.memoryMiB',
    },
  ),
  it(
    'an empty list of managedFields keeps what is known',
    { do: 'POST {sd}?fieldManager=one', send: stubDomain('vm') },
    {
      do: 'PATCH {sd}/vm',
      as: 'merge',
      send: { metadata: { managedFields: [] } },
      has: { metadata: { managedFields: [{ manager: 'one' }] } },
    },
  ),
];
