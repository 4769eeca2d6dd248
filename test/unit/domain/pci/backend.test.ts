import { describe, expect, test } from '@jest/globals';
import {
  addBackendEntries,
  closeBackendEntry,
  dropBackendEntry,
  noPciBackend,
} from '../../../../operator/domain/pci/backend.ts';
import { insertGate } from '../../../../operator/domain/pci/gate.ts';
import { aBackend, theAddress, theStub } from '../../../support/builders.ts';

const options = { msiTranslate: false, powerManagement: false, permissive: false, rdmPolicy: 'strict' } as const;
const back = '/local/domain/0/backend/pci/7/0';
const other = '0000:04:00.0';
const values = (change: { write: readonly { path: string; value?: string }[] } | undefined) =>
  Object.fromEntries(
    (change?.write ?? []).filter(({ value }) => value !== undefined).map(({ path, value }) => [path, value]),
  );

describe('adding', () => {
  test('the first device makes both ends', () => {
    const change = values(addBackendEntries(noPciBackend, theStub, 'web-dm', [{ address: theAddress, options }]));
    expect(change).toMatchObject({
      [`${back}/frontend`]: '/local/domain/7/device/pci/0',
      [`${back}/num_devs`]: '1',
      [`${back}/dev-0`]: theAddress,
      [`${back}/key-0`]: theAddress,
      [`${back}/opts-0`]: 'msitranslate=0,power_mgmt=0,permissive=0,rdm_policy=strict',
      [`${back}/state-0`]: '1',
      [`${back}/state`]: '1',
      '/local/domain/7/device/pci/0/state': '1',
    });
  });

  test('a further device asks the connected back end to look again', () => {
    const change = values(
      addBackendEntries(aBackend(theAddress), theStub, 'web-dm', [{ address: other, options, vdevfn: 0x20 }]),
    );
    expect(change).toMatchObject({
      [`${back}/dev-1`]: other,
      [`${back}/vdevfn-1`]: '20',
      [`${back}/num_devs`]: '2',
      [`${back}/state`]: '7',
    });
  });

  test('several at once', () => {
    const change = values(
      addBackendEntries(noPciBackend, theStub, 'web-dm', [
        { address: theAddress, options },
        { address: other, options },
      ]),
    );
    expect(change).toMatchObject({
      [`${back}/dev-0`]: theAddress,
      [`${back}/dev-1`]: other,
      [`${back}/num_devs`]: '2',
    });
  });

  test.each([1, 3, 7, 8, 5])('a back end in state %p takes nothing', (state) => {
    expect(
      addBackendEntries({ ...aBackend(theAddress), state }, theStub, 'web-dm', [{ address: other, options }]),
    ).toBeUndefined();
  });
});

describe('taking out', () => {
  const entry = (index: number, address: string) => ({ index, address, state: 6, hasVirtualAddress: true });

  test('first it is closed', () => {
    expect(closeBackendEntry(theStub, entry(1, other))).toEqual([
      { path: `${back}/state-1`, value: '5' },
      { path: `${back}/state`, value: '7' },
    ]);
  });

  test('then the later ones move down', () => {
    const tree: Record<string, string> = {
      [`${back}/dev-0`]: theAddress,
      [`${back}/vdev-0`]: '0000:00:00.00',
      [`${back}/vdevfn-0`]: '20',
      [`${back}/dev-1`]: other,
      [`${back}/vdev-1`]: '0000:00:01.00',
      [`${back}/state-1`]: '3',
    };
    const change = dropBackendEntry(aBackend(theAddress, other), theStub, entry(0, theAddress), (path) => tree[path]);
    expect(values(change)).toMatchObject({
      [`${back}/dev-0`]: other,
      [`${back}/vdev-0`]: '0000:00:01.00',
      [`${back}/state-0`]: '3',
      [`${back}/num_devs`]: '1',
    });
    expect(change.remove).toEqual(expect.arrayContaining([`${back}/vdevfn-0`, `${back}/dev-1`, `${back}/vdev-1`]));
  });

  test('the last takes both ends with it', () => {
    const change = dropBackendEntry(aBackend(theAddress), theStub, entry(0, theAddress), () => undefined);
    expect(change).toEqual({ write: [], remove: [back, '/local/domain/7/device/pci/0', '/libxl/7/device/pci/0'] });
  });
});

describe('the gate before an insert', () => {
  const now = 10_000;
  const since = 9000;
  const backend = aBackend(theAddress);
  const entry = backend.entries[0]!;
  test.each([
    ['all is connected for a second', backend, since, 'ready'],
    ['the entry is missing', aBackend(other), since, 'pending'],
    ['the back end is being reconfigured', { ...backend, state: 7 }, since, 'pending'],
    ['pciback has not got it', { ...backend, entries: [{ ...entry, state: 1 }] }, since, 'pending'],
    ['it has no virtual address', { ...backend, entries: [{ ...entry, hasVirtualAddress: false }] }, since, 'pending'],
    ['the front end is not connected', { ...backend, frontendState: 3 }, undefined, 'pending'],
    ['the front end is connected for too short', backend, 9500, 'pending'],
  ])('%s', (_, view, connectedSince, kind) => {
    expect(insertGate(view, theAddress, connectedSince, now).kind).toBe(kind);
  });
});
