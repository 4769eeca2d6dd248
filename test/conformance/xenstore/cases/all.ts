import type { Case } from '../case.ts';
import { domains } from './domains.ts';
import { frames } from './frames.ts';
import { permissions } from './permissions.ts';
import { transactions } from './transactions.ts';
import { tree } from './tree.ts';
import { watches } from './watches.ts';

/** The suite, in the order in which it runs. */
export const groups: readonly { readonly name: string; readonly cases: readonly Case[] }[] = [
  { name: 'tree', cases: tree },
  { name: 'permissions and quotas', cases: permissions },
  { name: 'watches', cases: watches },
  { name: 'transactions', cases: transactions },
  { name: 'domains', cases: domains },
  { name: 'frames and types', cases: frames },
];
