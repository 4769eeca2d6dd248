import { agentFinalizer, agentManager } from '../../api/names.ts';
import { type Condition, type ConditionDecision, kubeTime, stampConditions } from '../../api/conditions.ts';
import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import type { StubDomain } from '../../api/generated/stub-domain.ts';
import type { Reason } from '../../api/reasons.ts';
import { channelPhase } from '../../domain/command-channel/look.ts';
import { pciAttachmentConditions } from '../../domain/pci/conditions.ts';
import { pciAttachmentFacts } from '../../domain/pci/status.ts';
import type { Snapshot } from '../../domain/snapshot.ts';
import { stubDomainConditions } from '../../domain/stub-domain/conditions.ts';
import { stubDomainFacts } from '../../domain/stub-domain/status.ts';
import { type OwnedStatus, applyStatusIfChanged, ownedStatusDiffers } from '../../kube/apply-status.ts';
import { isConflict, isNotFound } from '../../kube/errors.ts';
import { pciAttachments, stubDomains } from '../../kube/resources.ts';
import type { KubeClient } from '../../kube/types.ts';
import type { Overlay } from '../../kube/overlay.ts';

/** Something on its way is only reported when it takes longer than that: most of it is over before. */
export const progressGraceMs = 2000;

const passing: ReadonlySet<Reason> = new Set<Reason>([
  'Wiring',
  'BackendsConnecting',
  'Starting',
  'NotRunning',
  'Pausing',
  'Resuming',
  'Progressing',
  'Inserting',
  'BackendPending',
  'UnitIncomplete',
  'Queued',
  'StubDomainNotReady',
  'CommandInFlight',
  'StaleState',
  'Deleting',
  'DomainDied',
  'XenStoreEmpty',
]);

const owned = {
  StubDomain: {
    fields: [
      'observedGeneration',
      'phase',
      'domid',
      'uuid',
      'targetDomid',
      'state',
      'disks',
      'nics',
      'consoles',
      'graphics',
      'pciDevices',
      'savedState',
      'restoredFrom',
      'command',
    ],
    conditions: ['Ready', 'TargetFound', 'DevicesWired', 'DeviceModelRunning', 'Paused', 'ChannelIdle', 'Stalled'],
  },
  PciAttachment: {
    fields: ['observedGeneration', 'phase', 'virtualDeviceFunction', 'originalDriver', 'removingSince', 'command'],
    conditions: ['Ready', 'BackendReady', 'Inserted', 'Removing', 'Stalled'],
  },
} as const satisfies Record<string, OwnedStatus>;

type Reported = StubDomain | PciAttachment;

/** A status is written so many times at once, then once in that time: what a stub domain says may change all the time. */
const writeBurst = 20;
const writeRefillMs = 2000;

/** Writes what a pass saw into the objects' statuses: only what changed, and only what lasts. */
export class StatusReporter {
  readonly #kube: KubeClient;
  readonly #overlay: Overlay;
  /** Since when an object's status would have said that something is on its way. By UID. */
  readonly #passingSince = new Map<string, number>();
  readonly #budgets = new Map<string, { readonly tokens: number; readonly at: number }>();

  constructor(kube: KubeClient, overlay: Overlay) {
    this.#kube = kube;
    this.#overlay = overlay;
  }

  forget(uid: string): void {
    this.#passingSince.delete(uid);
    this.#budgets.delete(uid);
  }

