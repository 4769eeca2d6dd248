import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { HypervisorError } from '../../../../operator/hypervisor/hypervisor.ts';
import { createXlProgram, type XlProgram, type XlTimeouts } from '../../../../operator/hypervisor/xl/xl-program.ts';
import { systemClock } from '../../../../operator/runtime/ports.ts';
import { eventually } from '../../../support/eventually.ts';
import { type FakeXl, fakeXl } from '../../../support/fake-xl.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function bench(timeouts: XlTimeouts = {}): Promise<{ fake: FakeXl; xl: XlProgram }> {
  const fake = await fakeXl();
  closers.push(() => fake.remove());
  const xl = createXlProgram({ program: fake.path, runDir: fake.runDir, clock: systemClock, timeouts });
  closers.push(() => xl.close());
  return { fake, xl };
}

/** Whether the process runs (it may have ended and wait for its parent). */
async function runs(pid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '');
  return stat !== '' && !/\) [ZX] /.test(stat);
}

async function pidIn(path: string): Promise<string> {
  return eventually(async () => {
    const text = (await readFile(path, 'utf8')).trim();
    expect(text).toMatch(/^\d+$/);
    return text;
  });
}

const unavailable = (words: RegExp) => ({ code: 'Unavailable', message: expect.stringMatching(words) });

describe('verbs that look', () => {
  test('give status and output', async () => {
    const { fake, xl } = await bench();
    await fake.on('list', 'echo one; echo two >&2; exit 3');
    await expect(xl.query('list', '-v')).resolves.toEqual({ status: 3, stdout: 'one\n', stderr: 'two\n' });
    expect(await fake.calls()).toEqual(['list|-v']);
  });

  test('hand on arguments as they are', async () => {
    const { fake, xl } = await bench();
    await fake.on('list', ':');
    await xl.query('list', '$(reboot)', 'a b; c', '*', "it's");
    expect(await fake.calls()).toEqual([`list|$(reboot)|a b; c|*|it's`]);
  });

  test('know nothing of our environment', async () => {
    const { fake, xl } = await bench();
    process.env['SECRET_OF_OURS'] = 'x';
    closers.push(async () => delete process.env['SECRET_OF_OURS']);
    await fake.on('info', 'tr "\\0" "\\n" </proc/self/environ');
    const { stdout } = await xl.query('info');
    const names = stdout.split('\n').map((line) => line.split('=')[0]);
    expect(names.filter((name) => !['', 'PWD', 'OLDPWD', '_', 'SHLVL'].includes(name ?? '')).sort()).toEqual([
      'LC_ALL',
      'PATH',
    ]);
  });

  test('that hang are killed with all that they started', async () => {
    const { fake, xl } = await bench({ list: 500 });
    const file = join(fake.path, '../grandchild');
    await fake.on('list', `sleep 600 & echo $! >'${file}'; wait`);
    await expect(xl.query('list')).rejects.toMatchObject(unavailable(/list did not answer in 0.5 s\..*by hand/));
    const pid = await pidIn(file);
    await eventually(async () => expect(await runs(pid)).toBe(false));
  });

  test('that do not listen to SIGTERM are killed all the same', async () => {
    const { fake, xl } = await bench({ list: 500 });
    const file = join(fake.path, '../self');
    await fake.on('list', `trap '' TERM; echo $$ >'${file}'; while :; do sleep 1; done`);
    await expect(xl.query('list')).rejects.toMatchObject(unavailable(/did not answer/));
    const pid = await pidIn(file);
    await eventually(async () => expect(await runs(pid)).toBe(false));
  });

  test('that flood are stopped', async () => {
    const { fake, xl } = await bench();
    await fake.on('list', 'exec yes');
    await expect(xl.query('list')).rejects.toMatchObject({
      code: 'Failed',
      message: expect.stringMatching(/printed more than/),
    });
  });

  test('that flood stderr give its end', async () => {
    const { fake, xl } = await bench();
    await fake.on('list', 'head -c 3000000 /dev/zero | tr "\\0" x >&2; echo the end >&2; exit 1');
    const { status, stderr } = await xl.query('list');
    expect(status).toBe(1);
    expect(stderr.length).toBeLessThanOrEqual(8192);
    expect(stderr.endsWith('xxx' + 'the end\n')).toBe(true);
  });

  test('whose child keeps their output open come to an end', async () => {
    const { fake, xl } = await bench();
    await fake.on('list', 'sleep 600 & echo done');
    await expect(xl.query('list')).resolves.toMatchObject({ status: 0, stdout: 'done\n' });
  });

  test('that were killed by somebody are tried again', async () => {
    const { fake, xl } = await bench();
    await fake.on('list', 'kill -9 $$');
    await expect(xl.query('list')).rejects.toMatchObject(unavailable(/was killed \(SIGKILL\)/));
  });

  test('do not pile up', async () => {
    const { fake, xl } = await bench({ info: 60_000, list: 600 });
    await fake.on('info', 'exec sleep 600');
    await fake.on('list', 'echo there');
    const hanging = [1, 2, 3, 4].map(() => xl.query('info'));
    const ended = Promise.allSettled(hanging);
    await expect(xl.query('list')).rejects.toMatchObject(unavailable(/4 of them have not come to an end/));
    await eventually(async () => expect(await fake.calls()).toEqual(['info', 'info', 'info', 'info']));
    await xl.close();
    for (const one of await ended)
      expect(one).toMatchObject({ status: 'rejected', reason: unavailable(/agent is stopping/) });
    await expect(xl.query('list')).rejects.toMatchObject(unavailable(/agent is stopping/));
  });
});

