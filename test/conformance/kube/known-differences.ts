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
export const knownDifferences: readonly KnownDifference[] = [
  {
    server: 'embedded',
    case: 'a method that makes no sense is not allowed',
    why: 'built-in collections answer as custom ones do',
    shows: 'name must be provided',
  },
  {
    server: 'embedded',
    case: 'a label that is no string',
    why: 'the message names the field without the Go types',
    shows: 'cannot unmarshal metadata.labels into its Go struct field',
  },
  {
    server: 'embedded',
    case: 'data of a secret must be base64',
    why: 'the schema refuses it, with the path of the field, where Go fails to decode',
    shows: 'status 422, not 400',
  },
  {
    server: 'embedded',
    case: 'a watch of a resourceVersion of the future waits for it',
    why: 'whoever knows more than the server does, as after a restart without a data folder, is sent back to a list',
    shows: '"code":410',
  },
];
