import { isApiError, isGone } from './errors.ts';
import type { KubeObject } from './types.ts';

/**
 * How a cache is kept true, as a pure state machine:
 *
 *     stopped ─start→ streaming ─initial events end→ watching ─ended→ watching
 *                        │ not supported                │ failed
 *                        ↓                              ↓
 *                     listing ──last page──→ watching   waiting ─due→ watching(rv)
 *
 * Every failure goes through `waiting`. A version that is too old (410, as a status or as an event) and a stream that
 * cannot be read begin again with everything; all other failures go on from the last version that was seen.
 */
export type WatchState = Memory &
  (
    | { readonly phase: 'stopped' }
    | { readonly phase: 'streaming'; readonly openedAt: number }
    | { readonly phase: 'listing' }
    | { readonly phase: 'watching'; readonly resourceVersion: string; readonly openedAt: number }
    /** `resourceVersion` undefined: everything is read again. */
    | { readonly phase: 'waiting'; readonly resourceVersion: string | undefined }
  );

interface Memory {
  /** False once the server turned out not to know streamed lists. */
  readonly streamedLists: boolean;
  /** Failures in a row; forgotten after two healthy minutes. */
  readonly failures: number;
  /** Since when nothing failed; undefined before the first success. */
  readonly healthySince: number | undefined;
}

/** What happened. `at` is monotonic milliseconds. */
export type WatchInput =
  | { readonly kind: 'start'; readonly at: number }
  | { readonly kind: 'stop'; readonly at: number }
  | {
      readonly kind: 'page';
      readonly at: number;
      readonly items: readonly KubeObject[];
      readonly resourceVersion: string;
      readonly continueToken?: string | undefined;
    }
  | {
      readonly kind: 'event';
      readonly at: number;
      readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
      readonly object: KubeObject;
    }
  | {
      readonly kind: 'bookmark';
      readonly at: number;
      readonly resourceVersion: string;
      readonly initialEventsEnd: boolean;
    }
  | { readonly kind: 'ended'; readonly at: number }
  | { readonly kind: 'failed'; readonly at: number; readonly error: Error }
  | { readonly kind: 'malformed'; readonly at: number; readonly reason: string }
  | { readonly kind: 'due'; readonly at: number };

/** Why everything is read again. */
export type RelistReason = 'start' | 'gone' | 'malformed' | 'failed' | 'unsupported';

/** What is to be done about it, in this order. */
export type WatchEffect =
  | { readonly kind: 'list'; readonly continueToken: string | undefined }
  /** `resourceVersion` undefined: a streamed list. */
  | { readonly kind: 'watch'; readonly resourceVersion: string | undefined }
  /** End what is open, and any waiting. */
  | { readonly kind: 'close' }
  /** A new set begins, beside the one that is shown. */
  | { readonly kind: 'begin'; readonly reason: RelistReason }
  | { readonly kind: 'collect'; readonly items: readonly KubeObject[] }
  | { readonly kind: 'discard'; readonly object: KubeObject }
  /** The new set is whole: show it. */
  | { readonly kind: 'commit' }
  | { readonly kind: 'put'; readonly object: KubeObject }
  | { readonly kind: 'remove'; readonly object: KubeObject }
  | { readonly kind: 'report'; readonly error: Error }
  | { readonly kind: 'wait'; readonly failures: number; readonly atLeastMs: number };

export interface Step {
  readonly state: WatchState;
  readonly effects: readonly WatchEffect[];
}

/** After this long without a failure the next one waits as if it were the first. */
const healthyMs = 120_000;
/** A watch that the server ends sooner than this is a failure, or we would ask it hundreds of times a second. */
const shortestWatchMs = 5_000;

export const initialWatchState = (streamedLists: boolean): WatchState => ({
  phase: 'stopped',
  streamedLists,
  failures: 0,
  healthySince: undefined,
});

const memoryOf = ({ streamedLists, failures, healthySince }: WatchState): Memory => ({
  streamedLists,
  failures,
  healthySince,
});

const nothing: readonly WatchEffect[] = [];
const stay = (state: WatchState): Step => ({ state, effects: nothing });

/** Reads everything: as a stream if the server can, else in pages. */
function readAll(memory: Memory, at: number, reason: RelistReason): Step {
  const begin: WatchEffect = { kind: 'begin', reason };
  return memory.streamedLists
    ? {
        state: { ...memory, phase: 'streaming', openedAt: at },
        effects: [begin, { kind: 'watch', resourceVersion: undefined }],
      }
    : { state: { ...memory, phase: 'listing' }, effects: [begin, { kind: 'list', continueToken: undefined }] };
}

function watchFrom(memory: Memory, at: number, resourceVersion: string, before: readonly WatchEffect[]): Step {
  return {
    state: { ...memory, phase: 'watching', resourceVersion, openedAt: at },
    effects: [...before, { kind: 'watch', resourceVersion }],
  };
}

