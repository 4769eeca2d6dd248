import { describe, expect, test } from '@jest/globals';
import { agentFinalizer } from '../../../../operator/api/names.ts';
import { type HostView, assignability, hostFacts } from '../../../../operator/domain/host-status.ts';
import { nextStep } from '../../../../operator/domain/next-step.ts';
import type { PciNote } from '../../../../operator/domain/notes.ts';
import { attachmentObstacle } from '../../../../operator/domain/pci/attachment-obstacle.ts';
import { pciAttachmentConditions } from '../../../../operator/domain/pci/conditions.ts';
import type { HostDevice, Snapshot } from '../../../../operator/domain/snapshot.ts';
import {
  aBackend,
  aDevice,
  aPciNote,
  aSnapshot,
  anAttachment,
  hostDevices,
  stubUuid,
  theAddress,
  theTarget,
} from '../../../support/builders.ts';

const sibling = '0000:03:00.1';
const next = (change: Partial<Snapshot>) => nextStep(aSnapshot(change), agentFinalizer).step;
const obstacle = (change: Partial<Snapshot>) => {
  const attachment = change.attachments?.[0] ?? anAttachment();
  return attachmentObstacle(aSnapshot({ attachments: [attachment], ...change }), attachment);
};
const second = anAttachment({
  metadata: { uid: 'pa-2', name: 'web-nic-2' },
  spec: { device: { address: sibling }, driverPolicy: 'Seize' },
  claimed: sibling,
});
const claims = new Map([
  [theAddress, theTarget.domid],
  [sibling, theTarget.domid],
]);

describe('the identity of a claimed device', () => {
  const claimed = { vendorID: '8086', deviceID: '10c9' };
  const attachment = anAttachment();
  const attachments = [{ ...attachment, status: { ...attachment.status, device: claimed } }];
  const changed = { attachments, hostDevices: hostDevices(aDevice({ vendorID: '144d', deviceID: 'a808' })) };

  test('the same device is attached', () => {
    expect(obstacle({ attachments })).toBeUndefined();
    expect(next({ attachments })).toEqual({ do: 'claim', devices: [{ uid: 'pa-1', address: theAddress }] });
  });

  test('another one at its address is left alone, and the conditions say so', () => {
    const snapshot = aSnapshot(changed);
    expect(nextStep(snapshot, agentFinalizer).step).toBeUndefined();
    const message =
      "0000:03:00.0 is 144d:a808 now, and was 8086:10c9 when it was claimed: the host's bus was numbered anew, or the card was changed. Nothing is inserted. Delete the PciAttachment and create it again to claim a device anew.";
    const conditions = pciAttachmentConditions(snapshot, snapshot.attachments[0]!, undefined);
    expect(conditions).toContainEqual({ type: 'Stalled', status: 'True', reason: 'DeviceChanged', message });
    expect(conditions).toContainEqual({ type: 'Ready', status: 'False', reason: 'DeviceChanged', message });
  });

  test('after it was readied, it is not inserted either', () => {
    const ready = {
      attachments,
      pciNotes: new Map([[theAddress, aPciNote()]]),
      claims,
      pciBackend: aBackend(theAddress),
      memory: { attempts: new Map(), readied: new Map([[theAddress, stubUuid]]), frontendConnectedSince: 0 },
    };
    expect(next(ready)).toMatchObject({ do: 'send', command: 'pci-ins' });
    expect(next({ ...ready, ...changed })).toBeUndefined();
  });

  test('one that was claimed before identities were noted is attached', () => {
    expect(obstacle({ ...changed, attachments: [anAttachment()] })).toBeUndefined();
  });
});

describe('what the host needs', () => {
  test('is never attached, whatever the controller said', () => {
    expect(obstacle({ hostDevices: hostDevices(aDevice({ hostUse: 'default route' })) })).toMatchObject({
      reason: 'DeviceDenied',
      message:
        "0000:03:00.0 holds the host's default route and is never given away. Choose another device, or free this one in dom0 first.",
    });
  });

  test.each<[string, Partial<HostDevice>, Parameters<typeof assignability>[1], string]>([
    ['a bridge', { classID: '060400' }, undefined, 'InUseByHost'],
    ['the root disk', { hostUse: 'root disk' }, undefined, 'InUseByHost'],
    ['what a policy allows', { hostUse: 'root disk' }, { allow: [theAddress] }, 'InUseByHost'],
    ['what it can do without', {}, undefined, 'Assignable'],
  ])('%s', (_, change, pci, expected) => {
    expect(assignability(aDevice(change), pci)).toBe(expected);
  });

  test('is named in the status', () => {
    const devices = [aDevice(), aDevice({ address: sibling, hostUse: 'root disk' })];
    const bridge = aDevice({ address: '0000:00:01.0', classID: '060400' });
    const view = { ...emptyHost, devices: [...devices, bridge] } as HostView;
    expect(hostFacts(view).pciDevices).toEqual([
      expect.objectContaining({ address: '0000:00:01.0', assignable: 'InUseByHost', hostUse: 'bridge' }),
      expect.not.objectContaining({ hostUse: expect.anything() }),
      expect.objectContaining({ address: sibling, assignable: 'InUseByHost', hostUse: 'root disk' }),
    ]);
  });
});

