import { describe, expect, test } from '@jest/globals';
import { ApiError, networkError } from '../../../operator/kube/errors.ts';
import type { KubeObject } from '../../../operator/kube/types.ts';
import {
  initialWatchState,
  step,
  type WatchEffect,
  type WatchInput,
  type WatchState,
} from '../../../operator/kube/watch-machine.ts';

const object = (name: string, resourceVersion: string): KubeObject => ({
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name, uid: `uid-${name}`, resourceVersion, creationTimestamp: '2026-01-01T00:00:00Z' },
});
const a = object('a', '7');
const memory = { streamedLists: true, failures: 0, healthySince: 0 };
const watching: WatchState = { ...memory, phase: 'watching', resourceVersion: '5', openedAt: 0 };
const streaming: WatchState = { ...memory, phase: 'streaming', openedAt: 0, healthySince: undefined };
const listing: WatchState = { ...memory, phase: 'listing', streamedLists: false, healthySince: undefined };
const waiting: WatchState = { ...memory, phase: 'waiting', resourceVersion: '5', failures: 3, healthySince: undefined };
const stopped = initialWatchState(true);

const gone = new ApiError({ status: 410, reason: 'Expired', message: 'too old' });
const invalid = new ApiError({ status: 422, reason: 'Invalid', message: 'sendInitialEvents is forbidden' });
const busy = new ApiError({ status: 429, reason: 'TooManyRequests', message: 'later', retryAfterSeconds: 7 });
const cut = networkError('ERESET', 'cut');

const at = 10_000;
const wait = (error: Error, failures: number, atLeastMs = 0): WatchEffect[] => [
  { kind: 'close' },
  { kind: 'report', error },
  { kind: 'wait', failures, atLeastMs },
];

interface Row {
  readonly reason: string;
  readonly from: WatchState;
  readonly input: WatchInput;
  readonly to: Partial<WatchState>;
  readonly effects: readonly WatchEffect[];
}

