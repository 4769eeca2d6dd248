/** What was opened, to be closed in the reverse order, all of it even if something fails. */
export class Closers {
  #closers: (() => Promise<void> | void)[] = [];

  /** Registers what undoes the step just taken. */
  add(close: () => Promise<void> | void): void {
    this.#closers.push(close);
  }

  /** Closes everything, the last first. The first failure is thrown when all are done. Idempotent. */
  async close(): Promise<void> {
    const failures: unknown[] = [];
    for (let close = this.#closers.pop(); close !== undefined; close = this.#closers.pop()) {
      try {
        await close();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }
}