const emptyHost: HostView = {
  info: undefined,
  agentVersion: 'test',
  xenstoreConnected: true,
  hypervisorError: undefined,
  domains: [],
  devices: [],
  claims: new Map(),
  spec: undefined,
};

describe('an IOMMU group', () => {
  const group = { iommuGroup: 12 };
  const shared = hostDevices(aDevice(group), aDevice({ ...group, address: sibling, driver: 'igb' }));

  test('that a driver of dom0 came into after the claim keeps the device out', () => {
    expect(obstacle({ hostDevices: shared })).toMatchObject({
      reason: 'IommuGroupShared',
      message: expect.stringContaining('shares IOMMU group 12 with 0000:03:00.1, which host driver igb uses.'),
    });
  });

  test('goes to one guest whole: no insert before all of it is taken from the host', () => {
    const refused = { reason: 'HypervisorFailed', count: 1, retryAt: 2_000_000 };
    const ready = {
      attachments: [anAttachment(), second],
      pciNotes: new Map([
        [theAddress, aPciNote()],
        [sibling, aPciNote({ owner: 'pa-2', name: 'web-nic-2', originalDriver: 'igb' })],
      ]),
      claims,
      pciBackend: aBackend(theAddress),
      memory: {
        attempts: new Map([['pa-2', refused]]),
        readied: new Map([[theAddress, stubUuid]]),
        frontendConnectedSince: 0,
      },
    };
    expect(next({ ...ready, hostDevices: shared })).toBeUndefined();
    const snapshot = aSnapshot({ ...ready, hostDevices: shared });
    const channel = { kind: 'idle', state: 'running' } as const;
    expect(pciAttachmentConditions(snapshot, snapshot.attachments[0]!, channel)).toContainEqual({
      type: 'Inserted',
      status: 'False',
      reason: 'BackendPending',
      message: '0000:03:00.1, which shares the IOMMU group of 0000:03:00.0, is not bound to pciback yet.',
    });
    const taken = hostDevices(aDevice(group), aDevice({ ...group, address: sibling }));
    expect(next({ ...ready, hostDevices: taken })).toMatchObject({ do: 'send', command: 'pci-ins' });
  });

  describe('on the way out', () => {
    const both = hostDevices(aDevice(group), aDevice({ ...group, address: sibling }));
    const leaving = {
      ...second,
      metadata: { ...second.metadata, deletionTimestamp: '2026-01-02T00:00:00Z' },
    };
    const out = (first: PciNote['stage'], attachment = anAttachment()): Partial<Snapshot> => ({
      attachments: [attachment, leaving],
      pciNotes: new Map([
        [sibling, aPciNote({ owner: 'pa-2', name: 'web-nic-2', stage: 'removed', originalDriver: 'igb' })],
        [theAddress, aPciNote({ stage: first })],
      ]),
      claims,
      hostDevices: both,
      pciBackend: { ...aBackend(theAddress, sibling), entries: aBackend(theAddress).entries },
    });
    const goesToo = anAttachment({ metadata: { deletionTimestamp: '2026-01-02T00:00:00Z' } });

    test('dom0 gets no driver back for one of which the guest keeps the other', () => {
      expect(next(out('attached'))).toEqual({ do: 'release', address: sibling, quarantine: true });
    });

    test('where both go, the first waits for the second, which is asked for', () => {
      expect(next(out('attached', goesToo))).toMatchObject({ do: 'send', command: 'pci-rem', address: theAddress });
      const snapshot = aSnapshot(out('attached', goesToo));
      expect(pciAttachmentConditions(snapshot, leaving, { kind: 'idle', state: 'running' })).toContainEqual(
        expect.objectContaining({ type: 'Removing', status: 'True', reason: 'WaitingForOther' }),
      );
    });

    test('when both are out, it gets its driver back', () => {
      expect(next(out('removed', goesToo))).toEqual({ do: 'release', address: sibling, quarantine: false });
    });
  });
});
