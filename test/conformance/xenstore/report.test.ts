import { readFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { report } from './report.ts';

test('docs/xenstore-conformance.md is what the tables say (node hack/xenstore-conformance.ts writes it)', async () => {
  expect(await readFile(new URL('../../../docs/xenstore-conformance.md', import.meta.url), 'utf8')).toBe(report());
});
