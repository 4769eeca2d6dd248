import { daemon } from './cases/daemon.ts';
import { deaths } from './cases/deaths.ts';
import { hostile } from './cases/hostile.ts';
import { insert } from './cases/insert.ts';
import { pausing } from './cases/pausing.ts';
import { pickUp } from './cases/pick-up.ts';
import { removal } from './cases/removal.ts';
import { secondClient } from './cases/second-client.ts';
import { start } from './cases/start.ts';
import { variants } from './cases/variants.ts';
import type { Scenario } from './scenario.ts';

const all = [pickUp, start, insert, removal, pausing, hostile, deaths, secondClient, daemon, variants];

/** All scenarios, in the order of their cases. */
export const scenarios: readonly Scenario[] = all.flat().sort((a, b) => a.case - b.case);
