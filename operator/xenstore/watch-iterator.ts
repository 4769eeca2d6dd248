import { reasonOf } from './backoff.ts';
import type { XenStoreError } from './errors.ts';
import type { WatchListener } from './watches.ts';
import type { WatchEvent, WatchHandle } from './xenstore.ts';

/** More different paths than this that nobody took become one event for the watched path: "look at everything". */
const MOST_PATHS = 1024;

type Next = IteratorResult<WatchEvent, undefined>;

/**
 * The events of one watch as an async iterator. What has not been taken is kept as a set of paths: nobody cares how
 * often or in which order something changed. Ends when the client is closed; throws when the watch is refused, the
 * client destroyed with an error or the signal aborted.
 */
export class WatchIterator implements AsyncIterableIterator<WatchEvent>, WatchListener {
  readonly #path: string;
  readonly #paths = new Set<string>();
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => {
    if (this.#signal !== undefined) this.#stop(reasonOf(this.#signal));
  };
  #handle: WatchHandle | undefined;
  #waiting: { resolve(next: Next): void; reject(error: Error): void }[] = [];
  #over = false;
  #failure: Error | undefined;

  constructor(path: string, signal: AbortSignal | undefined, open: (listener: WatchListener) => WatchHandle) {
    this.#path = path;
    this.#signal = signal;
    if (signal?.aborted === true) {
      this.#stop(reasonOf(signal));
      return;
    }
    this.#handle = open(this);
    signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  onEvent(event: WatchEvent): void {
    if (this.#over) return;
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve({ done: false, value: event });
      return;
    }
    if (this.#paths.size < MOST_PATHS) {
      this.#paths.add(event.path);
    } else if (!this.#paths.has(event.path)) {
      this.#paths.clear();
      this.#paths.add(this.#path);
    }
  }

  onEnd(error: XenStoreError): void {
    this.#stop(error.code === 'ECLOSED' && error.cause === undefined ? undefined : error);
  }

  next(): Promise<Next> {
    for (const path of this.#paths) {
      this.#paths.delete(path);
      return Promise.resolve({ done: false, value: { path } });
    }
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      return Promise.reject(failure);
    }
    if (this.#over) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
    });
  }

  async return(): Promise<Next> {
    this.#paths.clear();
    this.#stop(undefined);
    this.#failure = undefined;
    await this.#handle?.close();
    return { done: true, value: undefined };
  }

  #stop(failure: Error | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#signal?.removeEventListener('abort', this.#onAbort);
    void this.#handle?.close();
    const waiting = this.#waiting;
    this.#waiting = [];
    const [first, ...rest] = waiting;
    if (failure === undefined || first === undefined) this.#failure = failure;
    else first.reject(failure);
    for (const other of failure === undefined ? waiting : rest) other.resolve({ done: true, value: undefined });
  }
}
