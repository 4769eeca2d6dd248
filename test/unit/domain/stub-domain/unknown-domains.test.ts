import { describe, expect, test } from '@jest/globals';
import { agentFinalizer } from '../../../../operator/api/names.ts';
import { channelPhase } from '../../../../operator/domain/command-channel/look.ts';
import { type HostView, hostConditions } from '../../../../operator/domain/host-status.ts';
import { nextStep } from '../../../../operator/domain/next-step.ts';
import type { Snapshot } from '../../../../operator/domain/snapshot.ts';
import { stubDomainConditions } from '../../../../operator/domain/stub-domain/conditions.ts';
import { stubDomainFacts } from '../../../../operator/domain/stub-domain/status.ts';
import { aSnapshot, aStubDomain, anAttachment } from '../../../support/builders.ts';

/** After a restart of xenstored: nothing is noted, and the hypervisor runs both domains. */
const emptied: Partial<Snapshot> = {
  note: undefined,
  stub: undefined,
  channel: undefined,
  devices: [],
  foreignStub: 7,
  unknownToXenStore: [7, 5],
};
const nothing = { step: undefined, wakeAt: 1_005_000 };

describe('XenStore knows nothing of a guest that runs', () => {
  test.each<[string, Partial<Snapshot>]>([
    ['a stub domain of ours is not made a second time', { ...emptied, foreignStub: undefined }],
    ['nor beside the one that runs', emptied],
    ['nothing is taken down while a note is left', { ...emptied, note: aSnapshot().note }],
    ['no finalizer is put on', { ...emptied, object: aStubDomain({}, { finalizers: [] }) }],
    [
      'an attachment that is deleted waits: the guest may have its device',
      { ...emptied, attachments: [anAttachment({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })] },
    ],
  ])('%s', (_, change) => {
    expect(nextStep(aSnapshot(change), agentFinalizer)).toEqual(nothing);
  });

  test('an object that is deleted goes as far as it is known', () => {
    const object = aStubDomain({}, { deletionTimestamp: '2026-01-01T00:00:00Z' });
    expect(nextStep(aSnapshot({ ...emptied, object }), agentFinalizer).step).toMatchObject({ do: 'removeFinalizer' });
  });

  test('the conditions claim nothing that only XenStore could tell', () => {
    const snapshot = aSnapshot(emptied);
    const decisions = stubDomainConditions(snapshot, channelPhase(snapshot));
    expect(Object.fromEntries(decisions.map(({ type, status, reason }) => [type, `${status} ${reason}`]))).toEqual({
      Ready: 'False XenStoreEmpty',
      TargetFound: 'True TargetFound',
      DevicesWired: 'Unknown XenStoreEmpty',
      DeviceModelRunning: 'Unknown XenStoreEmpty',
      Paused: 'Unknown XenStoreEmpty',
      ChannelIdle: 'Unknown XenStoreEmpty',
      Stalled: 'True XenStoreEmpty',
    });
    expect(decisions[0]?.message).toMatch(/^XenStore has nothing about domains 5 and 7, which the hypervisor runs/);
    expect(stubDomainFacts(snapshot, false, true)).toEqual({ phase: 'Unknown' });
  });
});

describe('a host', () => {
  const view: HostView = {
    info: undefined,
    agentVersion: 'test',
    xenstoreConnected: true,
    hypervisorError: undefined,
    domains: [],
    devices: [],
    claims: new Map(),
    spec: undefined,
  };
  const ready = (change: Partial<HostView>) => hostConditions({ ...view, ...change })[0];

  test('is not Ready with domains that XenStore does not know', () => {
    const condition = ready({ unknownDomids: [12, 5, 7, 8, 9, 10, 11, 6, 13, 14] });
    expect(condition).toMatchObject({ status: 'False', reason: 'XenStoreEmpty' });
    expect(condition?.message).toMatch(/\(5, 6, 7, 8, 9, 10, 11, 12 and 2 more\): its daemon was restarted empty/);
  });

  test('without a link, that is what it says', () => {
    expect(ready({ xenstoreConnected: false, unknownDomids: [5] })).toMatchObject({ reason: 'XenStoreDisconnected' });
  });

  test('is Ready when all are known', () => {
    expect(ready({ unknownDomids: [] })).toMatchObject({ status: 'True', reason: 'AsDesired' });
  });
});
