import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { escapeValue, formatPermissions, unescapeValue } from '../../../operator/cli/xenstore-text.ts';

describe('escapeValue', () => {
  test.each([
    ['plain', 'plain'],
    ['a "quoted" word', 'a "quoted" word'],
    ['back\\slash', 'back\\\\slash'],
    ['\t\r\n', '\\t\\r\\n'],
    ['\0\u0007\u0008\u001b', '\\000\\007\\x08\\x1b'],
    ['é', '\\xc3\\xa9'],
    ['', ''],
  ])('%j', (value, shown) => {
    expect(escapeValue(Buffer.from(value))).toBe(shown);
  });

  test('shows printable ASCII alone, and nothing is lost', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (value) => {
        const shown = escapeValue(value);
        expect(shown).toMatch(/^[ -~]*$/);
        expect(Buffer.from(unescapeValue(shown) ?? [])).toEqual(Buffer.from(value));
      }),
    );
  });
});

describe('unescapeValue', () => {
  test.each(['\\', '\\q', '\\x1', '\\9', 'a\\'])('refuses %j', (text) => {
    expect(unescapeValue(text)).toBeUndefined();
  });

  test('takes UTF-8 as it is', () => {
    expect(unescapeValue('é\\x41')).toEqual(Buffer.from('éA'));
  });
});

test('formatPermissions writes the owner first', () => {
  expect(formatPermissions({ owner: 5, others: 'none', entries: [{ domid: 7, access: 'read' }] })).toBe('n5,r7');
});
