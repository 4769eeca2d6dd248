import type { Judge, Verdict } from '../../support/drill-proxy.ts';
import { pass } from '../../support/drill-proxy.ts';

/** Faults that come to an end. */
export interface Faults {
  readonly judge: Judge;
  /** How many were given. */
  readonly given: number;
  /** All of them were given. */
  readonly isOver: boolean;
}

const status = (code: number, reason: string, message: string): object => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  code,
  reason,
  message,
});

const expired = status(410, 'Expired', 'too old resource version');

/** How a watch that is open is told that it cannot go on. */
export const expiredEvent: object = { type: 'ERROR', object: expired };

/**
 * The first watches of each of so many collections, `times` each: told 410 instead of being opened, as an answer and as an
 * event in turn.
 */
export function expiredWatches(times: number, collections: number): Faults {
  const told = new Map<string, number>();
  const given = (): number => [...told.values()].reduce((sum, count) => sum + count, 0);
  return {
    judge: ({ verb, resource }) => {
      if (verb !== 'watch') return pass;
      const before = told.get(resource) ?? 0;
      if (before >= times) return pass;
      told.set(resource, before + 1);
      return before % 2 === 0
        ? { kind: 'answer', code: 410, body: expired }
        : { kind: 'answer', code: 200, body: expiredEvent };
    },
    get given() {
      return given();
    },
    get isOver() {
      return given() >= times * collections;
    },
  };
}

const overloaded: Verdict = {
  kind: 'answer',
  code: 429,
  headers: { 'retry-after': '1' },
  body: status(429, 'TooManyRequests', 'the server has received too many requests'),
};
const broken: Verdict = { kind: 'answer', code: 500, body: status(500, 'InternalError', 'etcdserver: no leader') };

/** Two kinds of time-outs: the server never got the request, or it did what was asked and nobody hears of it. */
const kinds: readonly Verdict[] = [overloaded, { kind: 'silence' }, broken, { kind: 'swallow', then: () => undefined }];

/**
 * One of each hundred requests, at a place that the seed decides, of all programs together. Watches are left alone: other
 * drills are about them.
 */
export function oneInHundred(seed: number, times: number): Faults {
  const random = randomFrom(seed);
  let given = 0;
  let place = 0;
  let chosen = Math.floor(random() * 100);
  return {
    judge: ({ verb }) => {
      if (verb === 'watch') return pass;
      const struck = place === chosen;
      place += 1;
      if (place === 100) {
        place = 0;
        chosen = Math.floor(random() * 100);
      }
      if (!struck) return pass;
      given += 1;
      return kinds[(given - 1) % kinds.length] ?? pass;
    },
    get given() {
      return given;
    },
    get isOver() {
      return given >= times;
    },
  };
}

/** Park and Miller's generator: the same numbers for a seed, everywhere. */
function randomFrom(seed: number): () => number {
  const modulus = 2_147_483_647;
  let state = seed % modulus;
  return () => {
    state = (state * 48_271) % modulus;
    return state / modulus;
  };
}
