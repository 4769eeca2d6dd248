import { findCondition } from '../../api/conditions.ts';
import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import type { StubDomain } from '../../api/generated/stub-domain.ts';
import { printable } from '../../kube/errors.ts';
import { keyOf } from '../../kube/resources.ts';
import { ageText, type Check, fail, ok, warn } from './doctor-check.ts';
import type { ClusterObjects } from './doctor-cluster.ts';

/** At most so many objects are named; there may be thousands when a host is away. */
const maxNamed = 50;

type Driven = StubDomain | PciAttachment;

/** What an object says of itself, if it is not as it was asked to be. The messages of conditions end with the next step. */
function checkObject(object: Driven, now: number): Check | undefined {
  const check = `${object.kind} ${keyOf(object)}`;
  const { metadata, status } = object;
  const removing = object.kind === 'PciAttachment' ? checkRemoval(check, object, now) : undefined;
  if (removing !== undefined) return removing;
  const ready = findCondition(status?.conditions, 'Ready');
  if (ready === undefined) {
    const age = ageText(now - Date.parse(metadata.creationTimestamp));
    return warn(check, `Nobody has looked at it in ${age}.`, 'See whether the controller runs.');
  }
  if (ready.status === 'True') {
    if (metadata.deletionTimestamp === undefined) return undefined;
    return warn(check, `It is being deleted, for ${ageText(now - Date.parse(metadata.deletionTimestamp))}.`);
  }
  const stalled = findCondition(status?.conditions, 'Stalled')?.status === 'True';
  const text = `${ready.reason}: ${printable(ready.message)}`;
  return stalled || ready.status === 'Unknown' ? fail(check, text) : warn(check, text);
}

/** A device on its way out: why, and for how long. */
function checkRemoval(check: string, { status }: PciAttachment, now: number): Check | undefined {
  const removing = findCondition(status?.conditions, 'Removing');
  if (removing?.status !== 'True') return undefined;
  const since = Date.parse(status?.removingSince ?? removing.lastTransitionTime);
  const text = `On its way out for ${ageText(now - since)}. ${removing.reason}: ${printable(removing.message)}`;
  return warn(check, text);
}

/** The objects that are not as they were asked to be, each with its reason and next step. */
export function checkObjects(objects: ClusterObjects, now: number): Check[] {
  const all: readonly Driven[] = [...objects.stubDomains, ...objects.attachments];
  const found = all.map((object) => checkObject(object, now)).filter((check) => check !== undefined);
  const counts = `${String(objects.stubDomains.length)} StubDomains and ${String(objects.attachments.length)} PciAttachments`;
  if (found.length === 0) return [ok('objects', `${counts}, all Ready.`)];
  // What is worst comes first, since the rest may not be shown.
  const sorted = [
    ...found.filter(({ verdict }) => verdict === 'fail'),
    ...found.filter(({ verdict }) => verdict !== 'fail'),
  ];
  const summary = warn('objects', `${counts}, ${String(found.length)} of them not as they were asked to be.`);
  const hidden = sorted.slice(maxNamed);
  if (hidden.length === 0) return [summary, ...sorted];
  const more = `${String(hidden.length)} more are not shown.`;
  const worst = hidden.some(({ verdict }) => verdict === 'fail') ? fail : warn;
  return [
    summary,
    ...sorted.slice(0, maxNamed),
    worst('objects', more, 'See them all: kubectl get sd,pcia -A -o wide.'),
  ];
}
