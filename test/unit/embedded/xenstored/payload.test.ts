import { expect, test } from '@jest/globals';
import { oneString, strings, toNumber } from '../../../../operator/embedded/xenstored/payload.ts';

test.each([
  ['/a\0', '/a'],
  ['\0', ''],
  ['/a', undefined],
  ['', undefined],
  ['/a\0b\0', undefined],
  ['/a\0b', undefined],
])('one string of %j is %j', (payload, expected) => {
  expect(oneString(payload)).toBe(expected);
});

test.each([
  ['a\0b\0', ['a', 'b']],
  ['a\0b', ['a']],
  ['', []],
  ['\0\0', ['', '']],
])('strings of %j are %j', (payload, expected) => {
  expect(strings(payload)).toEqual(expected);
});

test.each([
  ['12', 12],
  ['007', 7],
  [' +5x', 5],
  ['abc', 0],
  ['', 0],
  ['-1', 0xffffffff],
  ['4294967296', 0],
])('the number of %j is %j', (text, expected) => {
  expect(toNumber(text)).toBe(expected);
});
