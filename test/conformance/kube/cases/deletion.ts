import { absent, type Case, type Step, configMap, it, match, present, stubDomain } from '../case.ts';

const owned = (name: string, more: object = {}): Step => ({
  do: 'POST {core}/configmaps',
  send: configMap(
    name,
    {},
    { ownerReferences: [{ apiVersion: 'stubdom.io/v1alpha1', kind: 'StubDomain', name: 'vm', uid: '{uid}', ...more }] },
  ),
});
const vm = { do: 'POST {sd}', send: stubDomain('vm'), save: { uid: 'metadata.uid', rv: 'metadata.resourceVersion' } };
const gone = (path: string): Step => ({ do: `GET ${path}`, status: 404, eventually: true });

export const deletionCases: readonly Case[] = [
  it(
    'a delete answers with success and the uid',
    vm,
    {
      do: 'DELETE {sd}/vm',
      has: {
        kind: 'Status',
        status: 'Success',
        details: { name: 'vm', group: 'stubdom.io', kind: 'stubdomains', uid: '{uid}' },
      },
    },
    { do: 'GET {sd}/vm', status: 404 },
  ),
  it('a delete of what is not there is not found', { do: 'DELETE {sd}/zzz', status: 404, reason: 'NotFound' }),
  it(
    'an object with finalizers waits for them',
    { do: 'POST {sd}', send: stubDomain('vm', {}, {}, { finalizers: ['stubdom.io/a', 'stubdom.io/b'] }) },
    {
      do: 'DELETE {sd}/vm',
      has: {
        kind: 'StubDomain',
        metadata: { deletionTimestamp: match(/Z$/), deletionGracePeriodSeconds: 0, generation: 2 },
      },
    },
    { do: 'GET {sd}/vm', has: { metadata: { deletionTimestamp: present } } },
    {
      do: 'PATCH {sd}/vm',
      as: 'merge',
      send: { metadata: { finalizers: ['stubdom.io/b'] } },
      has: { metadata: { deletionTimestamp: present } },
    },
    { do: 'PATCH {sd}/vm', as: 'merge', send: { metadata: { finalizers: null } } },
    { do: 'GET {sd}/vm', status: 404 },
  ),
  it(
    'no finalizer is added to an object that is being deleted',
    { do: 'POST {sd}', send: stubDomain('vm', {}, {}, { finalizers: ['stubdom.io/a'] }) },
    { do: 'DELETE {sd}/vm' },
    {
      do: 'PATCH {sd}/vm',
      as: 'merge',
      send: { metadata: { finalizers: ['stubdom.io/a', 'stubdom.io/b'] } },
      status: 422,
      reason: 'Invalid',
      message: /metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted/,
    },
    { do: 'PATCH {sd}/vm', as: 'merge', send: { metadata: { finalizers: [] } } },
    { do: 'GET {sd}/vm', status: 404 },
  ),
  it(
    'spec and status may change while an object waits for its finalizers',
    { do: 'POST {sd}', send: stubDomain('vm', {}, {}, { finalizers: ['stubdom.io/a'] }) },
    { do: 'DELETE {sd}/vm' },
    {
      do: 'PATCH {sd}/vm/status',
      as: 'merge',
      send: { status: { phase: 'Deleting' } },
      has: { status: { phase: 'Deleting' } },
    },
    { do: 'PATCH {sd}/vm', as: 'merge', send: { spec: { memoryMiB: 64 } }, has: { metadata: { generation: 3 } } },
    { do: 'PATCH {sd}/vm', as: 'merge', send: { metadata: { finalizers: [] } } },
  ),
  it(
    'a second delete of an object that waits is accepted',
    { do: 'POST {sd}', send: stubDomain('vm', {}, {}, { finalizers: ['stubdom.io/a'] }) },
    { do: 'DELETE {sd}/vm', save: { at: 'metadata.deletionTimestamp' } },
    { do: 'DELETE {sd}/vm', has: { metadata: { deletionTimestamp: '{at}' } } },
    { do: 'PATCH {sd}/vm', as: 'merge', send: { metadata: { finalizers: [] } } },
  ),
  it(
    'preconditions of a delete: uid',
    vm,
    {
      do: 'DELETE {sd}/vm',
      send: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: 'nope' } },
      status: 409,
      reason: 'Conflict',
      message: /the UID in the precondition \(nope\) does not match the UID in record \({uid}\)/,
    },
    { do: 'DELETE {sd}/vm', send: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid: '{uid}' } } },
  ),
  it(
    'preconditions of a delete: resourceVersion',
    vm,
    {
      do: 'DELETE {sd}/vm',
      send: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { resourceVersion: '1' } },
      status: 409,
      reason: 'Conflict',
    },
    {
      do: 'DELETE {sd}/vm',
      send: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { resourceVersion: '{rv}' } },
    },
  ),
  it(
    'what an object owns is collected after it',
    vm,
    owned('c'),
    { do: 'DELETE {sd}/vm?propagationPolicy=Background' },
    gone('{core}/configmaps/c'),
  ),
  it(
    'what an object owns may be orphaned',
    vm,
    owned('c'),
    { do: 'DELETE {sd}/vm?propagationPolicy=Orphan' },
    gone('{sd}/vm'),
    { do: 'GET {core}/configmaps/c', has: { metadata: { ownerReferences: absent } }, eventually: true },
  ),
  it(
    'in the foreground the owner goes last',
    vm,
    owned('c', { blockOwnerDeletion: true }),
    { do: 'PATCH {core}/configmaps/c', as: 'merge', send: { metadata: { finalizers: ['stubdom.io/hold'] } } },
    {
      do: 'DELETE {sd}/vm?propagationPolicy=Foreground',
      has: { metadata: { finalizers: ['foregroundDeletion'], deletionTimestamp: present } },
    },
    { do: 'GET {core}/configmaps/c', has: { metadata: { deletionTimestamp: present } }, eventually: true },
    { do: 'GET {sd}/vm', has: { metadata: { finalizers: ['foregroundDeletion'] } } },
    { do: 'PATCH {core}/configmaps/c', as: 'merge', send: { metadata: { finalizers: null } } },
    gone('{sd}/vm'),
  ),
  it(
    'an object whose owner never was is collected',
    {
      do: 'POST {core}/configmaps',
      send: configMap(
        'c',
        {},
        {
          ownerReferences: [
            {
              apiVersion: 'stubdom.io/v1alpha1',
              kind: 'StubDomain',
              name: 'vm',
              uid: '00000000-0000-4000-8000-00000000dead',
            },
          ],
        },
      ),
    },
    gone('{core}/configmaps/c'),
  ),
  it(
    'an object with another owner left stays',
    vm,
    { do: 'POST {core}/configmaps', send: configMap('other'), save: { uid2: 'metadata.uid' } },
    {
      do: 'POST {core}/configmaps',
      send: configMap(
        'c',
        {},
        {
          ownerReferences: [
            { apiVersion: 'stubdom.io/v1alpha1', kind: 'StubDomain', name: 'vm', uid: '{uid}' },
            { apiVersion: 'v1', kind: 'ConfigMap', name: 'other', uid: '{uid2}' },
          ],
        },
      ),
    },
    { do: 'DELETE {sd}/vm?propagationPolicy=Background' },
    { do: 'GET {core}/configmaps/c', has: { metadata: { ownerReferences: [{ name: 'other' }] } }, eventually: true },
  ),
  it(
    'a collection is deleted by selector',
    { do: 'POST {sd}', send: stubDomain('a', {}, {}, { labels: { go: 'yes' } }) },
    { do: 'POST {sd}', send: stubDomain('b') },
    { do: 'DELETE {sd}?labelSelector=go%3Dyes' },
    { do: 'GET {sd}', items: ['b'] },
  ),
  it('an owner reference needs all its parts', {
    do: 'POST {core}/configmaps',
    send: configMap('c', {}, { ownerReferences: [{ kind: 'X', name: '', uid: '' }] }),
    status: 422,
    reason: 'Invalid',
  }),
];
