import { type Action, after } from './action.ts';
import type { Random } from './ports.ts';

/** How long an object goes unlooked at when nothing happens to it, on average. */
const resyncMs = 6 * 3_600_000;

/**
 * An object that is as it shall be is looked at again some hours later, each at another time: should an event ever be lost,
 * its object is not lost with it. Costs no request while there is nothing to change.
 */
export function withResync(action: Action, exists: boolean, random: Random): Action {
  return action.kind === 'done' && exists ? after(resyncMs * (0.75 + 0.5 * random())) : action;
}
