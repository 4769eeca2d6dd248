import { expect, test } from '@jest/globals';
import { parseFieldSelector } from '../../../../../operator/embedded/api-server/selectors/field-selector.ts';
import { parseLabelSelector } from '../../../../../operator/embedded/api-server/selectors/label-selector.ts';

test.each([
  ['a=1', { a: '1' }, true],
  ['a==1', { a: '2' }, false],
  ['a=1', {}, false],
  ['a!=1', {}, true],
  ['a!=1', { a: '1' }, false],
  ['a', { a: '' }, true],
  ['a', {}, false],
  ['!a', {}, true],
  ['!a', { a: '1' }, false],
  ['a in (1,2)', { a: '2' }, true],
  ['a in (1, 2)', { a: '3' }, false],
  ['a notin (1,2)', {}, true],
  ['a notin (1,2)', { a: '1' }, false],
  ['a=', { a: '' }, true],
  ['a>4', { a: '5' }, true],
  ['a<4', { a: '5' }, false],
  ['a>4', { a: 'x' }, false],
  ['a=1,b!=2 , c in (x)', { a: '1', c: 'x' }, true],
  ['a=1,b!=2,c in (x)', { a: '1', b: '2', c: 'x' }, false],
  ['example.com/a=1', { 'example.com/a': '1' }, true],
  ['constructor', {}, false],
  ['', {}, true],
])('label selector %s on %j: %s', (text, labels: Record<string, string>, selected) => {
  const selector = parseLabelSelector(text);
  expect(selector === undefined || selector(labels)).toBe(selected);
});

test('a selector matches an object without labels only by absence', () => {
  expect(parseLabelSelector('!a')?.(undefined)).toBe(true);
  expect(parseLabelSelector('a')?.(undefined)).toBe(false);
});

test.each([
  'a=b=c',
  'a b',
  'a in (b',
  '=',
  'a,',
  ',a',
  'a in b',
  '-a=1',
  `a=${'x'.repeat(64)}`,
  'a>x',
  'a=b c',
  '(',
  'a/b/c',
])('label selector %s is refused', (text) => {
  expect(() => parseLabelSelector(text)).toThrow(expect.objectContaining({ code: 400 }));
});

const allowed = new Set(['metadata.name', 'status.nodeName']);

test.each([
  ['metadata.name=a', { 'metadata.name': 'a' }, true],
  ['metadata.name==a', { 'metadata.name': 'b' }, false],
  ['metadata.name!=a', { 'metadata.name': 'b' }, true],
  ['status.nodeName=', {}, true],
  ['status.nodeName!=', {}, false],
  ['metadata.name=a,status.nodeName=n', { 'metadata.name': 'a', 'status.nodeName': 'n' }, true],
  ['metadata.name=a,status.nodeName=n', { 'metadata.name': 'a', 'status.nodeName': 'm' }, false],
  ['metadata.name=a\\,b', { 'metadata.name': 'a,b' }, true],
])('field selector %s on %j: %s', (text, fields: Record<string, string>, selected) => {
  expect(parseFieldSelector(text, allowed)?.matches(fields)).toBe(selected);
});

test('a field selector says which value a field must have', () => {
  const selector = parseFieldSelector('metadata.name!=x,status.nodeName=n', allowed);
  expect(selector?.equals('status.nodeName')).toBe('n');
  expect(selector?.equals('metadata.name')).toBeUndefined();
});

test.each(['spec.x=1', 'metadata.name', 'metadata.name=a,b'])('field selector %s is refused', (text) => {
  expect(() => parseFieldSelector(text, allowed)).toThrow(expect.objectContaining({ code: 400 }));
});
