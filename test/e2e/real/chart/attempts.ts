import { leaseNamespace } from '../../../../operator/api/names.ts';

/** One request that somebody tries. */
export interface Attempt {
  readonly what: string;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly type?: string;
}

const group = '/apis/stubdom.io/v1alpha1';
const inDefault = `${group}/namespaces/default`;
const leases = `/apis/coordination.k8s.io/v1/namespaces/${leaseNamespace}/leases`;
const events = '/api/v1/namespaces/default/events';
const apiVersion = 'stubdom.io/v1alpha1';
export const guestUuid = '6d1f8a44-9a1e-4c7b-8e33-2f4d6b1a0c01';

const merge = (what: string, path: string, body: object): Attempt => ({
  what,
  method: 'PATCH',
  path,
  body,
  type: 'application/merge-patch+json',
});
const json = (what: string, path: string, body: readonly object[]): Attempt => ({
  what,
  method: 'PATCH',
  path,
  body,
  type: 'application/json-patch+json',
});
const apply = (what: string, path: string, body: object): Attempt => ({
  what,
  method: 'PATCH',
  path: `${path}?fieldManager=stubdom-agent&force=true`,
  body,
  type: 'application/apply-patch+yaml',
});
const create = (what: string, path: string, body: object): Attempt => ({ what, method: 'POST', path, body });
const replace = (what: string, path: string, body: object): Attempt => ({ what, method: 'PUT', path, body });
const remove = (what: string, path: string): Attempt => ({ what, method: 'DELETE', path });

const stubDomain = (name: string) => ({ apiVersion, kind: 'StubDomain', metadata: { name, namespace: 'default' } });
const attachment = (name: string) => ({ apiVersion, kind: 'PciAttachment', metadata: { name, namespace: 'default' } });
const xenHost = (name: string) => ({ apiVersion, kind: 'XenHost', metadata: { name } });
const lease = (name: string, holder: string, namespace = leaseNamespace) => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: { name, namespace },
  spec: { holderIdentity: holder, leaseDurationSeconds: 40 },
});
const eventOf = (host: string, name: string, about: object) => ({
  apiVersion: 'v1',
  kind: 'Event',
  metadata: { name, namespace: 'default' },
  involvedObject: { namespace: 'default', ...about },
  type: 'Normal',
  reason: 'Started',
  message: 'as told',
  source: { component: 'stubdom-agent', host },
  reportingComponent: 'stubdom-agent',
  reportingInstance: host,
});
const aboutOwn = { apiVersion, kind: 'StubDomain', name: 'own' };
const finalizers = '/metadata/finalizers';

/** What an administrator lays out before: objects of two hosts, and of none. The statuses come apart. */
export const layout = {
  objects: [
    ...['own', 'other', 'unbound'].flatMap((name) => [
      {
        ...stubDomain(name),
        metadata: { name, namespace: 'default', finalizers: ['stubdom.io/agent', 'example.org/theirs'] },
        spec: { target: { uuid: guestUuid } },
      },
      {
        ...attachment(name),
        metadata: { name, namespace: 'default', finalizers: ['stubdom.io/agent', 'example.org/theirs'] },
        spec: { stubDomainRef: { name }, device: { address: '0000:03:00.0' } },
      },
    ]),
    xenHost('xen-2'),
    lease('xen-2', 'xen-2'),
    eventOf('xen-2', 'by-xen-2', { apiVersion, kind: 'StubDomain', name: 'other' }),
  ],
  bound: { own: 'xen-1', other: 'xen-2' },
} as const;

/** What the agent of xen-1 does all day. Every rule lets its right side through. */
export const allowed: readonly Attempt[] = [
  apply('register the own XenHost', `${group}/xenhosts/xen-1`, xenHost('xen-1')),
  apply('report the own host', `${group}/xenhosts/xen-1/status`, { ...xenHost('xen-1'), status: { bootID: 'b-1' } }),
  create('make the own Lease', leases, lease('xen-1', 'xen-1')),
  replace('renew the own Lease', `${leases}/xen-1`, lease('xen-1', 'xen-1')),
  merge('report an own StubDomain', `${inDefault}/stubdomains/own/status`, { status: { domid: 7 } }),
  merge('report an own PciAttachment', `${inDefault}/pciattachments/own/status`, { status: { phase: 'Attached' } }),
  json('take the own finalizer off', `${inDefault}/stubdomains/own`, [{ op: 'remove', path: `${finalizers}/0` }]),
  json('put the own finalizer on', `${inDefault}/stubdomains/own`, [
    { op: 'add', path: `${finalizers}/-`, value: 'stubdom.io/agent' },
  ]),
  json('the same of a PciAttachment', `${inDefault}/pciattachments/own`, [{ op: 'remove', path: `${finalizers}/0` }]),
  create('tell an Event', events, eventOf('xen-1', 'by-xen-1', aboutOwn)),
  merge('count on that Event', `${events}/by-xen-1`, { count: 2 }),
];

