/** What dom0 needs a device for. The lower the rank, the more it says. */
export interface Use {
  readonly rank: number;
  /** Two or three words, printable, at most 64 characters, that can follow "holds the host's". */
  readonly words: string;
}

/** Uses by what matters most to the person who asks why. */
export const rank = {
  root: 0,
  boot: 1,
  swap: 2,
  defaultRoute: 3,
  mount: 4,
  served: 5,
  stack: 6,
  link: 7,
  address: 8,
  console: 9,
  graphics: 10,
  chipset: 11,
  functions: 12,
  userSpace: 13,
  unknown: 14,
} as const;

/** Words of a use that could not be found out. `why` in a few words. */
export function unknownUse(why: string): Use {
  return { rank: rank.unknown, words: `unknown: ${why}`.slice(0, 64) };
}
