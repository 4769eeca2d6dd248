import type { Election } from '../../kube/leader-election.ts';
import type { Readiness } from '../../runtime/probes.ts';
import { CliError } from '../failure.ts';

/** What `stubdom controller` and `stubdom agent` have in common. */
export interface Program {
  start(): Promise<void>;
  stop(): Promise<void>;
  readiness(): Readiness;
  /** Resolves when it may not go on although nobody stopped it: the process must end at once. */
  readonly lost?: Promise<CliError>;
}

/**
 * The program, which begins when it is elected and gives its Lease back when it has stopped. One that waits to be elected is
 * ready: it does all that it has to.
 */
export function elected(program: Program, election: Election): Program {
  const lost = Promise.withResolvers<CliError>();
  let begun = false;
  let stopping = false;
  const onEnd = (): void => {
    if (stopping) return;
    lost.resolve(
      new CliError(
        "the leader's Lease could not be renewed in time, or another took it: ended, so that only one decides",
      ),
    );
  };
  return {
    lost: lost.promise,
    start: async () => {
      const term = await election.lead();
      begun = true;
      term.addEventListener('abort', onEnd, { once: true });
      if (term.aborted) onEnd();
      await program.start();
    },
    stop: async () => {
      stopping = true;
      if (begun) await program.stop();
      await election.stop(true);
    },
    readiness: () => (begun ? program.readiness() : { ready: true, reasons: [] }),
  };
}
