/** How a command learns that it shall end. */
export interface Shutdown {
  /** Aborts at the first SIGINT, SIGTERM or SIGHUP. */
  readonly signal: AbortSignal;
  /** Resolves at the first SIGINT, SIGTERM or SIGHUP. */
  readonly requested: Promise<void>;
  /** Resolves with an exit code when waiting for a clean end makes no sense any more. */
  readonly forced: Promise<number>;
  /** Stops listening to signals. */
  dispose(): void;
}

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Listens to SIGINT, SIGTERM, and SIGHUP (the terminal was closed). The first asks for a clean end; a SIGINT or SIGTERM
 * after it, or `limitMs` without an end, forces it.
 */
export function listenForSignals(limitMs: number, say: (line: string) => void): Shutdown {
  const abort = new AbortController();
  const requested = Promise.withResolvers<undefined>();
  const forced = Promise.withResolvers<number>();
  let limit: NodeJS.Timeout | undefined;
  const onSignal = (name: keyof typeof exitCodes | 'SIGHUP'): void => {
    if (abort.signal.aborted) {
      // A closed terminal's SIGHUP comes from the kernel and from each shell in between: more of them say nothing new.
      if (name !== 'SIGHUP') forced.resolve(exitCodes[name]);
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
  const onHangUp = (): void => onSignal('SIGHUP');
  process.on('SIGINT', onInterrupt);
  process.on('SIGTERM', onTerminate);
  process.on('SIGHUP', onHangUp);
  return {
    signal: abort.signal,
    requested: requested.promise,
    forced: forced.promise,
    dispose: () => {
      clearTimeout(limit);
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
      process.off('SIGHUP', onHangUp);
    },
  };
}
