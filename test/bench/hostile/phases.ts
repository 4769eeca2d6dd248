/**
 * What the attacker does, one after another: values that are meant to harm, `state` flapping, events of ever other paths,
 * everything that the quota allows and more, a reply as long as a command has not been taken, nodes that go and come.
 */
export const phases = ['values', 'flip', 'spread', 'quota', 'forge', 'recreate'] as const;
export type Phase = (typeof phases)[number];

/** In every value that the attacker writes and that is no word of the protocol. */
export const marker = 'Zq9-ATTACK-7f3a';
