import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { dump } from 'js-yaml';
import { ApiServerStartError } from './start-error.ts';

/** What a client needs to reach the server. */
export interface ClientAccess {
  readonly url: string;
  /** PEM. */
  readonly ca: string;
  readonly token: string;
}

/** Writes a kubeconfig with one context, `stubdom`: all at once, and readable by its owner only. */
export async function writeKubeconfig(path: string, access: ClientAccess): Promise<void> {
  const text = dump({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'stubdom',
        cluster: {
          server: access.url,
          'certificate-authority-data': Buffer.from(access.ca).toString('base64'),
        },
      },
    ],
    users: [{ name: 'stubdom', user: { token: access.token } }],
    contexts: [{ name: 'stubdom', context: { cluster: 'stubdom', user: 'stubdom', namespace: 'default' } }],
    'current-context': 'stubdom',
  });
  const temporary = `${path}.${String(process.pid)}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, text, { mode: 0o600 });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new ApiServerStartError(
      'EKUBECONFIG',
      `the kubeconfig cannot be written to ${path} (${code}): choose a path in a directory that you may write to`,
      { cause: error },
    );
  }
}
