import { absent, type Case, type Step, configMap, it, stubDomain } from '../case.ts';

const made = { do: 'POST {sd}', send: stubDomain('vm', { memoryMiB: 32, disks: [{ name: 'a', source: '/a' }] }) };
const json = (operations: unknown, more: object): Step => ({
  do: 'PATCH {sd}/vm',
  as: 'json-patch',
  send: operations,
  ...more,
});
const data = {
  do: 'POST {core}/configmaps',
  send: configMap('c', { a: '1', b: '2' }, { finalizers: ['stubdom.io/x'] }),
};
const unlock = { do: 'PATCH {core}/configmaps/c', as: 'merge', send: { metadata: { finalizers: null } } };

export const patchCases: readonly Case[] = [
  it('a merge patch sets, adds and removes', made, {
    do: 'PATCH {sd}/vm',
    as: 'merge',
    send: { spec: { memoryMiB: null, runState: 'Paused', graphics: { type: 'SDL' } } },
    has: {
      metadata: { generation: 2 },
      spec: { memoryMiB: absent, runState: 'Paused', graphics: { type: 'SDL', listen: '127.0.0.1' } },
    },
  }),
  it('a merge patch replaces lists', made, {
    do: 'PATCH {sd}/vm',
    as: 'merge',
    send: { spec: { disks: [{ name: 'b', source: '/b' }] } },
    has: { spec: { disks: [{ name: 'b' }] } },
  }),
  it('a merge patch that is no object is refused', made, {
    do: 'PATCH {sd}/vm',
    as: 'merge',
    send: [],
    status: 400,
    reason: 'BadRequest',
  }),
  it(
    'a patch of nothing changes nothing',
    { ...made, save: { rv: 'metadata.resourceVersion' } },
    { do: 'PATCH {sd}/vm', as: 'merge', send: {}, has: { metadata: { resourceVersion: '{rv}' } } },
  ),
  it('a patch of what is not there is not found', {
    do: 'PATCH {sd}/zzz',
    as: 'merge',
    send: {},
    status: 404,
    reason: 'NotFound',
  }),
  it('a patch with an old resourceVersion is a conflict', made, {
    do: 'PATCH {sd}/vm',
    as: 'merge',
    send: { metadata: { resourceVersion: '1' } },
    status: 409,
    reason: 'Conflict',
  }),
  it('a patch with another uid is a conflict', made, {
    do: 'PATCH {sd}/vm',
    as: 'merge',
    send: { metadata: { uid: 'other' } },
    status: 422,
    reason: 'Invalid',
  }),
  it('a patch cannot rename', made, {
    do: 'PATCH {sd}/vm',
    as: 'merge',
    send: { metadata: { name: 'x' } },
    status: 400,
    reason: 'BadRequest',
  }),
  it(
    'JSON patch: add, replace, remove, move, copy and test',
    made,
    json(
      [
        { op: 'test', path: '/spec/memoryMiB', value: 32 },
        { op: 'replace', path: '/spec/memoryMiB', value: 48 },
      ],
      { has: { spec: { memoryMiB: 48 } } },
    ),
    json(
      [
        { op: 'add', path: '/spec/disks/-', value: { name: 'z', source: '/z' } },
        { op: 'add', path: '/spec/disks/0', value: { name: 'y', source: '/y' } },
      ],
      {
        has: { spec: { disks: [{ name: 'y' }, { name: 'a' }, { name: 'z' }] } },
      },
    ),
    json(
      [
        { op: 'move', from: '/spec/disks/2', path: '/spec/disks/0' },
        { op: 'remove', path: '/spec/disks/1' },
      ],
      { has: { spec: { disks: [{ name: 'z' }, { name: 'a' }] } } },
    ),
    json(
      [
        { op: 'add', path: '/metadata/labels', value: {} },
        { op: 'add', path: '/metadata/labels/x.io~1y', value: 'v' },
      ],
      { has: { metadata: { labels: { 'x.io/y': 'v' } } } },
    ),
    json([{ op: 'copy', from: '/metadata/labels/x.io~1y', path: '/metadata/labels/z' }], {
      has: { metadata: { labels: { z: 'v' } } },
    }),
  ),
  it(
    'JSON patch: a test that fails changes nothing',
    made,
    json(
      [
        { op: 'replace', path: '/spec/memoryMiB', value: 48 },
        { op: 'test', path: '/spec/flavor', value: 'Linux' },
      ],
      { status: 422, reason: 'Invalid' },
    ),
    { do: 'GET {sd}/vm', has: { spec: { memoryMiB: 32 } } },
  ),
  it(
    'JSON patch: removing what is not there is refused',
    made,
    json([{ op: 'remove', path: '/spec/kernel' }], { status: 422, reason: 'Invalid' }),
  ),
  it(
    'JSON patch: replacing what is not there adds it',
    made,
    json([{ op: 'replace', path: '/spec/kernel', value: '/boot/k' }], { has: { spec: { kernel: '/boot/k' } } }),
  ),
  it(
    'JSON patch: a parent that is not there is refused',
    made,
    json([{ op: 'add', path: '/spec/graphics/type', value: 'VNC' }], { status: 422, reason: 'Invalid' }),
  ),
  it(
    'JSON patch: an index behind the end is refused',
    made,
    json([{ op: 'add', path: '/spec/disks/9', value: { name: 'y', source: '/y' } }], {
      status: 422,
      reason: 'Invalid',
    }),
  ),
  it(
    'JSON patch: an operation that is not known is refused',
    made,
    json([{ op: 'frob', path: '/spec' }], { status: 422, reason: 'Invalid' }),
  ),
  it('JSON patch: what is no list is refused', made, json({ op: 'add' }, { status: 400, reason: 'BadRequest' })),
  it(
    'JSON patch: a test of null holds for what is not there',
    made,
    json(
      [
        { op: 'test', path: '/spec/kernel', value: null },
        { op: 'add', path: '/spec/kernel', value: '/k' },
      ],
      { has: { spec: { kernel: '/k' } } },
    ),
  ),
  it('JSON patch on status', made, {
    do: 'PATCH {sd}/vm/status',
    as: 'json-patch',
    send: [{ op: 'add', path: '/status', value: { domid: 3 } }],
    has: { status: { domid: 3 }, metadata: { generation: 1 } },
  }),
  it('a strategic merge patch is not for custom kinds', made, {
    do: 'PATCH {sd}/vm',
    as: 'strategic',
    send: {},
    status: 415,
    reason: 'UnsupportedMediaType',
    message:
      'the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml',
  }),
  it('a patch of an unknown type is refused', made, {
    do: 'PATCH {sd}/vm',
    as: 'json',
    send: {},
    status: 415,
    reason: 'UnsupportedMediaType',
  }),
  it(
    'a strategic merge patch of a map',
    data,
    {
      do: 'PATCH {core}/configmaps/c',
      as: 'strategic',
      send: { data: { a: null, c: '3' } },
      has: { data: { a: absent, b: '2', c: '3' } },
    },
    unlock,
  ),
  it(
    'a strategic merge patch adds to a list of finalizers',
    data,
    {
      do: 'PATCH {core}/configmaps/c',
      as: 'strategic',
      send: { metadata: { finalizers: ['stubdom.io/y'] } },
      has: { metadata: { finalizers: ['stubdom.io/y', 'stubdom.io/x'] } },
    },
    unlock,
  ),
  it('a strategic merge patch takes from a list of finalizers', data, {
    do: 'PATCH {core}/configmaps/c',
    as: 'strategic',
    send: { metadata: { '$deleteFromPrimitiveList/finalizers': ['stubdom.io/x'] } },
    has: { metadata: { finalizers: absent } },
  }),
  it(
    'a strategic merge patch may replace a map',
    data,
    {
      do: 'PATCH {core}/configmaps/c',
      as: 'strategic',
      send: { data: { $patch: 'replace', z: '9' } },
      has: { data: { a: absent, b: absent, z: '9' } },
    },
    unlock,
  ),
  it(
    'a strategic merge patch merges owners by uid',
    { do: 'POST {core}/configmaps', send: configMap('owner'), save: { uid: 'metadata.uid' } },
    { do: 'POST {core}/configmaps', send: configMap('c') },
    {
      do: 'PATCH {core}/configmaps/c',
      as: 'strategic',
      send: { metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: '{uid}' }] } },
      has: { metadata: { ownerReferences: [{ name: 'owner', controller: absent }] } },
    },
    {
      do: 'PATCH {core}/configmaps/c',
      as: 'strategic',
      send: { metadata: { ownerReferences: [{ uid: '{uid}', controller: true }] } },
      has: { metadata: { ownerReferences: [{ name: 'owner', controller: true }] } },
    },
  ),
  it('a merge patch validates', made, {
    do: 'PATCH {sd}/vm',
    as: 'merge',
    send: { spec: { runState: 'Asleep' } },
    status: 422,
    reason: 'Invalid',
  }),
];
