import { test } from '@jest/globals';
import fc from 'fast-check';
import { UnitWorld, type UnitAction } from '../../../support/unit-world.ts';

const functions = [0, 1, 2, 3];
const anyFunction = fc.integer({ min: 0, max: 3 });
const action: fc.Arbitrary<UnitAction> = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 12 }).map((steps): UnitAction => ({ do: 'pass', steps })) },
  { weight: 3, arbitrary: fc.constant<UnitAction>({ do: 'modelTakes' }) },
  { weight: 3, arbitrary: fc.constant<UnitAction>({ do: 'modelAnswers' }) },
  { weight: 1, arbitrary: fc.constant<UnitAction>({ do: 'modelRefuses' }) },
  { weight: 1, arbitrary: fc.constant<UnitAction>({ do: 'guestEjects' }) },
  { weight: 1, arbitrary: fc.constant<UnitAction>({ do: 'crash' }) },
  { weight: 1, arbitrary: fc.constant<UnitAction>({ do: 'settle' }) },
  { weight: 2, arbitrary: fc.integer({ min: 1, max: 90_000 }).map((ms): UnitAction => ({ do: 'time', ms })) },
  { weight: 2, arbitrary: anyFunction.map((of): UnitAction => ({ do: 'apply', fn: of })) },
  { weight: 1, arbitrary: anyFunction.map((of): UnitAction => ({ do: 'delete', fn: of })) },
  { weight: 1, arbitrary: anyFunction.map((of): UnitAction => ({ do: 'unclaim', fn: of })) },
);

test('whatever happens to four functions: together or not at all, out by function 0, and in the end as asked', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120, size: 'max' }), (actions) => {
      const world = new UnitWorld();
      for (const of of functions) world.act({ do: 'apply', fn: of });
      // Ready to be inserted.
      world.act({ do: 'pass', steps: 20 });
      world.act({ do: 'time', ms: 2000 });
      for (const one of actions) world.act(one);
      world.settle();
      // A new function 0 brings whatever is wanted, unless the slot holds something that nobody can get out of it alone.
      world.act({ do: 'delete', fn: 0 });
      world.settle();
      for (const fn of [3, 2, 1, 0]) world.act({ do: 'apply', fn });
      world.settle();
      const stuck = world.ghosts().length + world.unknown().length + world.leaving().length;
      if (stuck === 0 && world.told().join() !== '48,49,50,51') throw world.wrong('the guest was not told of all');
      if (stuck === 0 && world.ready().length !== 4) throw world.wrong('not all is Ready');
      // When all is given up, nothing is left.
      for (const fn of functions) world.act({ do: 'delete', fn });
      world.settle();
      if (world.left().length > 0) throw world.wrong(`this is left: ${world.left().join(', ')}`);
    }),
    // A run that fails is to be the same run elsewhere; another seed looks elsewhere.
    { numRuns: 400, seed: Number(process.env['PROPERTY_SEED'] ?? 20_261_122) },
  );
});
