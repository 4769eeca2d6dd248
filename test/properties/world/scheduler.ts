import type { Random } from '../../../operator/runtime/ports.ts';

interface Job {
  /** When it came, among the jobs of all lanes. */
  readonly order: number;
  readonly run: () => void;
}

/**
 * Decides whose turn it is. Everything that one party asks of another is a job in a lane (the requests of one connection,
 * the messages to it, the calls of one client); a lane is first in, first out, and which lane comes next is the choice
 * that a run of the property makes.
 */
export class Scheduler {
  readonly #lanes = new Map<string, Job[]>();
  #order = 0;

  post(lane: string, run: () => void): void {
    const jobs = this.#lanes.get(lane);
    this.#order += 1;
    const job = { order: this.#order, run };
    if (jobs === undefined) this.#lanes.set(lane, [job]);
    else jobs.push(job);
  }

  get ready(): boolean {
    return this.#lanes.size > 0;
  }

  /** Ends a lane: the first `carriedOut` of its jobs are still done, the others never. */
  end(lane: string, carriedOut = 0): void {
    const jobs = this.#lanes.get(lane);
    this.#lanes.delete(lane);
    for (const job of jobs?.slice(0, carriedOut) ?? []) job.run();
  }

  /**
   * Does some jobs of one lane. Without `random` those of the lane that has waited longest; with it any lane, and any
   * number of its jobs.
   */
  step(random?: Random): void {
    const lanes = [...this.#lanes];
    if (lanes.length === 0) return;
    const [name, jobs] =
      random === undefined
        ? lanes.reduce((oldest, lane) => (first(lane) < first(oldest) ? lane : oldest))
        : (lanes[Math.floor(random() * lanes.length)] as [string, Job[]]);
    const count = random === undefined || random() < 0.5 ? jobs.length : 1 + Math.floor(random() * jobs.length);
    for (const job of jobs.splice(0, count)) job.run();
    if (jobs.length === 0 && this.#lanes.get(name) === jobs) this.#lanes.delete(name);
  }
}

const first = ([, jobs]: [string, Job[]]): number => jobs[0]?.order ?? 0;

/** Resolves when all that follows from what was done by promises and ticks is done. */
export async function settled(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}

/** A generator of numbers in [0, 1) from a seed (mulberry32). */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
