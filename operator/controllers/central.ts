import { findCondition } from '../api/conditions.ts';
import { controllerManager, leaseNamespace } from '../api/names.ts';
import type { PciAttachment } from '../api/generated/pci-attachment.ts';
import type { StubDomain } from '../api/generated/stub-domain.ts';
import type { XenHost } from '../api/generated/xen-host.ts';
import { stubDomainOf } from '../domain/pci/asked-before.ts';
import { isSaidDead } from '../domain/placement/fence.ts';
import { isReconcilePaused } from '../domain/reconcile-pause.ts';
import { isConflict } from '../kube/errors.ts';
import { createEventRecorder } from '../kube/events.ts';
import { informerComponent } from '../kube/informer-component.ts';
import { informerReasons } from '../kube/informer-readiness.ts';
import type { Lease } from '../kube/lease.ts';
import type { KubeMetrics } from '../kube/metrics.ts';
import { Overlay } from '../kube/overlay.ts';
import { keyOf, leases as leaseType } from '../kube/resources.ts';
import type { KubeClient, KubeWatcher } from '../kube/types.ts';
import type { Action } from '../runtime/action.ts';
import { type Controller, type ControllerMetrics, createController } from '../runtime/controller.ts';
import { createManager } from '../runtime/manager.ts';
import type { Clock, Logger, Random } from '../runtime/ports.ts';
import type { Readiness } from '../runtime/probes.ts';
import { Assumed } from './assumed.ts';
import { byHost, byStubDomain, byTarget, byUnclaimedOn, createCaches } from './caches.ts';
import type { CentralMetrics, ClusterObject } from './central-metrics.ts';
import { HostLeases } from './host-leases.ts';
import { hostsView } from './hosts-view.ts';
import { Pace } from './pace.ts';
import { ClaimTable } from './pci-attachment/claim-table.ts';
import { isClaimed, reconcilePciAttachment } from './pci-attachment/reconcile.ts';
import { withResync } from '../runtime/resync.ts';
import { reconcileStubDomain } from './stub-domain/reconcile.ts';
import { guestsThatMoved, isPolicyChange } from './xen-host/changes.ts';
import { concerns } from './xen-host/concerns.ts';
import { reconcileXenHost } from './xen-host/reconcile.ts';

export interface CentralOptions {
  readonly kube: KubeClient & KubeWatcher;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The pod or process, for events. */
  readonly instance?: string;
  readonly metrics?: (controller: string, concurrency: number) => ControllerMetrics;
  readonly kubeMetrics?: KubeMetrics;
  readonly centralMetrics?: CentralMetrics;
}

/** The controller program: it decides where and which, and never touches a host. */
export interface Central {
  /** Resolves when the informers are synced and the controllers run. */
  start(): Promise<void>;
  /** Ends it in the reverse order of the start: no pass meets a cache that has stopped. */
  stop(): Promise<void>;
  readiness(): Readiness;
}

/** Objects of lost hosts (and of those that are back) that are written at once, and then one each 20 ms. */
const lossPace = { burst: 20, intervalMs: 20 };
const concurrency = 8;
const stopDeadlineMs = 15_000;