/** Whether the policies look at what an attempt writes; of the rest, RBAC alone keeps. */
export const underPolicy = ({ path }: Attempt): boolean =>
  path.startsWith(group) || path.startsWith(leases) || path.startsWith(events);

/** All writes outside of that which a stolen identity of xen-1 could think of. */
export const forbidden: readonly Attempt[] = [
  merge('report of a StubDomain of xen-2', `${inDefault}/stubdomains/other/status`, { status: { domid: 7 } }),
  apply('the same by server-side apply', `${inDefault}/stubdomains/other/status`, {
    ...stubDomain('other'),
    status: { domid: 7 },
  }),
  merge('take a StubDomain of xen-2', `${inDefault}/stubdomains/other/status`, { status: { nodeName: 'xen-1' } }),
  merge('take a StubDomain of no host', `${inDefault}/stubdomains/unbound/status`, { status: { nodeName: 'xen-1' } }),
  merge('give an own StubDomain away', `${inDefault}/stubdomains/own/status`, { status: { nodeName: 'xen-2' } }),
  merge('cut an own StubDomain loose', `${inDefault}/stubdomains/own/status`, { status: { nodeName: null } }),
  json('take the finalizer off at xen-2', `${inDefault}/stubdomains/other`, [
    { op: 'remove', path: `${finalizers}/0` },
  ]),
  json("take another's finalizer off", `${inDefault}/stubdomains/own`, [{ op: 'remove', path: `${finalizers}/0` }]),
  json("put another's finalizer on", `${inDefault}/stubdomains/own`, [
    { op: 'add', path: `${finalizers}/-`, value: 'example.org/mine' },
  ]),
  merge('change an own spec', `${inDefault}/stubdomains/own`, { spec: { runState: 'Paused' } }),
  apply('the same by server-side apply', `${inDefault}/stubdomains/own`, {
    ...stubDomain('own'),
    spec: { target: { uuid: guestUuid }, runState: 'Paused' },
  }),
  merge('change a spec at xen-2', `${inDefault}/stubdomains/other`, { spec: { runState: 'Paused' } }),
  merge('label an own StubDomain', `${inDefault}/stubdomains/own`, { metadata: { labels: { a: 'b' } } }),
  merge('give it an owner', `${inDefault}/stubdomains/own`, {
    metadata: { ownerReferences: [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'x', uid: 'u' }] },
  }),
  create('make a StubDomain', `${inDefault}/stubdomains`, {
    ...stubDomain('new'),
    spec: { target: { uuid: guestUuid } },
  }),
  apply('the same by server-side apply', `${inDefault}/stubdomains/new`, {
    ...stubDomain('new'),
    spec: { target: { uuid: guestUuid } },
  }),
  remove('delete an own StubDomain', `${inDefault}/stubdomains/own`),
  remove('delete all StubDomains', `${inDefault}/stubdomains`),
  merge('report of a PciAttachment of xen-2', `${inDefault}/pciattachments/other/status`, {
    status: { phase: 'Attached' },
  }),
  merge('pin another device', `${inDefault}/pciattachments/own/status`, { status: { address: '0000:04:00.0' } }),
  merge('force a removal', `${inDefault}/pciattachments/own`, {
    metadata: { annotations: { 'stubdom.io/force-removal': 'because' } },
  }),
  json('take the finalizer off at xen-2', `${inDefault}/pciattachments/other`, [
    { op: 'remove', path: `${finalizers}/0` },
  ]),
  merge('change an own attachment', `${inDefault}/pciattachments/own`, { spec: { removalPolicy: 'Force' } }),
  create('make a PciAttachment', `${inDefault}/pciattachments`, {
    ...attachment('new'),
    spec: { stubDomainRef: { name: 'own' }, device: { address: '0000:03:00.0' } },
  }),
  remove('delete a PciAttachment', `${inDefault}/pciattachments/other`),
  apply('register as another host', `${group}/xenhosts/xen-3`, xenHost('xen-3')),
  create('the same by POST', `${group}/xenhosts`, xenHost('xen-3')),
  create('the same under a made-up name', `${group}/xenhosts`, {
    apiVersion,
    kind: 'XenHost',
    metadata: { generateName: 'xen-' },
  }),
  create('register with labels, to attract guests', `${group}/xenhosts`, {
    ...xenHost('xen-1'),
    metadata: { name: 'xen-1', labels: { zone: 'a' } },
  }),
  create('register with a drain', `${group}/xenhosts`, { ...xenHost('xen-1'), spec: { drain: { reason: 'mine' } } }),
  apply('report of xen-2', `${group}/xenhosts/xen-2/status`, { ...xenHost('xen-2'), status: { bootID: 'x' } }),
  merge('label the own host, to attract guests', `${group}/xenhosts/xen-1`, { metadata: { labels: { zone: 'a' } } }),
  merge('open the own host', `${group}/xenhosts/xen-1`, { spec: { pci: { allow: ['0000:00:00.0'] } } }),
  merge('close another host', `${group}/xenhosts/xen-2`, { spec: { unschedulable: true } }),
  remove('delete the own XenHost', `${group}/xenhosts/xen-1`),
  remove('delete another XenHost', `${group}/xenhosts/xen-2`),
  replace('renew the Lease of xen-2', `${leases}/xen-2`, lease('xen-2', 'xen-2')),
  create('make a Lease for xen-3', leases, lease('xen-3', 'xen-3')),
  create("make the controller's Lease", leases, lease('stubdom-controller', 'xen-1')),
  replace('give the own Lease to another', `${leases}/xen-1`, lease('xen-1', 'xen-2')),
  create(
    'make a Lease of Kubernetes',
    '/apis/coordination.k8s.io/v1/namespaces/kube-system/leases',
    lease('xen-1', 'xen-1', 'kube-system'),
  ),
  remove('delete the own Lease', `${leases}/xen-1`),
  create('tell an Event as xen-2', events, eventOf('xen-2', 'forged', aboutOwn)),
  create('tell an Event as the controller', events, {
    ...eventOf('xen-1', 'forged', aboutOwn),
    reportingComponent: 'stubdom-controller',
  }),
  create('tell an Event about a Pod', events, eventOf('xen-1', 'forged', { apiVersion: 'v1', kind: 'Pod', name: 'p' })),
  create('tell an Event about XenHost xen-2', events, {
    ...eventOf('xen-1', 'forged', { apiVersion, kind: 'XenHost', name: 'xen-2' }),
  }),
  merge('write over an Event of xen-2', `${events}/by-xen-2`, {
    message: 'forged',
    reportingInstance: 'xen-1',
    source: { host: 'xen-1' },
  }),
  remove('delete an Event', `${events}/by-xen-2`),
  create('an Event of the other API', '/apis/events.k8s.io/v1/namespaces/default/events', {
    apiVersion: 'events.k8s.io/v1',
    kind: 'Event',
    metadata: { name: 'forged', namespace: 'default' },
    eventTime: '2026-01-01T00:00:00.000000Z',
    action: 'a',
    reason: 'b',
    type: 'Normal',
    reportingController: 'stubdom-agent',
    reportingInstance: 'xen-2',
  }),
  create('make a Secret', '/api/v1/namespaces/default/secrets', {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'forged' },
  }),
  create('make a Pod', `/api/v1/namespaces/${leaseNamespace}/pods`, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'forged' },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  }),
  merge('label its Node', '/api/v1/nodes/xen-1', { metadata: { labels: { a: 'b' } } }),
  create(
    "ask for the controller's token",
    `/api/v1/namespaces/${leaseNamespace}/serviceaccounts/stubdom-controller/token`,
    {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {},
    },
  ),
  create('ask for a certificate', '/apis/certificates.k8s.io/v1/certificatesigningrequests', {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name: 'forged' },
    spec: { signerName: 'kubernetes.io/kube-apiserver-client', usages: ['client auth'], request: 'eA==' },
  }),
  create('give itself rights', '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: 'forged' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
  }),
  remove(
    'delete the policy',
    '/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/stubdom-agent-objects',
  ),
  merge('change a CRD', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions/stubdomains.stubdom.io', {
    metadata: { labels: { a: 'b' } },
  }),
];