  /** When the object's status may be written; if that is now, the write is counted. */
  #spend(uid: string, now: number): number {
    const { tokens, at } = this.#budgets.get(uid) ?? { tokens: writeBurst, at: now };
    const left = Math.min(writeBurst, tokens + Math.max(0, now - at) / writeRefillMs);
    if (left < 1) return now + Math.ceil((1 - left) * writeRefillMs);
    this.#budgets.set(uid, { tokens: left - 1, at: now });
    return now;
  }

  /**
   * Reports all objects of the pass; gives the time (milliseconds since the epoch) to look again, if there is one. `lasts`:
   * what is on its way has been for long.
   */
  async report(snapshot: Snapshot, { lasts = false } = {}): Promise<number | undefined> {
    const graceMs = lasts ? 0 : progressGraceMs;
    const channel = channelPhase(snapshot);
    const wakes: (number | undefined)[] = [];
    const failures: unknown[] = [];
    const write = async (writing: Promise<number | undefined>): Promise<void> => {
      try {
        wakes.push(await writing);
      } catch (error) {
        failures.push(error);
      }
    };
    const { object } = snapshot;
    if (object !== undefined) {
      const decisions = stubDomainConditions(snapshot, channel);
      const facts = stubDomainFacts(snapshot, isTrue(decisions, 'Ready'), isTrue(decisions, 'Stalled'));
      await write(this.#apply('StubDomain', object, decisions, facts, snapshot.now, graceMs));
    }
    for (const attachment of snapshot.attachments) {
      const decisions = pciAttachmentConditions(snapshot, attachment, channel);
      const failed = snapshot.memory.attempts.has(attachment.metadata.uid);
      const facts = pciAttachmentFacts(snapshot, attachment, isTrue(decisions, 'Stalled'), failed);
      await write(this.#apply('PciAttachment', attachment, decisions, facts, snapshot.now, graceMs));
    }
    // One that the API server refuses shall not keep the others from being told.
    if (failures.length > 0) throw failures[0];
    const known = wakes.filter((wake) => wake !== undefined);
    return known.length === 0 ? undefined : Math.min(...known);
  }

  async #apply(
    kind: 'StubDomain' | 'PciAttachment',
    object: Reported,
    decisions: readonly ConditionDecision[],
    facts: object,
    now: number,
    graceMs: number,
  ): Promise<number | undefined> {
    const { uid, generation, deletionTimestamp, finalizers } = object.metadata;
    // Our part is done, and the object is on its way out.
    if (deletionTimestamp !== undefined && finalizers?.includes(agentFinalizer) !== true) return undefined;
    const previous = object.status?.conditions as Condition[] | undefined;
    const conditions = stampConditions(kind, decisions, previous, generation, kubeTime(now));
    const status = { ...(generation === undefined ? {} : { observedGeneration: generation }), ...facts, conditions };
    if (!ownedStatusDiffers(object.status, status, owned[kind])) {
      this.#passingSince.delete(uid);
      return undefined;
    }
    if (isPassing(decisions) && !loses(previous, decisions, generation)) {
      const since = this.#passingSince.get(uid) ?? now;
      this.#passingSince.set(uid, since);
      if (now < since + graceMs) return since + graceMs;
    } else {
      this.#passingSince.delete(uid);
    }
    const allowedAt = this.#spend(uid, now);
    if (allowedAt > now) return allowedAt;
    try {
      const written = await applyStatusIfChanged<Reported>({
        client: this.#kube,
        type: kind === 'StubDomain' ? stubDomains : pciAttachments,
        current: object,
        status,
        owned: owned[kind],
        fieldManager: agentManager,
      });
      this.#overlay.put(written);
    } catch (error) {
      // Deleted, or made again under its name: its own event brings what there is to do.
      if (!isNotFound(error) && !isConflict(error)) throw error;
    }
    return undefined;
  }
}

function isTrue(decisions: readonly ConditionDecision[], type: string): boolean {
  return decisions.some((decision) => decision.type === type && decision.status === 'True');
}

/** Whether what is shown as Ready, about this very spec, no longer is: that is never held back. */
function loses(
  previous: readonly Condition[] | undefined,
  decisions: readonly ConditionDecision[],
  generation: number | undefined,
): boolean {
  const shown = previous?.find(({ type }) => type === 'Ready');
  return shown?.status === 'True' && shown.observedGeneration === generation && !isTrue(decisions, 'Ready');
}

/** By Ready; the channel of an object that is Ready counts too, since a command may be under way for another. */
function isPassing(decisions: readonly ConditionDecision[]): boolean {
  const telling = ['Ready', 'ChannelIdle']
    .map((type) => decisions.find((decision) => decision.type === type))
    .find((decision) => decision !== undefined && decision.status !== 'True');
  return telling !== undefined && passing.has(telling.reason);
}
