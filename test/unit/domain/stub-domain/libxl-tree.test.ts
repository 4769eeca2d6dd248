import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { deviceModelArguments } from '../../../../operator/domain/stub-domain/arguments.ts';
import { setupPlan } from '../../../../operator/domain/stub-domain/setup-plan.ts';
import { aSpec } from '../../../support/builders.ts';
import { compareWithPlan, parseTree } from '../../../support/libxl-tree.ts';

const tree = parseTree(
  readFileSync(new URL('../../../fixtures/libxl/hvm-4.17.txt', import.meta.url), { encoding: 'utf8' }),
);
const identity = {
  stub: { domid: 2, uuid: '3cdcfb7b-18e4-4f38-89da-170972d5b97e' },
  target: { domid: 1, uuid: '19bd3630-c195-4c76-9dc9-a71eb5e7c5e0' },
  targetName: 'hvm1',
};
const spec = aSpec({ target: { uuid: identity.target.uuid, name: 'hvm1' } });
const dmargs = `/vm/${identity.target.uuid}/image/dmargs`;

test('libxl lays out a guest without devices as the plan has it, but for the firmware, which it writes for upstream QEMU alone', () => {
  const plan = setupPlan(spec, identity);
  expect(plan.length).toBeGreaterThan(40);
  const differences = compareWithPlan(plan, tree).map(({ path, kind }) => `${kind} ${path}`);
  expect(differences).toEqual([`value ${dmargs}`, 'missing /local/domain/1/hvmloader/bios']);
});

test('the command line has what libxl puts there, in its order; the rest of it comes from the guest', () => {
  const theirs = tree.get(dmargs)?.value.trim().split(' ') ?? [];
  const ours = deviceModelArguments(spec, { domid: 1, name: 'hvm1' });
  const fromTheGuest = ['-videoram', '4', '-boot', 'cda', '-acpi', '-vcpu_avail', '0x01'];
  expect(theirs.filter((word) => !fromTheGuest.includes(word))).toEqual(ours);
});

test('a node that is missing, different or open to others is found', () => {
  const changed = new Map(tree);
  const log = '/local/domain/2/console/output';
  changed.delete('/local/domain/2/target');
  changed.set(log, { value: 'pty', permissions: 'n2,r0' });
  const found = compareWithPlan(setupPlan(spec, identity), changed).map(({ path, kind }) => `${kind} ${path}`);
  expect(found).toEqual(
    expect.arrayContaining(['missing /local/domain/2/target', `value ${log}`, `permissions ${log}`]),
  );
  expect(found).toHaveLength(5);
});
