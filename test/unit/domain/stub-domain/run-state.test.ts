import { describe, expect, test } from '@jest/globals';
import { agentFinalizer } from '../../../../operator/api/names.ts';
import { channelPhase } from '../../../../operator/domain/command-channel/look.ts';
import { nextStep } from '../../../../operator/domain/next-step.ts';
import type { SavedNote } from '../../../../operator/domain/notes.ts';
import type { Snapshot } from '../../../../operator/domain/snapshot.ts';
import { stubDomainConditions } from '../../../../operator/domain/stub-domain/conditions.ts';
import { saveProblem } from '../../../../operator/domain/stub-domain/saved-state.ts';
import { stubDomainFacts } from '../../../../operator/domain/stub-domain/status.ts';
import { aSave, aSnapshot, aStubDomain, theStub } from '../../../support/builders.ts';

const path = '/var/lib/xen/qemu-save.5';
const aSaved = (change: Partial<SavedNote> = {}): SavedNote => ({
  id: 'save-1',
  path,
  time: 901_000,
  size: 7,
  ...change,
});

const running = aSnapshot().channel!;
const paused = { channel: { ...running, state: 'paused' } } as const;
const asked = { object: aStubDomain({ runState: 'Paused' }) } as const;
const stepOf = (change: Partial<Snapshot>) => nextStep(aSnapshot(change), agentFinalizer);
const conditionOf = (change: Partial<Snapshot>, type: string) => {
  const snapshot = aSnapshot(change);
  const found = stubDomainConditions(snapshot, channelPhase(snapshot)).find((condition) => condition.type === type);
  return found === undefined ? undefined : `${found.status} ${found.reason}: ${found.message}`;
};

test.each([
  ['none', undefined, 'SaveFileMissing'],
  ['an empty one', { size: 0, modifiedAt: 900_000 }, 'SaveFileEmpty'],
  ['one of an hour ago', { size: 7, modifiedAt: 900_000 - 3_600_000 }, 'SaveFileStale'],
  ['one of just before, since clocks of files are coarse', { size: 7, modifiedAt: 899_990 }, undefined],
  ['one of just after', { size: 7, modifiedAt: 900_010 }, undefined],
])('a file: %s', (_, file, expected) => {
  expect(saveProblem(file, 900_000)).toBe(expected);
});

describe('what was saved', () => {
  test.each<[string, Partial<Snapshot>]>([
    ['a pause of ours that was not looked at', { ...asked, ...paused, last: aSave() }],
    [
      'with the file of an earlier pause known',
      { ...asked, ...paused, last: aSave(), saved: aSaved({ id: 'save-0' }) },
    ],
    [
      'a save that was given up and carried out late',
      { ...asked, ...paused, last: aSave({ outcome: 'Unknown', reason: 'PauseFailed' }) },
    ],
    [
      'a save that was withdrawn and carried out all the same',
      { ...paused, last: aSave({ outcome: 'NotApplied', reason: 'NotDelivered' }) },
    ],
  ])('is looked at: %s', (_, change) => {
    expect(stepOf(change)).toEqual({ step: { do: 'checkSaved', by: change.last } });
  });

  test('that was not right is looked at again, a little later', () => {
    const attempts = new Map([['sd-1', { reason: 'SaveFileMissing', count: 1, retryAt: 1_001_000 }]]);
    const change = { ...asked, ...paused, last: aSave(), memory: { attempts } };
    expect(stepOf(change)).toEqual({ step: undefined, wakeAt: 1_001_000 });
    expect(stepOf({ ...change, now: 1_001_000 }).step).toMatchObject({ do: 'checkSaved' });
    expect(conditionOf(change, 'Ready')).toMatch(/^False Pausing: /);
  });

  test('is looked at once', () => {
    expect(stepOf({ ...asked, ...paused, last: aSave(), saved: aSaved() }).step).toBeUndefined();
    const problem = aSaved({ problem: 'SaveFileMissing' });
    expect(stepOf({ ...asked, ...paused, last: aSave(), saved: problem }).step).toBeUndefined();
  });

  test('of another incarnation, of another object or of another program is not ours', () => {
    const other = { domid: 6, uuid: theStub.uuid };
    expect(stepOf({ ...asked, ...paused, last: aSave({ stub: other }) }).step).toBeUndefined();
    expect(stepOf({ ...asked, ...paused }).step).toBeUndefined();
    expect(stepOf({ ...asked, ...paused, last: aSave({ command: 'continue' }) }).step).toBeUndefined();
  });

  test('a file that is what was saved: Ready, and its size is in the status', () => {
    const change = { ...asked, ...paused, last: aSave(), saved: aSaved() };
    expect(conditionOf(change, 'Ready')).toBe('True AsDesired: The device model is paused, as asked.');
    expect(stubDomainFacts(aSnapshot(change), true, false).savedState).toEqual({
      path,
      time: '1970-01-01T00:15:01Z',
      sizeBytes: 7,
    });
  });

  test.each([
    ['SaveFileMissing', 'is not there'],
    ['SaveFileEmpty', 'is empty'],
    ['SaveFileStale', 'is older than the request to save'],
  ] as const)('%s: paused and not Ready, with what to do; there is no saved state to show', (problem, words) => {
    const change = { ...asked, ...paused, last: aSave(), saved: aSaved({ problem }) };
    expect(conditionOf(change, 'Paused')).toBe('True Paused: The device model stands still.');
    expect(conditionOf(change, 'Ready')).toBe(
      `False ${problem}: The device model paused, but ${path} ${words}: its state was not saved, and a guest saved now could not be resumed. Look at its log in dom0 (/var/log/xen/qemu-dm-web.log) and at the free space of /var/lib/xen; then set spec.runState to Running, and to Paused again.`,
    );
    expect(stubDomainFacts(aSnapshot(change), false, false).savedState).toBeUndefined();
    expect(stepOf({ ...paused, last: change.last, saved: change.saved }).step).toMatchObject({ command: 'continue' });
  });

  test('a file that cannot be looked at: nobody knows, and it is tried again', () => {
    const attempts = new Map([['sd-1', { reason: 'HypervisorFailed', detail: 'EIO', count: 1, retryAt: 1_001_000 }]]);
    const change = { ...asked, ...paused, last: aSave(), memory: { attempts } };
    expect(stepOf(change)).toEqual({ step: undefined, wakeAt: 1_001_000 });
    expect(conditionOf(change, 'Ready')).toMatch(/^Unknown HypervisorFailed: .*could not be looked at: EIO\./);
  });
});

