/** What the attacker does, one after another. */
export const phases = ['values', 'flip', 'spread', 'recreate'] as const;
export type Phase = (typeof phases)[number];

/** In every value that the attacker writes and that is no word of the protocol. */
export const marker = 'Zq9-ATTACK-7f3a';
