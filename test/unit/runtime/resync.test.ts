import { expect, test } from '@jest/globals';
import { withResync } from '../../../operator/runtime/resync.ts';
import { after, done, retry } from '../../../operator/runtime/action.ts';

const hours = (action: ReturnType<typeof withResync>) => (action.kind === 'after' ? action.delayMs / 3_600_000 : 0);

test('an object that is as it shall be is looked at again, each at another time', () => {
  expect(hours(withResync(done, true, () => 0))).toBe(4.5);
  expect(hours(withResync(done, true, () => 0.5))).toBe(6);
  expect(hours(withResync(done, true, () => 0.999))).toBeCloseTo(7.5, 2);
});

test('one that is gone is not, and what has its own time keeps it', () => {
  expect(withResync(done, false, () => 0)).toBe(done);
  const soon = after(5);
  expect(withResync(soon, true, () => 0)).toBe(soon);
  const later = retry('no memory');
  expect(withResync(later, true, () => 0)).toBe(later);
});
