import type { FaultHost, FaultWorld } from '../support/world-parts.ts';
import type { FaultPoint, MutatingRequest } from '../support/fault-line.ts';
import {
  applyAttachment,
  applyStubDomain,
  isGone,
  isReady,
  makeSubject,
  removeAttachment,
  removeStubDomain,
  setRunState,
  tree,
  untilAttachment,
  untilStubDomain,
  type Subject,
} from './subject.ts';

/** What is broken at a point: the agent's process, or only its connection to XenStore or the hypervisor. */
export type Fault = 'kill' | 'cut';

/** How far a subject has come before the fault. */
export type Prepared = 'guest' | 'running' | 'attached' | 'paused';

/** Something the agent does, to be disturbed at every request that changes something. */
export interface Scenario {
  readonly prepared: Prepared;
  /** Asks for it. */
  readonly act: (world: FaultWorld, subject: Subject) => Promise<void>;
  /** Waits until the API says that it is done. */
  readonly finished: (world: FaultWorld, subject: Subject) => Promise<void>;
  /** Checks the state of the world; throws what is wrong with it. */
  readonly verify: (world: FaultWorld, subject: Subject) => Promise<void>;
}

const both = [0, 1] as const;

/** What came of a sweep. */
export interface Swept {
  /** The requests of an undisturbed run. */
  readonly requests: readonly string[];
  readonly points: number;
  /** What was wrong, with the point at which the fault was. */
  readonly failures: readonly string[];
  /** XenStore nodes that are there after everything was deleted, and were not before. */
  readonly leftovers: readonly string[];
}

/** After so many failures a sweep gives up: what is wrong everywhere need not be shown everywhere. */
const enoughFailures = 4;

/**
 * Runs the scenario once undisturbed on each host, to learn its requests; then once for every point, each time with a
 * subject of its own. Inside a transaction `before` is enough: whatever was asked in it, the daemon has nothing of it.
 * There, `every` takes one request of so many.
 */
export async function sweep(
  world: FaultWorld,
  label: string,
  fault: Fault,
  scenario: Scenario,
  every = 1,
): Promise<Swept> {
  const { hosts } = world;
  const before = await Promise.all(hosts.map(tree));
  const subjects: Subject[] = [];
  const failures: string[] = [];
  let requests: readonly MutatingRequest[] = [];
  try {
    const dry = await prepare(world, `${label}-dry`, hosts.length, scenario.prepared, subjects);
    const runs = await Promise.all(dry.map((subject) => undisturbed(world, subject, scenario)));
    // A transaction that met a conflict makes a run longer: the shortest is without.
    requests = runs.reduce((shortest, run) => (run.length < shortest.length ? run : shortest));
    const points = pointsOf(requests, every);
    const runners = await prepare(world, label, points.length, scenario.prepared, subjects);
    const todo = points.map((point, index) => ({ point, subject: runners[index] as Subject }));
    const attempt = async (point: FaultPoint, subject: Subject): Promise<void> => {
      const where = `${fault} ${point.when} request ${point.at} (${requests[point.at - 1]?.text ?? ''})`;
      await disturbed(world, subject, scenario, fault, point).catch((error: unknown) => {
        failures.push(`${where}: ${String(error)}`);
      });
    };
    await Promise.all(
      hosts.map(async (host) => {
        for (const { point, subject } of todo.filter((one) => one.subject.host === host)) {
          if (failures.length < enoughFailures) await attempt(point, subject);
        }
      }),
    );
    // Again: what came later must not have changed it, and whoever sends a command twice may do so late.
    for (const subject of failures.length > 0 ? [] : subjects) await scenario.verify(world, subject);
  } finally {
    await Promise.all(subjects.map((subject) => cleanUp(world, subject)));
  }
  const after = await Promise.all(hosts.map(tree));
  const leftovers = after.flatMap((paths, index) => paths.filter((path) => before[index]?.includes(path) !== true));
  return { requests: requests.map(({ text }) => text), points: pointsOf(requests, every).length, failures, leftovers };
}

function pointsOf(requests: readonly MutatingRequest[], every: number): FaultPoint[] {
  return requests.flatMap(({ effective }, index): FaultPoint[] => {
    const at = index + 1;
    const before: FaultPoint = { at, when: 'before' };
    if (effective) return [before, { at, when: 'after' }];
    return index % every === 0 ? [before] : [];
  });
}

async function undisturbed(world: FaultWorld, subject: Subject, scenario: Scenario) {
  const { line } = subject.host;
  line.arm();
  await scenario.act(world, subject);
  await scenario.finished(world, subject);
  const requests = [...line.seen];
  await scenario.verify(world, subject);
  return requests;
}

async function disturbed(
  world: FaultWorld,
  subject: Subject,
  scenario: Scenario,
  fault: Fault,
  point: FaultPoint,
): Promise<void> {
  const { line, agent } = subject.host;
  const struck = new Promise<void>((resolve) => {
    line.arm(point, () => {
      if (fault === 'kill') agent.kill();
      resolve();
    });
  });
  await scenario.act(world, subject);
  const finished = scenario.finished(world, subject);
  finished.catch(() => {});
  await Promise.race([struck, finished]);
  if (!line.fired) throw new Error('the point was not reached');
  if (fault === 'kill') await agent.restart();
  await finished;
  await scenario.verify(world, subject);
}

/** Makes subjects, spread over the hosts, and brings them to where the scenario begins. Adds them to `all` first. */
async function prepare(
  world: FaultWorld,
  label: string,
  count: number,
  prepared: Prepared,
  all: Subject[],
): Promise<Subject[]> {
  const { hosts } = world;
  const places = Array.from({ length: count }, (_, index) => {
    const host = hosts[index % hosts.length] as FaultHost;
    const first = 2 * (Math.floor(index / hosts.length) + (label.endsWith('-dry') ? 0 : 1));
    const [address, other] = host.addresses.slice(first, first + 2);
    if (address === undefined || other === undefined) throw new Error(`too few devices for ${count} runs`);
    return { host, addresses: [address, other] as const };
  });
  const subjects = await Promise.all(
    places.map(({ host, addresses }, index) => makeSubject(host, `${label}-${index + 1}`, addresses)),
  );
  all.push(...subjects);
  await Promise.all(subjects.map((subject) => bring(world, subject, prepared)));
  return subjects;
}

async function bring(world: FaultWorld, subject: Subject, prepared: Prepared): Promise<void> {
  if (prepared === 'guest') return;
  await applyStubDomain(world, subject);
  if (prepared === 'attached') {
    for (const which of both) await applyAttachment(world, subject, which);
    for (const which of both) await untilAttachment(world, subject, which, isReady);
  }
  await untilStubDomain(world, subject, isReady);
  if (prepared !== 'paused') return;
  await setRunState(world, subject, 'Paused');
  await untilStubDomain(world, subject, isReady);
}

async function cleanUp(world: FaultWorld, subject: Subject): Promise<void> {
  for (const which of both) await removeAttachment(world, subject, which);
  for (const which of both) await untilAttachment(world, subject, which, isGone);
  await removeStubDomain(world, subject);
  await untilStubDomain(world, subject, isGone);
  await subject.host.admin.removeGuest(subject.uuid);
}
