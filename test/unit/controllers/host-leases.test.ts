import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { HostLeases } from '../../../operator/controllers/host-leases.ts';
import type { Lease } from '../../../operator/kube/lease.ts';
import type { Informer } from '../../../operator/kube/types.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';

type Listener = Parameters<Informer<Lease>['onChange']>[0];

let clock: ManualClock;
let tell: Listener;
let changed: string[];
let leases: HostLeases;

beforeEach(() => {
  clock = manualClock();
  changed = [];
  const informer = {
    onChange: (listener: Listener) => {
      tell = listener;
      return () => {};
    },
  } as unknown as Informer<Lease>;
  leases = new HostLeases(informer, clock, (host) => changed.push(host));
  leases.start();
});
afterEach(() => leases.stop());

function aLease(renewTime: string): Lease {
  return {
    metadata: { name: 'xen-1', uid: 'l', resourceVersion: '1', creationTimestamp: '' },
    spec: { holderIdentity: 'xen-1', leaseDurationSeconds: 40, renewTime },
  } as unknown as Lease;
}

test('a Lease runs out, and a renewed one counts again', () => {
  tell('ns/xen-1', undefined, aLease('1'));
  expect(leases.liveness('xen-1')).toBe('fresh');
  clock.advance(41_000);
  expect(leases.liveness('xen-1')).toBe('expired');
  expect(changed).toEqual(['xen-1', 'xen-1']);
  tell('ns/xen-1', aLease('1'), aLease('2'));
  expect(leases.liveness('xen-1')).toBe('fresh');
});

test('a deleted Lease runs out as if it were there: what its agent said becomes Unknown then', () => {
  tell('ns/xen-1', undefined, aLease('1'));
  clock.advance(10_000);
  tell('ns/xen-1', aLease('1'), undefined);
  expect(leases.liveness('xen-1')).toBe('fresh');
  clock.advance(31_000);
  expect(leases.liveness('xen-1')).toBe('expired');
  expect(changed).toEqual(['xen-1', 'xen-1']);
});

test('an agent that makes its Lease anew in time was never away', () => {
  tell('ns/xen-1', undefined, aLease('1'));
  clock.advance(10_000);
  tell('ns/xen-1', aLease('1'), undefined);
  tell('ns/xen-1', undefined, aLease('2'));
  clock.advance(31_000);
  expect(leases.liveness('xen-1')).toBe('fresh');
  expect(changed).toEqual(['xen-1']);
});

test('a host that had no Lease from the beginning counts as expired after a minute', () => {
  expect(leases.liveness('xen-2')).toBe('missing');
  clock.advance(59_000);
  expect(leases.liveness('xen-2')).toBe('missing');
  expect(changed).toEqual([]);
  clock.advance(1000);
  expect(leases.liveness('xen-2')).toBe('expired');
  expect(changed).toEqual(['xen-2']);
});

test('nothing is left running after stop', () => {
  tell('ns/xen-1', undefined, aLease('1'));
  leases.liveness('xen-2');
  leases.stop();
  expect(clock.timers).toEqual([]);
});
