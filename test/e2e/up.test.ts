import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { stubdom, StubdomProcess } from '../support/stubdom.ts';

let dir = '';
const running: StubdomProcess[] = [];

/** Starts `stubdom up` in a folder of its own; its sockets go below that folder, too. */
function up(...args: string[]): StubdomProcess {
  const world = new StubdomProcess(['up', ...args], { cwd: dir, env: { TMPDIR: dir } });
  running.push(world);
  return world;
}

/** What is left in the folder, without the log. */
async function leftovers(): Promise<string[]> {
  const names = await readdir(dir, { recursive: true });
  return names.filter((name) => name !== '.stubdom' && !name.endsWith('up.log'));
}

async function refusesConnections(url: string): Promise<boolean> {
  try {
    await fetch(url);
    return false;
  } catch (error) {
    const { cause } = error as { cause?: { code?: string } };
    return cause?.code === 'ECONNREFUSED';
  }
}

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'sdup-'));
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((world) => world.stop('SIGKILL')));
  await rm(dir, { recursive: true, force: true });
});

describe('stubdom up', () => {
  test('the samples become Ready, and nothing is left behind', async () => {
    const ended = await up('--samples', '--exit-when-ready', '--timeout', '60').ended;
    expect(ended.stderr).toBe('');
    expect(ended.stdout).toMatch(/4 of 4 objects are Ready/);
    expect(ended.stdout).toMatch(/^StubDomain +web +xen-1 +Running +True +domain \d+ for guest \d+, running$/m);
    expect(ended.stdout).toMatch(
      /^PciAttachment +web-nic +xen-1 +Attached +True +0000:03:00\.0 at 0x30, slot 6 of the guest$/m,
    );
    expect(ended.stdout).toMatch(
      /^PciAttachment +db-disk +xen-1 +Attached +True +0000:06:00\.0 at 0x[0-9a-f]{2}, slot \d+ of the guest$/m,
    );
    expect(ended.code).toBe(0);
    expect(await leftovers()).toEqual([]);
  }, 90_000);

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    '%s ends it cleanly: ports, sockets and files are gone',
    async (signal) => {
      const world = up();
      const [, url = ''] = await world.output(/API server (\S+)/);
      await world.output(/xenstore ls --socket (\S+)/);
      const [, socket = ''] = await world.output(/xenstore ls --socket (\S+)/);
      expect(existsSync(socket)).toBe(true);
      const ended = await world.stop(signal);
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(ended.stdout).toMatch(/Try, in another terminal:\n.*KUBECONFIG=\S+\/\.stubdom\/kubeconfig\n/);
      expect(await refusesConnections(url)).toBe(true);
      expect(existsSync(dirname(socket))).toBe(false);
      expect(await leftovers()).toEqual([]);
    },
    90_000,
  );

  test('an interrupt while it starts is a clean end, too', async () => {
    const world = up('--hosts', '20');
    await world.output(/API server/);
    expect(await world.stop('SIGINT')).toMatchObject({ code: 0, stderr: '' });
    expect(await leftovers()).toEqual([]);
  }, 90_000);

  test('a closed terminal, of which it hears more than once, is a clean end', async () => {
    const world = up();
    await world.output(/xenstore ls --socket (\S+)/);
    world.child.kill('SIGHUP');
    await world.output(/^Stopping\.$/m);
    expect(await world.stop('SIGHUP')).toMatchObject({ code: 0, stderr: '' });
    expect(await leftovers()).toEqual([]);
  }, 90_000);

  test('the second signal ends it at once', async () => {
    const world = up();
    await world.output(/API server/);
    world.child.kill('SIGINT');
    world.child.kill('SIGTERM');
    const { code, signal } = await world.ended;
    // Which of the two arrives first is the kernel's choice, and it may have ended cleanly before the second.
    expect([0, 130, 143]).toContain(code);
    expect(signal).toBeNull();
  }, 90_000);

  test('a second one in the same folder is told of the first, and does not disturb it', async () => {
    const first = up();
    await first.output(/Try, in another terminal/);
    const log = await readFile(join(dir, '.stubdom', 'up.log'), 'utf8');
    const second = await stubdom(['up'], { cwd: dir });
    expect(second.code).toBe(1);
    expect(second.stderr).toBe(
      `stubdom: a world runs here already (pid ${String(first.child.pid)}, ${join(dir, '.stubdom/kubeconfig.lock')}). ` +
        `End it with Ctrl-C or 'kill ${String(first.child.pid)}', or give this one another --kubeconfig\n`,
    );
    expect((await readFile(join(dir, '.stubdom', 'up.log'), 'utf8')).startsWith(log.slice(0, 100))).toBe(true);
    expect((await first.stop()).code).toBe(0);
  }, 90_000);

  test('what a killed one left is no obstacle', async () => {
    const first = up();
    await first.output(/API server/);
    await first.stop('SIGKILL');
    const ended = await up('--exit-when-ready', '--timeout', '60').ended;
    expect(ended.code).toBe(0);
    expect(await leftovers()).toEqual([]);
  }, 90_000);

  test('objects that cannot become Ready are named, and the exit code says so', async () => {
    const ended = await up('--quirk', 'no-boot@web', '--exit-when-ready', '--timeout', '10').ended;
    expect(ended.code).toBe(1);
    expect(ended.stderr).toBe('stubdom: not everything became Ready within 10 s\n');
    expect(ended.stdout).toMatch(/^StubDomain +web .* (False|Unknown) +\w+: /m);
    expect(ended.stdout).toMatch(/^StubDomain +db +xen-1 +Running +True/m);
  }, 90_000);

  test('a fleet is spread over the hosts, and the table is cut', async () => {
    const ended = await up('--hosts', '3', '--stub-domains', '15', '--pci-per-domain', '1', '--exit-when-ready').ended;
    expect(ended.code).toBe(0);
    expect(ended.stdout).toMatch(/30 of 30 objects are Ready/);
    expect(ended.stdout).toMatch(/and 10 more/);
    expect(new Set(ended.stdout.match(/ xen-\d /g))).toEqual(new Set([' xen-1 ', ' xen-2 ']));
  }, 120_000);
});
