import { randomUUID } from 'node:crypto';
import { access, constants } from 'node:fs/promises';
import { posix } from 'node:path';
import { HypervisorError } from '../hypervisor.ts';
import type { Clock } from '../../runtime/ports.ts';
import { type Ending, type RunningAction, startAction } from './action.ts';
import { requireOwnFolder } from './own-folder.ts';
import { type Answer, startQuery } from './query.ts';
import { createSlots } from './slots.ts';
import { spawnFailure } from './spawn-failure.ts';

/** Verbs that only look, and how long they may take. They are killed when it takes longer. */
const queryMs = { info: 30_000, list: 10_000 } as const;
/**
 * Verbs that change something, and how long the agent waits for them; they are never killed. libxl itself waits 60 s for a
 * device model, twice at most, 40 s for a hotplug script, and holds a lock meanwhile.
 */
const patienceMs = { create: 300_000, unpause: 150_000, destroy: 200_000 } as const;

/** A list of 4096 domains has a quarter of that. */
const maxBytes = 2_097_152;
/** How long killed processes are waited for when the agent stops. */
const closeMs = 5000;
const maxQueries = 4;
const maxActions = 8;

/** Time-outs by verb, in milliseconds. */
export type XlTimeouts = Readonly<Partial<Record<keyof typeof queryMs | keyof typeof patienceMs, number>>>;

export interface XlProgramOptions {
  /** Absolute path. */
  readonly program: string;
  /** A folder of ours alone. */
  readonly runDir: string;
  readonly clock: Clock;
  readonly timeouts?: XlTimeouts;
}

/** The program `xl` as child processes: arguments as they are, no shell, few at a time. */
export interface XlProgram {
  readonly path: string;
  /** Whether it is there and may be executed, without running it. Throws `Unavailable`. */
  check(): Promise<void>;
  query(verb: keyof typeof queryMs, ...args: readonly string[]): Promise<Answer>;
  /** Resolves when the process is on its way. */
  start(verb: keyof typeof patienceMs, ...args: readonly string[]): Promise<RunningAction>;
  /** The same, waited for. */
  act(verb: keyof typeof patienceMs, ...args: readonly string[]): Promise<Ending>;
  /** Ends what only looks; what changes something goes on by itself. */
  close(): Promise<void>;
}

export function createXlProgram({ program, runDir, clock, timeouts = {} }: XlProgramOptions): XlProgram {
  if (!posix.isAbsolute(program)) {
    throw new HypervisorError('InvalidArgument', 'The program xl has to be named by its absolute path.');
  }
  const closing = new AbortController();
  const { signal } = closing;
  const queries = createSlots(maxQueries, `${program} (looking)`, clock);
  const actions = createSlots(maxActions, `${program} (changing)`, clock);
  const running = new Set<Promise<unknown>>();
  const start: XlProgram['start'] = async (verb, ...args) => {
    const patience = timeouts[verb] ?? patienceMs[verb];
    const giveBack = await actions.take(patience);
    try {
      await requireOwnFolder(runDir);
      signal.throwIfAborted();
    } catch (error) {
      giveBack();
      throw error;
    }
    const outputFile = posix.join(runDir, `xl-${randomUUID()}.log`);
    const action = startAction(program, [verb, ...args], { patienceMs: patience, signal, clock, outputFile });
    void action.ended.then(giveBack);
    return action;
  };
  return {
    path: program,
    check: async () => {
      try {
        await access(program, constants.X_OK);
      } catch (error) {
        throw spawnFailure(program, error);
      }
    },
    query: async (verb, ...args) => {
      const timeoutMs = timeouts[verb] ?? queryMs[verb];
      const giveBack = await queries.take(timeoutMs);
      const { answer, ended } = startQuery(program, [verb, ...args], { timeoutMs, maxBytes, signal, clock });
      running.add(ended);
      void ended.then(() => {
        running.delete(ended);
        giveBack();
      });
      return answer;
    },
    start,
    act: async (verb, ...args) => (await start(verb, ...args)).ending,
    close: async () => {
      closing.abort(new HypervisorError('Unavailable', `${program}: the agent is stopping.`));
      queries.close();
      actions.close();
      // A process that hangs in the kernel cannot be killed, and holds up nobody's end.
      const { promise: enough, resolve } = Promise.withResolvers<undefined>();
      const cancel = clock.setTimer(closeMs, () => resolve(undefined));
      await Promise.race([Promise.all(running), enough]);
      cancel();
    },
  };
}
