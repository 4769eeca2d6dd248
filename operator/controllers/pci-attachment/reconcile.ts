import { decide, findCondition } from '../../api/conditions.ts';
import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import type { StubDomain } from '../../api/generated/stub-domain.ts';
import type { XenHost } from '../../api/generated/xen-host.ts';
import type { Reason } from '../../api/reasons.ts';
import { stubDomainOf } from '../../domain/pci/asked-before.ts';
import { type Claim, type ClaimsView, claimDevice } from '../../domain/pci/claim.ts';
import type { DeviceIdentity } from '../../domain/pci/device-identity.ts';
import { isSaidDead } from '../../domain/placement/fence.ts';
import { isReconcilePaused, pauseMessage } from '../../domain/reconcile-pause.ts';
import { isConflict, isNotFound } from '../../kube/errors.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { Overlay } from '../../kube/overlay.ts';
import { pciAttachments } from '../../kube/resources.ts';
import type { Informer, KubeClient } from '../../kube/types.ts';
import { type Action, done } from '../../runtime/action.ts';
import type { Clock } from '../../runtime/ports.ts';
import { type ControllerStatus, applyControllerStatus } from '../controller-status.ts';
import type { HostLeases } from '../host-leases.ts';
import { isReleased, letGo, releaseFromHost } from '../release.ts';
import type { ClaimTable } from './claim-table.ts';

/** Index of attachments by the `address` that their spec names. */
export const byWantedAddress = 'wantedAddress';

export interface PciAttachmentControllerOptions {
  readonly kube: KubeClient;
  readonly attachments: Informer<PciAttachment>;
  readonly stubDomains: Informer<StubDomain>;
  readonly hosts: Informer<XenHost>;
  readonly leases: HostLeases;
  readonly claims: ClaimTable;
  /** Gives free what the attachment with the uid has, for those who wait for it. */
  readonly unclaim: (uid: string) => void;
  readonly overlay: Overlay;
  readonly events: EventRecorder;
  /** See `applyControllerStatus`. */
  readonly silenced: Set<string>;
  readonly clock: Clock;
}

/** Claims one device for an attachment, for life, and exclusively in the whole cluster. */
export async function reconcilePciAttachment(key: string, options: PciAttachmentControllerOptions): Promise<Action> {
  const shown = options.attachments.get(key);
  if (shown === undefined) return done;
  const object = options.overlay.get(shown);
  try {
    if (object.metadata.deletionTimestamp !== undefined && object.status?.address === undefined) {
      const bound = object.status?.nodeName;
      if (bound === undefined || isToBeReleased(object, bound, options)) {
        await letGo(object, options.kube, pciAttachments);
      }
      return done;
    }
    const current = await released(object, options);
    if (current === undefined) return done;
    const status = decideStatus(current, options);
    // What was chosen for it in an earlier pass, and perhaps never written.
    if (status.fields['address'] === undefined) options.unclaim(object.metadata.uid);
    const { kube, clock, overlay, silenced } = options;
    overlay.put(await applyControllerStatus(kube, pciAttachments, current, status, clock.now(), silenced));
  } catch (error) {
    if (isNotFound(error)) return done;
    if (isConflict(error)) options.overlay.forget(object.metadata.uid);
    throw error;
  }
  return done;
}

/** Whether its host is dead and given up. What belongs to a stub domain that is left alone stays with that. */
function isToBeReleased(
  object: PciAttachment,
  bound: string,
  { hosts, leases, stubDomains }: PciAttachmentControllerOptions,
): boolean {
  if (isReconcilePaused(stubDomains.get(stubDomainOf(object)))) return false;
  return isReleased(object, hosts.get(bound), leases.liveness(bound));
}

/** The attachment without device and host, if that is dead and given up; undefined if it is gone with that. */
async function released(
  object: PciAttachment,
  options: PciAttachmentControllerOptions,
): Promise<PciAttachment | undefined> {
  const { hosts, overlay, unclaim } = options;
  const bound = object.status?.nodeName;
  if (bound === undefined || !isToBeReleased(object, bound, options)) return object;
  const free = await releaseFromHost(object, hosts.get(bound), {
    ...options,
    type: pciAttachments,
    sayLost: (one) => {
      // It may have been said before, and spoken against by an agent that could not renew.
      options.silenced.delete(one.metadata.uid);
      const { kube, clock, silenced } = options;
      return applyControllerStatus(kube, pciAttachments, one, decideStatus(one, options), clock.now(), silenced);
    },
  });
  unclaim(object.metadata.uid);
  if (free === undefined) return undefined;
  overlay.put(free);
  const { nodeName: _, address: __, device: ___, ...status } = free.status ?? {};
  return { ...free, status };
}

