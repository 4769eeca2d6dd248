import type { Case } from '../case.ts';
import { applyCases } from './apply.ts';
import { builtinCases } from './builtin.ts';
import { deletionCases } from './deletion.ts';
import { discoveryCases } from './discovery.ts';
import { listCases } from './lists.ts';
import { objectCases } from './objects.ts';
import { patchCases } from './patches.ts';
import { validationCases } from './validation.ts';
import { watchCases } from './watches.ts';

/** The whole suite. */
export const cases: readonly Case[] = [
  ...discoveryCases,
  ...objectCases,
  ...listCases,
  ...watchCases,
  ...patchCases,
  ...applyCases,
  ...validationCases,
  ...deletionCases,
  ...builtinCases,
];
