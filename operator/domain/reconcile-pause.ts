import { type ConditionDecision, decide } from '../api/conditions.ts';
import { reconcilePausedAnnotation } from '../api/names.ts';
import type { PciAttachment } from '../api/generated/pci-attachment.ts';
import type { StubDomain } from '../api/generated/stub-domain.ts';
import { annotationRequest } from './annotation-request.ts';

type Pausable = StubDomain | PciAttachment;

/** Whether the object is left alone. An annotation without a reason counts too: to do nothing is the safer mistake. */
export function isReconcilePaused(object: Pausable | undefined): boolean {
  return object !== undefined && annotationRequest(object, reconcilePausedAnnotation).kind !== 'none';
}

/** Why the object is left alone, and how to go on, as a sentence; undefined if it is not paused. */
export function pauseMessage(object: Pausable | undefined): string | undefined {
  if (object === undefined) return undefined;
  const request = annotationRequest(object, reconcilePausedAnnotation);
  if (request.kind === 'none') return undefined;
  const why = request.kind === 'asked' ? `says "${request.words}"` : 'gives no reason';
  const { name, namespace = 'default' } = object.metadata;
  const remove = `kubectl annotate ${object.kind.toLowerCase()} -n ${namespace} ${name} ${reconcilePausedAnnotation}-`;
  const deletion = object.metadata.deletionTimestamp === undefined ? '' : ' Its deletion waits.';
  return `${object.kind} ${name} is left alone: ${reconcilePausedAnnotation} ${why}.${deletion} To go on: ${remove}.`;
}

/** The conditions of something that is left alone for the reason in `message`: what is as it shall be stays Ready. */
export function whilePaused<T extends string>(
  decisions: readonly ConditionDecision<T>[],
  message: string | undefined,
): ConditionDecision<T>[] {
  if (message === undefined) return [...decisions];
  const isReady = decisions.some(({ type, status }) => type === 'Ready' && status === 'True');
  return decisions.map((decision) => {
    const { type, status } = decision;
    if (type === 'Stalled') return decide(type, isReady ? 'False' : 'True', 'ReconcilePaused', message);
    if (type !== 'Ready' || isReady) return decision;
    return decide(type, status, 'ReconcilePaused', `${message} ${decision.message}`);
  });
}
