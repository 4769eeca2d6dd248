import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { StaleSnapshotError } from '../../../../operator/agent/act/context.ts';
import { canRestore } from '../../../../operator/agent/act/restore-file.ts';
import { changeRunState } from '../../../../operator/agent/act/run-state.ts';
import { checkSaved, notePauseOver } from '../../../../operator/agent/act/saved-state.ts';
import { deviceModelPath, lastCommandPath, savedPath } from '../../../../operator/domain/locations.ts';
import { type LastCommandNote, formatNote, parseNote } from '../../../../operator/domain/notes.ts';
import type { Domain, FileFacts } from '../../../../operator/hypervisor/hypervisor.ts';
import { type ActWorld, startActWorld } from '../../../support/act-world.ts';
import { aSave, aSnapshot, aStubDomain, stubUuid, targetUuid, theTarget } from '../../../support/builders.ts';

const channel = deviceModelPath(7, 5);
const path = '/var/lib/xen/qemu-save.5';
const step = { do: 'send', command: 'continue', parameter: '', owner: 'sd-1' } as const;

let world: ActWorld;
let domains: Domain[];
let files: Map<string, FileFacts>;

beforeEach(async () => {
  domains = [{ ...theTarget, name: 'web', type: 'HVM', memoryMiB: 64, paused: false }];
  files = new Map();
  world = await startActWorld({ devices: [], domains, files });
  const { xenstore } = world;
  await xenstore.write('/local/domain/7/vm', `/vm/${stubUuid}`);
  await xenstore.write('/local/domain/5/vm', `/vm/${targetUuid}`);
  await xenstore.write('/local/domain/5/image/device-model-domid', '7');
  await xenstore.write('/local/domain/7/target', '5');
  await xenstore.write(`${channel}/state`, 'paused');
});
afterEach(() => world.close());

const paused = { channel: { ...aSnapshot().channel!, state: 'paused' } } as const;
const lastIs = async (note: LastCommandNote) =>
  world.xenstore.write(lastCommandPath(targetUuid), formatNote('last', note));
const saved = async () => parseNote('saved', await world.xenstore.tryRead(savedPath(targetUuid)));
const reasons = () => world.happenings.map(({ reason }) => reason);
const attempts = () => [...world.memory.view().attempts.values()].map(({ reason }) => reason);

/** A context whose memory says since when the device model has been paused. */
const pausedFor = (ms: number) => {
  const context = world.context({ ...paused, last: aSave() });
  const memory = { ...context.snapshot.memory, pausedSince: context.snapshot.now - ms };
  return { ...context, snapshot: { ...context.snapshot, memory } };
};

describe('the file of a pause', () => {
  test('is noted with its size', async () => {
    await lastIs(aSave());
    files.set(path, { size: 7, modifiedAt: 900_500 });
    await checkSaved(pausedFor(0), aSave());
    expect(await saved()).toEqual({ id: 'save-1', path, time: 901_000, size: 7 });
    expect(reasons()).toEqual([]);
  });

  test('that is not right may be on its way: it is looked at again before that is believed', async () => {
    await lastIs(aSave());
    await checkSaved(pausedFor(1999), aSave());
    expect(await saved()).toBeUndefined();
    expect(attempts()).toEqual(['SaveFileMissing']);
    const again = pausedFor(2000);
    const memory = { ...again.snapshot.memory, attempts: world.memory.view().attempts };
    await checkSaved({ ...again, snapshot: { ...again.snapshot, memory } }, aSave());
    expect(await saved()).toMatchObject({ id: 'save-1', problem: 'SaveFileMissing' });
    expect(attempts()).toEqual([]);
    expect(reasons()).toEqual(['SaveFileMissing']);
  });

  test('is not noted for another command than the one that was looked at', async () => {
    await lastIs(aSave({ id: 'save-2' }));
    files.set(path, { size: 7, modifiedAt: 900_500 });
    await expect(checkSaved(pausedFor(0), aSave())).rejects.toBeInstanceOf(StaleSnapshotError);
    expect(await saved()).toBeUndefined();
  });

  test('stays known when somebody else ends the pause', async () => {
    await lastIs(aSave());
    const known = { id: 'save-1', path, time: 901_000, size: 7 };
    await notePauseOver(world.context({ last: aSave(), saved: known }), aSave());
    expect(await saved()).toEqual({ ...known, over: true });
  });
});

describe('save and continue', () => {
  const context = () => world.context({ ...paused, memory: pausedMemory() });
  const pausedMemory = () => {
    const view = { ...aSnapshot(), ...paused };
    world.memory.observe(view);
    return world.memory.view();
  };

  test('are sent to a guest that is not suspended, by what the hypervisor says now', async () => {
    await changeRunState(context(), step);
    expect(await world.xenstore.readString(`${channel}/command`)).toBe('continue');
  });

  test('are not while a toolstack has it suspended; one event says so', async () => {
    domains[0] = { ...domains[0]!, suspended: true };
    await changeRunState(context(), step);
    await changeRunState(context(), step);
    expect(await world.xenstore.tryRead(`${channel}/command`)).toBeUndefined();
    expect(attempts()).toEqual(['GuestSuspended']);
    expect(reasons()).toEqual(['GuestSuspended']);
  });
});

describe('a state to start from', () => {
  const wanting = (from: string) => world.context({ object: aStubDomain({ restoreFrom: { path: from } }) });

  test('that is there', async () => {
    files.set(path, { size: 7, modifiedAt: 0 });
    expect(await canRestore(wanting(path))).toBe(true);
  });

  test.each([
    ['is not there', undefined],
    ['is empty', { size: 0, modifiedAt: 0 }],
  ])('that %s', async (words, file) => {
    if (file !== undefined) files.set(path, file);
    expect(await canRestore(wanting(path))).toBe(false);
    expect(attempts()).toEqual(['RestoreFileMissing']);
    expect(world.happenings.map(({ message }) => message)).toEqual([
      `There is nothing to restore from: ${path} ${words}`,
    ]);
  });

  test.each(['/etc/shadow', '/var/lib/xen/../../../etc/shadow'])('%s is not looked at', async (elsewhere) => {
    files.set(elsewhere, { size: 0, modifiedAt: 0 });
    expect(await canRestore(wanting(elsewhere))).toBe(true);
    expect(world.happenings).toEqual([]);
  });
});
