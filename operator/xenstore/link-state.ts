import type { Logger } from '../runtime/ports.ts';
import type { LinkState } from './xenstore.ts';

/** The state of the link, and who wants to hear of it. */
export class ObservableLinkState {
  readonly #listeners = new Set<(state: LinkState, error?: Error) => void>();
  readonly #logger: Logger;
  #state: LinkState = 'connecting';

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get value(): LinkState {
    return this.#state;
  }

  /** Calls `listener` at each change; gives back what stops it. */
  listen(listener: (state: LinkState, error?: Error) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Changes the state and tells everybody; nothing if it is that already. */
  set(state: LinkState, error?: Error): void {
    if (state === this.#state) return;
    this.#state = state;
    for (const listener of [...this.#listeners]) {
      try {
        listener(state, error);
      } catch (thrown) {
        this.#logger.error('a link state listener threw', { error: String(thrown) });
      }
    }
  }
}
