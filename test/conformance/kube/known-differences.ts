/** Where a server answers otherwise than the suite says, on purpose or for a reason that is named. */
import type { ServerName } from './servers.ts';

/** One difference: the case must fail on that server, and `shows` must be in what the failure says. */
export interface KnownDifference {
  readonly server: ServerName;
  readonly case: string;
  readonly why: string;
  readonly shows: string;
}

const inOldest = (name: string, why: string, shows: string): KnownDifference => ({
  server: 'real 1.31',
  case: name,
  why,
  shows,
});

const streamed = 'lists are not streamed yet, unless that is switched on';
const streamRefused = 'sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled';
const typeForValue = 'a rule of a scalar named the type in place of the value';
const formats = 'formats of integers are checked later';

/** All of them. Whatever is not here must be the same on all servers, but for the words of words-of-1-31.ts. */
export const knownDifferences: readonly KnownDifference[] = [
  inOldest('a watch that lists first ends the list with a bookmark', streamed, streamRefused),
  inOldest('a watch that lists first goes on', streamed, streamRefused),
  inOldest('a resourceVersion that is no number is refused', 'as an error of the server', 'status 500, not 400'),
  inOldest(
    'metadata and spec are not applied through the status endpoint',
    'who applied labels there is said to own them, although they are not taken',
    '".metadata.labels.a"',
  ),
  inOldest('numbers', formats, 'Checked value must be of type integer with format int32'),
  inOldest('a fraction where an integer must be', formats, 'must be of type integer: \\"number\\"'),
  inOldest('the flavor cannot be changed', typeForValue, 'Invalid value: \\"string\\": flavor cannot be changed'),
  inOldest(
    'a device cannot be changed, nor its options, nor its slot',
    typeForValue,
    'Invalid value: \\"integer\\": virtualSlot cannot be changed',
  ),
  inOldest('a CRD whose rules do not compile is refused', 'the rule was printed as Go has it', 'ValidationRule{Rule:'),
];
