import { describe, expect, test } from '@jest/globals';
import {
  pcibackStep,
  type PcibackDevice,
  type PcibackView,
} from '../../../../operator/embedded/simulated-host/pciback.ts';
import { pcifrontMove } from '../../../../operator/embedded/simulated-host/device-model/pcifront.ts';
import { pvBackendStep } from '../../../../operator/embedded/simulated-host/pv-backend.ts';
import { deviceOfPath } from '../../../../operator/embedded/simulated-host/backends.ts';
import { parseState, type XenbusState } from '../../../../operator/embedded/simulated-host/xenbus.ts';

const device = (index: number, address: string, state: XenbusState = 1, vdev?: string): PcibackDevice => ({
  index,
  address,
  state,
  vdev,
});
const view = (change: Partial<PcibackView>): PcibackView => ({
  backend: 1,
  frontend: 1,
  devices: [],
  available: () => true,
  quirks: { missingVdev: false },
  ...change,
});
const written = (change: Partial<PcibackView>): Record<string, string> =>
  Object.fromEntries(pcibackStep(view(change)).writes.map(({ node, value }) => [node, value]));

describe('pciback', () => {
  test('exports all devices at the start; functions of one card share a slot', () => {
    const devices = [device(0, '0000:08:00.0'), device(1, '0000:03:00.0'), device(2, '0000:08:00.1')];
    expect(written({ devices })).toEqual({
      'vdev-0': '0000:00:00.00',
      'state-0': '3',
      'vdev-1': '0000:00:01.00',
      'state-1': '3',
      'vdev-2': '0000:00:00.01',
      'state-2': '3',
      'root-0': '0000:00',
      root_num: '1',
      state: '3',
    });
  });

  test.each<[XenbusState, XenbusState | undefined, string | undefined]>([
    [3, 1, undefined],
    [3, 3, '4'],
    [4, 4, undefined],
    [7, 4, undefined],
    [7, 7, '8'],
    [8, 7, undefined],
    [8, 4, '4'],
    [5, 4, undefined],
    [5, 6, '6'],
    [5, undefined, '6'],
    [4, undefined, '6'],
    [6, undefined, undefined],
  ])('back end %p, front end %p: goes to %p', (backend, frontend, next) => {
    expect(written({ backend, frontend })['state']).toBe(next);
  });

  test('reconfiguring exports only what is new, in the next free slot', () => {
    const devices = [device(0, '0000:03:00.0', 3, '0000:00:00.00'), device(1, '0000:04:00.0')];
    expect(written({ backend: 7, frontend: 7, devices })).toEqual({
      'vdev-1': '0000:00:01.00',
      'state-1': '3',
      state: '8',
    });
  });

  test('a device that is not bound to pciback closes the back end with an error', () => {
    const step = pcibackStep(view({ devices: [device(0, '0000:03:00.0')], available: () => false }));
    expect(step.error).toContain('0000:03:00.0');
    expect(step.writes).toEqual([{ node: 'state', value: '5' }]);
  });

  test('quirk: vdev-N is not written', () => {
    expect(written({ devices: [device(0, '0000:03:00.0')], quirks: { missingVdev: true } })).not.toHaveProperty(
      'vdev-0',
    );
  });
});

describe('pcifront', () => {
  test.each<[XenbusState | undefined, XenbusState | undefined, string]>([
    [undefined, 1, 'wait'],
    [1, undefined, 'wait'],
    [1, 1, 'publish'],
    [1, 4, 'publish'],
    [1, 5, 'wait'],
    [3, 3, 'wait'],
    [3, 4, 'connect'],
    [4, 4, 'wait'],
    [4, 7, 'reconfigure'],
    [7, 7, 'wait'],
    [7, 8, 'reconnect'],
    [4, 5, 'shutDown'],
    [6, 5, 'wait'],
  ])('front end %p, back end %p: %s', (frontend, backend, move) => {
    expect(pcifrontMove(frontend, backend)).toBe(move);
  });
});

describe('PV back ends', () => {
  test.each<[XenbusState, XenbusState | undefined, string | undefined]>([
    [1, undefined, '2'],
    [2, 1, undefined],
    [2, 3, '4'],
    [2, 4, '4'],
    [4, 4, undefined],
    [4, 6, '6'],
    [4, undefined, '6'],
    [5, 4, '6'],
    [6, 1, undefined],
  ])('back end %p, front end %p: goes to %p', (backend, frontend, next) => {
    expect(pvBackendStep('vbd', backend, frontend).find(({ node }) => node === 'state')?.value).toBe(next);
  });

  test.each([
    ['/local/domain/0/backend/vbd/5/51712/state', 'vbd 5 51712'],
    ['/local/domain/0/backend/pci/5/0', 'pci 5 0'],
    ['/local/domain/5/device/vif/0/state', 'vif 5 0'],
    ['/local/domain/5/device/vif/0/mac', undefined],
    ['/local/domain/0/backend/vbd/5/51712/params', undefined],
    ['/local/domain/0/backend/qdisk/5/51712/state', undefined],
    ['/local/domain/5/device-model/4/state', undefined],
    ['/local/domain/5', undefined],
  ])('%s is about %s', (path, expected) => {
    const found = deviceOfPath(path);
    expect(found === undefined ? undefined : `${found.kind} ${found.domid} ${found.device}`).toBe(expected);
  });

  test.each([undefined, '', '0', '9', '44', '4\n', 'x'])('%j is no state', (text) => {
    expect(parseState(text)).toBeUndefined();
  });
});
