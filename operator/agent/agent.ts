import { findCondition } from '../api/conditions.ts';
import { agentManager, leaseNamespace } from '../api/names.ts';
import type { Reason } from '../api/reasons.ts';
import type { PciAttachment } from '../api/generated/pci-attachment.ts';
import type { StubDomain } from '../api/generated/stub-domain.ts';
import type { XenHost } from '../api/generated/xen-host.ts';
import type { Hypervisor } from '../hypervisor/hypervisor.ts';
import { isConflict } from '../kube/errors.ts';
import { createEventRecorder } from '../kube/events.ts';
import { informerComponent } from '../kube/informer-component.ts';
import { informerReasons } from '../kube/informer-readiness.ts';
import { createInformer } from '../kube/informer.ts';
import { createHeartbeat } from '../kube/lease.ts';
import type { KubeMetrics } from '../kube/metrics.ts';
import { keyOf, pciAttachments, stubDomains, xenHosts } from '../kube/resources.ts';
import type { KubeClient, KubeWatcher } from '../kube/types.ts';
import { type ControllerMetrics, createController } from '../runtime/controller.ts';

import { createManager } from '../runtime/manager.ts';
import type { Clock, Logger, Random } from '../runtime/ports.ts';
import type { Readiness } from '../runtime/probes.ts';
import { withResync } from '../runtime/resync.ts';
import { isXenStoreError } from '../xenstore/errors.ts';
import type { XenStore } from '../xenstore/xenstore.ts';
import type { AgentMetrics, CountedObject } from './agent-metrics.ts';
import { HostReporter } from './host/host-reporter.ts';
import { DeviceInventory } from './observe/device-inventory.ts';
import { DomainInventory } from './observe/domain-inventory.ts';
import { StubWatches } from './observe/stub-watches.ts';
import { StubDomainReconciler, byStubDomain, byUid, stubDomainKey } from './reconcile/stub-domain.ts';

const heartbeatSeconds = 40;
const startRetryMs = 1000;
const stopDeadlineMs = 15_000;

/** Why a device is not inserted, where another toolstack or the host's administrator can clear the way. */
const hindrances: ReadonlySet<string> = new Set<Reason>(['DeviceInUse', 'DeviceNotFound', 'DeviceNotAssignable']);

/** Why a stub domain is not there, where another domain that comes or goes may be the reason. */
const waitsForStub: ReadonlySet<string> = new Set<Reason>(['TargetTaken', 'NoStubDomain']);

export interface AgentOptions {
  /** Name of the XenHost that this agent answers for. */
  readonly nodeName: string;
  readonly kube: KubeClient & KubeWatcher;
  readonly xenstore: XenStore;
  readonly hypervisor: Hypervisor;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Version to report. */
  readonly version: string;
  /** Passes at the same time. Default 16. */
  readonly concurrency?: number;
  readonly metrics?: (controller: string, concurrency: number) => ControllerMetrics;
  readonly protocolMetrics?: AgentMetrics;
  readonly kubeMetrics?: KubeMetrics;
}

/** The program of one Xen host: it makes the StubDomains that are bound to the host true. */
export interface Agent {
  /** Resolves when it works: XenStore and hypervisor answer, and the informers are synced. */
  start(): Promise<void>;
  /** Ends it in the reverse order of the start: the heartbeat beats until no pass runs any more. */
  stop(): Promise<void>;
  readiness(): Readiness;
}

