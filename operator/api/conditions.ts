import { conditionTypes, type Reason } from './reasons.ts';

export type ConditionStatus = 'True' | 'False' | 'Unknown';

/** metav1.Condition, as it stands in a status. */
export interface Condition {
  readonly type: string;
  readonly status: ConditionStatus;
  readonly observedGeneration?: number;
  readonly lastTransitionTime: string;
  readonly reason: string;
  readonly message: string;
}

/** A condition as code decides on it; times and generations are added when it is written. */
export interface ConditionDecision<T extends string = string> {
  readonly type: T;
  readonly status: ConditionStatus;
  readonly reason: Reason;
  readonly message: string;
}

/** Shorthand: `decide('Ready', 'True', 'AsDesired', '…')`. */
export function decide<T extends string>(
  type: T,
  status: ConditionStatus,
  reason: Reason,
  message: string,
): ConditionDecision<T> {
  return { type, status, reason, message };
}

const maxMessage = 1024;

/**
 * Conditions to write for `decisions`: the times of those whose status is the same stay, the others get `now`. In the
 * kind's fixed order.
 */
export function stampConditions(
  kind: keyof typeof conditionTypes,
  decisions: readonly ConditionDecision[],
  previous: readonly Condition[] | undefined,
  generation: number | undefined,
  now: string,
): Condition[] {
  const order = Object.keys(conditionTypes[kind]);
  return [...decisions]
    .sort((a, b) => order.indexOf(a.type) - order.indexOf(b.type))
    .map((decision) => {
      const before = previous?.find((condition) => condition.type === decision.type);
      const message =
        decision.message.length > maxMessage ? `${decision.message.slice(0, maxMessage - 1)}…` : decision.message;
      return {
        type: decision.type,
        status: decision.status,
        ...(generation === undefined ? {} : { observedGeneration: generation }),
        lastTransitionTime: before?.status === decision.status ? before.lastTransitionTime : now,
        reason: decision.reason,
        message,
      };
    });
}

/** The condition of that type, if it is there. */
export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Whole seconds, as metav1.Time has them. */
export function kubeTime(nowMs: number): string {
  return `${new Date(nowMs).toISOString().slice(0, 19)}Z`;
}
