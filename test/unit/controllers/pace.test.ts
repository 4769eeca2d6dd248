import { expect, test } from '@jest/globals';
import { Pace } from '../../../operator/controllers/pace.ts';
import { manualClock } from '../../support/manual-clock.ts';

test('so many at once, then one after the other', () => {
  const clock = manualClock();
  const pace = new Pace(clock, { burst: 3, intervalMs: 20 });
  const take = (count: number) => Array.from({ length: count }, () => pace.next());
  expect(take(6)).toEqual([0, 0, 0, 20, 40, 60]);
  clock.advance(40);
  // The places of others that were given out before count.
  expect(take(2)).toEqual([40, 60]);
  clock.advance(60_000);
  expect(take(4)).toEqual([0, 0, 0, 20]);
});