/** Makes the agent. Nothing runs before `start`; the ports stay the caller's to close. */
export function createAgent(options: AgentOptions): Agent {
  const { nodeName, kube, xenstore, hypervisor, clock, random, logger } = options;
  const stopping = new AbortController();
  const { kubeMetrics } = options;
  const cached = {
    client: kube,
    clock,
    random,
    logger,
    ...(kubeMetrics === undefined ? {} : { metrics: kubeMetrics.informers }),
  };
  const onHost = { fieldSelector: `status.nodeName=${nodeName}` };
  const domainsOfHost = createInformer<StubDomain>({
    ...cached,
    ...onHost,
    type: stubDomains,
    indexes: { [byUid]: ({ metadata }) => [metadata.uid] },
  });
  const attachmentsOfHost = createInformer<PciAttachment>({
    ...cached,
    ...onHost,
    type: pciAttachments,
    indexes: { [byStubDomain]: (attachment) => [stubDomainKey(attachment)] },
  });
  const hosts = createInformer<XenHost>({ ...cached, type: xenHosts, fieldSelector: `metadata.name=${nodeName}` });
  const informers = [domainsOfHost, attachmentsOfHost, hosts];

  const domains = new DomainInventory(hypervisor, logger);
  const devices = new DeviceInventory(hypervisor, clock, logger);
  const events = createEventRecorder({
    client: kube,
    clock,
    logger,
    component: agentManager,
    instance: nodeName,
    ...(kubeMetrics === undefined ? {} : { onDrop: kubeMetrics.onDrop }),
  });
  const heartbeat = createHeartbeat({
    client: kube,
    clock,
    random,
    logger,
    claim: { namespace: leaseNamespace, name: nodeName, holder: nodeName, durationSeconds: heartbeatSeconds },
  });
  const watches = new StubWatches(
    xenstore,
    (key, delayMs) => {
      if (delayMs === 0) objects.enqueue(key);
      else objects.enqueueAfter(key, delayMs);
    },
    () => clock.monotonic(),
  );
  const reconciler = new StubDomainReconciler({
    kube,
    xenstore,
    hypervisor,
    stubDomains: domainsOfHost,
    attachments: attachmentsOfHost,
    domains,
    devices,
    watches,
    events,
    metrics: options.protocolMetrics,
    clock,
    random,
    logger,
  });
  options.protocolMetrics?.observeXenStore(() => xenstore.stats);
  options.protocolMetrics?.observeObjects(() => [
    ...domainsOfHost.list().map(counted('StubDomain')),
    ...attachmentsOfHost.list().map(counted('PciAttachment')),
  ]);
  let inventoryLoaded = false;
  const reporter = new HostReporter({
    ...options,
    hosts,
    domains,
    devices,
    events,
    inventoryLoaded: () => inventoryLoaded,
    rebooted: () => {
      touchAll();
    },
  });
  const concurrency = options.concurrency ?? 16;
  const isRoutine = (error: unknown): boolean =>
    isConflict(error) || isXenStoreError(error, 'EDISCONNECTED', 'ECLOSED');
  const runs = { clock, random, logger, isRoutine };
  const objects = createController({
    ...runs,
    name: 'stub-domain-agent',
    concurrency,
    reconcile: async (key, context) =>
      withResync(await reconciler.reconcile(key, context), domainsOfHost.get(key) !== undefined, random),
    errorBackOff: { baseMs: 20, maxMs: 60_000 },
    metrics: options.metrics?.('stub-domain-agent', concurrency),
  });
  const host = createController({
    ...runs,
    name: 'host-agent',
    concurrency: 1,
    reconcile: () => reporter.reconcile(),
    errorBackOff: { baseMs: 200, maxMs: 30_000 },
    metrics: options.metrics?.('host-agent', 1),
  });
  /** Before the first look at the host succeeded or failed, there is nothing to report. */
  let hasLooked = false;
  const touchHost = (): void => {
    if (hasLooked) host.enqueueAfter(nodeName, reporter.delayMs());
  };
  const touchAll = (): void => {
    for (const object of domainsOfHost.list()) objects.enqueue(keyOf(object));
    for (const attachment of attachmentsOfHost.list()) objects.enqueue(stubDomainKey(attachment));
  };
  const touchGuests = (uuids: ReadonlySet<string>): void => {
    for (const object of domainsOfHost.list()) {
      const { spec, status } = object;
      const waits = status?.conditions?.some(({ type, reason }) => type === 'Ready' && waitsForStub.has(reason));
      const concerned = uuids.has(spec.target.uuid) || uuids.has(status?.uuid ?? '') || waits === true;
      if (concerned) objects.enqueue(keyOf(object));
    }
  };

  /** Attachments that something else on the host stood in the way of. */
  const touchHindered = (): void => {
    for (const attachment of attachmentsOfHost.list()) {
      const inserted = attachment.status?.conditions?.find(({ type }) => type === 'Inserted');
      if (hindrances.has(inserted?.reason ?? '')) objects.enqueue(stubDomainKey(attachment));
    }
  };

  const subscribe = (): void => {
    domainsOfHost.onChange((key, before, after) => {
      if (after === undefined && before !== undefined) {
        reconciler.forgetObject(before.metadata.uid);
        // Another object may wait for the guest.
        touchGuests(new Set([before.spec.target.uuid]));
      }
      objects.enqueue(key);
    });
    attachmentsOfHost.onChange((_, before, after) => {
      if (after === undefined && before !== undefined) reconciler.forgetObject(before.metadata.uid);
      for (const attachment of [before, after])
        if (attachment !== undefined) objects.enqueue(stubDomainKey(attachment));
    });
    hosts.onChange(touchHost);
    domains.onChange((uuids) => {
      touchGuests(uuids);
      touchHost();
    });
    devices.onChange(() => {
      touchHost();
      touchHindered();
    });
    xenstore.onStateChange((state) => {
      touchHost();
      if (state === 'connected') touchAll();
    });
  };

  const loadInventory = async (): Promise<void> => {
    await xenstore.connected(stopping.signal);
    await domains.start(xenstore);
    while (!domains.loaded) {
      stopping.signal.throwIfAborted();
      // The host says what is wrong with it all the same.
      hasLooked = true;
      touchHost();
      await new Promise<void>((resolve) => clock.setTimer(startRetryMs, resolve));
      await domains.refresh();
    }
    await devices.start();
    inventoryLoaded = true;
  };

  watches.onChange((path) => {
    if (!path.startsWith('/libxl/pci')) return;
    touchHost();
    touchHindered();
    // As xl pci-assignable-add and -remove write them.
    if (/\/(?:driver_path|name)$/.test(path)) void devices.refresh();
  });

  const manager = createManager({ clock, logger, stopDeadlineMs });
  manager.add('connections', { name: 'events', start: () => {}, stop: () => events.stop() });
  // It beats from before anything is looked at until everything has come to its end.
  manager.add('connections', {
    name: 'heartbeat',
    start: () => {
      heartbeat.start();
    },
    stop: () => heartbeat.stop(),
  });
  for (const informer of informers) manager.add('caches', informerComponent(informer));
  manager.add('caches', {
    name: 'inventory',
    start: async () => {
      await loadInventory();
      watches.start();
    },
    stop: async () => {
      devices.stop();
      await Promise.allSettled([watches.stop(), domains.stop()]);
    },
  });
  // The host is reported from the inventory's first failure on, beside its next tries.
  for (const [stage, controller] of [
    ['caches', host],
    ['controllers', objects],
  ] as const) {
    manager.add(stage, {
      name: controller.name,
      start: () => {
        controller.start();
      },
      stop: (deadlineMs) => controller.stop(deadlineMs),
    });
  }

  return {
    start: async () => {
      subscribe();
      await manager.start();
      hasLooked = true;
      touchHost();
    },
    stop: async () => {
      stopping.abort(new Error('the agent stops'));
      await manager.stop();
    },
    readiness: () => {
      const reasons = [
        ...(xenstore.state === 'connected' ? [] : ['no link to XenStore']),
        ...(domains.loaded && domains.error === undefined ? [] : ['the hypervisor does not answer']),
        // Sooner than the silence of its watches, this tells that it is cut off from its objects, and called lost by others.
        ...(heartbeat.lastRenewedAgeMs() > heartbeatSeconds * 1000 ? ['the Lease of the host is not renewed'] : []),
        ...informerReasons(informers),
      ];
      return { ready: reasons.length === 0, reasons: [...new Set(reasons)] };
    },
  };
}

/** What is counted of an object. */
function counted(kind: CountedObject['kind']): (object: StubDomain | PciAttachment) => CountedObject {
  return ({ status }) => ({ kind, ready: findCondition(status?.conditions, 'Ready')?.status ?? 'Unknown' });
}
