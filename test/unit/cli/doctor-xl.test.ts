import { afterEach, describe, expect, test } from '@jest/globals';
import { hypervisor } from '../../../operator/cli/arguments.ts';
import { checkHost } from '../../../operator/cli/commands/doctor-host.ts';
import type { Check } from '../../../operator/cli/commands/doctor-check.ts';
import { type XlBench, xlBench } from '../../support/xl-bench.ts';

const benches: XlBench[] = [];
afterEach(async () => {
  await Promise.all(benches.splice(0).map(async (one) => one.close()));
});

async function bench(): Promise<XlBench> {
  const one = await xlBench();
  benches.push(one);
  return one;
}

async function checks({ fake, root }: XlBench): Promise<readonly Check[]> {
  const all = await checkHost({
    root,
    xenstore: `${root}/proc/xen/capabilities`,
    hypervisor: hypervisor(`xl:${fake.path}`),
    objects: undefined,
    signal: new AbortController().signal,
  });
  return all.filter(({ check }) => check === 'hypervisor' || check === 'passthrough');
}

describe('doctor --hypervisor xl', () => {
  test('tells the version, and why guests can have no PCI device', async () => {
    expect(await checks(await bench())).toEqual([
      { check: 'hypervisor', verdict: 'ok', what: 'The driver xl answers: Xen 4.17.7, 2014 MiB free.' },
      // The fixture has no version of the hypervisor: hypercalls are refused.
      {
        check: 'passthrough',
        verdict: 'warn',
        what: expect.stringMatching(/^No PCI device can be given to a guest: The release of Xen is not known/),
      },
    ]);
  });

  test('tells that xl is missing', async () => {
    const one = await bench();
    await one.fake.remove();
    expect(await checks(one)).toMatchObject([
      {
        check: 'hypervisor',
        verdict: 'fail',
        what: expect.stringMatching(/^The driver xl does not answer:.*ENOENT.*Install/),
      },
    ]);
  });
});

describe('--hypervisor', () => {
  test.each([
    ['xl', { driver: 'xl' }],
    ['xl:/opt/xen/sbin/xl', { driver: 'xl', program: '/opt/xen/sbin/xl' }],
    ['simulated:/run/x', { driver: 'simulated', socketPath: '/run/x' }],
  ])('takes %s', (text, argument) => {
    expect(hypervisor(text)).toEqual(argument);
  });

  test.each(['', 'xl:', 'xl:xl', 'xen', 'simulated:', 'xl /usr/sbin/xl'])('refuses %p', (text) => {
    expect(() => hypervisor(text)).toThrow(/Give xl, xl:PROGRAM/);
  });
});
