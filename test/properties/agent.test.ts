import { test } from '@jest/globals';
import fc from 'fast-check';
import { type Action, actions, formatAction } from './world/action.ts';
import { everythingBecomesTrue } from './world/outcome.ts';
import { perform } from './world/perform.ts';
import { PropertyViolation, PropertyWorld } from './world/world.ts';

const minutes = 60_000;

/** One run: the actions, then the end that every run has. */
async function run(sequence: readonly Action[], wholeTrace: boolean): Promise<void> {
  const world = new PropertyWorld({ wholeTrace });
  await world.boot();
  for (const action of sequence) await perform(world, action);
  await everythingBecomesTrue(world);
}

/** What happened in a run that fails, for a person to follow. */
async function traceOf(sequence: readonly Action[]): Promise<string> {
  try {
    await run(sequence, process.env['PROPERTY_TRACE'] === 'whole');
    return 'The run did not fail again: something in it is not determined by the seed.';
  } catch (error) {
    return error instanceof PropertyViolation ? error.trace : String(error);
  }
}

function numberFrom(name: string): number | undefined {
  const text = process.env[name];
  return text === undefined || text === '' ? undefined : Number(text);
}

test(
  'whatever happens in whatever order: one command at a time, no insert during an eject, nothing acknowledged that was not ours, no device with two owners, and in the end all that was asked for',
  async () => {
    const path = process.env['PROPERTY_PATH'];
    const details = await fc.check(
      fc.asyncProperty(actions, (sequence) => run(sequence, false)),
      {
        numRuns: numberFrom('PROPERTY_RUNS') ?? 300,
        seed:
          numberFrom('PROPERTY_SEED') ?? (process.env['PROPERTY_RUNS'] === undefined ? 20_261_122 : Date.now() >>> 0),
        ...(path === undefined ? {} : { path }),
      },
    );
    if (!details.failed) return;
    const sequence = details.counterexample?.[0] ?? [];
    const { errorInstance: error } = details;
    throw new Error(
      [
        error instanceof PropertyViolation ? error.message : String((error as Error).stack),
        `after ${details.numRuns} runs and ${details.numShrinks} shrinks; again with: PROPERTY_SEED=${details.seed} PROPERTY_PATH=${details.counterexamplePath ?? ''} npx jest test/properties`,
        'The actions:',
        ...sequence.map((action) => `  ${formatAction(action)}`),
        'What happened:',
        await traceOf(sequence),
      ].join('\n'),
    );
  },
  30 * minutes,
);
