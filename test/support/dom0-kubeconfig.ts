import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ChartCluster, Identity } from './chart-cluster.ts';
import { eventually } from './eventually.ts';
import { findKubectl } from './kubectl.ts';
import { packageRoot } from './stubdom.ts';

const run = promisify(execFile);
export const makeKubeconfig = join(packageRoot, 'hack', 'dom0', 'make-kubeconfig.sh');

interface SigningRequest {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly request: string };
  readonly status?: { readonly conditions?: readonly { readonly type: string }[]; readonly certificate?: string };
}

/** Runs hack/dom0/make-kubeconfig.sh as an administrator does; throws with its standard error when it fails. */
export async function runMakeKubeconfig(cluster: ChartCluster, args: readonly string[]): Promise<string> {
  const kubectl = await findKubectl();
  const path = `${dirname(kubectl?.path ?? '')}:${process.env['PATH'] ?? ''}`;
  const env = { PATH: path, HOME: cluster.directory, KUBECONFIG: cluster.kubeconfig };
  const { stdout } = await run(makeKubeconfig, args, { env, cwd: cluster.directory, timeout: 90_000 });
  return stdout;
}

/** The identity of a dom0 with a client certificate, made by the script. The folder is `dom0-NAME` in the cluster's. */
export async function certificateIdentity(cluster: ChartCluster, host: string): Promise<Identity> {
  const folder = join(cluster.directory, `dom0-${host}`);
  const [said] = await Promise.all([runMakeKubeconfig(cluster, [host, folder]), signNext(cluster)]);
  if (!said.includes('notAfter=')) throw new Error(`the script did not say how long it is good for: ${said}`);
  const [cert, key] = await Promise.all(['client.crt', 'client.key'].map((file) => readFile(join(folder, file))));
  if (cert === undefined || key === undefined) throw new Error('no certificate');
  return { name: 'certificate', certificate: { cert, key } };
}

/** The identity of a dom0 with a token of its ServiceAccount, made by the script. */
export async function tokenIdentity(cluster: ChartCluster, host: string): Promise<Identity> {
  const folder = join(cluster.directory, `dom0-token-${host}`);
  await runMakeKubeconfig(cluster, ['--token', '--days', '1', host, folder]);
  return { name: 'ServiceAccount', token: (await readFile(join(folder, 'token'), 'utf8')).trim() };
}

/** Signs the next request that was approved, in the place of kube-controller-manager, which the test server has not. */
async function signNext({ admin, directory }: ChartCluster): Promise<void> {
  const collection = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
  const approved = await eventually(async () => {
    const { body } = await admin.call('GET', collection);
    const found = (body.items as unknown as SigningRequest[]).find(
      ({ status }) => status?.certificate === undefined && status?.conditions?.some(({ type }) => type === 'Approved'),
    );
    if (found === undefined) throw new Error('no approved request');
    return found;
  }, 60_000);
  const request = join(directory, 'to-sign.csr');
  await writeFile(request, Buffer.from(approved.spec.request, 'base64'));
  const ca = join(directory, 'server', 'ca');
  const by = ['-CA', `${ca}.crt`, '-CAkey', `${ca}.key`, '-CAcreateserial', '-days', '7'];
  const { stdout } = await run('openssl', ['x509', '-req', '-in', request, ...by]);
  const status = { certificate: Buffer.from(stdout).toString('base64') };
  const path = `${collection}/${approved.metadata.name}/status`;
  const { code, text } = await admin.call('PATCH', path, { status }, { type: 'application/merge-patch+json' });
  if (code !== 200) throw new Error(text);
}
