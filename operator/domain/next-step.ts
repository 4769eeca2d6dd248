import type { PciAttachment } from '../api/generated/pci-attachment.ts';
import type { ChannelPhase, ChannelTimeouts } from './command-channel/channel.ts';
import { channelPhase, lookAtChannel } from './command-channel/look.ts';
import type { ChannelEffect } from './command-channel/machine.ts';
import { claimStep, dropBackendStep, enlistStep, insertStep, readyStep } from './pci/attach-step.ts';
import { heirOf } from './pci/heir.ts';
import { removalStep } from './pci/removal-step.ts';
import { isIn } from './pci/slot.ts';
import type { Snapshot } from './snapshot.ts';
import type { Plan } from './step.ts';
import { isReconcilePaused } from './reconcile-pause.ts';
import { ownGuest } from './stub-domain/adoption.ts';
import { lifecycleStep } from './stub-domain/lifecycle-step.ts';
import { runStateStep, savedStateStep } from './stub-domain/run-state-step.ts';
import { isUnknown, unknownRetryMs } from './stub-domain/unknown-domains.ts';
import { heldUntil } from './step-owner.ts';
import { isDeleting, isWanted, noteOf } from './wanted.ts';

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
}

/** The first plan with a step that may be taken now; else a wait for the earliest of all times. */
function firstOf(plans: Iterable<Plan>, snapshot: Snapshot): Plan {
  const wakes: (number | undefined)[] = [];
  for (const plan of plans) {
    const held = plan.step === undefined ? undefined : heldUntil(snapshot, plan.step);
    if (plan.step !== undefined && held === undefined) return plan;
    wakes.push(held ?? (plan.step === undefined ? plan.wakeAt : undefined));
    // Nothing new is begun before the old stub domain is ended.
    if (plan.step?.do === 'teardown') break;
  }
  return { step: undefined, wakeAt: earliest(wakes) };
}

const wait = (wakeAt?: number): Plan => ({ step: undefined, wakeAt });

function channelStep(effect: ChannelEffect | undefined): Plan {
  if (effect === undefined || effect.do === 'submit') return wait();
  return effect.do === 'wake' ? wait(effect.at) : { step: effect };
}

function* removals(snapshot: Snapshot, channel: ChannelPhase | undefined): Generator<Plan> {
  const byUid = new Map(snapshot.attachments.map((attachment) => [attachment.metadata.uid, attachment]));
  for (const [address, note] of snapshot.pciNotes) {
    const attachment = byUid.get(note.owner);
    if (attachment !== undefined && (isWanted(snapshot, attachment) || isReconcilePaused(attachment))) continue;
    const heir = heirOf(snapshot, address, note);
    yield heir === undefined
      ? removalStep(snapshot, channel, address, note, attachment)
      : { step: { do: 'handOver', uid: heir.metadata.uid, address } };
  }
}

function* attachments(snapshot: Snapshot, channel: ChannelPhase | undefined): Generator<Plan> {
  yield* grants(snapshot, isReconcilePaused);
  const wanted = snapshot.attachments.filter((one) => isWanted(snapshot, one) && !isReconcilePaused(one));
  yield claimStep(snapshot, wanted);
  for (const attachment of wanted) yield readyStep(snapshot, attachment);
  yield dropBackendStep(snapshot);
  yield enlistStep(snapshot, wanted);
  if (snapshot.object?.spec.runState === 'Paused') return;
  for (const attachment of wanted) yield insertStep(snapshot, channel, attachment);
}

/** A device that the device model has put into the guest gets its grants, whoever is left alone: without them it is of no use. */
function* grants(snapshot: Snapshot, which: (attachment: PciAttachment) => boolean): Generator<Plan> {
  for (const attachment of snapshot.attachments) {
    if (!isWanted(snapshot, attachment) || !which(attachment)) continue;
    const plan = readyStep(snapshot, attachment);
    if (plan.step?.do === 'grant') yield plan;
  }
}

/** Finalizers: on before anything is done, off when everything is undone. */
function* finalizers(snapshot: Snapshot, finalizer: string): Generator<Plan> {
  const { object } = snapshot;
  if (object !== undefined && !isDeleting(object) && object.metadata.finalizers?.includes(finalizer) !== true) {
    yield { step: { do: 'addFinalizer', kind: 'StubDomain', uid: object.metadata.uid } };
  }
  for (const attachment of snapshot.attachments) {
    if (isReconcilePaused(attachment)) continue;
    const { uid, finalizers: held } = attachment.metadata;
    const has = held?.includes(finalizer) === true;
    if (isDeleting(attachment)) {
      if (has && noteOf(snapshot, attachment) === undefined) {
        yield { step: { do: 'removeFinalizer', kind: 'PciAttachment', uid } };
      }
    } else if (!has && isWanted(snapshot, attachment)) {
      yield { step: { do: 'addFinalizer', kind: 'PciAttachment', uid } };
    }
  }
}

