import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { HostLeases } from '../../../operator/controllers/host-leases.ts';
import { ApiError, networkError } from '../../../operator/kube/errors.ts';
import type { Lease } from '../../../operator/kube/lease.ts';
import type { Informer } from '../../../operator/kube/types.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';

type Listener = Parameters<Informer<Lease>['onChange']>[0];

let clock: ManualClock;
let tell: Listener;
let changed: string[];
let leases: HostLeases;
/** What the API server says when it is asked. */
let stored: Lease | undefined | Error;
let reads: number;

beforeEach(() => {
  clock = manualClock();
  changed = [];
  const informer = {
    onChange: (listener: Listener) => {
      tell = listener;
      return () => {};
    },
  } as unknown as Informer<Lease>;
  stored = undefined;
  reads = 0;
  leases = new HostLeases({
    leases: informer,
    clock,
    changed: (host) => changed.push(host),
    read: async () => {
      reads += 1;
      if (stored instanceof Error) throw stored;
      return stored;
    },
  });
  leases.start();
});
afterEach(() => leases.stop());

function aLease(renewTime: string): Lease {
  return {
    metadata: { name: 'xen-1', uid: 'l', resourceVersion: '1', creationTimestamp: '' },
    spec: { holderIdentity: 'xen-1', leaseDurationSeconds: 40, renewTime },
  } as unknown as Lease;
}

/** Time passes, and what was asked of the API server is answered. */
async function pass(ms: number): Promise<void> {
  clock.advance(ms);
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

test('a Lease runs out, and a renewed one counts again', async () => {
  tell('ns/xen-1', undefined, aLease('1'));
  expect(leases.liveness('xen-1')).toBe('fresh');
  await pass(41_000);
  expect(leases.liveness('xen-1')).toBe('expired');
  expect(changed).toEqual(['xen-1', 'xen-1']);
  tell('ns/xen-1', aLease('1'), aLease('2'));
  expect(leases.liveness('xen-1')).toBe('fresh');
  expect(reads).toBe(1);
});

test('a watch that is silently dead makes no host lost: the API server is asked first', async () => {
  tell('ns/xen-1', undefined, aLease('1'));
  stored = aLease('2');
  await pass(41_000);
  expect(leases.liveness('xen-1')).toBe('fresh');
  expect(changed).toEqual(['xen-1', 'xen-1']);
  await pass(41_000);
  expect(leases.liveness('xen-1')).toBe('expired');
});

test('while the API server does not answer no host is lost; when it does, agents have all their time again', async () => {
  tell('ns/xen-1', undefined, aLease('1'));
  stored = networkError('ECONNECT', 'GET leases');
  await pass(41_000);
  await pass(60_000);
  expect(leases.liveness('xen-1')).toBe('fresh');
  stored = aLease('1');
  await pass(5000);
  await pass(39_000);
  expect(leases.liveness('xen-1')).toBe('fresh');
  await pass(2000);
  expect(leases.liveness('xen-1')).toBe('expired');
});

test('an API server that refuses the read does not keep a host alive', async () => {
  tell('ns/xen-1', undefined, aLease('1'));
  stored = new ApiError({ status: 403, reason: 'Forbidden', message: 'no' });
  await pass(41_000);
  expect(leases.liveness('xen-1')).toBe('expired');
});

test('that an agent lives is proved by a renewal, and told once', () => {
  tell('ns/xen-1', undefined, aLease('1'));
  expect(leases.isProven('xen-1')).toBe(false);
  tell('ns/xen-1', aLease('1'), aLease('1'));
  expect(leases.isProven('xen-1')).toBe(false);
  changed = [];
  tell('ns/xen-1', aLease('1'), aLease('2'));
  tell('ns/xen-1', aLease('2'), aLease('3'));
  expect(leases.isProven('xen-1')).toBe(true);
  expect(changed).toEqual(['xen-1']);
});

test('a deleted Lease runs out as if it were there: what its agent said becomes Unknown then', async () => {
  tell('ns/xen-1', undefined, aLease('1'));
  await pass(10_000);
  tell('ns/xen-1', aLease('1'), undefined);
  expect(leases.liveness('xen-1')).toBe('fresh');
  await pass(31_000);
  expect(leases.liveness('xen-1')).toBe('expired');
  expect(changed).toEqual(['xen-1', 'xen-1']);
});

test('an agent that makes its Lease anew in time was never away', async () => {
  tell('ns/xen-1', undefined, aLease('1'));
  await pass(10_000);
  tell('ns/xen-1', aLease('1'), undefined);
  tell('ns/xen-1', undefined, aLease('2'));
  await pass(31_000);
  expect(leases.liveness('xen-1')).toBe('fresh');
  // Once for the Lease, once because another one proves that it lives.
  expect(changed).toEqual(['xen-1', 'xen-1']);
});

test('a host that had no Lease from the beginning counts as expired after a minute', async () => {
  expect(leases.liveness('xen-2')).toBe('missing');
  await pass(59_000);
  expect(leases.liveness('xen-2')).toBe('missing');
  expect(changed).toEqual([]);
  await pass(1000);
  expect(leases.liveness('xen-2')).toBe('expired');
  expect(changed).toEqual(['xen-2']);
});

test('a Lease that is to last for years does not keep a host that is gone, nor makes timers that come at once', async () => {
  const lease = aLease('1');
  tell('ns/xen-1', undefined, { ...lease, spec: { ...lease.spec, leaseDurationSeconds: 2_147_483_647 } });
  expect(Math.max(...clock.timers)).toBeLessThan(2 ** 31);
  await pass(601_000);
  expect(leases.liveness('xen-1')).toBe('expired');
});

test('a host whose Lease the watch has not shown is asked for before it is called lost', async () => {
  expect(leases.liveness('xen-2')).toBe('missing');
  stored = { ...aLease('1'), metadata: { ...aLease('1').metadata, name: 'xen-2' } };
  await pass(60_000);
  expect(leases.liveness('xen-2')).toBe('fresh');
  expect(reads).toBe(1);
});

test('nor while the API server does not answer', async () => {
  expect(leases.liveness('xen-2')).toBe('missing');
  stored = networkError('ECONNECT', 'GET leases');
  await pass(61_000);
  expect(leases.liveness('xen-2')).toBe('missing');
  stored = undefined;
  await pass(5_000);
  expect(leases.liveness('xen-2')).toBe('missing');
  await pass(60_000);
  expect(leases.liveness('xen-2')).toBe('expired');
});

test('nothing is left running after stop', () => {
  tell('ns/xen-1', undefined, aLease('1'));
  leases.liveness('xen-2');
  leases.stop();
  expect(clock.timers).toEqual([]);
});
