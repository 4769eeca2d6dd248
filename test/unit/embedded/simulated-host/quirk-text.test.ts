import { describe, expect, test } from '@jest/globals';
import { listQuirks, parseQuirk, QuirkError } from '../../../../operator/embedded/simulated-host/quirk-text.ts';
import { noQuirks, quirksFor } from '../../../../operator/embedded/simulated-host/quirks.ts';

describe('quirks as text', () => {
  test.each([
    ['no-eject', undefined, { neverEjects: true }],
    ['no-eject@web', 'web', { neverEjects: true }],
    ['boot-delay=1500', undefined, { bootDelayMs: 1500 }],
    ['eject-delay=0@6d1a0c4e-0000-4000-8000-000000000001', '6d1a0c4e-0000-4000-8000-000000000001', { ejectDelayMs: 0 }],
    ['hostile=garbage', undefined, { hostile: 'garbage' }],
    ['insert-error=no-free-devfn', undefined, { insertFailure: 'no free hotplug devfn' }],
    ['slots-used=32', undefined, { slotsUsed: 32 }],
    ['save-file=old', undefined, { saveFile: 'old' }],
  ])('%s', (text, guest, change) => {
    expect(parseQuirk(text)).toEqual({ guest, change });
  });

  test.each([
    ['', 'unknown quirk ""'],
    ['nonsense', 'unknown quirk "nonsense"; there are: boot-delay'],
    ['no-eject=1', 'takes no value'],
    ['boot-delay', 'boot-delay=MS'],
    ['boot-delay=', 'boot-delay=MS'],
    ['boot-delay=-1', 'from 0 to'],
    ['boot-delay=1e9', 'from 0 to'],
    ['slots-used=33', 'from 0 to 32'],
    ['hostile=nice', 'one of garbage, huge'],
    ['save-file=lost', 'one of none, empty, old'],
    ['no-eject@', 'missing after @'],
  ])('%j is refused with words that help', (text, words) => {
    expect(() => parseQuirk(text)).toThrow(QuirkError);
    expect(() => parseQuirk(text)).toThrow(words);
  });

  test('every quirk is described in one line, and its name is read', () => {
    for (const { name, value, description } of listQuirks()) {
      expect(description).toMatch(/^[^\n]{10,100}$/);
      const sample =
        value === undefined ? name : `${name}=${value.startsWith('MS') || value === 'N' ? '1' : value.split('|')[0]!}`;
      expect(Object.keys(parseQuirk(sample).change)).toHaveLength(1);
    }
  });

  test('later quirks win, and those of another guest do not count', () => {
    const quirks = ['boot-delay=1', 'boot-delay=2@web', 'no-boot@db'].map(parseQuirk);
    expect(quirksFor(quirks, { name: 'web', uuid: 'x' })).toEqual({ ...noQuirks, bootDelayMs: 2 });
    expect(quirksFor(quirks, { name: 'db', uuid: 'x' })).toEqual({ ...noQuirks, bootDelayMs: 1, neverBoots: true });
  });
});
