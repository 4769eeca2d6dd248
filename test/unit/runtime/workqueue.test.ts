import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createWorkqueue } from '../../../operator/runtime/workqueue.ts';
import { manualClock } from '../../support/manual-clock.ts';

const setUp = () => {
  const clock = manualClock();
  let ready = 0;
  const queue = createWorkqueue({ clock, onReady: () => (ready += 1) });
  return { clock, queue, ready: () => ready };
};

describe('the workqueue', () => {
  test('first come, first served, each key once', () => {
    const { queue } = setUp();
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect([queue.take(), queue.take(), queue.take(), queue.take()]).toEqual(['a', 'b', 'c', undefined]);
  });

  test('a key that is added while it is worked on waits again, once, behind the others', () => {
    const { queue } = setUp();
    queue.add('a');
    queue.take();
    queue.add('a');
    queue.add('a');
    queue.add('b');
    expect(queue.take()).toBe('b');
    expect(queue.take()).toBeUndefined();
    queue.done('a');
    expect(queue.take()).toBe('a');
    queue.done('a');
    expect(queue.idle).toBe(false);
    queue.done('b');
    expect(queue.idle).toBe(true);
  });

  test('delayed adds meet at the earliest time', () => {
    const { clock, queue } = setUp();
    queue.addAfter('a', 1_000);
    queue.addAfter('a', 100);
    queue.addAfter('a', 500);
    expect(clock.timers).toHaveLength(1);
    clock.advance(99);
    expect(queue.waiting).toBe(0);
    clock.advance(1);
    expect(queue.take()).toBe('a');
    queue.done('a');
    clock.advance(10_000);
    expect(queue.waiting).toBe(0);
  });

  test('adding at once takes the place of a delayed add', () => {
    const { clock, queue } = setUp();
    queue.addAfter('a', 100);
    queue.add('a');
    expect(queue.take()).toBe('a');
    queue.done('a');
    clock.advance(1_000);
    expect(queue.waiting).toBe(0);
    expect(clock.timers).toEqual([]);
  });

  test('a delay of weeks is not cut short by the longest timer there is', () => {
    const { clock, queue } = setUp();
    const fourWeeks = 28 * 24 * 3_600_000;
    queue.addAfter('a', fourWeeks);
    clock.advance(fourWeeks - 1);
    expect(queue.waiting).toBe(0);
    clock.advance(1);
    expect(queue.waiting).toBe(1);
  });

  test('a shut queue takes and gives nothing more, and leaves no timer', () => {
    const { clock, queue } = setUp();
    queue.add('a');
    queue.addAfter('b', 100);
    queue.shutDown();
    queue.add('c');
    queue.addAfter('d', 0);
    expect(queue.take()).toBeUndefined();
    expect(queue.idle).toBe(true);
    expect(clock.timers).toEqual([]);
  });

  type Command =
    | { readonly kind: 'add' | 'done'; readonly key: string }
    | { readonly kind: 'addAfter'; readonly key: string; readonly ms: number }
    | { readonly kind: 'take' }
    | { readonly kind: 'advance'; readonly ms: number };
  const key = fc.constantFrom('a', 'b', 'c', 'd');
  const ms = fc.integer({ min: 0, max: 50 });
  const command: fc.Arbitrary<Command> = fc.oneof(
    fc.record({ kind: fc.constantFrom('add' as const, 'done' as const), key }),
    fc.record({ kind: fc.constant('addAfter' as const), key, ms }),
    fc.record({ kind: fc.constant('take' as const) }),
    fc.record({ kind: fc.constant('advance' as const), ms }),
  );

  test('property: never twice at once, nothing lost, nothing too late, one timer at most', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 120 }), (commands) => {
        const { clock, queue } = setUp();
        const working = new Set<string>();
        /** By when each key has to wait at the latest. */
        const owed = new Map<string, number>();
        const owe = (name: string, delay: number) => {
          owed.set(name, Math.min(owed.get(name) ?? Number.POSITIVE_INFINITY, clock.monotonic() + delay));
        };
        const take = (): boolean => {
          const taken = queue.take();
          if (taken === undefined) return false;
          expect(working.has(taken)).toBe(false);
          expect(owed.has(taken)).toBe(true);
          expect(owed.get(taken)).toBeLessThanOrEqual(clock.monotonic());
          owed.delete(taken);
          working.add(taken);
          return true;
        };
        for (const next of commands) {
          if (next.kind === 'add') {
            owe(next.key, 0);
            queue.add(next.key);
          } else if (next.kind === 'addAfter') {
            owe(next.key, next.ms);
            queue.addAfter(next.key, next.ms);
          } else if (next.kind === 'take') take();
          else if (next.kind === 'advance') clock.advance(next.ms);
          else if (working.delete(next.key)) queue.done(next.key);
          expect(clock.timers.length).toBeLessThanOrEqual(1);
          expect(queue.processing).toBe(working.size);
        }
        // In the end everything that is owed comes, once what is worked on is done.
        for (const name of working) queue.done(name);
        working.clear();
        clock.advance(50);
        while (take()) {
          for (const name of working) queue.done(name);
          working.clear();
        }
        expect([...owed]).toEqual([]);
        expect(queue.idle).toBe(true);
        expect(queue.delayed).toBe(0);
      }),
      { numRuns: 500 },
    );
  });
});
