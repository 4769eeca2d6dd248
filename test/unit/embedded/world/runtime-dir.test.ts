import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { assertNoWorld, openRuntimeDir, WorldRunsError } from '../../../../operator/embedded/world/runtime-dir.ts';
import { makeZombie } from '../../../support/zombie.ts';

let dir = '';
let kubeconfig = '';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sdrt-'));
  kubeconfig = join(dir, 'state', 'kubeconfig');
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

/** The pid of a process that is gone. */
async function deadPid(): Promise<number> {
  const child = spawn(process.execPath, ['-e', '0']);
  await once(child, 'close');
  return child.pid ?? 0;
}

async function leaveLock(record: unknown): Promise<void> {
  await mkdir(join(dir, 'state'), { recursive: true });
  await writeFile(`${kubeconfig}.lock`, typeof record === 'string' ? record : JSON.stringify(record));
}

test('a second world in the same place is refused, and told of the first', async () => {
  const first = await openRuntimeDir(kubeconfig);
  await expect(openRuntimeDir(kubeconfig)).rejects.toThrow(`pid ${process.pid}`);
  await expect(assertNoWorld(kubeconfig)).rejects.toThrow(WorldRunsError);
  expect(existsSync(first.path)).toBe(true);
  await first.close();
});

test('close leaves neither sockets nor lock', async () => {
  const runtime = await openRuntimeDir(kubeconfig);
  await writeFile(join(runtime.path, 'xs'), '');
  await runtime.close();
  expect(existsSync(runtime.path)).toBe(false);
  expect(await readdir(join(dir, 'state'))).toEqual([]);
  await expect(assertNoWorld(kubeconfig)).resolves.toBeUndefined();
});

test('the record says where the sockets are', async () => {
  const runtime = await openRuntimeDir(kubeconfig);
  await runtime.record({ 'xen-1': '/tmp/x/xs' });
  const record = JSON.parse(await readFile(`${kubeconfig}.lock`, 'utf8')) as unknown;
  expect(record).toMatchObject({ pid: process.pid, runtimeDir: runtime.path, xenstores: { 'xen-1': '/tmp/x/xs' } });
  await runtime.close();
});

test('what a killed world left is removed', async () => {
  const left = await mkdtemp(join(tmpdir(), 'stubdom-'));
  await leaveLock({ pid: await deadPid(), startTicks: '1', runtimeDir: left, xenstores: {} });
  const runtime = await openRuntimeDir(kubeconfig);
  expect(existsSync(left)).toBe(false);
  await runtime.close();
});

test('a killed world that its parent has not waited for is gone all the same', async () => {
  const { pid, startTicks, end } = await makeZombie();
  try {
    await leaveLock({ pid, startTicks, runtimeDir: '/nonexistent', xenstores: {} });
    await expect(assertNoWorld(kubeconfig)).resolves.toBeUndefined();
    await (await openRuntimeDir(kubeconfig)).close();
  } finally {
    await end();
  }
});

test('a temporary folder too deep for sockets is refused with what to do', async () => {
  const deep = join(dir, 'd'.repeat(90));
  await mkdir(deep);
  await expect(openRuntimeDir(kubeconfig, deep)).rejects.toThrow(/TMPDIR/);
  expect(await readdir(deep)).toEqual([]);
  await expect(assertNoWorld(kubeconfig)).resolves.toBeUndefined();
});

test('a pid that another process has by now is not taken for the world', async () => {
  await leaveLock({ pid: process.pid, startTicks: '1', runtimeDir: '/nonexistent', xenstores: {} });
  await (await openRuntimeDir(kubeconfig)).close();
});

test('a lock that names a folder elsewhere removes nothing', async () => {
  const precious = join(dir, 'precious');
  await mkdir(precious);
  await leaveLock({ pid: await deadPid(), startTicks: '1', runtimeDir: precious, xenstores: {} });
  await (await openRuntimeDir(kubeconfig)).close();
  expect(existsSync(precious)).toBe(true);
});

test.each(['', 'not JSON', '{}', '[]'])('a lock of %j is taken over', async (content) => {
  await leaveLock(content);
  await (await openRuntimeDir(kubeconfig)).close();
});
