import { absent, type Case, condition, configMap, it, part, type Step, stubDomain } from '../case.ts';

const UUID = '00000000-0000-4000-8000-000000000001';
const target = { target: { uuid: UUID } };

function apply(manager: string, spec: object, more: Partial<Step> & { readonly metadata?: object } = {}): Step {
  const { metadata, ...rest } = more;
  return { do: `PATCH {sd}/vm?fieldManager=${manager}`, as: 'apply', send: part('vm', { spec }, metadata), ...rest };
}
function force(manager: string, spec: object, more: Partial<Step> = {}): Step {
  return { ...apply(manager, spec, more), do: `PATCH {sd}/vm?fieldManager=${manager}&force=true` };
}
function applyStatus(manager: string, status: object, more: Partial<Step> = {}): Step {
  return { do: `PATCH {sd}/vm/status?fieldManager=${manager}`, as: 'apply', send: part('vm', { status }), ...more };
}
const update = (manager: string, send: object, more: Partial<Step> = {}): Step => ({
  do: `PATCH {sd}/vm?fieldManager=${manager}`,
  as: 'merge',
  send,
  ...more,
});
const uuidOwner = ['.spec.target.uuid'];

export const applyCases: readonly Case[] = [
  it(
    'an apply creates',
    apply(
      'm',
      { ...target, memoryMiB: 32 },
      {
        status: 201,
        has: { metadata: { generation: 1 }, spec: { memoryMiB: 32, flavor: 'MiniOS' } },
        owners: { 'm Apply': [...uuidOwner, '.spec.memoryMiB'] },
      },
    ),
  ),
  it('an apply needs a manager', {
    do: 'PATCH {sd}/vm',
    as: 'apply',
    send: part('vm', { spec: target }),
    status: 422,
    reason: 'Invalid',
    causes: ['fieldManager: Required value: is required for apply patch'],
  }),
  it(
    'force is for apply alone',
    { do: 'POST {sd}', send: stubDomain('vm') },
    { do: 'PATCH {sd}/vm?force=true', as: 'merge', send: {}, status: 422, reason: 'Invalid' },
  ),
  it(
    'an apply twice changes nothing',
    apply('m', { ...target, memoryMiB: 32 }, { status: 201, save: { rv: 'metadata.resourceVersion' } }),
    apply('m', { ...target, memoryMiB: 32 }, { has: { metadata: { resourceVersion: '{rv}', generation: 1 } } }),
  ),
  it(
    'a field that its only owner applies no more is removed',
    apply('m', { ...target, memoryMiB: 32, graphics: { type: 'SDL' } }, { status: 201 }),
    apply('m', target, {
      has: { metadata: { generation: 2 }, spec: { memoryMiB: absent, graphics: absent } },
      owners: { 'm Apply': uuidOwner },
    }),
  ),
  it(
    'a field with a default goes back to it',
    apply('m', { ...target, runState: 'Paused' }, { status: 201 }),
    apply('m', target, { has: { spec: { runState: 'Running' } } }),
  ),
  it(
    'another value of what somebody else applied is a conflict',
    apply('m', { ...target, memoryMiB: 32 }, { status: 201 }),
    apply(
      'n',
      { memoryMiB: 33 },
      {
        status: 409,
        reason: 'Conflict',
        message: 'Apply failed with 1 conflict: conflict with "m": .spec.memoryMiB',
        causes: ['.spec.memoryMiB: conflict with "m"'],
      },
    ),
  ),
  it(
    'another value of what somebody else updated is a conflict, too',
    apply('m', { ...target, memoryMiB: 32 }, { status: 201 }),
    update('u', { spec: { memoryMiB: 40 } }, { owners: { 'm Apply': uuidOwner, 'u Update': ['.spec.memoryMiB'] } }),
    apply(
      'm',
      { ...target, memoryMiB: 32 },
      {
        status: 409,
        message: 'Apply failed with 1 conflict: conflict with "u" using stubdom.io/v1alpha1: .spec.memoryMiB',
      },
    ),
  ),
  it(
    'all conflicts are told, by manager',
    apply(
      'm',
      { ...target, memoryMiB: 32, disks: [{ name: 'a', source: '/a' }] },
      { status: 201, metadata: { labels: { a: 'b' } } },
    ),
    update('u', { spec: { runState: 'Paused' } }),
    apply(
      'n',
      { memoryMiB: 33, runState: 'Running', disks: [{ name: 'a', source: '/b' }] },
      {
        status: 409,
        metadata: { labels: { a: 'c' } },
        message:
          'Apply failed with 4 conflicts: conflicts with "m":\n- .metadata.labels.a\n- .spec.memoryMiB\n- .spec.disks[name="a"].source\nconflicts with "u" using stubdom.io/v1alpha1:\n- .spec.runState',
        causes: [
          '.metadata.labels.a: conflict with "m"',
          '.spec.memoryMiB: conflict with "m"',
          '.spec.disks[name="a"].source: conflict with "m"',
          '.spec.runState: conflict with "u" using stubdom.io/v1alpha1',
        ],
      },
    ),
  ),
  it(
    'force takes a field over',
    apply('m', { ...target, memoryMiB: 32 }, { status: 201 }),
    force(
      'n',
      { memoryMiB: 33 },
      { has: { spec: { memoryMiB: 33 } }, owners: { 'm Apply': uuidOwner, 'n Apply': ['.spec.memoryMiB'] } },
    ),
  ),
  it(
    'the same value is owned together, and stays until the last owner goes',
    apply('m', { ...target, memoryMiB: 32 }, { status: 201 }),
    apply(
      'n',
      { memoryMiB: 32 },
      { owners: { 'm Apply': [...uuidOwner, '.spec.memoryMiB'], 'n Apply': ['.spec.memoryMiB'] } },
    ),
    apply('m', target, {
      has: { spec: { memoryMiB: 32 } },
      owners: { 'm Apply': uuidOwner, 'n Apply': ['.spec.memoryMiB'] },
    }),
    apply('n', {}, { has: { spec: { memoryMiB: absent } } }),
  ),
  it(
    'a field is handed over from one manager to another',
    apply('m', { ...target, memoryMiB: 32 }, { status: 201 }),
    apply('n', { memoryMiB: 32 }),
    apply('m', target),
    apply('n', { memoryMiB: 34 }, { has: { spec: { memoryMiB: 34 } } }),
  ),
  it(
    'items of a map list are owned one by one',
    apply(
      'm',
      {
        ...target,
        disks: [
          { name: 'a', source: '/a' },
          { name: 'b', source: '/b' },
        ],
      },
      { status: 201 },
    ),
    apply(
      'n',
      { disks: [{ name: 'c', source: '/c' }] },
      {
        has: { spec: { disks: [{ name: 'a' }, { name: 'b' }, { name: 'c', access: 'ReadWrite' }] } },
        owners: {
          'm Apply': [
            ...uuidOwner,
            '.spec.disks[name="a"]',
            '.spec.disks[name="a"].name',
            '.spec.disks[name="a"].source',
            '.spec.disks[name="b"]',
            '.spec.disks[name="b"].name',
            '.spec.disks[name="b"].source',
          ],
          'n Apply': ['.spec.disks[name="c"]', '.spec.disks[name="c"].name', '.spec.disks[name="c"].source'],
        },
      },
    ),
    apply(
      'm',
      { ...target, disks: [{ name: 'b', source: '/b' }] },
      { has: { spec: { disks: [{ name: 'b' }, { name: 'c' }] } } },
    ),
  ),
  it(
    'applied items come in the order in which they are applied',
    apply(
      'm',
      {
        ...target,
        disks: [
          { name: 'a', source: '/a' },
          { name: 'b', source: '/b' },
          { name: 'c', source: '/c' },
        ],
      },
      { status: 201 },
    ),
    apply(
      'm',
      {
        ...target,
        disks: [
          { name: 'c', source: '/c' },
          { name: 'x', source: '/x' },
          { name: 'a', source: '/a' },
        ],
      },
      { has: { spec: { disks: [{ name: 'c' }, { name: 'x' }, { name: 'a' }] } } },
    ),
  ),
  it(
    'a list without a type is owned as a whole',
    apply('m', { ...target, deviceModelArgs: ['-a'] }, { status: 201 }),
    apply('n', { deviceModelArgs: ['-b'] }, { status: 409, causes: ['.spec.deviceModelArgs: conflict with "m"'] }),
    force('n', { deviceModelArgs: ['-b'] }, { has: { spec: { deviceModelArgs: ['-b'] } } }),
  ),
  it(
    'finalizers are a set: each manager owns its own',
    apply('m', target, { status: 201, metadata: { finalizers: ['stubdom.io/m'] } }),
    apply(
      'n',
      {},
      {
        metadata: { finalizers: ['stubdom.io/n'] },
        has: { metadata: { finalizers: ['stubdom.io/m', 'stubdom.io/n'] } },
      },
    ),
    apply('m', target, { has: { metadata: { finalizers: ['stubdom.io/n'] } } }),
    apply('n', {}, { has: { metadata: { finalizers: absent } } }),
  ),
  it(
    'labels are owned key by key',
    apply('m', target, { status: 201, metadata: { labels: { a: '1', b: '2' } } }),
    apply(
      'n',
      {},
      {
        metadata: { labels: { c: '3' } },
        owners: {
          'm Apply': [...uuidOwner, '.metadata.labels.a', '.metadata.labels.b'],
          'n Apply': ['.metadata.labels.c', '.spec'],
        },
      },
    ),
    apply('m', target, {
      metadata: { labels: { b: '2' } },
      has: { metadata: { labels: { a: absent, b: '2', c: '3' } } },
    }),
  ),
  it(
    'status is applied through its own endpoint, and each condition has its owner',
    apply('m', target, { status: 201 }),
    applyStatus(
      'one',
      { phase: 'Running', conditions: [condition('Ready', 'True')] },
      { has: { metadata: { generation: 1 } } },
    ),
    applyStatus(
      'two',
      { conditions: [condition('Scheduled', 'True')] },
      {
        has: { status: { phase: 'Running', conditions: [{ type: 'Ready' }, { type: 'Scheduled' }] } },
        owners: {
          'm Apply': uuidOwner,
          'one Apply/status': [
            '.status.phase',
            ...['', '.lastTransitionTime', '.message', '.reason', '.status', '.type'].map(
              (field) => `.status.conditions[type="Ready"]${field}`,
            ),
          ],
          'two Apply/status': ['', '.lastTransitionTime', '.message', '.reason', '.status', '.type'].map(
            (field) => `.status.conditions[type="Scheduled"]${field}`,
          ),
        },
      },
    ),
    applyStatus(
      'one',
      { conditions: [condition('Ready', 'False')] },
      { has: { status: { phase: absent, conditions: [{ type: 'Ready', status: 'False' }, { type: 'Scheduled' }] } } },
    ),
  ),
  it(
    'a condition of somebody else is a conflict, and force takes it over',
    apply('m', target, { status: 201 }),
    applyStatus('one', { conditions: [condition('Ready', 'True')] }),
    applyStatus(
      'two',
      { conditions: [condition('Ready', 'Unknown')] },
      {
        status: 409,
        message:
          'Apply failed with 1 conflict: conflict with "one" with subresource "status": .status.conditions[type="Ready"].status',
      },
    ),
    {
      ...applyStatus(
        'two',
        { conditions: [condition('Ready', 'Unknown')] },
        { has: { status: { conditions: [{ status: 'Unknown' }] } } },
      ),
      do: 'PATCH {sd}/vm/status?fieldManager=two&force=true',
    },
  ),
  it('metadata and spec are not applied through the status endpoint', apply('m', target, { status: 201 }), {
    do: 'PATCH {sd}/vm/status?fieldManager=s',
    as: 'apply',
    send: part('vm', { spec: { memoryMiB: 99 }, status: { domid: 3 } }, { labels: { a: 'b' } }),
    has: { metadata: { labels: absent }, spec: { memoryMiB: absent }, status: { domid: 3 } },
    owners: { 'm Apply': uuidOwner, 's Apply/status': ['.status.domid'] },
  }),
  it('status is not applied through the main endpoint', {
    do: 'PATCH {sd}/vm?fieldManager=m',
    as: 'apply',
    send: part('vm', { spec: target, status: { domid: 3 } }),
    status: 201,
    has: { status: absent },
    owners: { 'm Apply': uuidOwner },
  }),
  it('a status with another uid is applied all the same', apply('m', target, { status: 201 }), {
    do: 'PATCH {sd}/vm/status?fieldManager=s',
    as: 'apply',
    send: part('vm', { status: { domid: 3 } }, { uid: 'another' }),
    has: { status: { domid: 3 } },
  }),
  it(
    'a status cannot be applied to what is not there',
    applyStatus('s', { domid: 3 }, { status: 404, reason: 'NotFound' }),
  ),
  it(
    'an update takes ownership of what it changes from who applied it',
    apply('m', { ...target, memoryMiB: 32, runState: 'Paused' }, { status: 201 }),
    update(
      'u',
      { spec: { runState: 'Running' } },
      { owners: { 'm Apply': [...uuidOwner, '.spec.memoryMiB'], 'u Update': ['.spec.runState'] } },
    ),
    update('u', { spec: { memoryMiB: null } }, { owners: { 'm Apply': uuidOwner, 'u Update': ['.spec.runState'] } }),
  ),
  it(
    'a manager that applies and updates is two',
    apply('m', { ...target, memoryMiB: 32 }, { status: 201 }),
    update(
      'm',
      { spec: { runState: 'Paused' } },
      { owners: { 'm Apply': [...uuidOwner, '.spec.memoryMiB'], 'm Update': ['.spec.runState'] } },
    ),
  ),
  it('the body must be of the kind of the path', {
    do: 'PATCH {sd}/vm?fieldManager=m',
    as: 'apply',
    send: { ...configMap('vm') },
    status: 400,
    reason: 'BadRequest',
  }),
  it('the name in the body must be that of the path', {
    do: 'PATCH {sd}/vm?fieldManager=m',
    as: 'apply',
    send: part('other', { spec: target }),
    status: 400,
    reason: 'BadRequest',
    message: 'the name of the object (other) does not match the name on the URL (vm)',
  }),
  it('managedFields cannot be applied', {
    do: 'PATCH {sd}/vm?fieldManager=m',
    as: 'apply',
    send: part('vm', { spec: target }, { managedFields: [{ manager: 'x', operation: 'Apply', apiVersion: 'v1' }] }),
    status: 400,
    reason: 'BadRequest',
    message: 'metadata.managedFields must be nil',
  }),
  it('an unknown field cannot be applied', {
    ...apply('m', { ...target, bogus: 1 }, { status: 500, message: /\.spec\.bogus: field not declared in schema$/ }),
  }),
  it('a field of another type cannot be applied', {
    ...apply(
      'm',
      { ...target, flavor: 5 },
      { status: 500, message: /\.spec\.flavor: expected string, got &value.valueUnstructured\{Value:5\}$/ },
    ),
  }),
  it(
    'an item without its key cannot be applied',
    apply(
      'm',
      { ...target, disks: [{ source: '/a' }] },
      {
        status: 500,
        message: /element 0: associative list with keys has an element that omits all key fields \["name"\]/,
      },
    ),
  ),
  it(
    'an item that comes twice cannot be applied',
    apply(
      'm',
      {
        ...target,
        disks: [
          { name: 'a', source: '/a' },
          { name: 'a', source: '/b' },
        ],
      },
      { status: 500, message: /duplicate entries for key \[name="a"\]$/ },
    ),
  ),
  it(
    'an apply validates',
    apply(
      'm',
      { ...target, memoryMiB: 1 },
      {
        status: 422,
        reason: 'Invalid',
        causes: ['spec.memoryMiB: Invalid value: 1: spec.memoryMiB in body should be greater than or equal to 16'],
      },
    ),
  ),
  it(
    'a dry run of an apply stores nothing',
    { ...apply('m', target, { status: 201 }), do: 'PATCH {sd}/vm?fieldManager=m&dryRun=All' },
    { do: 'GET {sd}/vm', status: 404 },
  ),
  it('an apply in YAML', {
    do: 'PATCH {sd}/vm?fieldManager=m',
    as: 'apply',
    send: `apiVersion: stubdom.io/v1alpha1\nkind: StubDomain\nmetadata:\n  name: vm\nspec:\n  target:\n    uuid: ${UUID}\n`,
    status: 201,
    owners: { 'm Apply': uuidOwner },
  }),
  it(
    'a built-in kind is applied as well',
    {
      do: 'PATCH {core}/configmaps/c?fieldManager=m',
      as: 'apply',
      send: configMap('c', { a: '1', b: '2' }),
      status: 201,
      owners: { 'm Apply': ['.data.a', '.data.b'] },
    },
    {
      do: 'PATCH {core}/configmaps/c?fieldManager=n',
      as: 'apply',
      send: configMap('c', { a: '9' }),
      status: 409,
      message: 'Apply failed with 1 conflict: conflict with "m": .data.a',
    },
    {
      do: 'PATCH {core}/configmaps/c?fieldManager=m',
      as: 'apply',
      send: configMap('c', { b: '2' }),
      has: { data: { a: absent, b: '2' } },
    },
  ),
  it(
    'more than ten managers that update are folded into one',
    { do: 'POST {core}/configmaps?fieldManager=m00', send: configMap('c', { k00: '1' }) },
    ...Array.from({ length: 11 }, (_, i) => ({
      do: `PATCH {core}/configmaps/c?fieldManager=m${String(i + 1).padStart(2, '0')}`,
      as: 'merge',
      send: { data: { [`k${String(i + 1).padStart(2, '0')}`]: '1' } },
    })),
    {
      do: 'GET {core}/configmaps/c',
      owners: {
        ...Object.fromEntries(
          Array.from({ length: 9 }, (_, i) => [
            `m${String(i + 3).padStart(2, '0')} Update`,
            [`.data.k${String(i + 3).padStart(2, '0')}`],
          ]),
        ),
        'ancient-changes Update': ['.data', '.data.k00', '.data.k01', '.data.k02'],
      },
    },
  ),
];
