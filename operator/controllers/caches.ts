import { leaseNamespace } from '../api/names.ts';
import type { PciAttachment } from '../api/generated/pci-attachment.ts';
import type { StubDomain } from '../api/generated/stub-domain.ts';
import type { XenHost } from '../api/generated/xen-host.ts';
import { stubDomainOf } from '../domain/pci/asked-before.ts';
import { type InformerOptions, type RunningInformer, createInformer } from '../kube/informer.ts';
import type { Lease } from '../kube/lease.ts';
import { leases, pciAttachments, stubDomains, xenHosts } from '../kube/resources.ts';
import type { KubeObject } from '../kube/types.ts';
import { byWantedAddress, isClaimed } from './pci-attachment/reconcile.ts';
import { byGuest } from './stub-domain/reconcile.ts';

/** Index of objects by `status.nodeName`; of stub domains without one by the empty string. */
export const byHost = 'host';
/** Index of attachments by `namespace/name` of their StubDomain. */
export const byStubDomain = 'stubDomain';
/** Index of attachments without a device by their host, or by the empty string. */
export const byUnclaimedOn = 'unclaimedOn';
/** Index of stub domains by the uuid of their guest. */
export const byTarget = 'target';

/** What the controller knows of the cluster. */
export interface Caches {
  readonly stubDomains: RunningInformer<StubDomain>;
  readonly attachments: RunningInformer<PciAttachment>;
  readonly hosts: RunningInformer<XenHost>;
  readonly leases: RunningInformer<Lease>;
}

/** Makes the controller's informers; `options` are those that they have in common. */
export function createCaches(options: Omit<InformerOptions<KubeObject>, 'type' | 'indexes' | 'transform'>): Caches {
  return {
    stubDomains: createInformer<StubDomain>({
      ...options,
      type: stubDomains,
      indexes: {
        [byHost]: ({ status }) => [status?.nodeName ?? ''],
        [byTarget]: ({ spec }) => [spec.target.uuid],
      },
      transform: ({ apiVersion, kind, metadata, spec, status }) => ({
        apiVersion,
        kind,
        metadata,
        spec,
        ...(status === undefined ? {} : { status: lean(status, ['nodeName', 'phase', 'conditions']) }),
      }),
    }),
    attachments: createInformer<PciAttachment>({
      ...options,
      type: pciAttachments,
      indexes: {
        [byHost]: ({ status }) => (status?.nodeName === undefined ? [] : [status.nodeName]),
        [byStubDomain]: (attachment) => [stubDomainOf(attachment)],
        [byWantedAddress]: ({ spec }) => (spec.device.address === undefined ? [] : [spec.device.address]),
        [byUnclaimedOn]: (attachment) => (isClaimed(attachment) ? [] : [attachment.status?.nodeName ?? '']),
      },
    }),
    hosts: createInformer<XenHost>({
      ...options,
      type: xenHosts,
      indexes: { [byGuest]: ({ status }) => (status?.guests ?? []).map(({ uuid }) => uuid) },
    }),
    leases: createInformer<Lease>({ ...options, type: leases, namespace: leaseNamespace }),
  };
}

function lean<T extends object>(whole: T, keep: readonly (keyof T)[]): T {
  return Object.fromEntries(Object.entries(whole).filter(([key]) => keep.includes(key as keyof T))) as T;
}
