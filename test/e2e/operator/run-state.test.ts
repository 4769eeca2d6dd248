import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { findKubectl, kubectlFor, type Kubectl } from '../../support/kubectl.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';

const found = await findKubectl();
if (found === undefined) process.stderr.write('SKIPPED: run-state.test.ts needs kubectl 1.32 or later\n');

(found === undefined ? describe.skip : describe)('pause and resume', () => {
  let world: OperatorWorld;
  let kubectl: Kubectl;

  beforeAll(async () => {
    world = await startOperatorWorld();
    kubectl = kubectlFor(found ?? { path: '', version: '' }, world.kubeconfigPath, world.home);
  });
  afterAll(() => world.close());

  test('runState Paused saves once, records the file, and Running goes on', async () => {
    const { objects } = world;
    const host = world.host();
    await host.addGuest('pausing');
    const manifest = {
      apiVersion: 'stubdom.io/v1alpha1',
      kind: 'StubDomain',
      metadata: { name: 'pausing' },
      spec: { target: { uuid: uuidOf('pausing') } },
    };
    await kubectl.ok(['apply', '-f', '-'], { input: JSON.stringify(manifest) });
    await kubectl.ok(['wait', '--for=condition=Ready', 'sd/pausing', '--timeout=20s']);
    const { status: running } = await objects.get('StubDomain', 'pausing');
    expect(running).toMatchObject({ phase: 'Running', state: 'running' });

    await kubectl.ok(['patch', 'sd', 'pausing', '--type=merge', '-p', '{"spec":{"runState":"Paused"}}']);
    await kubectl.ok(['wait', '--for=condition=Paused', 'sd/pausing', '--timeout=20s']);
    const paused = await objects.ready('StubDomain', 'pausing');
    const file = `/var/lib/xen/qemu-save.${String(running?.targetDomid)}`;
    expect(paused.status).toMatchObject({
      phase: 'Paused',
      state: 'paused',
      savedState: { path: file, time: expect.stringMatching(/^\d{4}-.*Z$/) },
      command: { name: 'save', outcome: 'Applied' },
    });
    const [model] = await host.admin.deviceModels();
    expect(model).toMatchObject({ phase: 'paused', commands: { save: 1 }, saves: [{ path: file }] });

    await kubectl.ok(['patch', 'sd', 'pausing', '--type=merge', '-p', '{"spec":{"runState":"Running"}}']);
    await kubectl.ok(['wait', '--for=condition=Paused=False', 'sd/pausing', '--timeout=20s']);
    await objects.condition('StubDomain', 'pausing', 'Ready', { status: 'True', message: /running, as asked/ });
    const [resumed] = await host.admin.deviceModels();
    expect(resumed).toMatchObject({ phase: 'running', commands: { save: 1, continue: 1 } });
    const described = await kubectl.ok(['describe', 'sd', 'pausing']);
    expect(described).toMatch(/Normal +Paused .*The device model saved its state and paused/);
    expect(described).toMatch(/Normal +Resumed .*The device model goes on/);
  });
});
