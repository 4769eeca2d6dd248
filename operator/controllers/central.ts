import { findCondition } from '../api/conditions.ts';
import { leaseNamespace } from '../api/names.ts';
import type { PciAttachment } from '../api/generated/pci-attachment.ts';
import type { StubDomain } from '../api/generated/stub-domain.ts';
import type { XenHost } from '../api/generated/xen-host.ts';
import { stubDomainOf } from '../domain/pci/asked-before.ts';
import { isConflict } from '../kube/errors.ts';
import { informerReasons } from '../kube/informer-readiness.ts';
import { createInformer } from '../kube/informer.ts';
import type { Lease } from '../kube/lease.ts';
import type { KubeMetrics } from '../kube/metrics.ts';
import { Overlay } from '../kube/overlay.ts';
import { keyOf, leases, pciAttachments, stubDomains, xenHosts } from '../kube/resources.ts';
import type { KubeClient, KubeWatcher } from '../kube/types.ts';
import { type ControllerMetrics, createController } from '../runtime/controller.ts';
import type { Clock, Logger, Random } from '../runtime/ports.ts';
import type { Readiness } from '../runtime/probes.ts';
import type { CentralMetrics, ClusterObject } from './central-metrics.ts';
import { HostLeases } from './host-leases.ts';
import { ClaimTable } from './pci-attachment/claim-table.ts';
import { byWantedAddress, isClaimed, reconcilePciAttachment } from './pci-attachment/reconcile.ts';
import { reconcileStubDomain } from './stub-domain/reconcile.ts';
import { reconcileXenHost } from './xen-host/reconcile.ts';

const byHost = 'host';
const byStubDomain = 'stubDomain';

export interface CentralOptions {
  readonly kube: KubeClient & KubeWatcher;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics?: (controller: string, concurrency: number) => ControllerMetrics;
  readonly kubeMetrics?: KubeMetrics;
  readonly centralMetrics?: CentralMetrics;
}

/** The controller program: it decides where and which, and never touches a host. */
export interface Central {
  /** Resolves when the informers are synced and the controllers run. */
  start(): Promise<void>;
  stop(): Promise<void>;
  readiness(): Readiness;
}

