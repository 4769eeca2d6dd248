import { type Case, configMap, it, match, present, stubDomain } from '../case.ts';

const TABLE = 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json';

export const discoveryCases: readonly Case[] = [
  it('the version is that of a Kubernetes that has what we need', {
    do: 'GET /version',
    has: { major: '1', minor: match(/^3[1-9]/) },
  }),
  it(
    'health and readiness are told in one word',
    { do: 'GET /healthz', has: 'ok' },
    { do: 'GET /livez', has: 'ok' },
    { do: 'GET /readyz', has: 'ok' },
  ),
  it('the core group has one version', { do: 'GET /api', has: { kind: 'APIVersions', versions: ['v1'] } }),
  it('our group is discovered', {
    do: 'GET /apis/stubdom.io',
    has: {
      kind: 'APIGroup',
      name: 'stubdom.io',
      preferredVersion: { groupVersion: 'stubdom.io/v1alpha1', version: 'v1alpha1' },
    },
  }),
  it('our resources are discovered with short names, categories and verbs', {
    do: 'GET /apis/stubdom.io/v1alpha1',
    has: { kind: 'APIResourceList', groupVersion: 'stubdom.io/v1alpha1', resources: present },
  }),
  it('aggregated discovery names our kinds', {
    do: 'GET /apis',
    accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json',
    has: { kind: 'APIGroupDiscoveryList', apiVersion: 'apidiscovery.k8s.io/v2', items: present },
  }),
  it('aggregated discovery of the core group', {
    do: 'GET /api',
    accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json',
    has: { kind: 'APIGroupDiscoveryList', items: [{ versions: [{ version: 'v1' }] }] },
  }),
  it(
    'OpenAPI v3 has an index and a document of our group',
    {
      do: 'GET /openapi/v3',
      eventually: true,
      has: {
        paths: {
          'apis/stubdom.io/v1alpha1': { serverRelativeURL: match(/^\/openapi\/v3\/apis\/stubdom.io\/v1alpha1/) },
        },
      },
    },
    {
      do: 'GET /openapi/v3/apis/stubdom.io/v1alpha1',
      eventually: true,
      has: {
        openapi: '3.0.0',
        components: {
          schemas: {
            'io.stubdom.v1alpha1.StubDomain': {
              type: 'object',
              required: ['spec'],
              'x-kubernetes-group-version-kind': [{ group: 'stubdom.io', kind: 'StubDomain', version: 'v1alpha1' }],
              properties: { spec: { properties: { flavor: { enum: ['MiniOS', 'Linux'], default: 'MiniOS' } } } },
            },
            'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta': {
              properties: { finalizers: { 'x-kubernetes-list-type': 'set' } },
            },
          },
        },
        paths: {
          '/apis/stubdom.io/v1alpha1/namespaces/{namespace}/stubdomains/{name}': {
            patch: { 'x-kubernetes-action': 'patch', 'x-kubernetes-group-version-kind': { kind: 'StubDomain' } },
          },
          '/apis/stubdom.io/v1alpha1/namespaces/{namespace}/stubdomains/{name}/status': present,
          '/apis/stubdom.io/v1alpha1/xenhosts/{name}': present,
        },
      },
    },
  ),
  it('OpenAPI v3 of the core group has merge keys', {
    do: 'GET /openapi/v3/api/v1',
    has: {
      components: {
        schemas: {
          'io.k8s.api.core.v1.ConfigMap': {
            'x-kubernetes-group-version-kind': [{ group: '', kind: 'ConfigMap', version: 'v1' }],
          },
          'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta': {
            properties: {
              ownerReferences: { 'x-kubernetes-patch-merge-key': 'uid', 'x-kubernetes-patch-strategy': 'merge' },
            },
          },
        },
      },
    },
  }),
  it('OpenAPI v2 has our definitions', {
    do: 'GET /openapi/v2',
    eventually: true,
    has: {
      swagger: '2.0',
      definitions: { 'io.stubdom.v1alpha1.StubDomain': present, 'io.k8s.api.core.v1.ConfigMap': present },
    },
  }),
  it(
    'OpenAPI v2 comes as protobuf to those who ask, under both names',
    {
      do: 'GET /openapi/v2',
      accept: 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf',
      eventually: true,
      has: match(/^\n.2\.0[^]*io\.stubdom\.v1alpha1\.StubDomain/),
    },
    {
      do: 'GET /openapi/v2',
      accept: 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
      has: match(/^\n.2\.0/),
    },
    { do: 'GET /openapi/v2', accept: 'text/html', status: 406 },
  ),
  it('a path that is not served is not found', { do: 'GET /nothing', status: 404 }),
  it('a group that is not served is not found', { do: 'GET /apis/nope.io/v1/foos', status: 404 }),
  it('a resource that is not served is not found', {
    do: 'GET /apis/stubdom.io/v1alpha1/namespaces/{ns}/foos',
    status: 404,
  }),
  it(
    'a table of a custom kind has its printer columns',
    { do: 'POST {sd}', send: stubDomain('vm') },
    {
      do: 'PATCH {sd}/vm/status',
      as: 'merge',
      send: {
        status: {
          nodeName: 'xen-1',
          phase: 'Running',
          domid: 7,
          conditions: [
            { type: 'Paused', status: 'False', reason: 'R', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
            { type: 'Ready', status: 'True', reason: 'Up', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
          ],
        },
      },
    },
    {
      do: 'GET {sd}',
      accept: TABLE,
      has: {
        kind: 'Table',
        apiVersion: 'meta.k8s.io/v1',
        columnDefinitions: [
          { name: 'Name', type: 'string', format: 'name', priority: 0 },
          { name: 'Host', type: 'string' },
          { name: 'Phase' },
          { name: 'Ready' },
          { name: 'State', description: 'What the device model says in XenStore.' },
          { name: 'Domid', type: 'integer' },
          { name: 'Target', type: 'integer', priority: 1 },
          { name: 'Reason', priority: 1 },
          { name: 'Age', type: 'date' },
        ],
        rows: [
          {
            cells: ['vm', 'xen-1', 'Running', 'True', null, 7, null, 'Up', match(/^\d+s$/)],
            object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: { name: 'vm' } },
          },
        ],
      },
    },
  ),
  it(
    'a table of one object may carry the object',
    { do: 'POST {sd}', send: stubDomain('vm') },
    {
      do: 'GET {sd}/vm?includeObject=Object',
      accept: TABLE,
      has: { kind: 'Table', rows: [{ object: { kind: 'StubDomain', spec: { flavor: 'MiniOS' } } }] },
    },
  ),
  it(
    'a table of a built-in kind',
    { do: 'POST {core}/configmaps', send: configMap('c', { a: '1', b: '2' }, { labels: { t: 'x' } }) },
    {
      do: 'GET {core}/configmaps?labelSelector=t%3Dx',
      accept: TABLE,
      has: {
        columnDefinitions: [{ name: 'Name' }, { name: 'Data' }, { name: 'Age' }],
        rows: [{ cells: ['c', 2, match(/^\d+s$/)] }],
      },
    },
  ),
  it(
    'metadata alone can be asked for',
    { do: 'POST {sd}', send: stubDomain('vm', {}, {}, { labels: { a: 'b' } }) },
    {
      do: 'GET {sd}/vm',
      accept: 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1',
      has: { kind: 'PartialObjectMetadata', metadata: { name: 'vm', labels: { a: 'b' } } },
    },
  ),
  it(
    'a media type that nobody speaks is refused',
    { do: 'GET {sd}', accept: 'text/html', status: 406, reason: 'NotAcceptable' },
    { do: 'POST {sd}', accept: 'text/html', send: stubDomain('vm'), status: 406, reason: 'NotAcceptable' },
    { do: 'GET {sd}/vm', status: 404 },
  ),
];
