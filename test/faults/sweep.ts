import type { FaultPoint, Link, MutatingRequest } from '../support/fault-line.ts';
import type { FaultHost, FaultWorld } from '../support/world-parts.ts';
import type { Fault } from './fault.ts';
import { arrive, type Operation } from './operations.ts';
import { type Known, type Subjects, undisturbed, verify } from './subjects.ts';
import { attachmentName } from './subject.ts';

/** What came of a sweep. */
export interface Swept {
  readonly operation: string;
  readonly fault: string;
  /** How many points were struck, by what the request was for. */
  readonly points: Readonly<Partial<Record<Link, number>>>;
  /** What was wrong, with the point at which the fault was. */
  readonly failures: readonly string[];
}

export interface SweepOptions {
  /** Requests for these are points. */
  readonly links?: readonly Link[];
  /** Of the requests inside transactions one of so many is a point. Default all. */
  readonly every?: number;
}

/** After so many failures a sweep gives up: what is wrong everywhere need not be shown everywhere. */
const enoughFailures = 4;

/**
 * Runs the operation once undisturbed, to learn its requests; then once for every point. Points are taken beyond those as
 * long as there are requests: a sweep ends with a run on each link that ended before its point came.
 */
export async function sweep(
  world: FaultWorld,
  subjects: Subjects,
  operation: Operation,
  fault: Fault,
  options: SweepOptions = {},
): Promise<Swept> {
  const { links = ['XenStore', 'hypervisor', 'API'], every = 1 } = options;
  const [first] = world.hosts;
  if (first === undefined) throw new Error('a world without hosts');
  const requests = await learn(world, await subjects.take(first, operation), operation, subjects);
  const queue: FaultPoint[] = [];
  const points: Partial<Record<Link, number>> = {};
  const failures: string[] = [];
  for (const link of links) {
    const known = requests.filter((request) => request.link === link);
    known.forEach((request, index) => queue.push(...pointsOf(request, index, fault, every)));
    queue.push({ link, at: known.length + 1, when: 'before' });
  }
  const attempt = async (host: FaultHost, point: FaultPoint): Promise<void> => {
    const known = await subjects.take(host, operation);
    const struck = await disturbed(world, known, operation, fault, point);
    await subjects.giveBack(known);
    const { link, at, when } = point;
    if (struck === undefined) return;
    points[link] = (points[link] ?? 0) + 1;
    const more = at > requests.filter((request) => request.link === link).length && when === 'before';
    if (more) queue.push(...pointsOf(struck, at - 1, fault, 1).slice(1), { link, at: at + 1, when: 'before' });
  };
  await Promise.all(
    world.hosts.map(async (host) => {
      for (let point = queue.shift(); point !== undefined; point = queue.shift()) {
        const { link, at, when } = point;
        await attempt(host, point).catch((error: unknown) => {
          failures.push(`${fault.name} ${when} ${link} request ${at} of ${operation.name}: ${String(error)}`);
        });
        if (failures.length >= enoughFailures) return;
      }
    }),
  );
  // Whoever sends a command twice may do so late.
  if (failures.length === 0) await subjects.verifyAll();
  return { operation: operation.name, fault: fault.name, points, failures };
}

/**
 * Inside a transaction `before` is enough: whatever was asked in it, the daemon has nothing of it. What the fault does not
 * break is a point when it changes something.
 */
function pointsOf({ link, effective }: MutatingRequest, index: number, { breaks }: Fault, every: number): FaultPoint[] {
  const at = index + 1;
  const before: FaultPoint = { link, at, when: 'before' };
  if (!breaks(link)) return effective ? [before] : [];
  if (effective) return [before, { link, at, when: 'after' }];
  return index % every === 0 ? [before] : [];
}

const isOf =
  ({ subject }: Known) =>
  (object: string): boolean =>
    [subject.name, attachmentName(subject, 0), attachmentName(subject, 1)].includes(object);

async function learn(world: FaultWorld, known: Known, operation: Operation, subjects: Subjects) {
  const { line } = known.subject.host;
  line.arm(isOf(known));
  await undisturbed(world, known, operation);
  const requests = [...line.seen];
  await verify(world, known.subject, known.state);
  await subjects.giveBack(known);
  return requests;
}

/** The request at the point; undefined when the operation was done before it came. */
async function disturbed(
  world: FaultWorld,
  known: Known,
  operation: Operation,
  fault: Fault,
  point: FaultPoint,
): Promise<MutatingRequest | undefined> {
  const { subject, state } = known;
  const { host } = subject;
  const { line } = host;
  const goal = operation.to(state);
  const struck = Promise.withResolvers<undefined>();
  const strike = (): void => {
    fault.strike(world, host, point.link);
    struck.resolve(undefined);
  };
  line.arm(isOf(known), { point, trouble: { breaks: fault.breaks, strike } });
  await operation.act(world, subject);
  const finished = arrive(world, subject, operation, goal);
  finished.catch(() => {});
  await Promise.race([struck.promise, finished]);
  const request = line.fired;
  if (request === undefined) {
    line.disarm();
  } else {
    await struck.promise;
    await fault.recover(world, { subject, goal, request });
    await arrive(world, subject, operation, goal);
  }
  await verify(world, subject, goal);
  known.state = goal;
  if (request !== undefined) await fault.forget?.(world, host);
  return request;
}
