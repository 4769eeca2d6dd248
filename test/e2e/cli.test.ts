import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { stubdom, StubdomProcess } from '../support/stubdom.ts';

let dir = '';
let busyPort = 0;
const servers: Server[] = [];

function listen(where: string | number): Promise<Server> {
  const server = createServer((socket) => socket.destroy());
  servers.push(server);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    if (typeof where === 'string') server.listen(where, () => resolve(server));
    else server.listen(where, '127.0.0.1', () => resolve(server));
  });
}

/** A socket file whose owner was killed: the file stays, nobody listens. */
async function leaveStaleSocket(path: string): Promise<void> {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  await once(spawn(process.execPath, ['-e', script]), 'close');
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sdcli-'));
  await listen(join(dir, 'live'));
  const busy = await listen(0);
  const address = busy.address();
  busyPort = typeof address === 'object' && address !== null ? address.port : 0;
  await leaveStaleSocket(join(dir, 'stale'));
  await writeFile(join(dir, 'file'), 'no socket');
  await writeFile(join(dir, 'broken.yaml'), '{ this is: [no yaml');
  await writeFile(join(dir, 'empty.yaml'), 'apiVersion: v1\nkind: Config\n');
  await mkdir(join(dir, 'folder'));
});

afterAll(async () => {
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  await rm(dir, { recursive: true, force: true });
});

interface Case {
  readonly name: string;
  readonly args: () => string[];
  readonly code: number;
  readonly says: RegExp;
}

const agent = (xenstore: string, kubeconfig: string): string[] => [
  ...['agent', '--name', 'h', '--xenstore', join(dir, xenstore), '--hypervisor', `simulated:${join(dir, 'live')}`],
  ...['--kubeconfig', join(dir, kubeconfig)],
];

