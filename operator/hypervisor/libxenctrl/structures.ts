import { HypervisorError } from '../hypervisor.ts';
import { firstReservedDomid } from './arguments.ts';
import type { DomainInfoLayout, PhysicalInfoLayout } from './interface-versions.ts';

/** Why a domain shut down (`SHUTDOWN_*` of Xen's public/sched.h); a number that Xen does not have is `other`. */
export type ShutdownReason = 'poweroff' | 'reboot' | 'suspend' | 'crash' | 'watchdog' | 'soft-reset' | 'other';

/** A domain as the hypervisor has it: without a name, which only XenStore has. */
export interface XenDomainInfo {
  readonly domid: number;
  /** The handle that its toolstack gave it, as text in lower case. */
  readonly uuid: string;
  /** An HVM or a PVH guest; otherwise a PV one. */
  readonly hvm: boolean;
  readonly paused: boolean;
  /** It is destroyed, and some of its memory is still held. */
  readonly dying: boolean;
  readonly shutdown: boolean;
  /** If it is shut down. */
  readonly shutdownReason?: ShutdownReason;
  readonly memoryMiB: number;
}

/** Memory of the host. What a toolstack has claimed and not yet given to a domain is not free. */
export interface PhysicalMemory {
  readonly totalMiB: number;
  readonly freeMiB: number;
}

/** What the host can do. `directIo`: the IOMMU is on, so that devices can be given to guests. */
export interface HostCapabilities {
  readonly hvm: boolean;
  readonly directIo: boolean;
}

const pagesPerMiB = 256n;
const flag = { dying: 1, hvm: 2, shutdown: 4, paused: 8 } as const;
const shutdownReasonShift = 16;
const shutdownReasons: readonly ShutdownReason[] = ['poweroff', 'reboot', 'suspend', 'crash', 'watchdog', 'soft-reset'];
const capability = { hvm: 1, directIo: 4 } as const;
const canonicalUuid = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/;

/**
 * `count` domains, in the order of their domids, from `first` on. Throws `Failed` for what no hypervisor of the release
 * answers.
 */
export function decodeDomainInfos(bytes: Buffer, count: number, layout: DomainInfoLayout, first = 0): XenDomainInfo[] {
  if (count * layout.size > bytes.length) throw implausible('more domains than were asked for');
  let previous = first - 1;
  return Array.from({ length: count }, (_, index) => {
    const info = decodeDomainInfo(bytes.subarray(index * layout.size, (index + 1) * layout.size), layout);
    if (info.domid <= previous) throw implausible('domains out of order');
    previous = info.domid;
    return info;
  });
}

function decodeDomainInfo(bytes: Buffer, layout: DomainInfoLayout): XenDomainInfo {
  const domid = bytes.readUInt16LE(layout.domain);
  if (domid >= firstReservedDomid) throw implausible('a domid that no domain has');
  const flags = bytes.readUInt32LE(layout.flags);
  const has = (bit: number): boolean => (flags & bit) !== 0;
  return {
    domid,
    uuid: bytes.toString('hex', layout.handle, layout.handle + 16).replace(canonicalUuid, '$1-$2-$3-$4-$5'),
    hvm: has(flag.hvm),
    paused: has(flag.paused),
    dying: has(flag.dying),
    shutdown: has(flag.shutdown),
    ...(has(flag.shutdown)
      ? { shutdownReason: shutdownReasons[(flags >>> shutdownReasonShift) & 255] ?? 'other' }
      : {}),
    memoryMiB: miBOf(bytes.readBigUInt64LE(layout.totalPages)),
  };
}

/** The host's memory, of the bytes of a `struct xen_sysctl_physinfo`. Throws `Failed` if there is more free than there is. */
export function decodePhysicalMemory(bytes: Buffer, layout: PhysicalInfoLayout): PhysicalMemory {
  const total = bytes.readBigUInt64LE(layout.totalPages);
  const free = bytes.readBigUInt64LE(layout.freePages);
  const outstanding = bytes.readBigUInt64LE(layout.outstandingPages);
  if (free > total) throw implausible('more free memory than the host has');
  return { totalMiB: miBOf(total), freeMiB: miBOf(outstanding > free ? 0n : free - outstanding) };
}

/** What the host can do, of the same bytes. */
export function decodeCapabilities(bytes: Buffer, layout: PhysicalInfoLayout): HostCapabilities {
  const bits = bytes.readUInt32LE(layout.capabilities);
  return { hvm: (bits & capability.hvm) !== 0, directIo: (bits & capability.directIo) !== 0 };
}

function miBOf(pages: bigint): number {
  const miB = pages / pagesPerMiB;
  if (miB > BigInt(Number.MAX_SAFE_INTEGER)) throw implausible('more memory than there can be');
  return Number(miB);
}

function implausible(what: string): HypervisorError {
  return new HypervisorError(
    'Failed',
    `The hypervisor's answer cannot be right: ${what}. Its libxenctrl is not the one of its release: install Xen's tools of the release that runs, or restart the host.`,
  );
}
