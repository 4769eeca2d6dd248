/** How a command learns that it shall end. */
export interface Shutdown {
  /** Aborts at the first SIGINT or SIGTERM. */
  readonly signal: AbortSignal;
  /** Resolves at the first SIGINT or SIGTERM. */
  readonly requested: Promise<void>;
  /** Resolves with an exit code when waiting for a clean end makes no sense any more. */
  readonly forced: Promise<number>;
  /** Stops listening to signals. */
  dispose(): void;
}

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Listens to SIGINT and SIGTERM. The first asks for a clean end; the second, or `limitMs` without an end, forces it.
 */
export function listenForSignals(limitMs: number, say: (line: string) => void): Shutdown {
  const abort = new AbortController();
  const requested = Promise.withResolvers<undefined>();
  const forced = Promise.withResolvers<number>();
  let limit: NodeJS.Timeout | undefined;
  const onSignal = (name: keyof typeof exitCodes): void => {
    if (abort.signal.aborted) {
      forced.resolve(exitCodes[name]);
      return;
    }
    limit = setTimeout(() => {
      say(`did not stop within ${limitMs / 1000} s: ended all the same`);
      forced.resolve(1);
    }, limitMs);
    abort.abort();
    requested.resolve(undefined);
  };
  const onInterrupt = (): void => onSignal('SIGINT');
  const onTerminate = (): void => onSignal('SIGTERM');
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  return {
    signal: abort.signal,
    requested: requested.promise,
    forced: forced.promise,
    dispose: () => {
      clearTimeout(limit);
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
    },
  };
}
