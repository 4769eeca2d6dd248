import { controllerManager } from '../api/names.ts';
import { type Condition, type ConditionDecision, decide, kubeTime, stampConditions } from '../api/conditions.ts';
import { type Reason, conditionTypes } from '../api/reasons.ts';
import { jsonEqual } from '../kube/apply-status.ts';
import type { KubeClient, KubeObject, ResourceType } from '../kube/types.ts';
import type { HostLiveness } from './host-leases.ts';

type Kind = 'StubDomain' | 'PciAttachment';

export interface ControllerStatus {
  /** Fields besides the conditions that the controller owns, e.g. nodeName. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Its own conditions. */
  readonly decisions: readonly ConditionDecision[];
  /** What the agent's conditions say as long as no agent has spoken. */
  readonly placeholder: { readonly status: 'False' | 'Unknown'; readonly reason: Reason; readonly message: string };
  readonly liveness: HostLiveness;
}

interface Reported extends KubeObject {
  readonly status?: { readonly conditions?: unknown };
}

// By these a placeholder is told from what an agent wrote.
const placeholderReasons: ReadonlySet<string> = new Set<Reason>([
  'AwaitingAgent',
  'NotScheduled',
  'HostUnreachable',
  'StubDomainNotFound',
  'StubDomainNotScheduled',
  'TargetNotFound',
  'NoSuchHost',
  'NoMatchingHost',
  'HostUnschedulable',
]);

const hostLost: ControllerStatus['placeholder'] = {
  status: 'Unknown',
  reason: 'HostUnreachable',
  message: 'The agent of the host has not renewed its Lease for too long: nobody knows how things stand there.',
};

/** The agent's conditions that the controller writes now: those that nobody wrote yet, or all when the host is lost. */
function onBehalf(kind: Kind, conditions: readonly Condition[], status: ControllerStatus): ConditionDecision[] {
  const types = Object.entries(conditionTypes[kind])
    .filter(([, { writer }]) => writer === 'agent')
    .map(([type]) => type);
  if (status.liveness === 'expired' && conditions.some(({ type }) => type === 'Ready')) {
    return types.map((type) => decide(type, hostLost.status, hostLost.reason, hostLost.message));
  }
  const unspoken = types.filter((type) => {
    const present = conditions.find((condition) => condition.type === type);
    return present === undefined || (placeholderReasons.has(present.reason) && isOurs(present, status));
  });
  return unspoken.map((type) => {
    const { placeholder } = status;
    const isReady = type === 'Ready';
    return decide(type, isReady ? placeholder.status : 'Unknown', placeholder.reason, placeholder.message);
  });
}

/** Some reasons are used by both writers: once an agent is there, what is said is the agent's. */
function isOurs(present: Condition, status: ControllerStatus): boolean {
  return present.reason === 'AwaitingAgent' || status.fields['nodeName'] === undefined;
}

/**
 * Applies what the controller answers for, if it changed; the answer, or undefined. Without force: where an agent was
 * quicker, the conflict is right, and the next pass sees what the agent wrote. A lost host's conditions are taken by force.
 */
export async function applyControllerStatus<T extends Reported>(
  kube: KubeClient,
  type: ResourceType,
  object: T,
  status: ControllerStatus,
  nowMs: number,
): Promise<T | undefined> {
  const kind = type.kind as Kind;
  const present = (object.status?.conditions ?? []) as readonly Condition[];
  const decisions = [...status.decisions, ...onBehalf(kind, present, status)];
  const { generation, name, namespace, uid } = object.metadata;
  const conditions = stampConditions(kind, decisions, present, generation, kubeTime(nowMs)).map((condition) => {
    // The controller's word does not depend on the spec's generation alone: one that says the same is left as it is.
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
    conditions.some((condition) => !present.includes(condition));
  if (!changed) return undefined;
  const metadata = { name, uid, ...(namespace === undefined ? {} : { namespace }) };
  const force = status.liveness === 'expired';
  return kube.applyStatus<T>(
    type,
    { metadata, status: { ...status.fields, conditions } },
    { fieldManager: controllerManager, force },
  );
}

/** HostReachable, for an object on `host`. */
export function hostReachable(host: string | undefined, liveness: HostLiveness): ConditionDecision {
  if (host === undefined) return decide('HostReachable', 'Unknown', 'NotScheduled', 'No host was chosen yet.');
  switch (liveness) {
    case 'fresh':
      return decide('HostReachable', 'True', 'LeaseFresh', `The agent of ${host} renews its Lease.`);
    case 'expired':
      return decide(
        'HostReachable',
        'Unknown',
        'LeaseExpired',
        `The agent of ${host} has not renewed its Lease for too long. Look at the host and its agent.`,
      );
    case 'missing':
      return decide('HostReachable', 'Unknown', 'LeaseMissing', `The agent of ${host} has no Lease yet.`);
  }
}
