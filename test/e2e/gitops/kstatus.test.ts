import { describe, expect, test } from '@jest/globals';
import { collectOutcomes } from '../../support/gitops-outcomes.ts';
import { kstatusOf } from '../../support/kstatus.ts';

describe('the rules', () => {
  const ready = (status: 'True' | 'False' | 'Unknown') => ({
    type: 'Ready',
    status,
    reason: 'R',
    message: '',
    lastTransitionTime: '',
  });
  const stalled = { ...ready('True'), type: 'Stalled' };
  const reconciling = { ...ready('True'), type: 'Reconciling' };
  test.each([
    [{ metadata: {} }, 'Current'],
    [{ metadata: { generation: 2 }, status: { observedGeneration: 1, conditions: [ready('True')] } }, 'InProgress'],
    [{ metadata: { generation: 2 }, status: { observedGeneration: 2, conditions: [ready('True')] } }, 'Current'],
    [{ metadata: { generation: 2 }, status: { conditions: [ready('Unknown')] } }, 'InProgress'],
    [{ metadata: {}, status: { conditions: [ready('True'), stalled] } }, 'Failed'],
    [{ metadata: {}, status: { conditions: [reconciling, stalled] } }, 'InProgress'],
    [{ metadata: { deletionTimestamp: 'now' }, status: { conditions: [stalled] } }, 'Terminating'],
  ] as const)('%j is %s', (object, expected) => {
    expect(kstatusOf(object)).toBe(expected);
  });
});

test('what the operator leaves is judged right', async () => {
  const outcomes = await collectOutcomes();
  expect(outcomes.length).toBeGreaterThan(12);
  const judged = outcomes.map(({ what, object }) => `${what}: ${kstatusOf(object)}`);
  expect(judged).toEqual(outcomes.map(({ what, kstatus }) => `${what}: ${kstatus}`));
}, 60_000);