/** Until when the devices of a stub domain that is being deleted may take to leave. */
function leaveDeadline(snapshot: Snapshot): number {
  const seconds = Math.max(0, ...snapshot.attachments.map((attachment) => attachment.spec.removalTimeoutSeconds));
  return (snapshot.memory.deletingSince ?? snapshot.now) + seconds * 1000;
}

/** Whether a guest runs that was started for the object, which is being deleted. */
function endsGuest(snapshot: Snapshot): boolean {
  const ends = snapshot.object?.spec.deletionPolicy === 'Destroy' && snapshot.target !== undefined;
  return ends && ownGuest(snapshot) !== undefined;
}

/**
 * An adopted stub domain lives on, and its back end with it: what the guest did not let go of is taken out of both before the
 * stub domain is let go of, or it could still reach the device when another guest has it.
 */
function takeFromAdopted({ note, stub, target, pciNotes, attachments }: Snapshot): Plan | undefined {
  if (note?.adopted !== true || stub === undefined || target === undefined) return undefined;
  const leftAlone = new Set(attachments.filter(isReconcilePaused).map(({ metadata }) => metadata.uid));
  const theirs = [...pciNotes].filter(([, { owner }]) => !leftAlone.has(owner));
  const [address] = theirs.find(([, pci]) => isIn(pci)) ?? [];
  if (address !== undefined) return { step: { do: 'abandonRemoval', address, forced: { by: 'gone' } } };
  return theirs.length > 0 ? wait() : undefined;
}

/** The end of the stub domain: first its devices leave, as long as somebody can let them go; then it is taken down. */
function deletionStep(snapshot: Snapshot, channel: ChannelPhase | undefined, finalizer: string): Plan {
  const { object } = snapshot;
  if (object === undefined || !isDeleting(object)) return wait();
  const { uid, finalizers: held } = object.metadata;
  const ours = snapshot.note?.owner === uid;
  if (ours && object.spec.deletionPolicy === 'Orphan') {
    return channel?.kind === 'await' ? wait(channel.deadline) : { step: { do: 'forget' } };
  }
  if (ours) {
    const answers = channel !== undefined && snapshot.stub !== undefined && snapshot.target !== undefined;
    const canLeave = answers && snapshot.channel?.state !== 'Absent' && snapshot.channel?.state !== 'paused';
    const deadline = leaveDeadline(snapshot);
    if (canLeave && snapshot.pciNotes.size > 0 && snapshot.now < deadline) return wait(deadline);
    const taken = endsGuest(snapshot) ? undefined : takeFromAdopted(snapshot);
    if (taken !== undefined) return taken;
    return { step: endsGuest(snapshot) ? { do: 'endGuest' } : { do: 'teardown', because: 'deleted' } };
  }
  if (endsGuest(snapshot)) return { step: { do: 'endGuest' } };
  const { note, last, saved, enumerated, guestNote, pciNotes } = snapshot;
  const noted = last ?? saved ?? enumerated ?? guestNote;
  if (note === undefined && noted !== undefined && pciNotes.size === 0) return { step: { do: 'sweep' } };
  return held?.includes(finalizer) === true ? { step: { do: 'removeFinalizer', kind: 'StubDomain', uid } } : wait();
}

function* plans(snapshot: Snapshot, finalizer: string, timeouts?: ChannelTimeouts): Generator<Plan> {
  const channel = channelPhase(snapshot, timeouts);
  if (isUnknown(snapshot)) {
    yield wait(snapshot.now + unknownRetryMs);
    return;
  }
  if (isReconcilePaused(snapshot.object)) {
    yield channelStep(lookAtChannel(snapshot, timeouts)?.effects[0]);
    yield* grants(snapshot, () => true);
    return;
  }
  yield* finalizers(snapshot, finalizer);
  if (snapshot.object?.spec.flavor === 'Linux') {
    // It says that it runs on the same node, and takes its commands elsewhere.
    yield deletionStep(snapshot, channel, finalizer);
    yield lifecycleStep(snapshot);
    return;
  }
  yield channelStep(lookAtChannel(snapshot, timeouts)?.effects[0]);
  if (
    snapshot.object !== undefined &&
    isDeleting(snapshot.object) &&
    snapshot.object.spec.deletionPolicy === 'Destroy'
  ) {
    yield* removals(snapshot, channel);
  }
  yield deletionStep(snapshot, channel, finalizer);
  yield lifecycleStep(snapshot);
  yield* removals(snapshot, channel);
  yield savedStateStep(snapshot, channel);
  yield runStateStep(snapshot, channel);
  yield* attachments(snapshot, channel);
}

/**
 * What to do next for a stub domain and its attachments: one step, or nothing until something changes. The order is the
 * priority: what was begun is ended first, devices leave before others come, and a device never comes while another is
 * on its way out, since the channel is not idle then.
 */
export function nextStep(snapshot: Snapshot, finalizer: string, timeouts?: ChannelTimeouts): Plan {
  return firstOf(plans(snapshot, finalizer, timeouts), snapshot);
}