describe('a pause of another program', () => {
  test('is left alone for two minutes, then the device model shall go on', () => {
    const memory = { attempts: new Map(), pausedSince: 950_000 };
    expect(stepOf({ ...paused, memory })).toEqual({ step: undefined, wakeAt: 1_070_000 });
    expect(stepOf({ ...paused, memory, now: 1_070_000 }).step).toMatchObject({ do: 'send', command: 'continue' });
    expect(conditionOf({ ...paused, memory }, 'Ready')).toBe(
      'False PausedByOther: Another program paused the device model, to save or migrate the guest perhaps. It is left alone for 120 s and then asked to go on, unless the hypervisor has the guest suspended. To have it go on at once: xl unpause web.',
    );
  });

  test('is what was asked for, if it was; no state is claimed to be saved', () => {
    expect(stepOf({ ...asked, ...paused }).step).toBeUndefined();
    expect(conditionOf({ ...asked, ...paused }, 'Ready')).toMatch(/^True AsDesired/);
    expect(conditionOf({ ...asked, ...paused }, 'Paused')).toMatch(/^True PausedByOther: .*no saved state of it/);
    expect(stubDomainFacts(aSnapshot({ ...asked, ...paused }), true, false).savedState).toBeUndefined();
  });

  test('after another program ended ours is its own: that is noted first', () => {
    const saved = aSaved();
    expect(stepOf({ last: aSave(), saved })).toEqual({ step: { do: 'pauseOver', by: aSave() } });
    expect(stepOf({ last: aSave(), saved: { ...saved, over: true } }).step).toBeUndefined();
    expect(conditionOf({ ...paused, last: aSave(), saved: { ...saved, over: true } }, 'Paused')).toMatch(
      /^True PausedByOther/,
    );
  });

  test('nothing is sent while the guest is suspended, and it is said', () => {
    const attempts = new Map([['sd-1', { reason: 'GuestSuspended', count: 1, retryAt: 1_001_000 }]]);
    const memory = { attempts, pausedSince: 0 };
    expect(stepOf({ ...paused, memory })).toEqual({ step: undefined, wakeAt: 1_001_000 });
    expect(conditionOf({ ...paused, memory }, 'Ready')).toMatch(
      /^False GuestSuspended: Another program saves or migrates/,
    );
  });
});

test('nothing of it concerns a stub domain that is being deleted', () => {
  const object = aStubDomain({ runState: 'Paused' }, { deletionTimestamp: '2026-01-01T00:00:00Z' });
  expect(stepOf({ object, ...paused, last: aSave() }).step).toMatchObject({ do: 'teardown' });
});
