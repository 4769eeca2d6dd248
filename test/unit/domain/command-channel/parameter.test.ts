import { expect, test } from '@jest/globals';
import {
  backendOptions,
  insertParameter,
  removeParameter,
} from '../../../../operator/domain/command-channel/parameter.ts';

const off = { msiTranslate: false, powerManagement: false, permissive: false, rdmPolicy: 'strict' } as const;

test.each([
  ['the bare minimum', undefined, off, '0000:03:00.0,msitranslate=0,power_mgmt=0'],
  ['a slot travels as vdevfn', 4, off, '0000:03:00.0@20,msitranslate=0,power_mgmt=0'],
  ['slot 1 keeps two digits', 1, off, '0000:03:00.0@08,msitranslate=0,power_mgmt=0'],
  ['slot 31', 31, off, '0000:03:00.0@f8,msitranslate=0,power_mgmt=0'],
  [
    'permissive is never sent: the device model takes permissive=0 for yes',
    undefined,
    { ...off, msiTranslate: true, powerManagement: true, permissive: true },
    '0000:03:00.0,msitranslate=1,power_mgmt=1',
  ],
] as const)('pci-ins: %s', (_, slot, options, expected) => {
  expect(insertParameter('0000:03:00.0', slot, options)).toBe(expected);
});

test('pci-rem: the bare address', () => {
  expect(removeParameter('0000:03:00.0')).toBe('0000:03:00.0');
});

test('the back end gets all four options', () => {
  expect(backendOptions({ ...off, permissive: true, rdmPolicy: 'relaxed' })).toBe(
    'msitranslate=0,power_mgmt=0,permissive=1,rdm_policy=relaxed',
  );
});
