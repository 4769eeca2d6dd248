/** States of the xenbus handshake between a back end and a front end (xen/include/public/io/xenbus.h). */
export const xenbusState = {
  unknown: 0,
  initialising: 1,
  initWait: 2,
  initialised: 3,
  connected: 4,
  closing: 5,
  closed: 6,
  reconfiguring: 7,
  reconfigured: 8,
} as const;

const names = [
  'Unknown',
  'Initialising',
  'InitWait',
  'Initialised',
  'Connected',
  'Closing',
  'Closed',
  'Reconfiguring',
  'Reconfigured',
] as const;

/** The state's number out of a node; undefined if the node is missing or holds anything else. */
export function parseXenbusState(value: Uint8Array | undefined): number | undefined {
  if (value?.length !== 1) return undefined;
  const digit = (value[0] ?? 0) - 48;
  return digit >= 0 && digit < names.length ? digit : undefined;
}

/** The state's name, for people. */
export function xenbusStateName(state: number | undefined): string {
  return state === undefined ? 'Absent' : (names[state] ?? 'Unknown');
}
