import { controllerManager } from '../api/names.ts';
import { type Condition, type ConditionDecision, decide, kubeTime, stampConditions } from '../api/conditions.ts';
import { type Reason, conditionTypes } from '../api/reasons.ts';
import { jsonEqual } from '../kube/apply-status.ts';
import type { KubeClient, KubeObject, ResourceType } from '../kube/types.ts';
import type { HostLiveness } from './host-leases.ts';

type Kind = keyof typeof conditionTypes;

export interface ControllerStatus {
  /** Fields besides the conditions that the controller owns, e.g. nodeName. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Its own conditions. */
  readonly decisions: readonly ConditionDecision[];
  /** What the agent's conditions say as long as no agent has spoken. */
  readonly placeholder: { readonly status: 'False' | 'Unknown'; readonly reason: Reason; readonly message: string };
  readonly liveness: HostLiveness;
  /** What is said in the agent's place when the host is lost. */
  readonly lostMessage?: string;
  /** Fields of the controller's that go away. */
  readonly removed?: readonly string[];
}

interface Reported extends KubeObject {
  readonly status?: { readonly conditions?: unknown };
}

/** A XenHost is made by its agent, which then speaks for itself; `phase` is there as soon as an agent has spoken. */
function hasSpoken(kind: Kind, { status }: Reported): boolean {
  return kind === 'XenHost' || (status as { readonly phase?: string } | undefined)?.phase !== undefined;
}

const hostLost: ControllerStatus['placeholder'] = {
  status: 'Unknown',
  reason: 'HostUnreachable',
  message: 'The agent of the host has not renewed its Lease for too long: nobody knows how things stand there.',
};

const isHostLost = ({ reason }: Condition): boolean => reason === hostLost.reason;

/**
 * The agent's conditions that the controller applies now: all, until the agent has spoken, and all when the host is lost.
 * What it said in the agent's place it goes on applying until the agent takes it back: a field that nobody applies any
 * more is removed. An agent that speaks without renewing its Lease is contradicted once in each silence, not for ever.
 */
function onBehalf(
  kind: Kind,
  object: Reported,
  conditions: readonly Condition[],
  { liveness, placeholder, lostMessage = hostLost.message }: ControllerStatus,
  silenced: ReadonlySet<string>,
): ConditionDecision[] {
  const types = Object.entries(conditionTypes[kind])
    .filter(([, { writer }]) => writer === 'agent')
    .map(([type]) => type);
  const lost = (type: string): ConditionDecision => decide(type, hostLost.status, hostLost.reason, lostMessage);
  const present = conditions.filter(({ type }) => types.includes(type));
  if (liveness === 'expired' && present.length > 0) {
    const spokeSince = silenced.has(object.metadata.uid) && !present.every(isHostLost);
    if (!spokeSince) return types.map(lost);
  }
  if (hasSpoken(kind, object)) return present.filter(isHostLost).map(({ type }) => lost(type));
  return types.map((type) => {
    const status = type === 'Ready' ? placeholder.status : 'Unknown';
    return decide(type, status, placeholder.reason, placeholder.message);
  });
}

/**
 * Applies what the controller answers for, if it changed; the answer, or undefined. Without force: where an agent was
 * quicker, the conflict is right, and the next pass sees what the agent wrote. A lost host's conditions are taken by force.
 * `silenced`: UIDs of the objects for which that was done since their host was last heard; kept up to date here.
 */
export async function applyControllerStatus<T extends Reported>(
  kube: KubeClient,
  type: ResourceType,
  object: T,
  status: ControllerStatus,
  nowMs: number,
  silenced: Set<string>,
): Promise<T | undefined> {
  const kind = type.kind as Kind;
  const present = (object.status?.conditions ?? []) as readonly Condition[];
  const { name, namespace, uid, resourceVersion } = object.metadata;
  if (status.liveness !== 'expired') silenced.delete(uid);
  const decisions = [...status.decisions, ...onBehalf(kind, object, present, status, silenced)];
  // The controller's word is about more than the spec, and one that says the same is left as it is: it names no generation,
  // so that kubectl wait goes by the one of the status, which is the agent's.
  const conditions = stampConditions(kind, decisions, present, undefined, kubeTime(nowMs)).map((condition) => {
    const before = present.find((candidate) => candidate.type === condition.type);
    const same =
      before !== undefined &&
      before.status === condition.status &&
      before.reason === condition.reason &&
      before.message === condition.message;
    return same ? before : condition;
  });
  const seen = object.status as Readonly<Record<string, unknown>> | undefined;
  const changed =
    Object.entries(status.fields).some(([field, value]) => !jsonEqual(seen?.[field], value)) ||
    (status.removed ?? []).some((field) => seen?.[field] !== undefined) ||
    conditions.some((condition) => !present.includes(condition));
  if (!changed) return undefined;
  // Only for the object that was looked at: the API server does not look at the uid in a status, and a host or a device that
  // was chosen for an object that is gone would bind the one that has its name now, for life.
  const metadata = { name, resourceVersion, ...(namespace === undefined ? {} : { namespace }) };
  const force = status.liveness === 'expired';
  const written = await kube.applyStatus<T>(
    type,
    { metadata, status: { ...status.fields, conditions } },
    { fieldManager: controllerManager, force },
  );
  if (force) silenced.add(uid);
  return written;
}

/** What a host's Lease says, as far as it concerns the objects there. */
export interface Reach {
  readonly liveness: HostLiveness;
  /** See `HostLeases.isProven`. */
  readonly proven: boolean;
}

/** HostReachable, for an object on `host`. `before`: what it says now. */
export function hostReachable(host: string | undefined, reach: Reach, before?: Condition): ConditionDecision {
  if (host === undefined) return decide('HostReachable', 'Unknown', 'NotScheduled', 'No host was chosen yet.');
  switch (reach.liveness) {
    case 'fresh':
      if (!reach.proven && before?.reason === 'LeaseExpired') return leaseExpired(host);
      return decide('HostReachable', 'True', 'LeaseFresh', `The agent of ${host} renews its Lease.`);
    case 'expired':
      return leaseExpired(host);
    case 'missing':
      return decide('HostReachable', 'Unknown', 'LeaseMissing', `The agent of ${host} has no Lease yet.`);
  }
}

function leaseExpired(host: string): ConditionDecision {
  const message = `The agent of ${host} has not renewed its Lease for too long. Look at the host and its agent.`;
  return decide('HostReachable', 'Unknown', 'LeaseExpired', message);
}