/** Makes the controller. Nothing runs before `start`; the client stays the caller's to close. */
export function createCentral(options: CentralOptions): Central {
  const { kube, clock, random, logger } = options;
  const cached = {
    client: kube,
    clock,
    random,
    logger,
    ...(options.kubeMetrics === undefined ? {} : { metrics: options.kubeMetrics.informers }),
  };
  const domains = createInformer<StubDomain>({
    ...cached,
    type: stubDomains,
    indexes: { [byHost]: ({ status }) => (status?.nodeName === undefined ? [''] : [status.nodeName]) },
    transform: ({ apiVersion, kind, metadata, spec, status }) => ({
      apiVersion,
      kind,
      metadata,
      spec,
      ...(status === undefined ? {} : { status: lean(status, ['nodeName', 'phase', 'conditions']) }),
    }),
  });
  const attachments = createInformer<PciAttachment>({
    ...cached,
    type: pciAttachments,
    indexes: {
      [byHost]: ({ status }) => (status?.nodeName === undefined ? [] : [status.nodeName]),
      [byStubDomain]: ({ metadata, spec }) => [`${metadata.namespace ?? ''}/${spec.stubDomainRef.name}`],
      [byWantedAddress]: ({ spec }) => (spec.device.address === undefined ? [] : [spec.device.address]),
    },
  });
  const hosts = createInformer<XenHost>({ ...cached, type: xenHosts });
  const hostLeases = createInformer<Lease>({ ...cached, type: leases, namespace: leaseNamespace });
  const informers = [domains, attachments, hosts, hostLeases];

  const claims = new ClaimTable();
  const liveness = new HostLeases(hostLeases, clock, (host) => {
    health.enqueue(host);
    touchHost(host);
  });
  const domainOverlay = new Overlay();
  const silenced = new Set<string>();
  const attachmentOverlay = new Overlay();
  const runs = { clock, random, logger, isRoutine: isConflict };
  const concurrency = 8;
  const placement = createController({
    ...runs,
    name: 'stub-domain',
    concurrency,
    metrics: options.metrics?.('stub-domain', concurrency),
    reconcile: (key) =>
      reconcileStubDomain(key, {
        kube,
        stubDomains: domains,
        hosts,
        leases: liveness,
        overlay: domainOverlay,
        silenced,
        clock,
      }),
  });
  const claiming = createController({
    ...runs,
    name: 'pci-attachment',
    concurrency,
    metrics: options.metrics?.('pci-attachment', concurrency),
    reconcile: (key) =>
      reconcilePciAttachment(key, {
        kube,
        attachments,
        stubDomains: domains,
        hosts,
        leases: liveness,
        claims,
        overlay: attachmentOverlay,
        silenced,
        clock,
      }),
  });

  const health = createController({
    ...runs,
    name: 'xen-host',
    concurrency: 1,
    metrics: options.metrics?.('xen-host', 1),
    reconcile: (name) => reconcileXenHost(name, { kube, hosts, leases: liveness, clock }),
  });

  let leading = false;
  options.centralMetrics?.observe({
    leading: () => leading,
    hosts: () => hosts.list().map(({ metadata }) => liveness.liveness(metadata.name)),
    objects: () => [domains, attachments, hosts].flatMap((informer) => informer.list().map(counted)),
    removals: () => attachments.list().flatMap(({ status }) => status?.removingSince ?? []),
    now: () => clock.now(),
  });

  const touchHost = (host: string): void => {
    for (const object of domains.byIndex(byHost, host)) placement.enqueue(keyOf(object));
    for (const object of attachments.byIndex(byHost, host)) claiming.enqueue(keyOf(object));
  };
  const touchWaiting = (): void => {
    for (const object of attachments.list()) if (!isClaimed(object)) claiming.enqueue(keyOf(object));
  };
  /** What a guest's other attachments are given can help: devices of one IOMMU group go together. */
  const touchTogether = (changed: PciAttachment): void => {
    for (const object of attachments.byIndex(byStubDomain, stubDomainOf(changed))) {
      if (!isClaimed(object)) claiming.enqueue(keyOf(object));
    }
  };
  /** What a host's change can help: stub domains without a host, and attachments without a device. */
  const touchUnplaced = (): void => {
    for (const object of domains.byIndex(byHost, '')) placement.enqueue(keyOf(object));
    touchWaiting();
  };

  const subscribe = (): void => {
    liveness.start();
    hosts.onChange(touchUnplaced);
    domains.onChange((key, before, after) => {
      if (after === undefined && before !== undefined) {
        domainOverlay.forget(before.metadata.uid);
        silenced.delete(before.metadata.uid);
      }
      placement.enqueue(key);
      if (before?.status?.nodeName === after?.status?.nodeName && before !== undefined && after !== undefined) return;
      for (const attachment of attachments.byIndex(byStubDomain, key)) claiming.enqueue(keyOf(attachment));
    });
    attachments.onChange((key, before, after) => {
      if (after !== undefined) {
        claims.observe(after);
        const { generation } = after.metadata;
        if (before?.metadata.generation !== generation || before?.status?.address !== after.status?.address) {
          touchTogether(after);
        }
      } else if (before !== undefined) {
        attachmentOverlay.forget(before.metadata.uid);
        claims.forget(before.metadata.uid);
        silenced.delete(before.metadata.uid);
        touchWaiting();
      }
      claiming.enqueue(key);
    });
  };

  return {
    start: async () => {
      subscribe();
      for (const informer of informers) informer.start();
      await Promise.all(informers.map((informer) => informer.synced()));
      placement.start();
      claiming.start();
      health.start();
      leading = true;
    },
    stop: async () => {
      leading = false;
      await Promise.all([placement.stop(5000), claiming.stop(5000), health.stop(5000)]);
      liveness.stop();
      await Promise.allSettled(informers.map((informer) => informer.stop()));
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

function lean<T extends object>(whole: T, keep: readonly (keyof T)[]): T {
  return Object.fromEntries(Object.entries(whole).filter(([key]) => keep.includes(key as keyof T))) as T;
}
