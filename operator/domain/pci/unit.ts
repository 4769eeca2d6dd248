import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import type { Snapshot } from '../snapshot.ts';
import { claimedAddress, isCurrent, isDeleting, isWanted, noteOf, wantedVdevfn } from '../wanted.ts';
import { askedBefore } from './asked-before.ts';
import { type Obstacle, attachmentObstacle, groupPending } from './attachment-obstacle.ts';
import { isSameCard } from './bdf.ts';
import { insertGate } from './gate.ts';
import { isReadied } from './readied.ts';
import { functionZeroIn, inSlot, isIn } from './slot.ts';

/** Of two that ask for one function: the one that has a device, else the one that asked first. */
function goesBefore(a: PciAttachment, b: PciAttachment): boolean {
  const [left, right] = [claimedAddress(a) !== undefined, claimedAddress(b) !== undefined];
  return left === right ? askedBefore(a, b) : left;
}

/**
 * The attachments that ask for one slot of the guest are a unit: the functions of one card. They are inserted from the
 * highest function down to 0, since the guest looks at the slot when function 0 comes, and then at all functions; and none
 * is inserted before all are ready, since none but function 0 can be taken out again (reference §3.4, §4.4, §4.5).
 */
export function unitOf(snapshot: Snapshot, { spec }: PciAttachment): PciAttachment[] {
  if (spec.virtualSlot === undefined) return [];
  return snapshot.attachments
    .filter((other) => other.spec.virtualSlot === spec.virtualSlot && !isDeleting(other))
    .sort((a, b) => b.spec.virtualFunction - a.spec.virtualFunction || (goesBefore(a, b) ? -1 : 1));
}

const nameOf = ({ metadata, spec }: PciAttachment): string =>
  `PciAttachment ${metadata.name} (function ${spec.virtualFunction})`;

const isInNow = (snapshot: Snapshot, attachment: PciAttachment): boolean => {
  const note = noteOf(snapshot, attachment);
  return note !== undefined && isIn(note) && isCurrent(snapshot, note);
};

/** Another device that has the same function of the slot, or is to have it. */
function taken(snapshot: Snapshot, attachment: PciAttachment, unit: readonly PciAttachment[]): Obstacle | undefined {
  if (isInNow(snapshot, attachment)) return undefined;
  const { virtualSlot: slot = 0, virtualFunction: fn } = attachment.spec;
  const where = `function ${fn} of slot ${slot}`;
  const vdevfn = wantedVdevfn(attachment);
  const holder = inSlot(snapshot, slot).find(({ note }) => note.vdevfn === vdevfn)?.note;
  if (holder !== undefined) {
    const stays = unit.some(({ metadata }) => metadata.uid === holder.owner);
    const next = stays
      ? 'To have another place, delete this one and create it again.'
      : 'This one follows when it is out.';
    const message = `PciAttachment ${holder.name} has ${where} in the guest. ${next}`;
    return { reason: 'FunctionTaken', message, forGood: stays };
  }
  const rival = unit.find(
    (other) =>
      other.metadata.uid !== attachment.metadata.uid &&
      other.spec.virtualFunction === fn &&
      goesBefore(other, attachment),
  );
  if (rival === undefined) return undefined;
  const message = `PciAttachment ${rival.metadata.name} is to have ${where}. To have another place, delete this one and create it again.`;
  return { reason: 'FunctionTaken', message, forGood: true };
}

/** Why a function other than 0 cannot join its slot, or not yet. */
function withoutFunctionZero(
  snapshot: Snapshot,
  { spec }: PciAttachment,
  unit: readonly PciAttachment[],
): Obstacle | undefined {
  const slot = spec.virtualSlot ?? 0;
  const there = functionZeroIn(snapshot, slot)?.note;
  if (there !== undefined) {
    const stays = unit.some(({ metadata }) => metadata.uid === there.owner);
    const next = stays
      ? `Delete PciAttachment ${there.name} and create it again: all functions are inserted together then.`
      : 'It is on its way out.';
    const message = `PciAttachment ${there.name} put function 0 into slot ${slot} before this function came, and the guest looks at the other functions only when function 0 comes. ${next}`;
    return { reason: 'FunctionZeroFirst', message, forGood: stays };
  }
  if (unit.some(({ spec: other }) => other.virtualFunction === 0)) return undefined;
  const message = `No PciAttachment asks for function 0 of slot ${slot}, without which the guest sees none of them. Create one (virtualSlot ${slot}, virtualFunction 0): all functions are inserted together then.`;
  return { reason: 'FunctionZeroMissing', message, forGood: false };
}

