import { describe, expect, test } from '@jest/globals';
import { fencedAnnotation } from '../../../../operator/api/names.ts';
import type { XenHost } from '../../../../operator/api/generated/xen-host.ts';
import { drainReport } from '../../../../operator/domain/placement/drain-report.ts';
import { hostDecisions } from '../../../../operator/domain/placement/host-conditions.ts';
import { aHost, aStubDomain, anAttachment, targetUuid } from '../../../support/builders.ts';

const annotated = (value: string, status: XenHost['status'] = {}): XenHost => ({
  ...aHost('xen-1', status),
  metadata: { ...aHost('xen-1').metadata, annotations: { [fencedAnnotation]: value } },
});
const of = (host: XenHost, isReachable = true, type = 'Fenced') =>
  hostDecisions(host, isReachable, host.spec.drain === undefined ? undefined : drainReport(host, [])).find(
    (decision) => decision.type === type,
  );
const wasFenced = {
  conditions: [
    { type: 'Fenced', status: 'True', reason: 'Fenced', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
  ],
} satisfies XenHost['status'];

describe('Fenced', () => {
  test.each<[string, XenHost, boolean, string]>([
    ['nobody asked', aHost('xen-1'), true, 'False NotFenced'],
    ['nobody asked, and it is lost', aHost('xen-1'), false, 'False NotFenced'],
    ['asked without a reason', annotated(' '), false, 'False FenceUnexplained'],
    ['asked while its Lease lives', annotated('burnt'), true, 'False FenceRefused'],
    ['asked when it is lost', annotated('burnt'), false, 'True Fenced'],
    ['its agent is heard again', annotated('burnt', wasFenced), true, 'True Fenced'],
    ['the annotation is removed', aHost('xen-1', wasFenced), true, 'False NotFenced'],
  ])('%s', (_, host, isReachable, expected) => {
    const found = of(host, isReachable);
    expect(`${found?.status ?? ''} ${found?.reason ?? ''}`).toBe(expected);
  });

  test('what people write is shown, and nothing else that came with it', () => {
    const { message = '' } = of(annotated('rack \u001b[31m4\u202e"; rm'), false) ?? {};
    expect(message).toContain('("rack ??31m4??; rm")');
  });
});

describe('Schedulable', () => {
  test.each<[string, XenHost, boolean, string]>([
    ['open', aHost('xen-1'), true, 'Schedulable'],
    ['out of reach', aHost('xen-1'), false, 'HostUnreachable'],
    ['cordoned', aHost('xen-1', {}, { spec: { unschedulable: true } }), false, 'HostUnschedulable'],
    ['draining', aHost('xen-1', {}, { spec: { unschedulable: true, drain: { reason: 'x' } } }), true, 'HostDraining'],
    ['said dead, whether that is acted upon or not', annotated('burnt'), true, 'HostFenced'],
  ])('%s', (_, host, isReachable, reason) => {
    expect(of(host, isReachable, 'Schedulable')?.reason).toBe(reason);
  });
});

describe('drain', () => {
  const host = aHost(
    'xen-1',
    { guests: [{ uuid: targetUuid, name: 'web', domid: 5 }] },
    { spec: { drain: { reason: 'x' } } },
  );
  const item = (
    change: Parameters<typeof aStubDomain>[0],
    metadata: Parameters<typeof aStubDomain>[1],
    devices = 0,
  ) => ({
    stubDomain: aStubDomain(change, metadata),
    attachments: Array.from({ length: devices }, (_, index) => anAttachment({ claimed: `0000:0${index}:00.0` })),
  });

  test('says what has to be done about each', () => {
    const elsewhere = { target: { uuid: '00000000-0000-4000-8000-000000000000' } };
    const report = drainReport(host, [
      item({}, { name: 'd', deletionTimestamp: '2026-01-01T00:00:00Z' }, 1),
      item(elsewhere, { name: 'c' }, 1),
      item({}, { name: 'b' }, 2),
      item({}, { name: 'a' }),
    ]);
    expect(report.stubDomains?.map(({ name, action }) => `${name} ${action}`)).toEqual([
      'a MoveGuest',
      'b ShutDownGuest',
      'c DeleteStubDomain',
      'd WaitForDeletion',
    ]);
    expect(report.stubDomains?.[1]).toMatchObject({ guestName: 'web', pciDevices: ['0000:00:00.0', '0000:01:00.0'] });
  });

  test('is bounded, and its message fits a condition', () => {
    const many = Array.from({ length: 400 }, (_, index) => item({}, { name: `${'n'.repeat(60)}-${index}` }, 40));
    const report = drainReport(host, many);
    expect(report.remaining).toBe(400);
    expect(report.stubDomains).toHaveLength(256);
    expect(report.stubDomains?.[0]?.pciDevices?.length).toBeLessThanOrEqual(32);
    const drained = hostDecisions(host, true, report).find(({ type }) => type === 'Drained');
    expect(drained?.message).toContain('and 395 more, see status.drain');
    expect(drained?.message.length).toBeLessThanOrEqual(1024);
  });

  test('is over when nothing is bound to the host', () => {
    expect(of(host, true, 'Drained')).toMatchObject({ status: 'True', reason: 'Drained' });
  });
});
