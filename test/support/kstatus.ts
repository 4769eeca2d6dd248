import type { Condition } from '../../operator/api/conditions.ts';
import type { KStatus } from './gitops-outcomes.ts';

interface Judged {
  readonly metadata: { readonly generation?: number; readonly deletionTimestamp?: string };
  readonly status?: { readonly observedGeneration?: number; readonly conditions?: readonly Condition[] };
}

/**
 * The rules of kstatus for kinds that it does not know (sigs.k8s.io/cli-utils, pkg/kstatus/status: checkGenericProperties,
 * checkGeneration, checkReadyCondition), by which Flux, kpt and `kubectl apply --wait` of others judge. In its order.
 */
export function kstatusOf({ metadata, status }: Judged): KStatus {
  if (metadata.deletionTimestamp !== undefined) return 'Terminating';
  const { observedGeneration, conditions = [] } = status ?? {};
  if (
    metadata.generation !== undefined &&
    observedGeneration !== undefined &&
    observedGeneration !== metadata.generation
  )
    return 'InProgress';
  for (const { type, status: value } of conditions) {
    if (type === 'Reconciling' && value === 'True') return 'InProgress';
    if (type === 'Stalled' && value === 'True') return 'Failed';
  }
  const ready = conditions.find(({ type }) => type === 'Ready');
  return ready === undefined || ready.status === 'True' ? 'Current' : 'InProgress';
}
