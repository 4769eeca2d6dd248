import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request as send } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Closers } from '../../operator/embedded/world/closers.ts';
import { leaseNamespace } from '../../operator/api/names.ts';
import { type ApiClient, apiClient } from './api-client.ts';
import { eventually } from './eventually.ts';
import { type Helm, helmAt, setUpHelm } from './helm.ts';
import { findKubectl, type Kubectl, kubectlFor } from './kubectl.ts';
import { setUpRealKubeApiserver, startRealKubeApiserver, tokenOf } from './real-kube-apiserver.ts';
import { packageRoot } from './stubdom.ts';

export const chartFolder = join(packageRoot, 'charts', 'stubdom-operator');

/** The release that tests install. Names of its objects begin with it. */
export const release = 'stubdom';

/** Whether a real kube-apiserver, helm and kubectl can be had; what cannot has said so on standard error. */
export async function canHaveChartCluster(): Promise<boolean> {
  const [server, helm, kubectl] = await Promise.all([setUpRealKubeApiserver(), setUpHelm(), findKubectl()]);
  return server.available && helm.available && kubectl !== undefined;
}

/** Somebody who sends requests. */
export interface Identity {
  readonly name: string;
  readonly token?: string;
  readonly certificate?: { readonly cert: Buffer; readonly key: Buffer };
  /** Sent by the administrator, on behalf of this user. */
  readonly impersonate?: { readonly user: string; readonly groups: readonly string[] };
}

/** One request of an audit log. */
export interface AuditEvent {
  readonly stage: string;
  readonly verb: string;
  readonly user: { readonly username: string };
  readonly objectRef?: {
    readonly apiGroup?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
  readonly responseStatus?: { readonly code?: number };
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An answer of the API server. */
export interface Reply {
  readonly code: number;
  readonly message: string;
}

/** A real kube-apiserver with the chart installed by helm. */
export interface ChartCluster {
  readonly directory: string;
  readonly url: string;
  /** All rights. */
  readonly kubeconfig: string;
  readonly admin: ApiClient;
  readonly kubectl: Kubectl;
  readonly helm: Helm;
  /** What `helm install` printed. */
  readonly notes: string;
  /** The token that the kubelet of `node` would mount into a pod of the ServiceAccount there. */
  podToken(account: string, node: string): Promise<string>;
  /** A kubeconfig with that token. */
  kubeconfigFor(name: string, token: string): Promise<string>;
  /** Sends one request as somebody. */
  as(who: Identity, method: string, path: string, body?: unknown, type?: string): Promise<Reply>;
  /** All requests that were answered so far, and those that are (watches). */
  audited(): Promise<AuditEvent[]>;
  close(): Promise<void>;
}

/** Somebody with the role cluster-admin who is not in system:masters, as most administrators and GitOps are. */
export const wide: Identity = {
  name: 'a cluster-admin',
  impersonate: { user: 'wide', groups: ['system:authenticated'] },
};

/** Starts the API server, with further flags perhaps, and installs the chart with `values` over its defaults. */
export async function startChartCluster(values: object = {}, flags: readonly string[] = []): Promise<ChartCluster> {
  const [helmFound, kubectlFound] = await Promise.all([setUpHelm(), findKubectl()]);
  if (!helmFound.available || kubectlFound === undefined) throw new Error('neither helm nor kubectl may be missing');
  const closers = new Closers();
  try {
    const directory = await mkdtemp(join(tmpdir(), 'chart-'));
    closers.add(() => rm(directory, { recursive: true, force: true }));
    const policy = join(directory, 'audit.yaml');
    const auditLog = join(directory, 'audit.log');
    await writeFile(
      policy,
      'apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{ level: Metadata }]\n',
    );
    const server = await startRealKubeApiserver({
      dir: join(directory, 'server'),
      flags: [`--audit-policy-file=${policy}`, `--audit-log-path=${auditLog}`, '--audit-log-mode=blocking', ...flags],
    });
    closers.add(() => server.stop());
    const admin = apiClient(server.kubeconfig);
    closers.add(() => admin.close());
    const kubectl = kubectlFor(kubectlFound, server.kubeconfig, directory);
    const helm = helmAt(helmFound.path, directory, server.kubeconfig);
    const valuesFile = join(directory, 'values.json');
    await writeFile(valuesFile, JSON.stringify(values));
    const into = ['-n', leaseNamespace, '--create-namespace', '-f', valuesFile];
    const notes = await helm.ok(['install', release, chartFolder, ...into]);
    const ca = await readFile(join(directory, 'server', 'ca.crt'));
    const adminToken = await tokenOf(server.kubeconfig);
    const cluster: ChartCluster = {
      directory,
      url: server.url,
      kubeconfig: server.kubeconfig,
      admin,
      kubectl,
      helm,
      notes,
      podToken: (account, node) => podToken(kubectl, account, node),
      kubeconfigFor: async (name, token) => {
        const path = join(directory, `${name}.kubeconfig`);
        await writeFile(path, tokenKubeconfig(server.url, ca, token));
        return path;
      },
      as: (who, method, path, body, type) =>
        sendAs({ url: server.url, ca }, who.impersonate === undefined ? who : { ...who, token: adminToken }, {
          method,
          path,
          body,
          type,
        }),
      audited: async () =>
        (await readFile(auditLog, 'utf8'))
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as AuditEvent),
      close: () => closers.close(),
    };
    await policiesInForce(cluster);
    return cluster;
  } catch (error) {
    await closers.close();
    throw error;
  }
}

/** As after a kubelet started the pod: bound to a Node that exists, so that the token says which. */
async function podToken(kubectl: Kubectl, account: string, node: string): Promise<string> {
  const pod = `${account}-${node}`;
  const manifests = [
    { apiVersion: 'v1', kind: 'Node', metadata: { name: node } },
    {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: pod, namespace: leaseNamespace },
      spec: { nodeName: node, serviceAccountName: account, containers: [{ name: 'c', image: 'none' }] },
    },
  ];
  await kubectl.ok(['apply', '-f', '-'], {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: manifests }),
  });
  const inNamespace = ['-n', leaseNamespace];
  const uid = await kubectl.ok([...inNamespace, 'get', 'pod', pod, '-o', 'jsonpath={.metadata.uid}']);
  const bound = ['--bound-object-kind', 'Pod', '--bound-object-name', pod, '--bound-object-uid', uid];
  return (await kubectl.ok([...inNamespace, 'create', 'token', account, ...bound])).trim();
}

