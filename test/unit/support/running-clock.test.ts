import { expect, test } from '@jest/globals';
import { runningClock } from '../../support/running-clock.ts';

/** This process does nothing meanwhile, as on a machine that is busy with something else. */
const standStill = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
};

test.each([1, 4])(
  'at speed %d the time in which the process stood still does not count, and no timer comes due by it',
  async (speed) => {
    const clock = runningClock(speed);
    const happened: string[] = [];
    const ended = new Promise<void>((resolve) => {
      clock.setTimer(450, () => {
        happened.push('late');
        resolve();
      });
    });
    clock.setTimer(400, () => happened.push('early'));
    const cancel = clock.setTimer(420, () => happened.push('never'));
    const before = clock.monotonic();
    standStill(1000);
    expect(clock.monotonic() - before).toBeLessThanOrEqual(50);
    cancel();
    await new Promise((resolve) => setImmediate(resolve));
    expect(happened).toEqual([]);
    await ended;
    expect(happened).toEqual(['early', 'late']);
  },
);

test('a fast one passes the system, by its speed', () => {
  const clock = runningClock(4);
  const before = clock.monotonic();
  standStill(10);
  expect(clock.monotonic() - before).toBeGreaterThanOrEqual(39);
});
