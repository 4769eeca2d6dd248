import { expect, test } from '@jest/globals';
import type { Action, Deed } from './world/action.ts';
import { everythingBecomesTrue } from './world/outcome.ts';
import { perform } from './world/perform.ts';
import { PropertyWorld } from './world/world.ts';

/** A deed and so many steps of what follows, in the order of asking. */
const then = (steps: number, deed: Deed, salt = 0): Action => ({ deed, steps, salt });
const aWhile = 1000;

/** What random runs found, each made as short as it gets. */
const found: [string, Action[]][] = [
  [
    'a command of the same word and another parameter is somebody else’s: ours was taken, and is not sent again',
    [
      then(0, { do: 'attach', which: 0, force: false }),
      then(aWhile, { do: 'behave', guest: 0, as: 'too slow' }),
      then(0, { do: 'xl', guest: 0, deed: 'pci-ins' }),
      then(aWhile, { do: 'wait', ms: 100 }),
    ],
  ],
  [
    'a device that no guest confirmed stays with pciback over a restart of the guest',
    [
      then(aWhile, { do: 'attach', which: 1, force: false }),
      then(0, { do: 'restart', guest: 0, domid: 'new' }),
      then(0, { do: 'detach', which: 1 }),
    ],
  ],
  [
    'a guest that comes back under its domid gets a new stub domain',
    [
      then(0, { do: 'pause', guest: 0 }),
      then(10, { do: 'detach', which: 0 }),
      then(aWhile, { do: 'restart', guest: 0, domid: 'same' }, 1_267_046_740),
    ],
  ],
];

test.each(found)('%s', async (_, sequence) => {
  const world = new PropertyWorld({ wholeTrace: false });
  await world.boot();
  for (const action of sequence) await perform(world, action);
  await everythingBecomesTrue(world);
  expect(world.trace.text).not.toContain('VIOLATION');
});
