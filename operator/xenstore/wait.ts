import type { Clock } from '../runtime/ports.ts';
import { reasonOf } from './backoff.ts';
import { WaitTimeoutError, XenStoreError, isXenStoreError } from './errors.ts';
import type { LinkState, Permissions, WaitOptions, WatchHandle, XenStoreReader } from './xenstore.ts';
import type { WatchListener } from './watches.ts';

/** What a wait needs of the client. */
export interface WaitHost {
  readonly tree: XenStoreReader;
  readonly clock: Clock;
  addWatch(path: string, listener: WatchListener): WatchHandle;
  onStateChange(listener: (state: LinkState, error?: Error) => void): () => void;
}

/** A reader that notes which paths were read. */
class NotingReader implements XenStoreReader {
  readonly paths = new Set<string>();
  readonly #tree: XenStoreReader;

  constructor(tree: XenStoreReader) {
    this.#tree = tree;
  }

  read(path: string): Promise<Uint8Array> {
    this.paths.add(path);
    return this.#tree.read(path);
  }

  tryRead(path: string): Promise<Uint8Array | undefined> {
    this.paths.add(path);
    return this.#tree.tryRead(path);
  }

  readString(path: string): Promise<string> {
    this.paths.add(path);
    return this.#tree.readString(path);
  }

  tryReadString(path: string): Promise<string | undefined> {
    this.paths.add(path);
    return this.#tree.tryReadString(path);
  }

  list(path: string): Promise<string[]> {
    this.paths.add(path);
    return this.#tree.list(path);
  }

  tryList(path: string): Promise<string[] | undefined> {
    this.paths.add(path);
    return this.#tree.tryList(path);
  }

  getPermissions(path: string): Promise<Permissions> {
    this.paths.add(path);
    return this.#tree.getPermissions(path);
  }
}

/**
 * `XenStore.wait`. The first run has no watches, so that a condition that is already true costs only its reads; then
 * every path it read becomes a watch, and the first event of those (the daemon fires each at once) runs it again, which
 * closes the gap between reading and watching. A lost connection is waited out.
 */
export async function waitFor<T>(
  host: WaitHost,
  condition: (tree: XenStoreReader) => Promise<T | undefined>,
  options: WaitOptions = {},
): Promise<T> {
  const waiting = new Waiting(host, options);
  try {
    for (;;) {
      waiting.changed = false;
      const reader = new NotingReader(host.tree);
      const result = await waiting.interruptible(evaluate(condition, reader));
      if (result !== undefined) return result.value;
      waiting.watch(reader.paths);
      await waiting.untilChanged();
    }
  } finally {
    waiting.end();
  }
}

async function evaluate<T>(
  condition: (tree: XenStoreReader) => Promise<T | undefined>,
  reader: NotingReader,
): Promise<{ readonly value: T } | undefined> {
  try {
    const value = await condition(reader);
    return value === undefined ? undefined : { value };
  } catch (error) {
    if (isXenStoreError(error, 'EDISCONNECTED')) return undefined;
    throw error;
  }
}

/** The watches of one `wait`, and what can end it. */
class Waiting {
  changed = false;
  readonly #host: WaitHost;
  readonly #options: WaitOptions;
  readonly #watches = new Map<string, WatchHandle>();
  readonly #cancel: (() => void)[] = [];
  #failure: Error | undefined;
  #rejectCurrent: ((error: Error) => void) | undefined;
  #wake: (() => void) | undefined;

  constructor(host: WaitHost, options: WaitOptions) {
    this.#host = host;
    this.#options = options;
    this.#listen();
  }

  /** `promise`, or what interrupts the wait. */
  interruptible<T>(promise: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#rejectCurrent = reject;
      if (this.#failure !== undefined) reject(this.#failure);
      promise.then(resolve, reject);
    });
  }

  /** Has exactly these paths watched. */
  watch(paths: ReadonlySet<string>): void {
    for (const [path, handle] of this.#watches) {
      if (paths.has(path)) continue;
      this.#watches.delete(path);
      void handle.close();
    }
    for (const path of paths) {
      if (!this.#watches.has(path)) this.#watches.set(path, this.#host.addWatch(path, this.#listener));
    }
  }

  async untilChanged(): Promise<void> {
    if (this.changed) return;
    await this.interruptible(
      new Promise<void>((resolve) => {
        this.#wake = resolve;
      }),
    );
  }

  /** Ends the watches. Their answers change nothing, and a slow daemon must not hold the result back. */
  end(): void {
    for (const cancel of this.#cancel) cancel();
    for (const handle of this.#watches.values()) void handle.close();
    this.#watches.clear();
  }

  #interrupt(error: Error): void {
    this.#failure ??= error;
    this.#rejectCurrent?.(this.#failure);
  }

  readonly #change = (): void => {
    this.changed = true;
    this.#wake?.();
  };

  readonly #listener: WatchListener = {
    onEvent: () => {
      this.#change();
    },
    onEnd: (error: XenStoreError) => {
      this.#interrupt(error);
    },
  };

  #listen(): void {
    const { signal, timeoutMs } = this.#options;
    this.#cancel.push(
      this.#host.onStateChange((state, error) => {
        if (state === 'connected') this.#change();
        else if (state === 'closed') this.#interrupt(error ?? new XenStoreError('ECLOSED', 'the client is closed'));
      }),
    );
    if (timeoutMs !== undefined) {
      this.#cancel.push(
        this.#host.clock.setTimer(timeoutMs, () => {
          this.#interrupt(new WaitTimeoutError(timeoutMs));
        }),
      );
    }
    if (signal === undefined) return;
    const onAbort = (): void => {
      this.#interrupt(reasonOf(signal));
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    this.#cancel.push(() => {
      signal.removeEventListener('abort', onAbort);
    });
  }
}
