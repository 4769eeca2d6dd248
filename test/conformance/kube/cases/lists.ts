import { type Case, type Step, configMap, it, match, pciAttachment, present, stubDomain } from '../case.ts';

const four = ['a', 'b', 'c', 'd'].map((name) => ({
  do: 'POST {sd}',
  send: stubDomain(name, {}, {}, { labels: { half: name < 'c' ? 'first' : 'second', [name]: 'yes' } }),
}));
const listed = (selector: string, items: readonly string[]): Step => ({
  do: `GET {sd}?labelSelector=${encodeURIComponent(selector)}`,
  items,
});
const wrong = (query: string, message: string | RegExp, status = 400): Step => ({
  do: `GET {core}/configmaps?${query}`,
  status,
  message,
});

export const listCases: readonly Case[] = [
  it('a list has kind, resourceVersion and items in the order of names', ...four, {
    do: 'GET {sd}',
    has: {
      kind: 'StubDomainList',
      apiVersion: 'stubdom.io/v1alpha1',
      metadata: { resourceVersion: match(/^\d+$/) },
      items: [
        { metadata: { name: 'a' } },
        { metadata: { name: 'b' } },
        { metadata: { name: 'c' } },
        { metadata: { name: 'd' } },
      ],
    },
  }),
  it('a list without items is empty, not null', { do: 'GET {sd}', has: { items: [] } }),
  it(
    'a list is cut by limit and goes on by continue',
    ...four,
    {
      do: 'GET {sd}?limit=3',
      items: ['a', 'b', 'c'],
      has: { metadata: { continue: present, remainingItemCount: 1 } },
      save: { next: 'metadata.continue', rv: 'metadata.resourceVersion' },
    },
    {
      do: 'GET {sd}?limit=3&continue={next}',
      items: ['d'],
      has: { metadata: { continue: '', resourceVersion: '{rv}' } },
    },
  ),
  it(
    'what a list goes on with is the state when it began',
    ...four,
    { do: 'GET {sd}?limit=2', items: ['a', 'b'], save: { next: 'metadata.continue' } },
    { do: 'POST {sd}', send: stubDomain('e') },
    { do: 'GET {sd}?limit=9&continue={next}', items: ['c', 'd'] },
  ),
  it('a list over all namespaces', ...four, {
    do: 'GET /apis/stubdom.io/v1alpha1/stubdomains?fieldSelector=metadata.namespace%3D{ns}',
    items: ['a', 'b', 'c', 'd'],
  }),
  it(
    'equality in label selectors',
    ...four,
    listed('half=first', ['a', 'b']),
    listed('half==second', ['c', 'd']),
    listed('half!=first', ['c', 'd']),
  ),
  it(
    'sets in label selectors',
    ...four,
    listed('half in (first,third)', ['a', 'b']),
    listed('half notin (first)', ['c', 'd']),
  ),
  it(
    'existence in label selectors',
    ...four,
    listed('a', ['a']),
    listed('!a', ['b', 'c', 'd']),
    listed('half=first,!a', ['b']),
  ),
  it(
    'a label selector that cannot be read is refused',
    wrong('labelSelector=a%3D%3D%3Db', /unable to parse requirement/),
  ),
  it(
    'metadata.name in field selectors',
    ...four,
    { do: 'GET {sd}?fieldSelector=metadata.name%3Da', items: ['a'] },
    { do: 'GET {sd}?fieldSelector=metadata.name!%3Da', items: ['b', 'c', 'd'] },
  ),
  it(
    'selectableFields in field selectors',
    ...four,
    { do: 'PATCH {sd}/b/status', as: 'merge', send: { status: { nodeName: 'xen-1' } } },
    { do: 'GET {sd}?fieldSelector=status.nodeName%3Dxen-1', items: ['b'] },
    { do: 'GET {sd}?fieldSelector=status.nodeName%3D', items: ['a', 'c', 'd'] },
    { do: 'GET {sd}?fieldSelector=status.nodeName!%3Dxen-1', items: ['a', 'c', 'd'] },
  ),
  it(
    'two selectable fields together',
    { do: 'POST {pci}', send: pciAttachment('x') },
    { do: 'POST {pci}', send: pciAttachment('y', { stubDomainRef: { name: 'other' } }) },
    { do: 'GET {pci}?fieldSelector=spec.stubDomainRef.name%3Dvm', items: ['x'] },
    { do: 'GET {pci}?fieldSelector=spec.stubDomainRef.name%3Dvm%2Cstatus.nodeName%3Dq', items: [] },
  ),
  it('a field that is not selectable is refused', {
    do: 'GET {sd}?fieldSelector=spec.flavor%3Db',
    status: 400,
    reason: 'BadRequest',
    message: /field label not supported: spec.flavor/,
  }),
  it(
    'a resourceVersion that is no number is refused',
    wrong('resourceVersion=x', /invalid resource version|Invalid value/),
  ),
  it(
    'a resourceVersion of the future times out',
    wrong('resourceVersion=999999999999999', /^Timeout: Too large resource version: 999999999999999/, 504),
  ),
  it('a limit that is no number is refused', wrong('limit=x', /.*/)),
  it('a continue token that is none is refused', wrong('continue=x', /continue key is not valid/)),
  it('resourceVersionMatch needs a resourceVersion', {
    do: 'GET {core}/configmaps?resourceVersionMatch=Exact',
    status: 422,
    reason: 'Invalid',
  }),
  it(
    'a list at resourceVersion 0 is served',
    { do: 'POST {core}/configmaps', send: configMap('c', {}, { labels: { t: 'x' } }) },
    { do: 'GET {core}/configmaps?resourceVersion=0&labelSelector=t%3Dx', items: ['c'], eventually: true },
  ),
];
