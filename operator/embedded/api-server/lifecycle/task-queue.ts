/** Runs tasks one after the other, later than the turn that asked for them; a task that waits already is not queued twice. */
export class TaskQueue {
  readonly #tasks = new Map<string, () => void>();
  readonly #onError: (error: unknown) => void;
  #scheduled = false;
  #stopped = false;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  add(key: string, task: () => void): void {
    if (this.#stopped || this.#tasks.has(key)) return;
    this.#tasks.set(key, task);
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#tasks.clear();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#run();
    });
  }

  /** A slice at a time, so that a large clean-up leaves room for requests. */
  #run(): void {
    let budget = 100;
    for (const [key, task] of this.#tasks) {
      this.#tasks.delete(key);
      try {
        task();
      } catch (error) {
        this.#onError(error);
      }
      if (--budget === 0) break;
    }
    if (this.#tasks.size > 0) this.#schedule();
  }
}
