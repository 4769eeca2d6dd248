import { expect, test } from '@jest/globals';
import { StubWatches } from '../../../../operator/agent/observe/stub-watches.ts';
import type { WatchEvent, XenStore } from '../../../../operator/xenstore/xenstore.ts';

const key = 'default/web';
const channel = '/local/domain/7/device-model/5';

interface Bench {
  readonly watches: StubWatches;
  readonly wakes: readonly number[];
  readonly fire: (path: string) => void;
  readonly wait: (ms: number) => void;
}

/** A stub domain with domid 7; `wakes` are the delays that were asked for. */
function bench(): Bench {
  const listeners = new Map<string, (event: WatchEvent) => void>();
  const xenstore = {
    watch: (path: string, listener: (event: WatchEvent) => void) => {
      listeners.set(path, listener);
      return { path, ready: Promise.resolve(), close: () => Promise.resolve() };
    },
  } as unknown as XenStore;
  let now = 1000;
  const wakes: number[] = [];
  const watches = new StubWatches(
    xenstore,
    (_, delayMs) => wakes.push(delayMs),
    () => now,
  );
  watches.start();
  watches.follow(key, 7);
  const fire = (path: string): void => {
    for (const [watched, listener] of listeners) if (path.startsWith(watched)) listener({ path });
  };
  return {
    watches,
    wakes,
    fire,
    wait: (ms) => {
      now += ms;
    },
  };
}

test('the events of one change are one wake, and leave the budget for the next', () => {
  const { watches, wakes, fire } = bench();
  for (let pass = 0; pass < 15; pass += 1) {
    for (const node of ['state', 'parameter', 'command']) fire(`${channel}/${node}`);
    watches.began(key);
  }
  expect(wakes).toEqual(Array(15).fill(0));
});

test('a reply is looked at once: when it is whole, or shortly after where it has no `state`', () => {
  const { wakes, fire, wait } = bench();
  fire(`${channel}/command`);
  wait(1);
  fire(`${channel}/parameter`);
  wait(1);
  expect(wakes).toEqual([5]);
  fire(`${channel}/state`);
  expect(wakes).toEqual([5, 0]);
});

test('the handshake of back end and front end is looked at when it is likely over', () => {
  const { wakes, fire } = bench();
  fire('/local/domain/7/device/pci/0');
  fire('/local/domain/7/device/pci/0/state');
  fire('/local/domain/0/backend/pci/7/0/state');
  expect(wakes).toEqual([25]);
});

test('an event that comes while a pass runs wakes again', () => {
  const { watches, wakes, fire } = bench();
  fire(`${channel}/state`);
  watches.began(key);
  fire(`${channel}/state`);
  expect(wakes).toEqual([0, 0]);
});

test('an urgent event does not wait for a slow one', () => {
  const { wakes, fire, wait } = bench();
  fire('/local/domain/0/backend/pci/7/0/state');
  wait(5);
  fire(`${channel}/state`);
  fire('/local/domain/0/backend/pci/7/0/state');
  expect(wakes).toEqual([25, 0]);
});

test('one that flaps at full speed gets so many passes at once, and ten a second after', () => {
  const { watches, wakes, fire, wait } = bench();
  let passes = 0;
  let due = 0;
  for (let ms = 0; ms < 10_000; ms += 1) {
    for (let event = 0; event < 10; event += 1) fire(`${channel}/state`);
    const asked = wakes.at(-1);
    if (wakes.length > passes && asked !== undefined) {
      due = due === 0 ? ms + asked : due;
      if (ms >= due) {
        passes = wakes.length;
        due = 0;
        watches.began(key);
      }
    }
    wait(1);
  }
  expect(passes).toBeGreaterThanOrEqual(20 + 95);
  expect(passes).toBeLessThanOrEqual(20 + 101);
});

test('what else a stub domain writes of its own is no reason to look', () => {
  const { wakes, fire } = bench();
  fire('/local/domain/7/data/anything');
  fire(`${channel}/state/below`);
  expect(wakes).toEqual([]);
});
