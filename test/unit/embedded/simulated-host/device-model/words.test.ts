import { describe, expect, test } from '@jest/globals';
import {
  emulatedSlotCount,
  restoreFile,
  splitCommandLine,
} from '../../../../../operator/embedded/simulated-host/device-model/command-line.ts';
import { dispatch } from '../../../../../operator/embedded/simulated-host/device-model/dispatch.ts';
import { parsePciParameter } from '../../../../../operator/embedded/simulated-host/device-model/pci-parameter.ts';

describe('dispatch by prefix', () => {
  test.each([
    ['', 'save'],
    ['s', 'save'],
    ['save', 'save'],
    ['c', 'continue'],
    ['u', 'usb-add'],
    ['usb-', 'usb-add'],
    ['usb-d', 'usb-del'],
    ['p', 'pci-rem'],
    ['pci-', 'pci-rem'],
    ['pci-i', 'pci-ins'],
    ['pci-ins', 'pci-ins'],
    ['pci-ins\0 and more', 'pci-ins'],
    ['\0pci-ins', 'save'],
    ['pci-ins\n', undefined],
    ['pci-insert', undefined],
    ['flush-cache', undefined],
    ['SAVE', undefined],
  ])('%j is %s', (received, command) => {
    expect(dispatch(received)).toBe(command);
  });
});

describe('parameter of pci-ins and pci-rem', () => {
  const off = { msiTranslate: false, powerManagement: false, permissive: false };
  test.each([
    ['0000:03:00.0', { device: '03:00.0', options: off }],
    ['03:00.0', { device: '03:00.0', options: off }],
    ['abcd:0A:1F.7', { device: '0a:1f.7', options: off }],
    ['0000:03:00.0@28', { device: '03:00.0', vdevfn: 0x28, options: off }],
    ['0000:03:00.0@100', { device: '03:00.0', vdevfn: 0x100, options: off }],
    [
      '0000:03:00.0,msitranslate=1,power_mgmt=1',
      { device: '03:00.0', options: { ...off, msiTranslate: true, powerManagement: true } },
    ],
    ['0000:03:00.0,msitranslate=yes', { device: '03:00.0', options: { ...off, msiTranslate: true } }],
    ['0000:03:00.0,permissive=0', { device: '03:00.0', options: { ...off, permissive: true } }],
    ['0000:03:00.0,colour=red,power_mgmt=1', { device: '03:00.0', options: { ...off, powerManagement: true } }],
    ['0000:03:00.0,word,power_mgmt=1', { device: '03:00.0', options: off }],
    ['', undefined],
    ['nonsense', undefined],
    ['0000:03:20.0', undefined],
    ['0000:03:00.8', undefined],
    ['0000:03:00.0@', undefined],
    ['00000000:03:00.0', undefined],
  ])('%j', (text, expected) => {
    expect(parsePciParameter(text)).toEqual(expected);
  });
});

describe('command line', () => {
  test.each([
    [' -d 2  -net none', ['-d', '2', '-net', 'none']],
    [`-name 'two words' -x "it's"`, ['-name', 'two words', '-x', "it's"]],
    [`-empty ''`, ['-empty', '']],
    ['', []],
  ])('%j', (line, words) => {
    expect(splitCommandLine(line)).toEqual(words);
  });

  test('network cards take slots, other -net words do not', () => {
    expect(emulatedSlotCount(['-net', 'nic,vlan=0', '-net', 'tap,vlan=0', '-net', 'nic'])).toBe(6);
    expect(emulatedSlotCount(['nic', '-net', 'nice'])).toBe(4);
  });

  test('-loadvm names the file to start from', () => {
    expect(restoreFile(['-d', '2', '-loadvm', '/x'])).toBe('/x');
    expect(restoreFile(['-loadvm'])).toBeUndefined();
  });
});
