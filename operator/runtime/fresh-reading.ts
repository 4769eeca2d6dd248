import { Mutex } from './mutex.ts';

/** A reading that many ask for: one at a time, and who asks while one is under way gets the next, with all who ask by then. */
export class FreshReading {
  readonly #read: () => Promise<void>;
  readonly #readings = new Mutex();
  /** One that is asked for and has not begun. */
  #next: Promise<void> | undefined;

  constructor(read: () => Promise<void>) {
    this.#read = read;
  }

  /** Resolves or rejects as a reading does that began after this call. */
  async after(): Promise<void> {
    this.#next ??= this.#readings.run(async () => {
      this.#next = undefined;
      await this.#read();
    });
    return this.#next;
  }
}
