import { openXenStore } from '../../../operator/xenstore/client.ts';
import type { XenStoreClient, XenStoreOptions } from '../../../operator/xenstore/client.ts';
import { silentLogger, systemClock } from '../../../operator/runtime/ports.ts';
import type { Clock, Logger } from '../../../operator/runtime/ports.ts';
import { FakeDaemon } from './fake-daemon.ts';

/** A clock whose timers fire in the next turn: back-off without the wait. */
export const promptClock: Clock = {
  ...systemClock,
  setTimer: (_delayMs, callback) => {
    const timer = setImmediate(callback);
    return () => {
      clearImmediate(timer);
    };
  },
};

/** A clock whose timers fire when the test says so. */
export class ManualClock implements Clock {
  readonly timers = new Set<() => void>();

  now(): number {
    return 0;
  }

  monotonic(): number {
    return 0;
  }

  setTimer(_delayMs: number, callback: () => void): () => void {
    this.timers.add(callback);
    return () => {
      this.timers.delete(callback);
    };
  }

  fireAll(): void {
    const due = [...this.timers];
    this.timers.clear();
    for (const callback of due) callback();
  }
}

/** A logger that keeps its messages. */
export function keepingLogger(): { readonly logger: Logger; readonly messages: string[] } {
  const messages: string[] = [];
  const keep = (message: string): void => {
    messages.push(message);
  };
  const logger: Logger = { ...silentLogger, warn: keep, error: keep, child: () => logger };
  return { logger, messages };
}

/** Runs `body` with a fake daemon and a client of it, and closes both. */
export async function withClient(
  body: (client: XenStoreClient, daemon: FakeDaemon) => Promise<void>,
  options: Partial<XenStoreOptions> = {},
): Promise<void> {
  const daemon = await FakeDaemon.start();
  const client = openXenStore({
    transport: { kind: 'socket', path: daemon.path },
    clock: promptClock,
    random: () => 0,
    ...options,
  });
  try {
    await client.connected();
    await body(client, daemon);
  } finally {
    client.destroy();
    await daemon.stop();
  }
}

/** What a promise was rejected with. */
export async function failure(promise: Promise<unknown>): Promise<Error & { readonly code?: string }> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it was not rejected');
}

/** Resolves when the client's state is `state`. */
export async function untilState(client: XenStoreClient, state: XenStoreClient['state']): Promise<void> {
  if (client.state === state) return;
  await new Promise<void>((resolve) => {
    const stop = client.onStateChange((now) => {
      if (now !== state) return;
      stop();
      resolve();
    });
  });
}
