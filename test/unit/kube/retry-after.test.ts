import { expect, test } from '@jest/globals';
import { apiErrorFromStatus } from '../../../operator/kube/errors.ts';

test.each([
  [7, 7],
  [1e9, 300],
  [Infinity, 300],
  [-1, 0],
])('a wait of %d seconds in a Status is at most five minutes', (asked, got) => {
  const error = apiErrorFromStatus(429, { details: { retryAfterSeconds: asked } }, 'watch StubDomain');
  expect(error.retryAfterSeconds).toBe(got);
});
