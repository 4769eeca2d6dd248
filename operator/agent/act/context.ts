import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import type { StubDomain } from '../../api/generated/stub-domain.ts';
import type { GuardedTransaction } from '../../domain/guarded-transaction.ts';
import type { Pin, StubNote } from '../../domain/notes.ts';
import type { Snapshot, TargetDomain } from '../../domain/snapshot.ts';
import type { Hypervisor } from '../../hypervisor/hypervisor.ts';
import type { Clock, Random } from '../../runtime/ports.ts';
import type { XenStore } from '../../xenstore/xenstore.ts';
import type { AgentMetrics } from '../agent-metrics.ts';
import type { DeviceInventory } from '../observe/device-inventory.ts';
import type { DomainInventory } from '../observe/domain-inventory.ts';
import type { KeyMemory } from '../observe/key-memory.ts';
import type { Turns } from './turns.ts';

/** Something that happened and that people may want to read in the object's events. */
export interface Happening {
  readonly uid: string;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

export interface CommitOptions {
  /** It makes or removes nodes in directories that all stub domains share; see `layOut`. */
  readonly shared?: boolean;
}

/** What carries out steps: the ports, and what the pass saw. */
export interface ActContext {
  readonly xenstore: XenStore;
  /**
   * A transaction that makes or removes nodes in directories that all stub domains share. One at a time on a host: a new
   * child is a change of its parent, so that two of them would meet a conflict (EAGAIN) for nothing.
   */
  readonly layOut: XenStore['transaction'];
  /** Commits a change if things still are as the pass saw them; throws `StaleSnapshotError` if not. */
  readonly commit: (change: GuardedTransaction, options?: CommitOptions) => Promise<void>;
  readonly hypervisor: Hypervisor;
  readonly domains: DomainInventory;
  readonly devices: DeviceInventory;
  readonly memory: KeyMemory;
  /** Of guests that the toolstack makes: each takes a pass for as long as a minute. */
  readonly creations: Turns;
  readonly snapshot: Snapshot;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics?: AgentMetrics | undefined;
  readonly happened: (happening: Happening) => void;
}

/** A step was decided on facts that no longer hold. The pass looks again; nothing was done. */
export class StaleSnapshotError extends Error {
  constructor(what: string) {
    super(`the snapshot is stale: ${what}`);
    this.name = 'StaleSnapshotError';
  }
}

function known<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new StaleSnapshotError(`${what} is gone`);
  return value;
}

export const objectOf = ({ snapshot }: ActContext): StubDomain => known(snapshot.object, 'the object');
export const targetOf = ({ snapshot }: ActContext): TargetDomain => known(snapshot.target, 'the guest');
export const stubOf = ({ snapshot }: ActContext): Pin => known(snapshot.stub, 'the stub domain');
export const noteOf = ({ snapshot }: ActContext): StubNote => known(snapshot.note, 'the note');

export function attachmentOf({ snapshot }: ActContext, uid: string): PciAttachment {
  return known(
    snapshot.attachments.find((attachment) => attachment.metadata.uid === uid),
    'the attachment',
  );
}

/** The uuid under which the notes are kept: the guest's, as the spec or the note has it. */
export function targetUuidOf({ snapshot }: ActContext): string {
  return known(snapshot.object?.spec.target.uuid ?? snapshot.note?.target.uuid, 'the guest');
}

/** The two domids and uuids, alone: what is written down. */
export const pinOf = ({ domid, uuid }: Pin): Pin => ({ domid, uuid });

/** A random UUID, version 4. */
export function randomUuid(random: Random): string {
  const bytes = Array.from({ length: 16 }, () => Math.floor(random() * 256));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
