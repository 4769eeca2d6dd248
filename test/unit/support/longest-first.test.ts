import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { packageRoot } from '../../support/stubdom.ts';

const { longest } = createRequire(import.meta.url)('../../support/longest-first.cjs') as { longest: readonly string[] };

test('every file that begins first is there, once', () => {
  expect(longest.filter((file) => !existsSync(join(packageRoot, 'test', file)))).toEqual([]);
  expect(new Set(longest).size).toBe(longest.length);
});
