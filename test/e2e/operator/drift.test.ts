import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { eventually } from '../../support/eventually.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';

describe('what somebody changes behind the agent', () => {
  let world: OperatorWorld;
  beforeAll(async () => {
    world = await startOperatorWorld();
  });
  afterAll(() => world.close());

  test('a restarted agent writes the links again, names a back end that it must not touch, and stays Ready', async () => {
    const { objects } = world;
    const host = world.host();
    await host.addGuest('drifting');
    const disks = [{ name: 'root', source: '/dev/vg/drifting', backend: 'Block' as const }];
    await objects.stubDomain('drifting', { disks, target: { uuid: uuidOf('drifting') } });
    const { status } = await objects.ready('StubDomain', 'drifting');
    const [target, stub] = [String(status?.targetDomid), String(status?.domid)];
    await host.stopAgent();
    const link = `/local/domain/${target}/image/device-model-domid`;
    const params = `/local/domain/0/backend/vbd/${stub}/51712/params`;
    await host.store.write(link, '999');
    await host.store.write(params, '/dev/vg/other');
    await host.startAgent();
    const wired = await objects.condition('StubDomain', 'drifting', 'DevicesWired', { reason: 'Drifted' });
    expect(wired.message).toContain(`${params} is different`);
    expect(await host.store.readString(link)).toBe(stub);
    expect(await host.store.readString(params)).toBe('/dev/vg/other');
    await objects.condition('StubDomain', 'drifting', 'Ready', { status: 'True' });
    await objects.patchSpec('StubDomain', 'drifting', { runState: 'Paused' });
    await objects.condition('StubDomain', 'drifting', 'Paused', { status: 'True' });
  });

  test('a disk that is added to the spec of a running stub domain waits for the guest to be started anew, and says so', async () => {
    const { objects } = world;
    const host = world.host();
    await host.addGuest('growing');
    await objects.stubDomain('growing', { target: { uuid: uuidOf('growing') } });
    const before = await objects.ready('StubDomain', 'growing');
    const disks = [{ name: 'data', source: '/dev/vg/data', backend: 'Block' }];
    await objects.patchSpec('StubDomain', 'growing', { disks });
    await objects.condition('StubDomain', 'growing', 'DevicesWired', { status: 'False', reason: 'RestartNeeded' });
    await host.admin.restartGuest(uuidOf('growing'));
    await objects.condition('StubDomain', 'growing', 'DevicesWired', { status: 'True' });
    const after = await eventually(async () => {
      const object = await objects.ready('StubDomain', 'growing');
      expect(object.status?.domid).not.toBe(before.status?.domid);
      return object;
    });
    expect(after.status).toMatchObject({ disks: [{ name: 'data', vdev: 'xvda', state: 'Connected' }] });
  });
});
