import { describe, expect, test } from '@jest/globals';
import { type ClusterClient, createKubeClient } from '../../../operator/kube/client.ts';
import { createElection } from '../../../operator/kube/leader-election.ts';
import { createHeartbeat, createLeaseKeeper, createLeaseObserver, type Lease } from '../../../operator/kube/lease.ts';
import { silentLogger } from '../../../operator/runtime/ports.ts';
import { type ManualClock, manualClock } from '../../support/manual-clock.ts';
import {
  type ScriptedApiServer,
  type ScriptedRequest,
  startScriptedApiServer,
} from '../../support/scripted-api-server.ts';

const claim = { namespace: 'ns', name: 'host-1', holder: 'me', durationSeconds: 40 };
const ofLeader = { ...claim, durationSeconds: 15 };
const lease = (holderIdentity: string, renewTime: string, resourceVersion = '7'): Lease => ({
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  metadata: {
    namespace: 'ns',
    name: 'host-1',
    uid: 'u',
    resourceVersion,
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  spec: { holderIdentity, leaseDurationSeconds: 40, renewTime, acquireTime: renewTime, leaseTransitions: 2 },
});

const withServer = async (
  body: (server: ScriptedApiServer, client: ClusterClient, clock: ManualClock) => Promise<void>,
) => {
  const server = await startScriptedApiServer();
  const clock = manualClock();
  const client = createKubeClient(server.config, { clock, random: () => 0.5 });
  try {
    await body(server, client, clock);
  } finally {
    await client.close();
    await server.close();
  }
};

/** Gives back what was sent, as stored under `resourceVersion`. */
const store = (request: ScriptedRequest, resourceVersion: string): Lease => {
  const sent = request.body as Lease;
  const metadata = { ...lease('', '').metadata, ...sent.metadata, resourceVersion };
  const stored = { ...sent, metadata };
  request.json(stored);
  return stored;
};

describe('a Lease', () => {
  test('is created, with times of six decimals, and then renewed with one request each', () =>
    withServer(async (server, client, clock) => {
      const keeper = createLeaseKeeper({ client, clock, claim, take: 'expired' });
      const first = keeper.attempt();
      (await server.next()).fail(404, 'NotFound');
      const created = store(await server.next(), '1');
      expect(created.spec).toMatchObject({
        holderIdentity: 'me',
        leaseDurationSeconds: 40,
        renewTime: '2026-01-01T00:00:00.000000Z',
      });
      expect(await first).toMatchObject({ kind: 'renewed' });
      clock.advance(10_000);
      const second = keeper.attempt();
      const request = await server.next();
      expect(request.method).toBe('PUT');
      expect(request.body).toMatchObject({
        metadata: { resourceVersion: '1' },
        spec: { renewTime: '2026-01-01T00:00:10.000000Z', acquireTime: '2026-01-01T00:00:00.000000Z' },
      });
      store(request, '2');
      expect(await second).toMatchObject({ kind: 'renewed' });
      expect(server.count).toBe(3);
    }));

  test('of another is respected for its whole duration by our clock, whatever its times say', () =>
    withServer(async (server, client, clock) => {
      const keeper = createLeaseKeeper({ client, clock, claim, take: 'expired' });
      const look = async (found: Lease) => {
        const attempt = keeper.attempt();
        (await server.next()).json(found);
        return attempt;
      };
      const longAgo = lease('other', '2001-01-01T00:00:00.000000Z');
      expect(await look(longAgo)).toEqual({ kind: 'held', by: 'other', remainingMs: 40_000 });
      clock.advance(39_000);
      expect(await look(longAgo)).toMatchObject({ kind: 'held', remainingMs: 1_000 });
      expect(await look(lease('other', '2001-01-01T00:00:01.000000Z'))).toMatchObject({ remainingMs: 40_000 });
      clock.advance(40_000);
      const taken = keeper.attempt();
      (await server.next()).json(lease('other', '2001-01-01T00:00:01.000000Z'));
      const stored = store(await server.next(), '8');
      expect(stored.spec).toMatchObject({ holderIdentity: 'me', leaseTransitions: 3 });
      expect(await taken).toMatchObject({ kind: 'renewed' });
    }));

  test('a race that is lost is held', () =>
    withServer(async (server, client, clock) => {
      const keeper = createLeaseKeeper({ client, clock, claim, take: 'expired' });
      const attempt = keeper.attempt();
      (await server.next()).json(lease('', '2001-01-01T00:00:00.000000Z'));
      (await server.next()).fail(409, 'Conflict');
      expect(await attempt).toMatchObject({ kind: 'held' });
    }));

  test('that is given up can be taken at once', () =>
    withServer(async (server, client, clock) => {
      const keeper = createLeaseKeeper({ client, clock, claim, take: 'expired' });
      const attempt = keeper.attempt();
      (await server.next()).json(lease('me', '2001-01-01T00:00:00.000000Z'));
      store(await server.next(), '8');
      await attempt;
      const released = keeper.release();
      const stored = store(await server.next(), '9');
      await released;
      expect(stored.spec?.holderIdentity).toBe('');
      const observer = createLeaseObserver(clock);
      observer.observe('x', stored);
      expect(observer.remainingMs('x')).toBe(0);
      expect(observer.remainingMs('unknown')).toBeUndefined();
    }));
});

describe('the heartbeat', () => {
  test('takes its own Lease from whoever wrote it, beats, and tries sooner after a failure', () =>
    withServer(async (server, client, clock) => {
      const heartbeat = createHeartbeat({ client, clock, random: () => 0, logger: silentLogger, claim });
      expect(heartbeat.lastRenewedAgeMs()).toBe(Number.POSITIVE_INFINITY);
      heartbeat.start();
      (await server.next()).json(lease('me-before', '2026-01-01T00:00:00.000000Z'));
      store(await server.next(), '8');
      clock.advance(await clock.timerSet((ms) => ms <= 9_000));
      expect(heartbeat.lastRenewedAgeMs()).toBe(9_000);
      (await server.next()).fail(403, 'Forbidden');
      clock.advance(await clock.timerSet((ms) => ms <= 2_250));
      store(await server.next(), '9');
      await clock.timerSet((ms) => ms === 9_000);
      expect(heartbeat.lastRenewedAgeMs()).toBe(0);
      await heartbeat.stop();
      expect(clock.timers).toEqual([]);
    }));

  test('whose request hangs on a connection that is dead is sent again over another one before the Lease runs out', () =>
    withServer(async (server, client, clock) => {
      const heartbeat = createHeartbeat({ client, clock, random: () => 0, logger: silentLogger, claim });
      heartbeat.start();
      (await server.next()).fail(404, 'NotFound');
      store(await server.next(), '1');
      clock.advance(await clock.timerSet((ms) => ms === 9_000));
      const hanging = await server.next();
      clock.advance(await clock.timerSet((ms) => ms === 10_000));
      clock.advance(await clock.timerSet((ms) => ms === 2_250));
      const again = await server.next();
      expect(again.connection).not.toBe(hanging.connection);
      expect(heartbeat.lastRenewedAgeMs()).toBe(21_250);
      store(again, '2');
      await clock.timerSet((ms) => ms === 9_000);
      expect(heartbeat.lastRenewedAgeMs()).toBe(0);
      // That of the request that hangs would end it later.
      hanging.cut();
      await heartbeat.stop();
    }));
});

describe('an election', () => {
  test('leads on although one of its requests hangs on a connection that is dead', () =>
    withServer(async (server, client, clock) => {
      const election = createElection({ client, clock, random: () => 0, logger: silentLogger, claim: ofLeader });
      const leading = election.lead();
      (await server.next()).fail(404, 'NotFound');
      store(await server.next(), '1');
      const signal = await leading;
      clock.advance(await clock.timerSet((ms) => ms === 1_800));
      const hanging = await server.next();
      clock.advance(await clock.timerSet((ms) => ms === 5_000));
      clock.advance(await clock.timerSet((ms) => ms === 1_800));
      store(await server.next(), '2');
      await clock.timerSet((ms) => ms === 1_800);
      // Over what the first renewal was good for.
      clock.advance(1_600);
      expect([election.leading, signal.aborted]).toEqual([true, false]);
      hanging.cut();
      await election.stop(false);
    }));

  test('leads once the Lease is its own, and stops when it could not renew in time, even if the server hangs', () =>
    withServer(async (server, client, clock) => {
      const election = createElection({ client, clock, random: () => 0.5, logger: silentLogger, claim });
      const leading = election.lead();
      (await server.next()).fail(404, 'NotFound');
      store(await server.next(), '1');
      const signal = await leading;
      expect(election.leading).toBe(true);
      clock.advance(await clock.timerSet((ms) => ms === 2_000));
      await server.next();
      // 40 s × ⅔ after it became the leader, 2 of which are past.
      clock.advance(24_000);
      expect(signal.aborted).toBe(false);
      clock.advance(1_000);
      expect(signal.aborted).toBe(true);
      expect(election.leading).toBe(false);
      await election.stop(false);
    }));

  test('that stood still for too long leads no more, before any of its timers has run', () =>
    withServer(async (server, client, clock) => {
      let asleepMs = 0;
      const late = { ...clock, monotonic: () => clock.monotonic() + asleepMs };
      const election = createElection({ client, clock: late, random: () => 0.5, logger: silentLogger, claim });
      const leading = election.lead();
      (await server.next()).fail(404, 'NotFound');
      store(await server.next(), '1');
      const signal = await leading;
      asleepMs = 26_000;
      expect(election.leading).toBe(true);
      asleepMs = 27_000;
      expect([election.leading, signal.aborted]).toEqual([false, false]);
      await election.stop(false);
    }));

  test('waits while another leads', () =>
    withServer(async (server, client, clock) => {
      const election = createElection({ client, clock, random: () => 0.5, logger: silentLogger, claim });
      const leading = election.lead();
      const other = lease('other', '2026-01-01T00:00:00.000000Z');
      (await server.next()).json(other);
      clock.advance(await clock.timerSet((ms) => ms === 2_000));
      (await server.next()).json(other);
      expect(election.leading).toBe(false);
      clock.advance(await clock.timerSet((ms) => ms === 2_000));
      (await server.next()).json(lease('', '2026-01-01T00:00:00.000000Z'));
      store(await server.next(), '8');
      const signal = await leading;
      const stopped = election.stop(true);
      expect(signal.aborted).toBe(true);
      expect(store(await server.next(), '9').spec?.holderIdentity).toBe('');
      await stopped;
    }));

  test('gives the Lease back although it stops while a renewal is under way', () =>
    withServer(async (server, client, clock) => {
      const election = createElection({ client, clock, random: () => 0.5, logger: silentLogger, claim });
      const leading = election.lead();
      (await server.next()).fail(404, 'NotFound');
      store(await server.next(), '1');
      const signal = await leading;
      clock.advance(await clock.timerSet((ms) => ms === 2_000));
      const renewal = await server.next();
      const stopped = election.stop(true);
      expect(signal.aborted).toBe(true);
      store(renewal, '2');
      const release = await server.next();
      // Of the Lease as the renewal left it: the server refuses any other.
      expect((release.body as Lease).metadata.resourceVersion).toBe('2');
      expect(store(release, '3').spec?.holderIdentity).toBe('');
      await stopped;
    }));

  test('needs a deadline that is shorter than the Lease', () =>
    withServer(async (_server, client, clock) => {
      const options = { client, clock, random: () => 0, logger: silentLogger, claim, renewDeadlineMs: 40_000 };
      expect(() => createElection(options)).toThrow(TypeError);
    }));
});
