import { type Expectation, type GuardedTransaction, holds } from '../../domain/guarded-transaction.ts';
import { ABORT } from '../../xenstore/transaction.ts';
import type { XenStore } from '../../xenstore/xenstore.ts';
import { StaleSnapshotError } from './context.ts';
import { removeAll, writePlan } from './write-plan.ts';

/**
 * Carries out a guarded transaction in three round trips: start, comparisons and changes in one burst, end. What was
 * changed is thrown away unless everything was as expected; then a `StaleSnapshotError` says what was not.
 */
export async function commit(
  transaction: XenStore['transaction'],
  { expect, write, remove }: GuardedTransaction,
): Promise<void> {
  let broken: Expectation | undefined;
  await transaction(async (tx) => {
    // On one connection the daemon reads before it writes; a change that fails is of no interest if a comparison did.
    const reads = Promise.all(expect.map(({ path }) => tx.tryRead(path)));
    const [values, ...changes] = await Promise.allSettled([reads, writePlan(tx, write), removeAll(tx, remove)]);
    if (values.status === 'rejected') throw values.reason;
    broken = expect.find((expectation, index) => !holds(expectation, values.value[index]));
    if (broken !== undefined) return ABORT;
    for (const change of changes) if (change.status === 'rejected') throw change.reason;
    return undefined;
  });
  if (broken !== undefined) throw new StaleSnapshotError(broken.otherwise);
}