const cases: readonly Case[] = [
  {
    name: 'unknown flag',
    args: () => ['up', '--host', '3'],
    code: 2,
    says: /--host'.*Did you mean --hosts.*up --help/,
  },
  { name: 'unknown command', args: () => ['vresion'], code: 2, says: /unknown command 'vresion'.*version/ },
  { name: 'unknown part', args: () => ['embedded', 'etcd'], code: 2, says: /unknown command 'etcd'.*embedded --help/ },
  { name: 'missing option', args: () => ['agent', '--name', 'h'], code: 2, says: /--xenstore <path>' not specified/ },
  { name: 'not a number', args: () => ['up', '--hosts', 'many'], code: 2, says: /whole number from 1 to/ },
  { name: 'number too large', args: () => ['up', '--hosts', '100000'], code: 2, says: /whole number from 1 to/ },
  { name: 'too many arguments', args: () => ['version', 'now'], code: 2, says: /too many arguments/ },
  {
    name: 'unknown quirk',
    args: () => ['up', '--quirk', 'slow'],
    code: 2,
    says: /unknown quirk "slow"; there are: boot-delay/,
  },
  {
    name: 'quirk of a guest that is not there',
    args: () => ['up', '--kubeconfig', join(dir, 'world', 'kubeconfig'), '--quirk', 'no-boot@wbe'],
    code: 1,
    says: /guest "wbe", which is not there; there are: db, web, xen-1-spare/,
  },
  {
    name: 'a cluster and a data directory',
    args: () => ['up', '--cluster', join(dir, 'broken.yaml'), '--data-dir', join(dir, 'data')],
    code: 2,
    says: /'--cluster <file>' cannot be used with option '--data-dir <dir>'/,
  },
  {
    name: 'a cluster and a port',
    args: () => ['up', '--cluster', join(dir, 'broken.yaml'), '--port', '5000'],
    code: 2,
    says: /'--cluster <file>' cannot be used with option '--port <port>'/,
  },
  { name: 'bad guest', args: () => ['up', '--guest', 'web=1'], code: 2, says: /Give NAME=UUID/ },
  {
    name: 'bad hypervisor',
    args: () => [...agent('live', 'broken.yaml'), '--hypervisor', 'kvm'],
    code: 2,
    says: /Give xl, xl:PROGRAM \(an absolute path\) or simulated:SOCKET/,
  },
  {
    name: 'host without cluster',
    args: () => ['embedded', 'host', '--name', 'h', '--xenstore', join(dir, 'live')],
    code: 2,
    says: /--kubeconfig for the agent, or --without-agent/,
  },
  {
    name: 'kubeconfig missing',
    args: () => ['controller', '--kubeconfig', join(dir, 'none')],
    code: 1,
    says: /none: there is no such file\. /,
  },
  {
    name: 'kubeconfig a folder',
    args: () => ['controller', '--kubeconfig', join(dir, 'folder')],
    code: 1,
    says: /folder: it is a directory\. /,
  },
  {
    name: 'kubeconfig no YAML',
    args: () => ['controller', '--kubeconfig', join(dir, 'broken.yaml')],
    code: 1,
    says: /broken\.yaml: it is not valid YAML/,
  },
  {
    name: 'kubeconfig empty',
    args: () => agent('live', 'empty.yaml'),
    code: 1,
    says: /empty\.yaml: it has no current-context/,
  },
  {
    name: 'cluster kubeconfig missing',
    args: () => ['up', '--cluster', join(dir, 'none'), '--kubeconfig', join(dir, 'kc')],
    code: 1,
    says: /none: there is no such file\. /,
  },
  {
    name: 'port in use, alone',
    args: () => ['embedded', 'api-server', '--kubeconfig', join(dir, 'kc'), '--port', String(busyPort)],
    code: 1,
    says: /port \d+ .*in use/,
  },
  {
    name: 'port in use, up',
    args: () => ['up', '--kubeconfig', join(dir, 'kc'), '--port', String(busyPort)],
    code: 1,
    says: /port \d+ .*in use/,
  },
  {
    name: 'kubeconfig where it cannot be written',
    args: () => ['embedded', 'api-server', '--kubeconfig', join(dir, 'file', 'kc')],
    code: 1,
    says: /file/,
  },
  {
    name: 'xenstored on a live socket',
    args: () => ['embedded', 'xenstored', '--socket', join(dir, 'live')],
    code: 1,
    says: /something listens on \S+live already\. Stop it, or give another --socket/,
  },
  {
    name: 'xenstored on a stale socket',
    args: () => ['embedded', 'xenstored', '--socket', join(dir, 'stale')],
    code: 1,
    says: /left over from a process that is gone\. Remove it \(rm \S+stale\)/,
  },
  {
    name: 'xenstored on a file',
    args: () => ['embedded', 'xenstored', '--socket', join(dir, 'file')],
    code: 1,
    says: /exists and is no socket/,
  },
  {
    name: 'xenstored below a file',
    args: () => ['embedded', 'xenstored', '--socket', join(dir, 'file', 'xs')],
    code: 1,
    says: /file/,
  },
  {
    name: 'socket path too long',
    args: () => ['embedded', 'xenstored', '--socket', `/tmp/${'x'.repeat(110)}`],
    code: 2,
    says: /socket path is too long \(115 bytes, at most 107\)/,
  },
  {
    name: 'client: socket missing',
    args: () => ['xenstore', 'ls', '--socket', join(dir, 'none')],
    code: 1,
    says: /no XenStore daemon at \S+none: there is no such socket\. Start one/,
  },
  {
    name: 'client: socket stale',
    args: () => ['xenstore', 'read', '/', '--socket', join(dir, 'stale')],
    code: 1,
    says: /nobody serves it any more/,
  },
  {
    name: 'client: a file',
    args: () => ['xenstore', 'read', '/', '--socket', join(dir, 'file')],
    code: 1,
    says: /that is no socket/,
  },
  {
    name: 'client: a server that speaks no XenStore',
    args: () => ['xenstore', 'read', '/', '--socket', join(dir, 'live')],
    code: 1,
    says: /./,
  },
  {
    name: 'client: relative path',
    args: () => ['xenstore', 'read', 'local', '--socket', join(dir, 'live')],
    code: 2,
    says: /the path local must begin with \//,
  },
  {
    name: 'client: odd number of words',
    args: () => ['xenstore', 'write', '/a', '1', '/b', '--socket', join(dir, 'live')],
    code: 2,
    says: /needs a value for \/b/,
  },
  {
    name: 'host on a missing XenStore',
    args: () => ['embedded', 'host', '--name', 'h', '--without-agent', '--xenstore', join(dir, 'none')],
    code: 1,
    says: /no XenStore daemon at \S+none/,
  },
];

describe('a failure is one line that says what to do', () => {
  test.each(cases)('$name', async ({ args, code, says }) => {
    const ended = await stubdom(args(), { cwd: dir });
    expect(ended.stderr).toMatch(/^stubdom: [^\n]+\n$/);
    expect(ended.stderr).toMatch(says);
    expect(ended.code).toBe(code);
  });
});

describe('help and version', () => {
  test.each(['version', '--version', '-V'])('%s is one line on stdout', async (word) => {
    const ended = await stubdom([word]);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toMatch(/^stubdom \d+\.\d+\.\d+ \(node v\d+\.\d+\.\d+\)\n$/);
  });

  test('help goes to stdout and is no failure', async () => {
    const ended = await stubdom(['up', '--help']);
    expect(ended).toMatchObject({ code: 0, stderr: '' });
    expect(ended.stdout).toContain('--exit-when-ready');
    expect(ended.stdout).toContain('eject-delay=MS');
  });

  test('defaults are shown as one would type them', async () => {
    const ended = await stubdom(['embedded', 'host', '--help']);
    expect(ended.stdout.replace(/\s+/g, ' ')).toContain('for a real daemon (default: embedded)');
    expect(ended.stdout).not.toContain('{"');
  });

  test('without a command the help goes to stderr, as a usage error', async () => {
    const ended = await stubdom([]);
    expect(ended).toMatchObject({ code: 2, stdout: '' });
    expect(ended.stderr).toContain('Usage: stubdom');
  });
});

describe('a part of the world alone', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('xenstored says one line, serves, and ends on %s', async (signal) => {
    const home = await mkdtemp(join(dir, 'xs-'));
    const socket = join(home, 's');
    const daemon = new StubdomProcess(['embedded', 'xenstored', '--socket', socket]);
    await daemon.output(/\n/);
    expect(daemon.stdout).toBe(`xenstored ready socket=${socket} guests=${socket}.guests\n`);

    const client = (...args: string[]) => stubdom(['xenstore', ...args, '--socket', socket]);
    await client('write', '/a/b', 'tab\\tdone', '/a/c', '\\x01\\xff');
    expect((await client('read', '/a/b', '/a/c')).stdout).toBe('/a/b = tab\\tdone\n/a/c = \\001\\xff\n');
    expect((await client('read', '--raw', '/a/b')).stdout).toBe('tab\tdone');
    expect((await client('ls', '-p', '/a')).stdout).toBe('b = "tab\\tdone"  (n0)\nc = "\\001\\xff"  (n0)\n');
    expect(await client('rm', '/a/c')).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(await client('read', '/a/c')).toMatchObject({ code: 1, stderr: 'stubdom: there is no node /a/c\n' });

    const ended = await daemon.stop(signal);
    expect(ended.code).toBe(0);
    expect(await readdir(home)).toEqual([]);
  });

  test('xenstore watch prints changes, and ends after the count', async () => {
    const home = await mkdtemp(join(dir, 'xw-'));
    const socket = join(home, 's');
    const daemon = new StubdomProcess(['embedded', 'xenstored', '--socket', socket]);
    await daemon.output(/ready/);
    const watcher = new StubdomProcess(['xenstore', 'watch', '/w', '--count', '2', '--socket', socket]);
    await watcher.output(/\/w\n/);
    await stubdom(['xenstore', 'write', '/w/x', '1', '--socket', socket]);
    expect(await watcher.ended).toMatchObject({ code: 0, stdout: '/w\n/w/x\n', stderr: '' });
    await daemon.stop();
  });
});
