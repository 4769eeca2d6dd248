import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { networkError } from '../../../operator/kube/errors.ts';
import type { KubeObject } from '../../../operator/kube/types.ts';
import { initialWatchState, step, type WatchInput } from '../../../operator/kube/watch-machine.ts';
import { isKubeObject, watchStream } from '../../../operator/kube/watch-stream.ts';

const line = fc.oneof(
  fc.constantFrom(
    '{"type":"ADDED","object":{"metadata":{"name":"a","uid":"u","resourceVersion":"1"}}}',
    '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"2"}}}',
    '{"type":"ERROR","object":{"code":410}}',
    '{"type":"ERROR","object":null}',
    '{"type":"ADDED","object":{"metadata":{"managedFields":[{"',
    '{"type":{"toString":1}}',
    '[]',
    '',
  ),
  fc.json(),
  fc.string(),
);

test('property: whatever the bytes, a watch says objects and then at most one end, and never throws', () => {
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat(300)), (lines, cuts) => {
      const bytes = Buffer.from(`${lines.join('\n')}\n`);
      let ends = 0;
      let stops = 0;
      const end = () => {
        ends += 1;
      };
      const stream = watchStream<KubeObject>(
        'watch',
        {
          opened: () => {},
          event: (_type, object) => {
            expect(ends).toBe(0);
            expect(isKubeObject(object)).toBe(true);
          },
          bookmark: (version) => {
            expect(ends).toBe(0);
            expect(typeof version).toBe('string');
          },
          ended: end,
          failed: end,
          malformed: end,
        },
        () => (stops += 1),
      );
      let from = 0;
      for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
        stream.data(bytes.subarray(from, cut));
        from = Math.max(from, cut);
      }
      stream.ended();
      stream.failed(networkError('ERESET', 'cut'));
      expect([ends, stops]).toEqual([1, 1]);
    }),
    { numRuns: 1_000 },
  );
});

const object: KubeObject = {
  apiVersion: 'v1',
  kind: 'Thing',
  metadata: { name: 'a', uid: 'u', resourceVersion: '9', creationTimestamp: '' },
};
const input: fc.Arbitrary<WatchInput> = fc
  .tuple(
    fc.oneof(
      fc.record({ kind: fc.constantFrom('start' as const, 'stop' as const, 'ended' as const, 'due' as const) }),
      fc.record({
        kind: fc.constant('page' as const),
        items: fc.constant([object]),
        resourceVersion: fc.constant('5'),
        continueToken: fc.constantFrom(undefined, 'more'),
      }),
      fc.record({
        kind: fc.constant('event' as const),
        type: fc.constantFrom('ADDED' as const, 'MODIFIED' as const, 'DELETED' as const),
        object: fc.constant(object),
      }),
      fc.record({
        kind: fc.constant('bookmark' as const),
        resourceVersion: fc.constant('7'),
        initialEventsEnd: fc.boolean(),
      }),
      fc.record({ kind: fc.constant('failed' as const), error: fc.constant(networkError('ERESET', 'cut')) }),
      fc.record({ kind: fc.constant('malformed' as const), reason: fc.constant('x') }),
    ),
    fc.nat(200_000),
  )
  .map(([rest, at]) => ({ ...rest, at }));

test('property: one thing is open at a time, sets are begun before they are shown, and it never stands still', () => {
  fc.assert(
    fc.property(fc.boolean(), fc.array(input, { maxLength: 60 }), (streamed, inputs) => {
      let state = initialWatchState(streamed);
      let open: 'nothing' | 'list' | 'watch' | 'timer' = 'nothing';
      let aside = false;
      for (const next of inputs) {
        // Only what is open can speak.
        const speaks =
          next.kind === 'start' || next.kind === 'stop'
            ? true
            : next.kind === 'due'
              ? open === 'timer'
              : next.kind === 'page'
                ? open === 'list'
                : next.kind === 'failed'
                  ? open === 'list' || open === 'watch'
                  : open === 'watch';
        if (!speaks) continue;
        if (['page', 'ended', 'failed', 'malformed', 'due'].includes(next.kind)) open = 'nothing';
        const result = step(state, next);
        state = result.state;
        for (const effect of result.effects) {
          if (effect.kind === 'close') open = 'nothing';
          if (effect.kind === 'begin') aside = true;
          if (effect.kind === 'collect' || effect.kind === 'discard') expect(aside).toBe(true);
          if (effect.kind === 'commit') {
            expect(aside).toBe(true);
            aside = false;
          }
          if (effect.kind === 'list' || effect.kind === 'watch' || effect.kind === 'wait') {
            expect(open).toBe('nothing');
            open = effect.kind === 'wait' ? 'timer' : effect.kind;
          }
        }
        expect(open === 'nothing').toBe(state.phase === 'stopped');
      }
    }),
    { numRuns: 2_000 },
  );
});