describe('a program that cannot be started', () => {
  test.each([
    ['is missing', async (fake: FakeXl) => fake.remove(), /\(ENOENT\).*Install the host's Xen tools/],
    ['may not be executed', async (fake: FakeXl) => chmod(fake.path, 0o644), /\(EACCES\).*as root in dom0/],
    [
      'has no interpreter',
      async (fake: FakeXl) => writeFile(fake.path, '#!/no/such/shell\n'),
      /\(ENOENT\).*its interpreter is not/,
    ],
  ])('because it %s is Unavailable, with the next step', async (_, spoil, words) => {
    const { fake, xl } = await bench();
    await spoil(fake);
    await expect(xl.query('info')).rejects.toMatchObject(unavailable(words));
    await expect(xl.act('destroy', '7')).rejects.toMatchObject(unavailable(words));
    await expect(xl.query('info')).rejects.toBeInstanceOf(HypervisorError);
  });

  test('has to be named absolutely', () => {
    expect(() => createXlProgram({ program: 'xl', runDir: '/tmp', clock: systemClock })).toThrow(/absolute path/);
  });
});

describe('verbs that change something', () => {
  test('give status and output', async () => {
    const { fake, xl } = await bench();
    await fake.on('destroy', 'echo one; echo two >&2; exit 3');
    await expect(xl.act('destroy', '7')).resolves.toEqual({ status: 3, output: 'one\ntwo\n' });
  });

  test('are left to their end when they take too long, and hold nobody up', async () => {
    const { fake, xl } = await bench({ create: 500 });
    const go = join(fake.path, '../go');
    const done = join(fake.path, '../done');
    await fake.on(
      'create',
      `while ! [ -e '${go}' ]; do sleep 0.1; done; echo noise; echo noise >&2; echo done >'${done}'`,
    );
    await expect(xl.act('create', 'x')).rejects.toMatchObject(
      unavailable(/has not come to its end in 0.5 s and is left to run/),
    );
    await writeFile(go, '');
    await eventually(async () => expect(await readFile(done, 'utf8')).toBe('done\n'));
  });

  test('go on when the agent stops', async () => {
    const { fake, xl } = await bench();
    const started = join(fake.path, '../started');
    const go = join(fake.path, '../go');
    const done = join(fake.path, '../done');
    await fake.on(
      'create',
      `echo $$ >'${started}'; while ! [ -e '${go}' ]; do sleep 0.1; done; echo noise; echo done >'${done}'`,
    );
    const making = xl.act('create', 'x');
    const refused = expect(making).rejects.toMatchObject(unavailable(/goes on by itself/));
    await pidIn(started);
    await xl.close();
    await refused;
    await writeFile(go, '');
    await eventually(async () => expect(await readFile(done, 'utf8')).toBe('done\n'));
  });

  test('that flood give the end of it', async () => {
    const { fake, xl } = await bench();
    await fake.on('create', 'head -c 5000000 /dev/zero | tr "\\0" x; echo the end; exit 1');
    const { output } = await xl.act('create', 'x');
    expect(output.length).toBeLessThanOrEqual(8192);
    expect(output.endsWith('the end\n')).toBe(true);
  });

  test('are not begun where the folder is not ours', async () => {
    const { fake, xl } = await bench();
    await fake.on('create', ':');
    await writeFile(fake.runDir, 'a file');
    await expect(xl.act('create', 'x')).rejects.toMatchObject(unavailable(/cannot keep its files/));
    expect(await fake.calls()).toEqual([]);
  });
});
