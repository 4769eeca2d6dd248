/** Where a server answers otherwise than the suite says, on purpose or for a reason that is named. */
import type { ServerName } from './servers.ts';

/** One difference: the case must fail on that server, and `shows` must be in what the failure says. */
export interface KnownDifference {
  readonly server: ServerName;
  readonly case: string;
  readonly why: string;
  readonly shows: string;
}

/** All of them. Whatever is not here must be the same on both servers. */
export const knownDifferences: readonly KnownDifference[] = [];
