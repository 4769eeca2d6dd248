import { type Case, type Step, configMap, it, match, present, stubDomain } from '../case.ts';

const create = (name: string, labels: object = {}): Step => ({
  do: 'POST {sd}',
  send: stubDomain(name, {}, {}, { labels }),
});
const named = (name: string): object => ({ metadata: { name } });

export const watchCases: readonly Case[] = [
  it('a watch without a resourceVersion begins with what is there', create('a'), {
    watch: '{sd}',
    during: [create('b')],
    events: [
      { type: 'ADDED', has: named('a') },
      { type: 'ADDED', has: named('b') },
    ],
  }),
  it(
    'a watch from a list tells all that follows, in order',
    create('a'),
    { do: 'GET {sd}', save: { rv: 'metadata.resourceVersion' } },
    {
      watch: '{sd}?resourceVersion={rv}',
      during: [
        create('b'),
        { do: 'PATCH {sd}/a', as: 'merge', send: { spec: { memoryMiB: 64 } } },
        { do: 'DELETE {sd}/b' },
      ],
      events: [
        { type: 'ADDED', has: named('b') },
        {
          type: 'MODIFIED',
          has: { kind: 'StubDomain', metadata: { name: 'a', generation: 2 }, spec: { memoryMiB: 64 } },
        },
        { type: 'DELETED', has: { metadata: { name: 'b', resourceVersion: present } } },
      ],
    },
  ),
  it(
    'a watch of the past replays it',
    { do: 'GET {sd}', save: { rv: 'metadata.resourceVersion' } },
    create('a'),
    { do: 'DELETE {sd}/a' },
    {
      watch: '{sd}?resourceVersion={rv}',
      events: [
        { type: 'ADDED', has: named('a') },
        { type: 'DELETED', has: named('a') },
      ],
    },
  ),
  it(
    'a watch of one name tells of nothing else',
    { do: 'GET {sd}', save: { rv: 'metadata.resourceVersion' } },
    {
      watch: '{sd}?resourceVersion={rv}&fieldSelector=metadata.name%3Db',
      during: [create('a'), create('b')],
      events: [{ type: 'ADDED', has: named('b') }],
    },
  ),
  it(
    'a watch with a label selector tells of objects that come in and go out',
    create('a', { on: 'no' }),
    { do: 'GET {sd}', save: { rv: 'metadata.resourceVersion' } },
    {
      watch: '{sd}?resourceVersion={rv}&labelSelector=on%3Dyes',
      during: [
        { do: 'PATCH {sd}/a', as: 'merge', send: { metadata: { labels: { on: 'yes' } } } },
        { do: 'PATCH {sd}/a', as: 'merge', send: { metadata: { labels: { on: 'yes', more: 'x' } } } },
        { do: 'PATCH {sd}/a', as: 'merge', send: { metadata: { labels: { on: 'no' } } } },
      ],
      events: [
        { type: 'ADDED', has: named('a') },
        { type: 'MODIFIED', has: named('a') },
        { type: 'DELETED', has: named('a') },
      ],
    },
  ),
  it(
    'a watch with a selectable field tells of objects that come in and go out',
    create('a'),
    { do: 'GET {sd}', save: { rv: 'metadata.resourceVersion' } },
    {
      watch: '{sd}?resourceVersion={rv}&fieldSelector=status.nodeName%3Dxen-1',
      during: [
        { do: 'PATCH {sd}/a/status', as: 'merge', send: { status: { nodeName: 'xen-1' } } },
        { do: 'PATCH {sd}/a/status', as: 'merge', send: { status: { nodeName: 'xen-2' } } },
      ],
      events: [
        { type: 'ADDED', has: { status: { nodeName: 'xen-1' } } },
        { type: 'DELETED', has: named('a') },
      ],
    },
  ),
  it('a watch that lists first ends the list with a bookmark', create('a'), create('b'), {
    watch: '{sd}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true',
    during: [],
    events: [
      { type: 'ADDED', has: named('a') },
      { type: 'ADDED', has: named('b') },
      {
        type: 'BOOKMARK',
        has: {
          kind: 'StubDomain',
          metadata: { annotations: { 'k8s.io/initial-events-end': 'true' }, resourceVersion: match(/^\d+$/) },
        },
      },
    ],
  }),
  it('a watch that lists first goes on', {
    watch: '{sd}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true',
    during: [],
    events: [{ type: 'BOOKMARK', has: { metadata: { annotations: { 'k8s.io/initial-events-end': 'true' } } } }],
  }),
  it('listing first needs resourceVersionMatch', {
    do: 'GET {sd}?watch=1&sendInitialEvents=true',
    status: 422,
    reason: 'Invalid',
  }),
  it(
    'a watch ends after its timeout',
    { do: 'GET {sd}', save: { rv: 'metadata.resourceVersion' } },
    { watch: '{sd}?resourceVersion={rv}&timeoutSeconds=1', events: [], ends: true },
  ),
  it(
    'a watch may be asked for as tables',
    { do: 'GET {sd}', save: { rv: 'metadata.resourceVersion' } },
    {
      watch: '{sd}?resourceVersion={rv}',
      accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json',
      during: [create('a')],
      events: [
        {
          type: 'ADDED',
          has: { kind: 'Table', columnDefinitions: present, rows: [{ object: { metadata: { name: 'a' } } }] },
        },
      ],
    },
  ),
  it('a watch of a resourceVersion of the future waits for it', {
    watch: '{sd}?resourceVersion=999999999999999&timeoutSeconds=1',
    events: [],
    ends: true,
  }),
  it(
    'a watch of a built-in kind',
    { do: 'GET {core}/configmaps', save: { rv: 'metadata.resourceVersion' } },
    {
      watch: '{core}/configmaps?resourceVersion={rv}&fieldSelector=metadata.name%3Dc',
      during: [{ do: 'POST {core}/configmaps', send: configMap('c', { a: '1' }) }],
      events: [{ type: 'ADDED', has: { kind: 'ConfigMap', apiVersion: 'v1', data: { a: '1' } } }],
    },
  ),
  it(
    'a change of nothing is no event',
    create('a'),
    { do: 'GET {sd}', save: { rv: 'metadata.resourceVersion' } },
    {
      watch: '{sd}?resourceVersion={rv}',
      during: [{ do: 'PATCH {sd}/a', as: 'merge', send: { spec: { flavor: 'MiniOS' } } }, create('b')],
      events: [{ type: 'ADDED', has: named('b') }],
    },
  ),
];
