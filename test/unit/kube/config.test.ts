import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { ConfigError, loadClusterConfig, type LoadOptions } from '../../../operator/kube/config.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

const kubeconfig = (user: object, cluster: object = {}, context: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Config',
  'current-context': 'one',
  contexts: [
    { name: 'one', context: { cluster: 'c', user: 'u', ...context } },
    { name: 'broken', context: { cluster: 'nowhere', user: 'u' } },
  ],
  clusters: [{ name: 'c', cluster: { server: 'https://host:6443/', ...cluster } }],
  users: [{ name: 'u', user }],
});

describe('the cluster configuration', () => {
  let dir: string;
  let file: string;
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'kc-'));
    file = join(dir, 'config');
  });
  afterEach(() => rm(dir, { recursive: true }));

  const write = async (content: unknown, options: LoadOptions = {}) => {
    await writeFile(file, typeof content === 'string' ? content : dump(content));
    return loadClusterConfig({ kubeconfig: file, env: {}, ...options });
  };

  test.each([
    ['a token', { token: 'secret' }, 'Bearer secret'],
    ['a password', { username: 'me', password: 'pw' }, `Basic ${base64('me:pw')}`],
    ['nothing', {}, undefined],
  ])('with %s', async (_what, user, authorization) => {
    const config = await write(kubeconfig(user));
    expect(config.server).toBe('https://host:6443');
    expect(config.namespace).toBe('default');
    expect((await config.headers())['authorization']).toBe(authorization);
    expect(config.tls().rejectUnauthorized).toBe(true);
  });

  test('with certificates as data and as files beside it, read again on reload', async () => {
    await writeFile(join(dir, 'key.pem'), 'KEY');
    const config = await write(
      kubeconfig(
        { 'client-certificate-data': base64('CERT'), 'client-key': 'key.pem' },
        { 'certificate-authority-data': base64('CA'), 'tls-server-name': 'other' },
        { namespace: 'mine' },
      ),
    );
    expect(config.tls()).toEqual({
      ca: 'CA',
      cert: 'CERT',
      key: 'KEY',
      servername: 'other',
      rejectUnauthorized: true,
    });
    expect(config.namespace).toBe('mine');
    await writeFile(join(dir, 'key.pem'), 'NEW KEY');
    await config.reload();
    expect(config.tls().key).toBe('NEW KEY');
  });

  test('T18: plain http on loopback, and TLS that is not checked', async () => {
    const plain = await write(kubeconfig({}, { server: 'http://127.0.0.1:1' }));
    expect(plain.server).toBe('http://127.0.0.1:1');
    const unchecked = await write(kubeconfig({}, { 'insecure-skip-tls-verify': true }));
    expect(unchecked.tls().rejectUnauthorized).toBe(false);
  });

  test('T24: a token file is read again after a minute, and stays good while it cannot be read', async () => {
    let now = 0;
    const token = join(dir, 'token');
    await writeFile(token, 'one\n');
    const config = await write(kubeconfig({ tokenFile: 'token' }), { now: () => now });
    await writeFile(token, 'two\n');
    now = 59_000;
    expect(await config.headers()).toEqual({ authorization: 'Bearer one' });
    now = 61_000;
    expect(await config.headers()).toEqual({ authorization: 'Bearer two' });
    await rm(token);
    now = 200_000;
    expect(await config.headers()).toEqual({ authorization: 'Bearer two' });
    await expect(config.reload()).rejects.toThrow(ConfigError);
  });

  test('in a pod', async () => {
    const serviceAccountDir = join(dir, 'sa');
    await mkdir(serviceAccountDir);
    for (const [name, text] of Object.entries({ token: 't', 'ca.crt': 'CA', namespace: 'xen' })) {
      await writeFile(join(serviceAccountDir, name), text);
    }
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    const config = await loadClusterConfig({ env, serviceAccountDir });
    expect([config.server, config.namespace, config.tls().ca]).toEqual(['https://[fd00::1]:443', 'xen', 'CA']);
    expect(await config.headers()).toEqual({ authorization: 'Bearer t' });
  });

  test('KUBECONFIG names it', async () => {
    await write(kubeconfig({ token: 'x' }));
    const config = await loadClusterConfig({ env: { KUBECONFIG: file } });
    expect(config.source).toBe(file);
  });

  test('a helper program is asked through client-node', async () => {
    const credential = {
      apiVersion: 'client.authentication.k8s.io/v1',
      kind: 'ExecCredential',
      status: { token: 'from-exec' },
    };
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: process.execPath,
      args: ['-e', `console.log(${JSON.stringify(JSON.stringify(credential))})`],
      interactiveMode: 'Never',
    };
    const ca = { 'certificate-authority-data': base64('CA') };
    const config = await write(kubeconfig({ exec }, ca));
    expect(await config.headers()).toMatchObject({ authorization: 'Bearer from-exec' });
    expect(config.server).toBe('https://host:6443');
    expect(config.tls().ca).toBe('CA');
  });

  test.each([
    ['no YAML', '{{{', /config: it is not valid YAML: .+\. Check it/],
    ['no kubeconfig', 'text', /not a kubeconfig/],
    ['empty', '', /it is not valid YAML: .*empty/],
    ['without a context', { clusters: [] }, /no current-context/],
    ['with a context that is not there', { 'current-context': 'x' }, /names context 'x', but contexts has none/],
    ['without a server', kubeconfig({}, { server: '' }), /its cluster has no server/],
    ['with a server that is no URL', kubeconfig({}, { server: 'host:6443' }), /'host:6443' is not an http\(s\) URL/],
    ['with half a client certificate', kubeconfig({ 'client-key-data': 'eA==' }), /without the other/],
    ['with a file that is not there', kubeconfig({ tokenFile: 'nope' }), /nope: there is no such file/],
  ])('%s: says which file, what is wrong and what to do', async (_what, content, message) => {
    await expect(write(content)).rejects.toThrow(message);
    await expect(write(content)).rejects.toBeInstanceOf(ConfigError);
  });

  test('a context whose cluster is missing, a file that is missing, a directory', async () => {
    await expect(write(kubeconfig({}), { context: 'broken' })).rejects.toThrow(/names cluster 'nowhere'/);
    await expect(loadClusterConfig({ kubeconfig: join(dir, 'none') })).rejects.toThrow(
      /none: there is no such file\. Name a kubeconfig/,
    );
    await expect(loadClusterConfig({ kubeconfig: dir })).rejects.toThrow(/it is a directory/);
  });
});
