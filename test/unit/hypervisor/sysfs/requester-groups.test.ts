import { describe, expect, test } from '@jest/globals';
import { bridgeKind, requesterGroups } from '../../../../operator/hypervisor/sysfs/requester-groups.ts';
import { bridgeConfig } from '../../../support/sysfs-tree.ts';

const root = 'sys/devices/pci0000:00';
const device = (...path: string[]) => ({
  address: path.at(-1)!,
  path: [root, ...path].join('/'),
  vendorID: '8086',
  deviceID: '1521',
  classID: '020000',
  bootGraphics: false,
  hasVirtualFunctions: false,
  unreadable: [],
});
const [port, legacy, below] = ['0000:00:1c.0', '0000:02:00.0', '0000:03:00.0'];
const kindOf = (bridge: string) => (bridge === port ? 'express' : 'legacy');

describe('groups where the kernel shows none', () => {
  test('devices of the root bus and behind PCI Express are told apart', () => {
    expect([...requesterGroups([device('0000:00:02.0'), device(port, '0000:01:00.0')], kindOf)]).toEqual([]);
  });

  test('all that is behind a legacy bridge is one, however deep', () => {
    const devices = [
      device(port, legacy, '0000:03:01.0'),
      device(port, legacy, '0000:03:02.0'),
      device(port, legacy, below, '0000:04:00.0'),
    ];
    const groups = requesterGroups(devices, kindOf);
    expect(groups.size).toBe(3);
    expect(new Set(groups.values())).toEqual(new Set([0x2000]));
  });

  test('two legacy bridges are two', () => {
    const devices = [device('0000:00:1e.0', '0000:05:00.0'), device('0000:00:1d.0', '0000:06:00.0')];
    expect(new Set(requesterGroups(devices, kindOf).values()).size).toBe(2);
  });
});

describe('the kind of a bridge', () => {
  const changed = (at: number, value: number): string => {
    const config = Buffer.from(bridgeConfig(false), 'latin1');
    config[at] = value;
    return config.toString('latin1');
  };
  test.each<[string, string | undefined, string]>([
    ['PCI Express', bridgeConfig(false), 'express'],
    ['PCI Express to PCI', bridgeConfig(true), 'legacy'],
    ['not to be read', undefined, 'legacy'],
    ['only its header, as without root', bridgeConfig(false).slice(0, 64), 'legacy'],
    ['empty', '', 'legacy'],
    ['without capabilities', changed(0x06, 0), 'legacy'],
    ['capabilities in a circle', changed(0x41, 0x40), 'legacy'],
    ['capabilities that end in the header', changed(0x41, 0x20), 'legacy'],
    ['all ones: it does not answer', '\u00ff'.repeat(256), 'legacy'],
  ])('%s', (_, config, expected) => {
    expect(bridgeKind(config)).toBe(expected);
  });
});