function tokenKubeconfig(server: string, ca: Buffer, token: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u', namespace: leaseNamespace } }],
    clusters: [{ name: 'c', cluster: { server, 'certificate-authority-data': ca.toString('base64') } }],
    users: [{ name: 'u', user: { token } }],
  });
}

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body: unknown;
  readonly type: string | undefined;
}

function sendAs(server: { url: string; ca: Buffer }, who: Identity, request: Request): Promise<Reply> {
  const { certificate, token, impersonate } = who;
  const payload = request.body === undefined ? '' : JSON.stringify(request.body);
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(impersonate === undefined
      ? {}
      : { 'impersonate-user': impersonate.user, 'impersonate-group': [...impersonate.groups] }),
    ...(payload === '' ? {} : { 'content-type': request.type ?? 'application/json' }),
    'content-length': Buffer.byteLength(payload),
  };
  // A connection of its own: with a certificate, it is the connection that says who asks.
  const agent = new Agent({ ca: server.ca, ...certificate });
  return new Promise((resolve, reject) => {
    const outgoing = send(`${server.url}${request.path}`, { method: request.method, agent, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('error', reject);
      response.on('end', () => {
        agent.destroy();
        const { message } = JSON.parse(text) as { readonly message?: string };
        resolve({ code: response.statusCode ?? 0, message: message ?? '' });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
}

/** A policy counts a moment after it was made. The one with the last name is the last to be seen. */
async function policiesInForce(cluster: ChartCluster): Promise<void> {
  const { kubectl } = cluster;
  await kubectl.ok(['create', 'clusterrolebinding', 'wide', '--clusterrole=cluster-admin', '--user=wide']);
  const probe = { apiVersion: 'stubdom.io/v1alpha1', kind: 'XenHost', metadata: { name: 'probe' } };
  await kubectl.ok(['wait', '--for=condition=Established', 'crd', '--all', '--timeout=30s']);
  await eventually(() => kubectl.ok(['create', '-f', '-'], { input: JSON.stringify(probe) }));
  await eventually(async () => {
    const path = '/apis/stubdom.io/v1alpha1/xenhosts/probe/status?dryRun=All';
    const reply = await cluster.as(wide, 'PATCH', path, { status: { bootID: 'x' } }, 'application/merge-patch+json');
    if (reply.code !== 403 || !reply.message.includes('ValidatingAdmissionPolicy')) {
      throw new Error(`the policies are not in force: ${String(reply.code)} ${reply.message}`);
    }
  });
  await kubectl.ok(['delete', 'xenhost', 'probe']);
}