function unclaimed(reason: Reason, message: string, nodeName?: string): ControllerStatus {
  return {
    fields: nodeName === undefined ? {} : { nodeName },
    removed: nodeName === undefined ? ['nodeName', 'address', 'device'] : [],
    decisions: [decide('Claimed', 'False', reason, message)],
    placeholder: { status: 'False', reason, message },
    liveness: 'missing',
  };
}

function decideStatus(object: PciAttachment, options: PciAttachmentControllerOptions): ControllerStatus {
  const { stubDomains, hosts, leases } = options;
  const { name } = object.spec.stubDomainRef;
  const pinned = object.status?.address;
  const stubDomain = stubDomains.get(`${object.metadata.namespace ?? ''}/${name}`);
  // A device stays where it is pinned; without one, the attachment goes with its StubDomain.
  const nodeName = pinned === undefined ? stubDomain?.status?.nodeName : object.status?.nodeName;
  if (pinned === undefined && stubDomain === undefined) {
    return unclaimed(
      'StubDomainNotFound',
      `There is no StubDomain ${name} in this namespace. The device is claimed when there is.`,
    );
  }
  const paused = pinned === undefined ? (pauseMessage(object) ?? pauseMessage(stubDomain)) : undefined;
  if (paused !== undefined) return unclaimed('ReconcilePaused', paused, nodeName);
  if (pinned === undefined && nodeName !== undefined && isSaidDead(hosts.get(nodeName))) {
    return unclaimed('HostFenced', `${nodeName}, where StubDomain ${name} was, was declared dead.`);
  }
  if (nodeName === undefined) {
    return unclaimed('StubDomainNotScheduled', `StubDomain ${name} has no host yet; its conditions say why.`);
  }
  const host = hosts.get(nodeName);
  if (pinned === undefined && host === undefined) {
    return unclaimed('NoSuchHost', `XenHost ${nodeName} is not registered.`, nodeName);
  }
  const claim = keepOrClaim(object, nodeName, host, options);
  if (claim.address === undefined) return unclaimed(claim.reason, claim.message, nodeName);
  const { device } = claim;
  return {
    fields: { nodeName, address: claim.address, ...(device === undefined ? {} : { device }) },
    decisions: [
      decide('Claimed', 'True', 'Claimed', `${claim.address} on ${nodeName} is reserved for this attachment.`),
    ],
    placeholder: {
      status: 'Unknown',
      reason: 'AwaitingAgent',
      message: `The agent of ${nodeName} has not looked yet.`,
    },
    liveness: leases.liveness(nodeName),
  };
}

/** A device that stays where it is pinned. What it is, is not known of one that was pinned before that was noted. */
interface Kept {
  readonly address: string;
  readonly device: DeviceIdentity | undefined;
}

function identityAt(address: string, host: XenHost | undefined): DeviceIdentity | undefined {
  const device = host?.status?.pciDevices?.find((candidate) => candidate.address === address);
  return device === undefined ? undefined : { vendorID: device.vendorID, deviceID: device.deviceID };
}

/** What is known of the claims on a host. */
export function claimsOf(
  nodeName: string,
  { claims, attachments, stubDomains }: Pick<PciAttachmentControllerOptions, 'claims' | 'attachments' | 'stubDomains'>,
): ClaimsView {
  return {
    holderOf: (address) => claims.holderOf(nodeName, address),
    askersOf: (address) =>
      attachments
        .byIndex(byWantedAddress, address)
        .filter(
          (other) =>
            other.status?.address === undefined &&
            other.metadata.deletionTimestamp === undefined &&
            stubDomains.get(stubDomainOf(other))?.status?.nodeName === nodeName,
        ),
    guestOf: (attachment) => stubDomains.get(stubDomainOf(attachment))?.spec.target.uuid,
  };
}

function keepOrClaim(
  object: PciAttachment,
  nodeName: string,
  host: XenHost | undefined,
  options: PciAttachmentControllerOptions,
): Kept | Claim {
  const { claims } = options;
  const pinned = object.status?.address;
  if (pinned !== undefined) {
    claims.observe(object);
    const holder = claims.holder(nodeName, pinned, object);
    return holder === undefined
      ? { address: pinned, device: object.status?.device ?? identityAt(pinned, host) }
      : {
          address: undefined,
          reason: 'DeviceClaimed',
          message: `PciAttachment ${holder} has ${pinned} on ${nodeName}.`,
        };
  }
  if (host === undefined)
    return { address: undefined, reason: 'NoSuchHost', message: `XenHost ${nodeName} is not registered.` };
  const claim = claimDevice(object, host, claimsOf(nodeName, options));
  if (claim.address !== undefined) claims.reserve(nodeName, claim.address, object);
  return claim;
}

/** Whether the attachment has its device. */
export function isClaimed(attachment: PciAttachment): boolean {
  return findCondition(attachment.status?.conditions, 'Claimed')?.status === 'True';
}
