import { expect, test } from '@jest/globals';
import { withoutSpentRestore } from '../../../../operator/domain/stub-domain/spent-restore.ts';
import { aSnapshot, aStubDomain } from '../../../support/builders.ts';

const restoreFrom = { path: '/var/lib/xen/qemu-save.3' };
const fresh = aStubDomain({ restoreFrom });
const spent = { ...fresh, status: { nodeName: 'xen-1', restoredFrom: restoreFrom.path } };
const note = aSnapshot().note!;

test.each([
  ['before it is made', fresh, undefined, true],
  ['when it is to be made again, not having come up', fresh, { ...note, stage: 'intended' }, true],
  ['while the one that started from it lives', spent, { ...note, restores: true }, true],
  ['not once it was used, for the next', spent, undefined, false],
  ['not for the next that is about to be made', spent, { ...note, stage: 'intended' }, false],
  ['not while one lives that started without', fresh, note, false],
] as const)('spec.restoreFrom counts: %s', (_, object, present, counts) => {
  expect(withoutSpentRestore(object, present).spec.restoreFrom).toEqual(counts ? restoreFrom : undefined);
});

test('an object without it is the very same', () => {
  const object = aStubDomain();
  expect(withoutSpentRestore(object, undefined)).toBe(object);
});
