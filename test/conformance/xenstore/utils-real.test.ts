import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startXenstored, type EmbeddedXenstored } from '../../../operator/embedded/xenstored/server.ts';
import { setUpRealXenstored } from '../../support/real-xenstored.ts';

const { available } = await setUpRealXenstored();
const script = fileURLToPath(new URL('../../../hack/real-xenstored/xs.sh', import.meta.url));

/** Debian's own programs, as an administrator uses them, on the embedded daemon. */
(available ? describe : describe.skip)('xenstore-utils on the embedded daemon', () => {
  let dir: string;
  let daemon: EmbeddedXenstored;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'xs-'));
    daemon = await startXenstored({ socketPath: join(dir, 's') });
  });
  afterAll(async () => {
    await daemon.close();
    await rm(dir, { recursive: true });
  });

  const run = async (...args: string[]): Promise<{ code: number; out: string; err: string }> => {
    try {
      const { stdout, stderr } = await promisify(execFile)(script, [daemon.socketPath, ...args]);
      return { code: 0, out: stdout, err: stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, out: stdout, err: stderr };
    }
  };
  const out = async (...args: string[]): Promise<string> => {
    const result = await run(...args);
    expect(result).toMatchObject({ code: 0, err: '' });
    return result.out;
  };

  test('write, read, exists, list, rm', async () => {
    expect(await out('write', '/u/a', 'one', '/u/b/c', 'two words')).toBe('');
    expect(await out('read', '/u/a', '/u/b/c')).toBe('one\ntwo words\n');
    expect(await out('list', '/u')).toBe('a\nb\n');
    expect(await out('exists', '/u/a')).toBe('');
    expect((await run('exists', '/u/none')).code).toBe(1);
    expect(await out('rm', '/u/b')).toBe('');
    expect(await run('read', '/u/b/c')).toMatchObject({ code: 1, out: '' });
    expect((await run('list', '/u/none')).code).toBe(1);
  });

  test('rm -t removes parents that are empty then', async () => {
    await out('write', '/v/a/b', '1');
    await out('rm', '-t', '/v/a/b');
    expect((await run('exists', '/v')).code).toBe(1);
  });

  test('ls, with permissions', async () => {
    await out('write', '/w/a', 'one', '/w/a/b', 'two');
    expect(await out('ls', '/w')).toBe('a = "one"\n b = "two"\n');
    expect(await out('ls', '-f', '/w')).toBe('/w/a = "one"\n/w/a/b = "two"\n');
    await out('chmod', '/w/a', 'n3', 'r5');
    expect(await out('ls', '-p', '/w')).toMatch(/^a = "one" [ .]+\(n3,r5\)\n b = "two" [ .]+\(n0\)\n$/);
    expect(await out('ls')).toContain('tool = ""\n xenstored = ""\n');
  });

  test('chmod -r', async () => {
    await out('write', '/x/a/b', '1');
    await out('chmod', '-r', '/x', 'n0', 'r7');
    expect(await out('ls', '-p', '/x')).toMatch(/^a = "" [ .]+\(n0,r7\)\n b = "1" [ .]+\(n0,r7\)\n$/);
  });

  test('watch', async () => {
    const child = spawn(script, [daemon.socketPath, 'watch', '-n', '3', '/y'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = new Promise((resolve) => child.once('close', resolve));
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    expect(await lines.next()).toMatchObject({ value: '/y' });
    await out('write', '/y/a', '1');
    expect(await lines.next()).toMatchObject({ value: '/y/a' });
    await out('rm', '/y');
    expect(await lines.next()).toMatchObject({ value: '/y' });
    expect(await ended).toBe(0);
  });

  test('a list of children larger than a message', async () => {
    const names = Array.from({ length: 400 }, (_, index) => `child-with-a-long-name-${String(index)}`);
    await out('write', ...names.flatMap((name) => [`/z/${name}`, '1']));
    expect(await out('list', '/z')).toBe(names.map((name) => `${name}\n`).join(''));
  });
});
