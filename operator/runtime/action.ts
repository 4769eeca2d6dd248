import type { Logger } from './ports.ts';

/**
 * What a reconcile pass came to. A closed set: there is no "requeue at once".
 * - done: nothing to do until something changes.
 * - after: look again then, if nothing changes before.
 * - retry: the object cannot be made true now for a reason its status names; look again with per-item back-off.
 * - terminal: it cannot be made true until somebody changes something.
 * What a reconciler throws is infrastructure, and backs off per item.
 */
export type Action =
  | { readonly kind: 'done' }
  | { readonly kind: 'after'; readonly delayMs: number }
  | { readonly kind: 'retry'; readonly reason: string }
  | { readonly kind: 'terminal'; readonly reason: string };

export const done: Action = { kind: 'done' };
export const after = (delayMs: number): Action => ({ kind: 'after', delayMs });
export const retry = (reason: string): Action => ({ kind: 'retry', reason });
export const terminal = (reason: string): Action => ({ kind: 'terminal', reason });

/** One pass for one key. `signal` aborts at shutdown and when the pass takes longer than its deadline. */
export type Reconcile = (key: string, context: ReconcileContext) => Promise<Action>;

export interface ReconcileContext {
  readonly signal: AbortSignal;
  /** Unique per pass, for logs. */
  readonly reconcileID: string;
  /** Its lines have the controller, the key and the reconcileID. */
  readonly logger: Logger;
}