/** Makes the controller. Nothing runs before `start`; the client stays the caller's to close. */
export function createCentral(options: CentralOptions): Central {
  const { kube, clock, random, logger, kubeMetrics } = options;
  const caches = createCaches({
    client: kube,
    clock,
    random,
    logger,
    ...(kubeMetrics === undefined ? {} : { metrics: kubeMetrics.informers }),
  });
  const { stubDomains, attachments, hosts } = caches;
  const informers = [stubDomains, attachments, hosts, caches.leases];
  const events = createEventRecorder({
    client: kube,
    clock,
    logger,
    component: controllerManager,
    instance: options.instance ?? controllerManager,
    ...(kubeMetrics === undefined ? {} : { onDrop: kubeMetrics.onDrop }),
  });
  const leases = new HostLeases({
    leases: caches.leases,
    clock,
    changed: (host) => {
      health.enqueue(host);
      touchHost(host);
      touchUnplaced();
    },
    read: (name) => kube.tryGet<Lease>(leaseType, { namespace: leaseNamespace, name }),
  });
  const claims = new ClaimTable();
  const assumed = new Assumed();
  const silenced = new Set<string>();
  const overlays = { domains: new Overlay(), attachments: new Overlay(), hosts: new Overlay() };
  const pace = new Pace(clock, lossPace);
  const common = { kube, hosts, leases, events, silenced, clock };

  const controller = (
    name: string,
    places: number,
    exists: (key: string) => boolean,
    reconcile: (key: string) => Promise<Action>,
  ): Controller =>
    createController({
      clock,
      random,
      logger,
      isRoutine: isConflict,
      name,
      concurrency: places,
      metrics: options.metrics?.(name, places),
      reconcile: async (key) => withResync(await reconcile(key), exists(key), random),
    });
  const placement = controller(
    'stub-domain',
    concurrency,
    (key) => stubDomains.get(key) !== undefined,
    (key) =>
      reconcileStubDomain(key, {
        ...common,
        stubDomains,
        overlay: overlays.domains,
        assumed,
        view: (object) => hostsView(object, { caches, leases, assumed, claims }),
      }),
  );
  const claiming = controller(
    'pci-attachment',
    concurrency,
    (key) => attachments.get(key) !== undefined,
    (key) =>
      reconcilePciAttachment(key, {
        ...common,
        attachments,
        stubDomains,
        claims,
        unclaim,
        overlay: overlays.attachments,
      }),
  );
  const health = controller(
    'xen-host',
    1,
    (key) => hosts.get(key) !== undefined,
    (name) =>
      reconcileXenHost(name, {
        ...common,
        overlay: overlays.hosts,
        boundTo: (host) =>
          stubDomains.byIndex(byHost, host).map((stubDomain) => ({
            stubDomain,
            attachments: attachments.byIndex(byStubDomain, keyOf(stubDomain)),
          })),
      }),
  );

  let leading = false;
  options.centralMetrics?.observe({
    leading: () => leading,
    hosts: () => hosts.list().map(({ metadata }) => leases.liveness(metadata.name)),
    objects: () => [stubDomains, attachments, hosts].flatMap((informer) => informer.list().map(counted)),
    removals: () => attachments.list().flatMap(({ status }) => status?.removingSince ?? []),
    now: () => clock.now(),
  });

  /** What of a host has to be written, one after the other: a lost host is no reason to storm the API server. */
  const touchHost = (host: string): void => {
    const situation = { liveness: leases.liveness(host), isSaidDead: isSaidDead(hosts.get(host)) };
    for (const object of stubDomains.byIndex(byHost, host)) {
      if (concerns(object, situation)) placement.enqueueAfter(keyOf(object), pace.next());
    }
    for (const object of attachments.byIndex(byHost, host)) {
      if (concerns(object, situation)) claiming.enqueueAfter(keyOf(object), pace.next());
    }
  };
  const touchWaiting = (host: string | undefined): void => {
    for (const object of attachments.byIndex(byUnclaimedOn, host ?? '')) claiming.enqueue(keyOf(object));
  };
  const unclaim = (uid: string): void => {
    const host = claims.forget(uid);
    if (host !== undefined) touchWaiting(host);
  };
  /** What a guest's other attachments are given can help: devices of one IOMMU group go together. */
  const touchTogether = (changed: PciAttachment): void => {
    for (const object of attachments.byIndex(byUnclaimedOn, changed.status?.nodeName ?? '')) {
      if (stubDomainOf(object) === stubDomainOf(changed)) claiming.enqueue(keyOf(object));
    }
  };
  const touchUnplaced = (): void => {
    for (const object of stubDomains.byIndex(byHost, '')) placement.enqueue(keyOf(object));
  };
  const touchDrain = (host: string | undefined): void => {
    if (host !== undefined && hosts.get(host)?.spec.drain !== undefined) health.enqueue(host);
  };

  const onHost = (name: string, before: XenHost | undefined, after: XenHost | undefined): void => {
    health.enqueue(name);
    if (after === undefined && before !== undefined) {
      overlays.hosts.forget(before.metadata.uid);
      silenced.delete(before.metadata.uid);
    }
    for (const uuid of guestsThatMoved(before, after)) {
      for (const object of stubDomains.byIndex(byTarget, uuid)) placement.enqueue(keyOf(object));
    }
    touchUnplaced();
    touchWaiting(name);
    if (!isPolicyChange(before, after)) return;
    touchHost(name);
    // While the host was said to be dead they were told of none.
    for (const object of stubDomains.byIndex(byHost, name)) {
      for (const attachment of attachments.byIndex(byStubDomain, keyOf(object))) {
        if (!isClaimed(attachment)) claiming.enqueue(keyOf(attachment));
      }
    }
  };
  const onStubDomain = (key: string, before: StubDomain | undefined, after: StubDomain | undefined): void => {
    const [from, to] = [before?.status?.nodeName, after?.status?.nodeName];
    const { uid } = (after ?? before)?.metadata ?? {};
    if (uid !== undefined && (after === undefined || to !== undefined)) assumed.forget(uid);
    if (after === undefined && before !== undefined) {
      overlays.domains.forget(before.metadata.uid);
      silenced.delete(before.metadata.uid);
      // Its room can help one that found none.
      if (from !== undefined) touchUnplaced();
    }
    placement.enqueue(key);
    touchDrain(from);
    if (to !== from) touchDrain(to);
    const isLeftAlone = (object: StubDomain | undefined): boolean => isReconcilePaused(object);
    const same = before !== undefined && after !== undefined && isLeftAlone(before) === isLeftAlone(after);
    if (from === to && same) return;
    for (const attachment of attachments.byIndex(byStubDomain, key)) claiming.enqueue(keyOf(attachment));
  };
  const onAttachment = (key: string, before: PciAttachment | undefined, after: PciAttachment | undefined): void => {
    if (after !== undefined) {
      claims.observe(after);
      const { generation } = after.metadata;
      if (before?.metadata.generation !== generation || before?.status?.address !== after.status?.address) {
        touchTogether(after);
        touchPlacementOf(after);
      }
    } else if (before !== undefined) {
      overlays.attachments.forget(before.metadata.uid);
      claims.forget(before.metadata.uid);
      silenced.delete(before.metadata.uid);
      touchWaiting(before.status?.nodeName);
      if (before.status?.address !== undefined) touchUnplaced();
      touchPlacementOf(before);
    }
    // On the host where it was it asks for nothing any more.
    const from = before?.status?.nodeName;
    if (from !== undefined && after !== undefined && from !== after.status?.nodeName) touchWaiting(from);
    touchDrain((after ?? before)?.status?.nodeName);
    claiming.enqueue(key);
  };
  /** What devices it asks for decides where a stub domain without a host can go. */
  const touchPlacementOf = (attachment: PciAttachment): void => {
    const object = stubDomains.get(stubDomainOf(attachment));
    if (object !== undefined && object.status?.nodeName === undefined) placement.enqueue(keyOf(object));
  };

  const manager = createManager({ clock, logger, stopDeadlineMs });
  manager.add('connections', { name: 'events', start: () => {}, stop: () => events.stop() });
  for (const informer of informers) manager.add('caches', informerComponent(informer));
  manager.add('caches', {
    name: 'host-leases',
    start: () => {
      leases.start();
    },
    stop: async () => {
      leases.stop();
    },
  });
  for (const one of [placement, claiming, health]) {
    manager.add('controllers', {
      name: one.name,
      start: () => {
        one.start();
      },
      stop: (deadlineMs) => one.stop(deadlineMs),
    });
  }

  return {
    start: async () => {
      hosts.onChange(onHost);
      stubDomains.onChange(onStubDomain);
      attachments.onChange(onAttachment);
      await manager.start();
      leading = true;
    },
    stop: async () => {
      leading = false;
      await manager.stop();
    },
    readiness: () => {
      const reasons = informerReasons(informers);
      return { ready: reasons.length === 0, reasons: [...new Set(reasons)] };
    },
  };
}

/** What is counted of an object. */
function counted({ kind, status }: StubDomain | PciAttachment | XenHost): ClusterObject {
  return { kind, ready: findCondition(status?.conditions, 'Ready')?.status ?? 'Unknown' };
}
