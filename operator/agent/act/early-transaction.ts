import { ABORT } from '../../xenstore/transaction.ts';
import type { TransactionOptions, XenStore, XenStoreTransaction } from '../../xenstore/xenstore.ts';

type Job = (tx: XenStoreTransaction) => Promise<unknown>;

/**
 * A transaction that is started before it is known what for, so that its start shares a round trip with the look that
 * decides. The daemon compares what a transaction touched, not when it began (C xenstored), or has it run again (EAGAIN).
 */
export class EarlyTransaction {
  readonly #start: () => Promise<unknown>;
  readonly #fallBack: XenStore['transaction'];
  #give: (job: Job) => void = () => {};
  #ended: Promise<unknown> | undefined;
  #isGiven = false;

  constructor(xenstore: Pick<XenStore, 'transaction'>) {
    this.#fallBack = xenstore.transaction.bind(xenstore);
    const job = new Promise<Job>((resolve) => {
      this.#give = resolve;
    });
    this.#start = () => xenstore.transaction(async (tx) => (await job)(tx));
  }

  /** Starts it; the request leaves together with what else is asked for in this turn. */
  begin(): void {
    if (this.#ended !== undefined || this.#isGiven) return;
    this.#ended = this.#start();
    // Whoever gave it a job hears of it; without one nobody minds.
    this.#ended.catch(() => {});
  }

  /** As `XenStore.transaction`; the first caller gets the transaction that was begun, if one was. */
  run<T>(callback: (tx: XenStoreTransaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    if (this.#ended === undefined || this.#isGiven) return this.#fallBack(callback, options);
    this.#isGiven = true;
    this.#give(callback);
    return this.#ended as Promise<T>;
  }

  /** Nobody needs it: it is ended without a change. */
  abandon(): void {
    if (this.#ended === undefined || this.#isGiven) return;
    this.#isGiven = true;
    this.#give(() => Promise.resolve(ABORT));
  }
}