const rows: readonly Row[] = [
  {
    reason: 'it starts with a streamed list',
    from: stopped,
    input: { kind: 'start', at },
    to: { phase: 'streaming' },
    effects: [
      { kind: 'begin', reason: 'start' },
      { kind: 'watch', resourceVersion: undefined },
    ],
  },
  {
    reason: 'it starts with pages where the server is known to have no streamed lists',
    from: initialWatchState(false),
    input: { kind: 'start', at },
    to: { phase: 'listing' },
    effects: [
      { kind: 'begin', reason: 'start' },
      { kind: 'list', continueToken: undefined },
    ],
  },
  {
    reason: 'a second start changes nothing',
    from: watching,
    input: { kind: 'start', at },
    to: watching,
    effects: [],
  },
  {
    reason: 'objects of a streamed list are kept aside',
    from: streaming,
    input: { kind: 'event', at, type: 'ADDED', object: a },
    to: { phase: 'streaming' },
    effects: [{ kind: 'collect', items: [a] }],
  },
  {
    reason: 'an object that goes while the list is streamed does not stay in it',
    from: streaming,
    input: { kind: 'event', at, type: 'DELETED', object: a },
    to: { phase: 'streaming' },
    effects: [{ kind: 'discard', object: a }],
  },
  {
    reason: 'an ordinary bookmark does not end a streamed list',
    from: streaming,
    input: { kind: 'bookmark', at, resourceVersion: '9', initialEventsEnd: false },
    to: { phase: 'streaming' },
    effects: [],
  },
  {
    reason: 'the marked bookmark ends it, and the same stream goes on as the watch',
    from: streaming,
    input: { kind: 'bookmark', at, resourceVersion: '9', initialEventsEnd: true },
    to: { phase: 'watching', resourceVersion: '9', healthySince: at },
    effects: [{ kind: 'commit' }],
  },
  {
    reason: 'a server without WatchList answers 422: pages, at once and from now on',
    from: streaming,
    input: { kind: 'failed', at, error: invalid },
    to: { phase: 'listing', streamedLists: false },
    effects: [{ kind: 'close' }, { kind: 'begin', reason: 'unsupported' }, { kind: 'list', continueToken: undefined }],
  },
  {
    reason: 'a server that ignores sendInitialEvents ends the stream without the bookmark: pages',
    from: streaming,
    input: { kind: 'ended', at },
    to: { phase: 'listing', streamedLists: false },
    effects: [{ kind: 'close' }, { kind: 'begin', reason: 'unsupported' }, { kind: 'list', continueToken: undefined }],
  },
  {
    reason: 'a streamed list that is cut begins again, after a wait',
    from: streaming,
    input: { kind: 'failed', at, error: cut },
    to: { phase: 'waiting', resourceVersion: undefined, failures: 1, streamedLists: true },
    effects: wait(cut, 0),
  },
  {
    reason: 'a page with a token asks for the next',
    from: listing,
    input: { kind: 'page', at, items: [a], resourceVersion: '9', continueToken: 'more' },
    to: { phase: 'listing' },
    effects: [
      { kind: 'collect', items: [a] },
      { kind: 'list', continueToken: 'more' },
    ],
  },
  {
    reason: 'the last page is shown, and watched from',
    from: listing,
    input: { kind: 'page', at, items: [a], resourceVersion: '9' },
    to: { phase: 'watching', resourceVersion: '9', openedAt: at, healthySince: at },
    effects: [{ kind: 'collect', items: [a] }, { kind: 'commit' }, { kind: 'watch', resourceVersion: '9' }],
  },
  {
    reason: 'T6: a token that is too old begins the list again, after a wait',
    from: listing,
    input: { kind: 'failed', at, error: gone },
    to: { phase: 'waiting', resourceVersion: undefined },
    effects: wait(gone, 0),
  },
  {
    reason: 'an event moves the version',
    from: watching,
    input: { kind: 'event', at, type: 'MODIFIED', object: a },
    to: { phase: 'watching', resourceVersion: '7' },
    effects: [{ kind: 'put', object: a }],
  },
  {
    reason: 'a deletion moves the version too',
    from: watching,
    input: { kind: 'event', at, type: 'DELETED', object: a },
    to: { phase: 'watching', resourceVersion: '7' },
    effects: [{ kind: 'remove', object: a }],
  },
  {
    reason: 'T7: a bookmark moves the version',
    from: watching,
    input: { kind: 'bookmark', at, resourceVersion: '99', initialEventsEnd: false },
    to: { phase: 'watching', resourceVersion: '99' },
    effects: [],
  },
  {
    reason: 'a watch that the server ends in its time goes on at once',
    from: watching,
    input: { kind: 'ended', at },
    to: { phase: 'watching', resourceVersion: '5', openedAt: at },
    effects: [{ kind: 'watch', resourceVersion: '5' }],
  },
  {
    reason: 'T5: a cut watch waits and goes on from its version',
    from: watching,
    input: { kind: 'failed', at, error: cut },
    to: { phase: 'waiting', resourceVersion: '5', failures: 1 },
    effects: wait(cut, 0),
  },
  {
    reason: 'T5: Retry-After is the least that it waits',
    from: watching,
    input: { kind: 'failed', at, error: busy },
    to: { phase: 'waiting', resourceVersion: '5' },
    effects: wait(busy, 0, 7_000),
  },
  {
    reason: 'T6: 410, as a status or as an event, reads everything again, after a wait',
    from: watching,
    input: { kind: 'failed', at, error: gone },
    to: { phase: 'waiting', resourceVersion: undefined },
    effects: wait(gone, 0),
  },
  {
    reason: 'failures add up',
    from: { ...watching, failures: 4, healthySince: at - 1_000 },
    input: { kind: 'failed', at, error: cut },
    to: { phase: 'waiting', failures: 5, healthySince: undefined },
    effects: wait(cut, 4),
  },
  {
    reason: 'T2: two healthy minutes forget them',
    from: { ...watching, failures: 4, healthySince: at - 120_000 },
    input: { kind: 'failed', at, error: cut },
    to: { phase: 'waiting', failures: 1 },
    effects: wait(cut, 0),
  },
  {
    reason: 'after the wait it watches from where it was',
    from: waiting,
    input: { kind: 'due', at },
    to: { phase: 'watching', resourceVersion: '5', healthySince: at, failures: 3 },
    effects: [{ kind: 'watch', resourceVersion: '5' }],
  },
  {
    reason: 'after the wait it reads everything if that was to be',
    from: { ...waiting, resourceVersion: undefined },
    input: { kind: 'due', at },
    to: { phase: 'streaming' },
    effects: [
      { kind: 'begin', reason: 'failed' },
      { kind: 'watch', resourceVersion: undefined },
    ],
  },
  {
    reason: 'what comes late changes nothing',
    from: waiting,
    input: { kind: 'event', at, type: 'ADDED', object: a },
    to: waiting,
    effects: [],
  },
  {
    reason: 'a stop closes what is open',
    from: watching,
    input: { kind: 'stop', at },
    to: { phase: 'stopped' },
    effects: [{ kind: 'close' }],
  },
  {
    reason: 'nothing wakes a stopped one but a start',
    from: stopped,
    input: { kind: 'due', at },
    to: stopped,
    effects: [],
  },
];

describe('the watch machine', () => {
  test.each(rows)('$reason', ({ from, input, to, effects }) => {
    const result = step(from, input);
    expect(result.state).toMatchObject(to);
    expect(result.effects).toEqual(effects);
  });

  test('T4: a server that ends each watch at once is asked ever less often', () => {
    let state: WatchState = watching;
    const failures: number[] = [];
    for (let round = 0; round < 5; round += 1) {
      const ended = step(state, { kind: 'ended', at: round });
      for (const effect of ended.effects) if (effect.kind === 'wait') failures.push(effect.failures);
      state = step(ended.state, { kind: 'due', at: round }).state;
    }
    expect(failures).toEqual([0, 1, 2, 3, 4]);
  });

  test('T9: what cannot be read is reported, and everything is read again', () => {
    const { state, effects } = step(watching, { kind: 'malformed', at, reason: 'no JSON' });
    expect(state).toMatchObject({ phase: 'waiting', resourceVersion: undefined });
    expect(effects.map((effect) => effect.kind)).toEqual(['close', 'report', 'wait']);
  });
});