/** Whether the devices of the unit are functions of one card; the function 0 has the say. */
function strangers(attachment: PciAttachment, unit: readonly PciAttachment[]): Obstacle | undefined {
  const address = claimedAddress(attachment);
  const zero = unit.find(({ spec }) => spec.virtualFunction === 0);
  const first = zero === undefined ? undefined : claimedAddress(zero);
  if (zero === undefined || address === undefined || first === undefined || isSameCard(address, first))
    return undefined;
  const message = `${address} is no function of the card that PciAttachment ${zero.metadata.name} puts at function 0 of slot ${attachment.spec.virtualSlot ?? 0}, ${first}. Give it a slot of its own: delete the PciAttachment and create it again.`;
  return { reason: 'NotOneCard', message, forGood: true };
}

/** What is wrong with the place in the guest that an attachment asks for; nothing, once it is in. */
export function placeObstacle(snapshot: Snapshot, attachment: PciAttachment): Obstacle | undefined {
  if (attachment.spec.virtualSlot === undefined || isInNow(snapshot, attachment)) return undefined;
  const unit = unitOf(snapshot, attachment);
  const clash = taken(snapshot, attachment, unit);
  if (clash !== undefined || attachment.spec.virtualFunction === 0) return clash;
  return withoutFunctionZero(snapshot, attachment, unit) ?? strangers(attachment, unit);
}

/** Why a member keeps the others out, as the end of a sentence. */
function unready(snapshot: Snapshot, member: PciAttachment): string | undefined {
  const address = claimedAddress(member);
  if (address === undefined) return 'has no device; its condition Claimed says why';
  const note = noteOf(snapshot, member);
  if (note !== undefined && isInNow(snapshot, member)) {
    return note.stage === 'unknown' ? 'was given to the device model, which gave no clear answer' : undefined;
  }
  if ((attachmentObstacle(snapshot, member) ?? placeObstacle(snapshot, member)) !== undefined) {
    return 'cannot be attached; its condition Inserted says why';
  }
  const claimed = note?.stage === 'claimed' && isCurrent(snapshot, note) && isReadied(snapshot, address);
  const pending = !claimed || groupPending(snapshot, address) !== undefined;
  const { pciBackend, memory, now } = snapshot;
  const ready = !pending && insertGate(pciBackend, address, memory.frontendConnectedSince, now).kind === 'ready';
  return ready ? undefined : 'is not ready yet';
}

/**
 * Which other attachment of the unit an insert waits for, as a sentence: one that is not ready, or one that goes before it.
 * Undefined: the insert may go.
 */
export function unitPending(snapshot: Snapshot, attachment: PciAttachment): string | undefined {
  const unit = unitOf(snapshot, attachment);
  // One whose place another has is not of the unit, and must not hold it up.
  const others = unit.filter(
    (other) => other.metadata.uid !== attachment.metadata.uid && taken(snapshot, other, unit) === undefined,
  );
  for (const other of others) {
    const why = unready(snapshot, other);
    if (why !== undefined) {
      return `The functions of slot ${attachment.spec.virtualSlot ?? 0} are inserted together or not at all, and ${nameOf(other)} ${why}.`;
    }
  }
  const { virtualFunction: fn } = attachment.spec;
  const before = others.find((other) => other.spec.virtualFunction > fn && !isInNow(snapshot, other));
  if (before === undefined) return undefined;
  const refused = snapshot.memory.attempts.has(before.metadata.uid);
  return `${nameOf(before)} goes first${refused ? '; the device model refused it, and it is tried again' : ''}.`;
}

/** What a function in the device model waits for before the guest is told of it, as a sentence. */
export function unshownMessage(snapshot: Snapshot, attachment: PciAttachment): string {
  const zero = unitOf(snapshot, attachment).find(({ spec }) => spec.virtualFunction === 0);
  const slot = attachment.spec.virtualSlot ?? 0;
  return zero === undefined
    ? `The device model has the device, and the guest is told of it with function 0 of slot ${slot}. Create a PciAttachment for that one (virtualSlot ${slot}, virtualFunction 0).`
    : `The device model has the device, and the guest is told of it when PciAttachment ${zero.metadata.name}, function 0 of slot ${slot}, is inserted too.`;
}

/** Whether somebody wants the slot, so that what is in it without the guest's knowledge stays there for the time being. */
export function isSlotWanted(snapshot: Snapshot, slot: number): boolean {
  return snapshot.attachments.some(
    (attachment) => attachment.spec.virtualSlot === slot && isWanted(snapshot, attachment),
  );
}
