import { pciAttachments, stubDomains } from '../../operator/kube/resources.ts';
import type { FaultHost, FaultWorld } from '../support/world-parts.ts';
import type { FaultPoint } from '../support/xenstore-proxy.ts';
import {
  applyAttachment,
  applyStubDomain,
  isGone,
  isReady,
  makeSubject,
  remove,
  setRunState,
  tree,
  until,
  type Subject,
} from './subject.ts';

/** What is broken at a point: the agent's process, or only its connection to XenStore. */
export type Fault = 'kill' | 'cut';

/** How far a subject has come before the fault. */
export type Prepared = 'guest' | 'running' | 'attached' | 'paused';

/** Something the agent does, to be disturbed at every request that changes XenStore. */
export interface Scenario {
  readonly prepared: Prepared;
  /** Asks for it. */
  readonly act: (world: FaultWorld, subject: Subject) => Promise<void>;
  /** Waits until the API says that it is done. */
  readonly finished: (world: FaultWorld, subject: Subject) => Promise<void>;
  /** Checks the state of the world; throws what is wrong with it. */
  readonly verify: (world: FaultWorld, subject: Subject) => Promise<void>;
}

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
 */
export async function sweep(world: FaultWorld, label: string, fault: Fault, scenario: Scenario): Promise<Swept> {
  const { hosts } = world;
  const before = await Promise.all(hosts.map(tree));
  const dry = await prepare(world, `${label}-dry`, hosts.length, scenario.prepared);
  const runs = await Promise.all(dry.map((subject) => undisturbed(world, subject, scenario)));
  // A transaction that met a conflict makes a run longer: the shortest is without.
  const requests = runs.reduce((shortest, run) => (run.length < shortest.length ? run : shortest));
  const points = requests.flatMap(({ effective }, index): FaultPoint[] => {
    const number = index + 1;
    return effective
      ? [
          { at: number, when: 'before' },
          { at: number, when: 'after' },
        ]
      : [{ at: number, when: 'before' }];
  });
  const subjects = await prepare(world, label, points.length, scenario.prepared);
  const failures: string[] = [];
  const todo = points.map((point, index) => ({ point, subject: subjects[index] as Subject }));
  await Promise.all(
    hosts.map(async (host) => {
      for (const { point, subject } of todo.filter((one) => one.subject.host === host)) {
        if (failures.length >= enoughFailures) return;
        const where = `${fault} ${point.when} request ${point.at} (${requests[point.at - 1]?.text ?? ''})`;
        try {
          await disturbed(world, subject, scenario, fault, point);
        } catch (error) {
          failures.push(`${where}: ${error instanceof Error ? error.message : String(error)}`);
        }
      }
    }),
  );
  const all = [...dry, ...subjects];
  for (const subject of failures.length > 0 ? [] : all) {
    // Again: what came later must not have changed it, and whoever sends a command twice may do so late.
    await scenario
      .verify(world, subject)
      .catch((error: unknown) => failures.push(`later, ${subject.name}: ${String(error)}`));
  }
  await cleanUp(world, all);
  const after = await Promise.all(hosts.map(tree));
  const leftovers = after.flatMap((paths, index) => paths.filter((path) => before[index]?.includes(path) !== true));
  return { requests: requests.map(({ text }) => text), points: points.length, failures, leftovers };
}

async function undisturbed(world: FaultWorld, subject: Subject, scenario: Scenario) {
  const { proxy } = subject.host;
  proxy.arm();
  await scenario.act(world, subject);
  await scenario.finished(world, subject);
  const requests = [...proxy.seen];
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
  const { proxy, agent } = subject.host;
  const struck = new Promise<void>((resolve) => {
    proxy.arm(point, () => {
      if (fault === 'kill') agent.kill();
      resolve();
    });
  });
  await scenario.act(world, subject);
  const finished = scenario.finished(world, subject);
  finished.catch(() => {});
  await Promise.race([struck, finished]);
  if (!proxy.fired) throw new Error('the point was not reached');
  if (fault === 'kill') await agent.restart();
  await finished;
  await scenario.verify(world, subject);
}

/** Makes subjects, spread over the hosts, and brings them to where the scenario begins. */
async function prepare(world: FaultWorld, label: string, count: number, prepared: Prepared): Promise<Subject[]> {
  const { hosts } = world;
  const places = Array.from({ length: count }, (_, index) => {
    const host = hosts[index % hosts.length] as FaultHost;
    const address = host.addresses[Math.floor(index / hosts.length) + (label.endsWith('-dry') ? 0 : 1)];
    if (address === undefined) throw new Error(`the hosts have too few devices for ${count} runs`);
    return { host, address };
  });
  const subjects = await Promise.all(
    places.map(({ host, address }, index) => makeSubject(host, `${label}-${index + 1}`, address)),
  );
  if (prepared === 'guest') return subjects;
  await each(subjects, (subject) => applyStubDomain(world, subject));
  if (prepared === 'attached') await each(subjects, (subject) => applyAttachment(world, subject));
  await each(subjects, (subject) => until(world, 'stubDomains', subject, isReady));
  if (prepared === 'attached') await each(subjects, (subject) => until(world, 'attachments', subject, isReady));
  if (prepared === 'paused') {
    await each(subjects, (subject) => setRunState(world, subject, 'Paused'));
    await each(subjects, (subject) => until(world, 'stubDomains', subject, isReady));
  }
  return subjects;
}

async function cleanUp(world: FaultWorld, subjects: readonly Subject[]): Promise<void> {
  await each(subjects, (subject) => remove(world, pciAttachments, subject));
  await each(subjects, (subject) => until(world, 'attachments', subject, isGone));
  await each(subjects, (subject) => remove(world, stubDomains, subject));
  await each(subjects, (subject) => until(world, 'stubDomains', subject, isGone));
  await each(subjects, (subject) => subject.host.admin.removeGuest(subject.uuid));
}

async function each(subjects: readonly Subject[], work: (subject: Subject) => Promise<void>): Promise<void> {
  await Promise.all(subjects.map(work));
}
