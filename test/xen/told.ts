import type { Consumed } from './guest.ts';

/** What the device model was told so far, in all. */
export class Told {
  readonly #counts: Record<string, number> = {};

  get counts(): Consumed {
    return this.#counts;
  }

  add(...commands: readonly string[]): void {
    for (const command of commands) this.#counts[command] = (this.#counts[command] ?? 0) + 1;
  }
}
