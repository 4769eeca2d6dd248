import { describe, expect, test } from '@jest/globals';
import { CliError, describeFailure, oneLine, usageError } from '../../../operator/cli/failure.ts';

function systemError(code: string, facts: object): Error {
  return Object.assign(new Error(`${code}: something`), { code, ...facts });
}

describe('describeFailure', () => {
  test.each([
    { error: new CliError('do this'), line: 'do this', exitCode: 1 },
    { error: usageError('write that'), line: 'write that', exitCode: 2 },
    {
      error: systemError('EACCES', { path: '/root/x' }),
      line: 'no permission for /root/x. Run as another user, or choose another path',
      exitCode: 1,
    },
    {
      error: systemError('EADDRINUSE', { address: '127.0.0.1', port: 6443 }),
      line: '127.0.0.1:6443 is in use. Stop what uses it, or choose another',
      exitCode: 1,
    },
    { error: systemError('ENOENT', { path: '/no/such' }), line: '/no/such does not exist', exitCode: 1 },
  ])('$line', ({ error, line, exitCode }) => {
    expect(describeFailure(error)).toEqual({ line, exitCode });
  });

  test('what nobody foresaw shows its stack', () => {
    const failure = describeFailure(new TypeError('x is not a function'));
    expect(failure).toMatchObject({ line: 'internal error: x is not a function', exitCode: 70 });
    expect(failure.stack).toContain('TypeError');
    expect(describeFailure('thrown text')).toMatchObject({ exitCode: 70 });
  });
});

describe('oneLine', () => {
  test('joins lines and takes out what moves a cursor', () => {
    expect(oneLine('a\n  b\u001b[2Jc\u0000')).toBe('a b?[2Jc?');
  });

  test('has an end', () => {
    expect(oneLine('x'.repeat(10_000)).length).toBe(600);
  });
});
