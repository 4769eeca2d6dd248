import { describe, expect, test } from '@jest/globals';
import * as paths from '../../../operator/xenstore/paths.ts';

describe('paths', () => {
  test.each([
    ['/', true],
    ['/a', true],
    ['/local/domain/0/device-model/5/state', true],
    ['/libxl/pci/0000-03-00-0', true],
    ['/a_b/c@d/E-9', true],
    ['', false],
    ['a', false],
    ['//', false],
    ['/a/', false],
    ['/a//b', false],
    ['//a', false],
    ['/a b', false],
    ['/a.b', false],
    ['/0000:03:00.0', false],
    ['/a\0b', false],
    ['/ä', false],
    ['/\u{1f600}', false],
    ['/\u0141', false],
    [`/${'a'.repeat(3071)}`, true],
    [`/${'a'.repeat(3072)}`, false],
  ])('absolute: %j is %j', (path, valid) => {
    expect(paths.isAbsolutePath(path)).toBe(valid);
  });

  test.each([
    ['a', true],
    ['a/b', true],
    ['', false],
    ['/a', false],
    ['a/', false],
    ['@introduceDomain', false],
    ['a'.repeat(2048), true],
    ['a'.repeat(2049), false],
  ])('relative: %j is %j', (path, valid) => {
    expect(paths.isRelativePath(path)).toBe(valid);
  });

  test.each([
    ['@introduceDomain', true],
    ['@releaseDomain', true],
    ['@releaseDomain/5', true],
    ['@releaseDomain/05', false],
    ['@releaseDomain/', false],
    ['@other', false],
    ['/a', true],
    ['a', false],
  ])('watchable: %j is %j', (path, valid) => {
    expect(paths.isWatchPath(path)).toBe(valid);
  });

  test('tokens and names', () => {
    expect(paths.isToken('a b:1')).toBe(true);
    expect(paths.isToken('')).toBe(false);
    expect(paths.isToken('a\0')).toBe(false);
    expect(paths.isNodeName('a-1')).toBe(true);
    expect(paths.isNodeName('a/b')).toBe(false);
    expect(paths.isNodeName('')).toBe(false);
  });

  test('join, parent, base name', () => {
    expect(paths.joinPath('/', 'a')).toBe('/a');
    expect(paths.joinPath('/a', 'b/c', 5)).toBe('/a/b/c/5');
    expect(paths.joinPath('/')).toBe('/');
    expect(paths.parentPath('/a/b')).toBe('/a');
    expect(paths.parentPath('/a')).toBe('/');
    expect(paths.parentPath('/')).toBeUndefined();
    expect(paths.parentPath('a')).toBeUndefined();
    expect(paths.baseName('/a/b')).toBe('b');
    expect(paths.baseName('/')).toBe('');
  });

  test('below is by names, not by letters', () => {
    expect(paths.isAtOrBelow('/a/b', '/a')).toBe(true);
    expect(paths.isAtOrBelow('/a', '/a')).toBe(true);
    expect(paths.isAtOrBelow('/ab', '/a')).toBe(false);
    expect(paths.isAtOrBelow('/a', '/a/b')).toBe(false);
    expect(paths.isAtOrBelow('/a', '/')).toBe(true);
    expect(paths.isAtOrBelow('@releaseDomain', '/')).toBe(false);
    expect(paths.isBelow('/a', '/a')).toBe(false);
    expect(paths.isBelow('/a/b', '/a')).toBe(true);
  });

  test('the error for a bad path shows it cut and escaped', () => {
    const error = paths.invalidPath(`/\u001b[31m${'x'.repeat(5000)}`, 'READ');
    expect(error.code).toBe('EINVAL');
    expect(error.message).not.toContain('\u001b');
    expect(error.message.length).toBeLessThan(200);
  });
});
