import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
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

  (systemd ? test : test.skip)('systemd understands the whole unit', async () => {
    const unit = await readFile(join(dom0, 'stubdom-agent.service'), 'utf8');
    const file = join(directory, 'stubdom-agent.service');
    // The program that it starts is looked for, and is another here.
    await writeFile(file, unit.replace(/ExecStart=\S+/, `ExecStart=${process.execPath}`));
    const { stdout, stderr } = await run('systemd-analyze', ['verify', '--recursive-errors=no', file]);
    expect(`${stdout}${stderr}`).toBe('');
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
