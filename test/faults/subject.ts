import { randomUUID } from 'node:crypto';
import { findCondition } from '../../operator/api/conditions.ts';
import { pciAttachments, stubDomains } from '../../operator/kube/resources.ts';
import type { FaultHost, FaultWorld, Shown } from '../support/world-parts.ts';

/** One guest with its own StubDomain and two devices, each for a PciAttachment: what a fault is tried on. */
export interface Subject {
  readonly name: string;
  readonly host: FaultHost;
  readonly uuid: string;
  readonly domid: number;
  readonly addresses: readonly [string, string];
}

/** Which of a subject's two devices. */
export type Which = 0 | 1;

/** Name of the PciAttachment of a device. */
export const attachmentName = ({ name }: Subject, which: Which): string => `${name}-${which + 1}`;

/** Where all objects are. */
export const namespace = 'default';
const apiVersion = 'stubdom.io/v1alpha1';
/** So long may an agent take after a fault, in milliseconds: many are started at the same time. */
export const patienceMs = 60_000;

/** Makes a guest for the objects to come. */
export async function makeSubject(
  host: FaultHost,
  name: string,
  addresses: readonly [string, string],
): Promise<Subject> {
  const uuid = randomUUID();
  const { domid } = await host.admin.addGuest({ uuid, name, memoryMiB: 64, ejectDelayMs: 20 });
  return { name, host, uuid, domid, addresses };
}

export async function applyStubDomain({ kube }: FaultWorld, { name, host, uuid }: Subject): Promise<void> {
  await kube.apply(
    stubDomains,
    {
      apiVersion,
      kind: 'StubDomain',
      metadata: { name, namespace },
      spec: { nodeName: host.name, target: { uuid, name }, disks: [{ name: 'system', source: `/dev/vg0/${name}` }] },
    },
    { fieldManager: 'test' },
  );
}

export async function applyAttachment({ kube }: FaultWorld, subject: Subject, which: Which): Promise<void> {
  await kube.apply(
    pciAttachments,
    {
      apiVersion,
      kind: 'PciAttachment',
      metadata: { name: attachmentName(subject, which), namespace },
      spec: {
        stubDomainRef: { name: subject.name },
        device: { address: subject.addresses[which] },
        driverPolicy: 'Seize',
      },
    },
    { fieldManager: 'test' },
  );
}

export async function setRunState(
  { kube }: FaultWorld,
  { name }: Subject,
  runState: 'Running' | 'Paused',
): Promise<void> {
  await kube.mergePatch(stubDomains, { namespace, name }, { spec: { runState } });
}

export async function removeStubDomain({ kube }: FaultWorld, { name }: Subject): Promise<void> {
  await kube.delete(stubDomains, { namespace, name });
}

export async function removeAttachment({ kube }: FaultWorld, subject: Subject, which: Which): Promise<void> {
  await kube.delete(pciAttachments, { namespace, name: attachmentName(subject, which) });
}

/** What `until…` waits for. */
export type Check = (shown: Shown | undefined) => boolean;

/** Waits until `check` holds of the subject's StubDomain. */
export async function untilStubDomain(world: FaultWorld, { name }: Subject, check: Check): Promise<void> {
  await world.stubDomains.until({ namespace, name }, check, patienceMs);
}

/** The same of one of its attachments. */
export async function untilAttachment(world: FaultWorld, subject: Subject, which: Which, check: Check): Promise<void> {
  await world.attachments.until({ namespace, name: attachmentName(subject, which) }, check, patienceMs);
}

/** Whether the object says so of itself. */
export function says(shown: Shown | undefined, type: string, status: string): boolean {
  return findCondition(shown?.status?.conditions, type)?.status === status;
}

/** Whether the agent has seen the spec as it is now, and `Ready` is True. */
export function isReady(shown: Shown | undefined): boolean {
  return says(shown, 'Ready', 'True') && shown?.status?.['observedGeneration'] === shown?.metadata.generation;
}

export const isGone = (shown: Shown | undefined): boolean => shown === undefined;
