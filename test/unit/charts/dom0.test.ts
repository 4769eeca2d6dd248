import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { load } from 'js-yaml';
import { packageRoot } from '../../support/stubdom.ts';

const run = promisify(execFile);
const dom0 = join(packageRoot, 'hack', 'dom0');
const systemd = await run('systemd-analyze', ['--version']).then(
  () => true,
  () => {
    process.stderr.write('\n*** SKIPPED: the systemd unit of dom0s is not checked: there is no systemd-analyze\n\n');
    return false;
  },
);

describe('the agent by systemd', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'unit-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  (systemd ? test : test.skip)('systemd understands the whole unit, alone and with its drop-in', async () => {
    const unit = await readFile(join(dom0, 'stubdom-agent.service'), 'utf8');
    const file = join(directory, 'stubdom-agent.service');
    // The program that it starts is looked for, and is another here.
    await writeFile(file, unit.replace(/ExecStart=\S+/, `ExecStart=${process.execPath}`));
    const verify = async (): Promise<string> => {
      const { stdout, stderr } = await run('systemd-analyze', ['verify', '--recursive-errors=no', file]);
      return `${stdout}${stderr}`;
    };
    expect(await verify()).toBe('');
    await mkdir(`${file}.d`);
    await copyFile(join(dom0, 'creates-guests.conf'), join(`${file}.d`, 'creates-guests.conf'));
    expect(await verify()).toBe('');
  });

  test('the drop-in takes back each thing of the unit that stands in the way of guests', async () => {
    const unit = await settingsOf('stubdom-agent.service');
    const dropIn = await settingsOf('creates-guests.conf');
    // What hides parts of the file system, and what makes a list of devices: one of these left is enough.
    const hiding = ['ProtectHome', 'PrivateTmp', 'ProtectControlGroups', 'ProtectKernelLogs', 'ProtectKernelModules'];
    for (const name of [...hiding, 'ProtectClock']) {
      expect(unit.get(name)).toBe('yes');
      expect(dropIn.get(name)).toBe('no');
    }
    for (const name of ['ReadWritePaths', 'DeviceAllow', 'SystemCallFilter', 'RestrictAddressFamilies']) {
      expect(unit.get(name)).not.toBe('');
      expect(dropIn.get(name)).toBe('');
    }
    expect([dropIn.get('ProtectSystem'), dropIn.get('DevicePolicy')]).toEqual(['no', 'auto']);
  });

  test('its limit of memory is that of the pod, and the heap of one without is below', async () => {
    const values = await readFile(join(packageRoot, 'charts', 'stubdom-operator', 'values.yaml'), 'utf8');
    const { agent } = load(values) as { agent: { resources: { limits: { memory: string } } } };
    const unit = await settingsOf('stubdom-agent.service');
    expect(agent.resources.limits.memory).toBe(`${unit.get('MemoryMax') ?? ''}i`);
    const dropIn = await settingsOf('creates-guests.conf');
    // What xl leaves behind is in the unit's control group.
    expect(dropIn.get('MemoryMax')).toBe('infinity');
    const heap = /--max-old-space-size=(\d+)/.exec(dropIn.get('Environment') ?? '')?.[1];
    expect(Number(heap)).toBeLessThan(Number.parseInt(unit.get('MemoryMax') ?? '', 10));
  });

  test('the example of its settings names all that the unit takes from there', async () => {
    const unit = await readFile(join(dom0, 'stubdom-agent.service'), 'utf8');
    const example = await readFile(join(dom0, 'agent.env.example'), 'utf8');
    const used = new Set(unit.match(/(?<=\$\{)\w+(?=\})/g));
    const named = new Set(example.match(/\bSTUBDOM_\w+(?==)/g));
    expect([...named].sort()).toEqual([...used].sort());
    const needed = [...used].filter((name) => !unit.includes(`Environment=${name}=`));
    for (const name of needed) expect(example).toMatch(new RegExp(`^${name}=`, 'm'));
  });

  test('the script for its kubeconfig is a script of any shell', async () => {
    await expect(run('sh', ['-n', join(dom0, 'make-kubeconfig.sh')])).resolves.toEqual({ stdout: '', stderr: '' });
  });
});

/** The last value of each setting. */
async function settingsOf(file: string): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(join(dom0, file), 'utf8');
  return new Map([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));
}
