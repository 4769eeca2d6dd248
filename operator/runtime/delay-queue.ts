import type { Clock } from './ports.ts';

/** Keys that become due later. A key is in it once, at the earliest time that was asked for. One timer for all. */
export interface DelayQueue {
  add(key: string, delayMs: number): void;
  delete(key: string): void;
  clear(): void;
  readonly size: number;
}

interface Entry {
  readonly key: string;
  readonly dueAt: number;
}

/** `setTimeout` overflows at 2^31 ms and fires at once; a longer wait is cut in pieces. */
const longestTimerMs = 2 ** 31 - 1;

/** Calls `onDue` for each key in the order of its time. */
export function createDelayQueue(clock: Clock, onDue: (key: string) => void): DelayQueue {
  const entries = new Map<string, Entry>();
  // A binary heap by time. What was deleted or superseded stays until it comes to the top, or until most of it is that.
  let heap: Entry[] = [];
  let cancelTimer = () => {};
  let timerAt = Number.POSITIVE_INFINITY;

  const live = (entry: Entry | undefined): boolean => entry !== undefined && entries.get(entry.key) === entry;
  const dueAt = (index: number): number => heap[index]?.dueAt ?? Number.POSITIVE_INFINITY;

  const swap = (a: number, b: number) => {
    const [one, other] = [heap[a], heap[b]];
    if (one === undefined || other === undefined) return;
    heap[a] = other;
    heap[b] = one;
  };
  const sink = (from: number) => {
    for (let at = from; ;) {
      const left = 2 * at + 1;
      const least = dueAt(left + 1) < dueAt(left) ? left + 1 : left;
      if (dueAt(least) >= dueAt(at)) return;
      swap(at, least);
      at = least;
    }
  };
  const push = (entry: Entry) => {
    heap.push(entry);
    for (let at = heap.length - 1; at > 0;) {
      const parent = (at - 1) >> 1;
      if (dueAt(parent) <= dueAt(at)) return;
      swap(at, parent);
      at = parent;
    }
  };
  const pop = () => {
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    sink(0);
  };
  const compact = () => {
    if (heap.length < 64 || heap.length < 2 * entries.size) return;
    heap = [...entries.values()].sort((a, b) => a.dueAt - b.dueAt);
  };

  const arm = () => {
    while (heap.length > 0 && !live(heap[0])) pop();
    const next = dueAt(0);
    if (next === timerAt) return;
    cancelTimer();
    timerAt = next;
    cancelTimer = () => {};
    if (next === Number.POSITIVE_INFINITY) return;
    cancelTimer = clock.setTimer(Math.min(longestTimerMs, Math.max(0, next - clock.monotonic())), fire);
  };
  const fire = () => {
    timerAt = Number.POSITIVE_INFINITY;
    cancelTimer = () => {};
    const now = clock.monotonic();
    const due: string[] = [];
    for (let top = heap[0]; top !== undefined && (top.dueAt <= now || !live(top)); top = heap[0]) {
      pop();
      if (!live(top)) continue;
      entries.delete(top.key);
      due.push(top.key);
    }
    arm();
    for (const key of due) onDue(key);
  };

  return {
    add: (key, delayMs) => {
      const entry = { key, dueAt: clock.monotonic() + Math.max(0, delayMs) };
      const before = entries.get(key);
      if (before !== undefined && before.dueAt <= entry.dueAt) return;
      entries.set(key, entry);
      push(entry);
      compact();
      arm();
    },
    delete: (key) => {
      if (entries.delete(key)) arm();
    },
    clear: () => {
      entries.clear();
      arm();
    },
    get size() {
      return entries.size;
    },
  };
}
