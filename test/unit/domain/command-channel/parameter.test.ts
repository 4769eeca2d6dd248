import { expect, test } from '@jest/globals';
import {
  backendOptions,
  insertParameter,
  removeParameter,
  requestedVdevfn,
} from '../../../../operator/domain/command-channel/parameter.ts';

const off = { msiTranslate: false, powerManagement: false, permissive: false, rdmPolicy: 'strict' } as const;

test.each([
  ['the bare minimum', undefined, off, '0000:03:00.0,msitranslate=0,power_mgmt=0'],
  ['a slot travels as vdevfn', 0x20, off, '0000:03:00.0@20,msitranslate=0,power_mgmt=0'],
  ['slot 1 keeps two digits', 0x08, off, '0000:03:00.0@08,msitranslate=0,power_mgmt=0'],
  ['slot 31, function 7', 0xff, off, '0000:03:00.0@ff,msitranslate=0,power_mgmt=0'],
  [
    'permissive is never sent: the device model takes permissive=0 for yes',
    undefined,
    { ...off, msiTranslate: true, powerManagement: true, permissive: true },
    '0000:03:00.0,msitranslate=1,power_mgmt=1',
  ],
] as const)('pci-ins: %s', (_, vdevfn, options, expected) => {
  expect(insertParameter('0000:03:00.0', vdevfn, options)).toBe(expected);
  expect(requestedVdevfn(expected)).toBe(vdevfn);
});

test.each(['', '0000:03:00.0', '0000:03:00.0@2', 'x,@20,', '0000:03:00.0@20', '0000:03:00.0@100,'])(
  'no place is asked for in %j',
  (text) => {
    expect(requestedVdevfn(text)).toBeUndefined();
  },
);

test('pci-rem: the bare address', () => {
  expect(removeParameter('0000:03:00.0')).toBe('0000:03:00.0');
});

test('the back end gets all four options', () => {
  expect(backendOptions({ ...off, permissive: true, rdmPolicy: 'relaxed' })).toBe(
    'msitranslate=0,power_mgmt=0,permissive=1,rdm_policy=relaxed',
  );
});
