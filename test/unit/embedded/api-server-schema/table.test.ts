import { describe, expect, test } from '@jest/globals';
import { compileJsonPath } from '../../../../operator/embedded/api-server/schema/json-path.ts';
import { humanAge, renderTable } from '../../../../operator/embedded/api-server/schema/table.ts';

const object = {
  metadata: { name: 'a', creationTimestamp: '2026-01-01T00:00:00Z', labels: { 'x.io/y': 'v' } },
  spec: { n: 5, f: 1.5, b: true, list: ['p', 'q'], map: { z: 1 } },
  status: {
    conditions: [
      { type: 'Other', status: 'False' },
      { type: 'Ready', status: 'True' },
    ],
  },
};

describe('JSONPath', () => {
  test.each<[string, unknown[]]>([
    ['.spec.n', [5]],
    ['spec.n', [5]],
    ['$.spec.n', [5]],
    ['{.spec.n}', [5]],
    ['.spec.none', []],
    ['.spec.list[1]', ['q']],
    ['.spec.list[-1]', ['q']],
    ['.spec.list[9]', []],
    ['.spec.list[*]', ['p', 'q']],
    ['.status.conditions[?(@.type=="Ready")].status', ['True']],
    [".status.conditions[?(@.type=='Ready')].status", ['True']],
    ['.status.conditions[?(@.type != "Ready")].type', ['Other']],
    ['.status.conditions[?(@.type=="None")].status', []],
    ['.metadata.labels.x\\.io/y', ['v']],
    ["['spec']['n']", [5]],
    ['.spec.constructor', []],
  ])('%s', (path, expected) => {
    expect(compileJsonPath(path)?.(object)).toEqual(expected);
  });

  test.each(['.a[?(@.b', '.a[', '..a', '.a[x]'])('%s is not understood', (path) => {
    expect(compileJsonPath(path)).toBeUndefined();
  });
});

test.each([
  [-5, '<invalid>'],
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [125, '2m5s'],
  [600, '10m'],
  [10_799, '179m'],
  [10_800, '3h'],
  [11_000, '3h3m'],
  [28_800, '8h'],
  [172_800, '2d'],
  [180_000, '2d2h'],
  [700_000, '8d'],
  [63_072_000, '2y'],
  [70_000_000, '2y80d'],
])('an age of %i seconds is %s', (seconds, expected) => {
  expect(humanAge(seconds)).toBe(expected);
});

test('cells follow the types of their columns', () => {
  const column = (type: string, jsonPath: string) => ({ name: type, type, jsonPath });
  const table = renderTable({
    columns: [
      column('string', '.spec.n'),
      column('string', '.spec.list'),
      column('string', '.spec.none'),
      column('integer', '.spec.f'),
      column('integer', '.spec.b'),
      column('number', '.spec.f'),
      column('boolean', '.spec.b'),
      column('date', '.metadata.creationTimestamp'),
      column('date', '.spec.n'),
    ],
    objects: [object],
    resourceVersion: '7',
    includeObject: 'None',
    now: Date.parse('2026-01-01T00:01:00Z'),
  });
  expect(table).toMatchObject({
    kind: 'Table',
    metadata: { resourceVersion: '7' },
    rows: [{ cells: ['a', '5', '["p","q"]', null, 1, null, 1.5, true, '60s', '<invalid>'] }],
  });
});
