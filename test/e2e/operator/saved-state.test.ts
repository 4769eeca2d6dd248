import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { eventually } from '../../support/eventually.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';
import type { WorldObjects } from '../../support/world-objects.ts';

let world: OperatorWorld;
let objects: WorldObjects;

beforeAll(async () => {
  world = await startOperatorWorld();
  ({ objects } = world);
});
afterAll(() => world.close());

async function running(name: string): Promise<string> {
  await world.host().addGuest(name);
  await objects.stubDomain(name);
  const { status } = await objects.ready('StubDomain', name);
  return `/var/lib/xen/qemu-save.${String(status?.targetDomid)}`;
}

const pause = async (name: string) => objects.patchSpec('StubDomain', name, { runState: 'Paused' });
const resume = async (name: string) => objects.patchSpec('StubDomain', name, { runState: 'Running' });

describe('a pause', () => {
  test('is Ready when the file is there, and the status has its size', async () => {
    const path = await running('saved');
    await pause('saved');
    const { status } = await objects.ready('StubDomain', 'saved');
    expect(status).toMatchObject({ phase: 'Paused', savedState: { path, sizeBytes: expect.any(Number) } });
    expect(await world.host().deviceModel('saved')).toMatchObject({
      saves: [{ path, bytes: status?.savedState?.sizeBytes }],
    });
  });

  test.each([
    ['none', 'SaveFileMissing', 'is not there'],
    ['empty', 'SaveFileEmpty', 'is empty'],
    ['old', 'SaveFileStale', 'is older than the request to save'],
  ])('is not Ready when the device model saved nothing: %s', async (fault, reason, words) => {
    const name = `unsaved-${fault}`;
    const { admin } = world.host();
    const path = await running(name);
    await admin.addQuirk(`save-file=${fault}@${name}`);
    await pause(name);
    const ready = await objects.condition('StubDomain', name, 'Ready', { status: 'False', reason });
    expect(ready.message).toContain(`${path} ${words}: its state was not saved`);
    await objects.condition('StubDomain', name, 'Paused', { status: 'True', reason: 'Paused' });
    expect((await objects.get('StubDomain', name)).status?.savedState).toBeUndefined();
    await eventually(async () => {
      expect(await objects.events(name)).toContainEqual(
        `Warning ${reason}: The device model paused, but ${path} ${words}: its state was not saved`,
      );
    });
    expect((await world.host().deviceModel(name))?.commands).toEqual({ save: 1 });
    // What the message says to do.
    await admin.clearQuirks();
    await resume(name);
    await objects.condition('StubDomain', name, 'Ready', { status: 'True', message: /running, as asked/ });
    await pause(name);
    await objects.condition('StubDomain', name, 'Ready', { status: 'True', message: /paused, as asked/ });
    expect((await objects.get('StubDomain', name)).status?.savedState).toMatchObject({ path });
    expect((await world.host().deviceModel(name))?.commands).toEqual({ save: 2, continue: 1 });
  });

  test('that is not answered is said, and asked for again', async () => {
    const { admin, clock } = world.host();
    const path = await running('slow');
    await admin.addQuirk('save-delay=3600000@slow');
    await pause('slow');
    await eventually(async () => expect((await world.host().deviceModel('slow'))?.commands).toEqual({ save: 1 }));
    clock.skip(60_000);
    const failed = await objects.condition('StubDomain', 'slow', 'Ready', { status: 'False', reason: 'PauseFailed' });
    expect(failed.message).toMatch(/asked again, which does no harm.*spec\.runState Running gives up\.$/);
    await admin.addQuirk('save-delay=0@slow');
    clock.skip(1000);
    await objects.ready('StubDomain', 'slow');
    expect((await objects.get('StubDomain', 'slow')).status?.savedState).toMatchObject({ path });
    await resume('slow');
    await objects.condition('StubDomain', 'slow', 'Ready', { status: 'True', message: /running, as asked/ });
  });

  test('outlives the agent: the file is looked at by the next one, and nothing is sent again', async () => {
    await running('handed-on');
    await pause('handed-on');
    const before = await objects.ready('StubDomain', 'handed-on');
    await world.host().stopAgent();
    await world.host().startAgent();
    await resume('handed-on');
    await objects.condition('StubDomain', 'handed-on', 'Ready', { status: 'True', message: /running, as asked/ });
    const { status } = await objects.get('StubDomain', 'handed-on');
    expect(status?.savedState).toEqual(before.status?.savedState);
    expect((await world.host().deviceModel('handed-on'))?.commands).toEqual({ save: 1, continue: 1 });
  });
});

describe('restoreFrom', () => {
  test('a state that was saved is started from', async () => {
    const path = await running('origin');
    await pause('origin');
    await objects.ready('StubDomain', 'origin');
    await objects.removed('StubDomain', 'origin');
    await objects.stubDomain('origin', { restoreFrom: { path } });
    await objects.ready('StubDomain', 'origin');
    expect(await world.host().deviceModel('origin')).toMatchObject({
      phase: 'running',
      restoredFrom: path,
      commands: {},
    });
    expect((await objects.get('StubDomain', 'origin')).status).toMatchObject({ restoredFrom: path });
    await objects.condition('StubDomain', 'origin', 'DevicesWired', { status: 'True', reason: 'Wired' });
    // Another agent takes it for what it is, and a guest that boots anew gets a fresh device model.
    await world.host().stopAgent();
    await world.host().startAgent();
    const { domid } = await world.host().admin.restartGuest(uuidOf('origin'));
    await eventually(async () => {
      const { status } = await objects.ready('StubDomain', 'origin');
      expect(status?.targetDomid).toBe(domid);
    });
    const fresh = await world.host().deviceModel('origin');
    expect([fresh?.targetDomid, fresh?.phase, fresh?.restoredFrom]).toEqual([domid, 'running', undefined]);
    await objects.condition('StubDomain', 'origin', 'DevicesWired', { status: 'True', reason: 'Wired' });
    const [before, after] = (await world.host().admin.deviceModels())
      .filter(({ guest }) => guest === 'origin')
      .slice(-2);
    expect([before?.restoredFrom, after?.restoredFrom]).toEqual([path, undefined]);
  });

  test('a state that is not there: no domain is made, and it is said; when it comes it is used', async () => {
    const { admin, hypervisor, clock } = world.host();
    const path = await running('giver');
    await admin.addQuirk('save-file=none@giver');
    await world.host().addGuest('taker');
    const domains = (await hypervisor.listDomains()).length;
    await objects.stubDomain('taker', { restoreFrom: { path } });
    const condition = await objects.condition('StubDomain', 'taker', 'Ready', { reason: 'RestoreFileMissing' });
    expect(condition.message).toBe(
      `There is nothing to restore from: ${path} is not there in dom0, or is empty. Put the saved state there; it is looked for again.`,
    );
    expect((await hypervisor.listDomains()).length).toBe(domains);
    await admin.clearQuirks();
    await pause('giver');
    await objects.ready('StubDomain', 'giver');
    clock.skip(300_000);
    await objects.ready('StubDomain', 'taker');
    expect(await world.host().deviceModel('taker')).toMatchObject({ restoredFrom: path });
  });
});