/** Waits, longer each time, and then goes on from `resourceVersion`, or from nothing. */
function fail(state: WatchState, at: number, error: Error, resourceVersion: string | undefined): Step {
  const healthy = state.healthySince !== undefined && at - state.healthySince >= healthyMs;
  const failures = healthy ? 0 : state.failures;
  const asked = isApiError(error) ? error.retryAfterSeconds : undefined;
  return {
    state: {
      phase: 'waiting',
      resourceVersion,
      streamedLists: state.streamedLists,
      failures: failures + 1,
      healthySince: undefined,
    },
    effects: [{ kind: 'close' }, { kind: 'report', error }, { kind: 'wait', failures, atLeastMs: (asked ?? 0) * 1000 }],
  };
}

/** The server refuses or ignores `sendInitialEvents`: from now on in pages. */
function withoutStreams(state: WatchState, at: number): Step {
  const { effects, state: next } = readAll({ ...memoryOf(state), streamedLists: false }, at, 'unsupported');
  return { state: next, effects: [{ kind: 'close' }, ...effects] };
}

const refusesStreams = (error: Error): boolean => isApiError(error) && (error.status === 400 || error.status === 422);

function onFailure(state: WatchState, at: number, error: Error): Step {
  switch (state.phase) {
    case 'streaming':
      if (refusesStreams(error)) return withoutStreams(state, at);
      return fail(state, at, error, undefined);
    case 'listing':
      return fail(state, at, error, undefined);
    case 'watching':
      return fail(state, at, error, isGone(error) ? undefined : state.resourceVersion);
    case 'waiting':
    case 'stopped':
      return stay(state);
  }
}

function onEvent(state: WatchState, type: 'ADDED' | 'MODIFIED' | 'DELETED', object: KubeObject): Step {
  if (state.phase === 'streaming') {
    const effect: WatchEffect = type === 'DELETED' ? { kind: 'discard', object } : { kind: 'collect', items: [object] };
    return { state, effects: [effect] };
  }
  if (state.phase !== 'watching') return stay(state);
  return {
    state: { ...state, resourceVersion: object.metadata.resourceVersion },
    effects: [{ kind: type === 'DELETED' ? 'remove' : 'put', object }],
  };
}

function onEnd(state: WatchState, at: number): Step {
  if (state.phase === 'streaming') return withoutStreams(state, at);
  if (state.phase !== 'watching') return stay(state);
  if (at - state.openedAt >= shortestWatchMs) return watchFrom(memoryOf(state), at, state.resourceVersion, nothing);
  return fail(state, at, new Error('the server ended the watch at once'), state.resourceVersion);
}

/** One step. Inputs that mean nothing in a state change nothing. */
export function step(state: WatchState, input: WatchInput): Step {
  switch (input.kind) {
    case 'start':
      return state.phase === 'stopped' ? readAll(memoryOf(state), input.at, 'start') : stay(state);
    case 'stop':
      return { state: { ...memoryOf(state), phase: 'stopped' }, effects: [{ kind: 'close' }] };
    case 'page': {
      if (state.phase !== 'listing') return stay(state);
      const collect: WatchEffect = { kind: 'collect', items: input.items };
      if (input.continueToken !== undefined) {
        return { state, effects: [collect, { kind: 'list', continueToken: input.continueToken }] };
      }
      const memory = { ...memoryOf(state), healthySince: state.healthySince ?? input.at };
      return watchFrom(memory, input.at, input.resourceVersion, [collect, { kind: 'commit' }]);
    }
    case 'event':
      return onEvent(state, input.type, input.object);
    case 'bookmark':
      if (state.phase === 'watching') return stay({ ...state, resourceVersion: input.resourceVersion });
      if (state.phase !== 'streaming' || !input.initialEventsEnd) return stay(state);
      return {
        state: {
          ...memoryOf(state),
          phase: 'watching',
          healthySince: state.healthySince ?? input.at,
          resourceVersion: input.resourceVersion,
          openedAt: state.openedAt,
        },
        effects: [{ kind: 'commit' }],
      };
    case 'ended':
      return onEnd(state, input.at);
    case 'failed':
      return onFailure(state, input.at, input.error);
    case 'malformed':
      if (state.phase !== 'watching' && state.phase !== 'streaming') return stay(state);
      return fail(state, input.at, new MalformedWatchError(input.reason), undefined);
    case 'due':
      if (state.phase !== 'waiting') return stay(state);
      return state.resourceVersion === undefined
        ? readAll(memoryOf(state), input.at, 'failed')
        : watchFrom({ ...memoryOf(state), healthySince: input.at }, input.at, state.resourceVersion, nothing);
  }
}

/** The server said something that is no watch event: what was missed is unknown, so that everything is read again. */
export class MalformedWatchError extends Error {
  override readonly name = 'MalformedWatchError';
  readonly code = 'EMALFORMED';
}
