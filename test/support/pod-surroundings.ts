import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { leaseNamespace } from '../../operator/api/names.ts';

/** A TCP port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A pod's service account, as the kubelet mounts it, made of a kubeconfig's credentials. */
export async function mountedAccount(kubeconfigPath: string, folder: string): Promise<void> {
  const config = load(await readFile(kubeconfigPath, 'utf8')) as {
    readonly clusters: readonly [{ readonly cluster: { readonly 'certificate-authority-data': string } }];
    readonly users: readonly [{ readonly user: { readonly token: string } }];
  };
  await mkdir(folder);
  const authority = Buffer.from(config.clusters[0].cluster['certificate-authority-data'], 'base64');
  await writeFile(join(folder, 'ca.crt'), authority);
  await writeFile(join(folder, 'token'), config.users[0].user.token);
  await writeFile(join(folder, 'namespace'), leaseNamespace);
}
