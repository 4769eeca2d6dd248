import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fencedAnnotation } from '../../operator/api/names.ts';
import { xenHosts } from '../../operator/kube/resources.ts';
import { eventually } from '../support/eventually.ts';
import { findKubectls, kubectlFor, type Kubectl } from '../support/kubectl.ts';
import { type OperatorWorld, startOperatorWorld } from '../support/operator-world.ts';

const found = await findKubectls();
if (found.length === 0) {
  process.stderr.write('SKIPPED: test/e2e/kubectl-hosts.test.ts needs kubectl 1.32 or later, on PATH or from npm\n');
  test.skip('no kubectl', () => undefined);
}

let world: OperatorWorld;

beforeAll(async () => {
  world = await startOperatorWorld({ hosts: 2 });
  const { objects } = world;
  await world.host('xen-1').addGuest('web');
  await objects.stubDomain('web');
  await objects.attachment('web-nic', 'web', '0000:03:00.0');
  await objects.ready('PciAttachment', 'web-nic');
  await objects.applySpec('XenHost', 'xen-1', { drain: { reason: 'new disks' } });
  await objects.condition('XenHost', 'xen-1', 'Drained', { reason: 'StubDomainsRemain' });
  await world.host('xen-2').stopAgent();
  await world.kube.mergePatch(
    xenHosts,
    { name: 'xen-2' },
    { metadata: { annotations: { [fencedAnnotation]: 'burnt' } } },
  );
  world.clock.skip(41_000);
  world.host('xen-1').clock.skip(15_000);
  await objects.condition('XenHost', 'xen-2', 'Fenced', { status: 'True' });
});
afterAll(() => world.close());

/** Cells of a printed table by their column. */
function rows(table: string): Record<string, string>[] {
  const [header = '', ...lines] = table.trimEnd().split('\n');
  const columns = [...header.matchAll(/\S+\s*/g)].map(({ 0: text, index }) => ({ name: text.trim(), index }));
  return lines.map((line) =>
    Object.fromEntries(columns.map(({ name, index }, at) => [name, line.slice(index, columns[at + 1]?.index).trim()])),
  );
}

for (const client of found) {
  describe(`hosts with kubectl ${client.version}`, () => {
    let kubectl: Kubectl;
    beforeAll(() => {
      kubectl = kubectlFor(client, world.kubeconfigPath, world.home);
    });

    test('get xh says how they are, whether they take more, and what they have free', async () => {
      await eventually(async () => {
        const [first, second] = rows(await kubectl.ok(['get', 'xh']));
        expect(first).toMatchObject({
          NAME: 'xen-1',
          READY: 'True',
          SCHEDULING: 'HostDraining',
          VERSION: 'test',
          GUESTS: '1',
          STUBDOMAINS: '1',
        });
        expect(first?.['DEVICES']).toMatch(/^[1-9]\d* free, 1 used$/);
        expect(Number(first?.['FREE'])).toBeLessThan(Number(first?.['MEMORY']));
        expect(second).toMatchObject({ NAME: 'xen-2', READY: 'Unknown', SCHEDULING: 'HostFenced' });
      });
      const [, wide] = rows(await kubectl.ok(['get', 'xh', '-o', 'wide']));
      expect(wide).toMatchObject({ REASON: 'HostUnreachable', BOOT: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    });

    test('describe xh explains: conditions with what to do, what is left, and what happened', async () => {
      const draining = await kubectl.ok(['describe', 'xh', 'xen-1']);
      expect(draining).toContain('Nothing more is placed on xen-1, which is being emptied (spec.drain).');
      expect(draining).toContain(
        '1 StubDomain is bound to the host: default/web (has PCI devices: detach them and move the guest, or shut it down).',
      );
      expect(draining).toMatch(/Action: +ShutDownGuest/);
      await eventually(async () => {
        const dead = await kubectl.ok(['describe', 'xh', 'xen-2']);
        expect(dead).toMatch(/Warning +Fenced .*An administrator said that xen-2 is dead \("burnt"\)/);
        expect(dead).toMatch(/Warning +HostUnreachable /);
        expect(dead).toContain('kubectl annotate xenhost xen-2 stubdom.io/fenced-');
      });
    });

    test('wait says when a host is empty', async () => {
      const waiting = await kubectl.run(['wait', '--for=condition=Drained', 'xh/xen-1', '--timeout=0']);
      expect(waiting.code).toBe(1);
      if (client !== found.at(-1)) return;
      await world.objects.removed('PciAttachment', 'web-nic');
      await world.objects.removed('StubDomain', 'web');
      expect(await kubectl.ok(['wait', '--for=condition=Drained', 'xh/xen-1', '--timeout=10s'])).toContain(
        'condition met',
      );
    });
  });
}
