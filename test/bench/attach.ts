/**
 * PCI devices into guests of an idle world: `npm run bench -- attach`. How long from apply to Inserted, and how soon a
 * failure that the device model tells in words is a condition; how often in a row the agent waits for XenStore, by phase,
 * from what it and the daemon say to each other; beside the bare exchange of the protocol in C on the same daemon and
 * device model. Figures, no verdict.
 */
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { frontendHoldMs } from '../../operator/domain/pci/gate.ts';
import { pciAttachments, stubDomains } from '../../operator/kube/resources.ts';
import { measurePeer, type BareInserts, type PeerFigures } from './attach/c-peer.ts';
import { channelOf, removed } from './attach/guest.ts';
import { phaseNames, type AttachTrace, type PhaseName } from './attach/phases.ts';
import { failedAttach, timedAttach, type TimedAttach } from './attach/timed.ts';
import { tracedAndRemoved, tracedAttach } from './attach/traced.ts';
import {
  applyAttachment,
  applyStubDomain,
  namespace,
  startBenchWorld,
  type BenchWorld,
} from './processes/bench-world.ts';
import { quantile, row, spread } from './processes/figures.ts';
import { followObjects, says, type ObjectTimes } from './processes/object-times.ts';

const runs = 10;
/** Assignable cards of the simulated machine. */
const [card, refused, plainCard] = ['0000:03:00.0', '0000:04:00.0', '0000:06:00.0'] as const;
const pair = { first: '0000:10:01.0', second: '0000:10:02.0' } as const;
const four = {
  'four-1': '0000:10:03.0',
  'four-2': '0000:10:04.0',
  'four-3': '0000:10:05.0',
  'four-4': '0000:10:06.0',
} as const;
const target = 10;

/** The world with the stub domains of these guests Ready and at rest, for as long as `use` takes. */
async function withWorld<T>(
  guests: readonly string[],
  { traced, bare = [] }: { readonly traced: boolean; readonly bare?: readonly string[] },
  use: (world: BenchWorld, attachments: ObjectTimes) => Promise<T>,
): Promise<T> {
  const world = await startBenchWorld([...guests, ...bare], ['insert-error=no-free-devfn@bad'], { traced });
  try {
    const domains = await followObjects(world.kube, stubDomains, namespace);
    const attachments = await followObjects(world.kube, pciAttachments, namespace);
    for (const name of guests) await applyStubDomain(world.kube, name);
    for (const name of guests) await domains.when(name, (shown) => says(shown, 'Ready', 'True'));
    await sleep(2_500);
    const result = await use(world, attachments);
    await Promise.all([domains.close(), attachments.close()]);
    return result;
  } finally {
    await world.close();
  }
}

async function repeated<T>(once: (run: number) => Promise<T>): Promise<T[]> {
  const results: T[] = [];
  for (let run = 1; run <= runs; run += 1) results.push(await once(run));
  return results;
}

interface Times {
  readonly attaches: readonly TimedAttach[];
  readonly failures: readonly number[];
  readonly peer: PeerFigures | undefined;
}

async function measureTimes(world: BenchWorld, attachments: ObjectTimes): Promise<Times> {
  const good = { stubDomain: 'good', channel: await channelOf(world, 'good'), address: card };
  const bad = { stubDomain: 'bad', channel: await channelOf(world, 'bad'), address: refused };
  // The first one has the stub domain list its devices, and the programs compile what they run.
  await timedAttach(world, attachments, { ...good, name: 'warm' });
  return {
    attaches: await repeated((run) => timedAttach(world, attachments, { ...good, name: `good-${String(run)}` })),
    failures: await repeated((run) => failedAttach(world, attachments, { ...bad, name: `bad-${String(run)}` })),
    peer: await measurePeer(world, 'plain', plainCard, runs),
  };
}

interface Traces {
  readonly one: readonly AttachTrace[];
  readonly second: readonly AttachTrace[];
  readonly four: readonly AttachTrace[];
}

async function measureTraces(world: BenchWorld, attachments: ObjectTimes): Promise<Traces> {
  await tracedAndRemoved(world, attachments, 'one', { warm: card });
  const one = await repeated((run) => tracedAndRemoved(world, attachments, 'one', { [`one-${String(run)}`]: card }));
  // Both are listed before the first insert: MiniOS lists only once.
  for (const [name, address] of Object.entries(pair)) await applyAttachment(world.kube, name, 'two', address);
  for (const name of Object.keys(pair)) await attachments.when(name, (shown) => says(shown, 'Inserted', 'True'));
  const second = await repeated(async () => {
    await removed(world, attachments, 'second');
    return tracedAttach(world, attachments, 'two', { second: pair.second });
  });
  await tracedAndRemoved(world, attachments, 'four', four);
  return { one, second, four: await repeated(() => tracedAndRemoved(world, attachments, 'four', four)) };
}

const median = (values: readonly number[]): number => quantile(values, 0.5);
const counts = (values: readonly number[]): string =>
  `${median(values).toString()} / ${Math.max(...values).toString()}`;
const perDevice = (total: number, devices: number): number => Math.round((100 * total) / devices) / 100;
const ratio = (a: readonly number[], b: readonly number[]): string => (median(a) / median(b)).toFixed(1);

const inRow = (
  { phases }: AttachTrace,
  key: 'trips' | 'waits' | 'ms' = 'trips',
  of: readonly PhaseName[] = phaseNames,
) => of.reduce((total, name) => total + phases[name][key], 0);

function printTimes({ attaches, failures }: Times): void {
  const of = (field: keyof TimedAttach): number[] => attaches.map((one) => one[field]);
  row("failure: from the model's words to the condition", spread(failures), 'target < 100 ms');
  row('attach: apply to Inserted in the API', spread(of('totalMs')));
  row('  apply to the command (claim, prepare, back end, front end)', spread(of('beforeMs')));
  row('    of it the time that the front end must have been connected', `${String(frontendHoldMs)} ms`, 'gate.ts');
  row("  command to the model's reply", spread(of('modelMs')));
  row('  reply to Inserted in the API', spread(of('afterMs')));
  row("attach beyond the model's own time and that wait", spread(beyond(attaches)));
  row('attach: passes of the agent', counts(of('passes')));
}

const beyond = (attaches: readonly TimedAttach[]): number[] =>
  attaches.map(({ totalMs, modelMs }) => totalMs - modelMs - frontendHoldMs);

const labels: Readonly<Record<PhaseName, string>> = {
  claim: '  from the apply to claim and back end entry, committed',
  look: '  the look that sees back and front end connected (the hold begins)',
  command: '  from the end of the hold to the command, committed',
  acknowledgement: "  from the model's reply to acknowledgement and note, committed",
};

function printTraces({ one, second, four: fours }: Traces): void {
  console.log('\nXenStore round trips of the agent in a row, p50 / max');
  row('one device', counts(one.map((trace) => inRow(trace))), `target ${String(target)}`);
  for (const name of phaseNames) row(labels[name], counts(one.map(({ phases }) => phases[name].trips)));
  row('  at most, if each answer in between was waited for', counts(one.map((trace) => inRow(trace, 'waits'))));
  row('  beside: while it waits for something else', counts(one.map(({ beside }) => beside)));
  row('  requests in all', counts(one.map(({ requests }) => requests)));
  row('a second device into the same guest', counts(second.map((trace) => inRow(trace))), `target ${String(target)}`);
  row('  beside', counts(second.map(({ beside }) => beside)));
  row('  requests in all', counts(second.map(({ requests }) => requests)));
  const devices = Object.keys(four).length;
  const each = (value: (trace: AttachTrace) => number): string =>
    counts(fours.map((trace) => perDevice(value(trace), devices)));
  row(`${String(devices)} devices at once into one guest, per device`, each(inRow), `target ${String(target)}`);
  for (const name of phaseNames)
    row(
      labels[name],
      each(({ phases }) => phases[name].trips),
    );
  row(
    '  beside, per device',
    each(({ beside }) => beside),
  );
  row(
    '  requests, per device',
    each(({ requests }) => requests),
  );
}

function printPeer({ attaches, peer }: Times, { one }: Traces): void {
  console.log(
    '\nThe bare exchange in C over libxenstore, same daemon and device model: read the state, write parameter and',
  );
  console.log(
    'command, wait for the reply, read the result, write the acknowledgement. No claim, back end, grants, API.',
  );
  if (peer === undefined) {
    row('bare exchange in C', 'none', 'cannot be built here: see above');
    return;
  }
  const own = ({ micros, modelMicros }: BareInserts): number[] =>
    micros.map((all, index) => (all - (modelMicros[index] ?? Number.NaN)) / 1000);
  const { plain, guarded, guardedThroughProxy } = peer;
  const exchange: readonly PhaseName[] = ['command', 'acknowledgement'];
  const trips = one.map((trace) => inRow(trace, 'trips', exchange));
  row('plain writes, as libxl: round trips', counts(plain.roundTrips));
  row("  time without the model's", spread(own(plain)));
  row('in transactions that compare, as the agent: round trips', counts(guarded.roundTrips));
  row("  time without the model's", spread(own(guarded)));
  row("the agent's same part (command, acknowledgement): round trips", counts(trips));
  row(
    "  time without the model's, traced, with the guest's grants",
    spread(one.map((trace) => inRow(trace, 'ms', exchange))),
  );
  row('round trips, same part: agent / C plain', ratio(trips, plain.roundTrips));
  row('round trips, same part: agent / C in transactions', ratio(trips, guarded.roundTrips));
  row(
    'time, same part: agent / C in transactions, both traced',
    ratio(
      one.map((trace) => inRow(trace, 'ms', exchange)),
      own(guardedThroughProxy),
    ),
  );
  row(
    'round trips, whole attach / C plain',
    ratio(
      one.map((trace) => inRow(trace)),
      plain.roundTrips,
    ),
  );
  row('time, whole attach without model and hold / C plain', ratio(beyond(attaches), own(plain)));
}

const load = loadavg()[0]?.toFixed(1) ?? '?';
console.log(`p50 / max of ${String(runs)}; load of the machine at the start ${load}`);
const times = await withWorld(['good', 'bad'], { traced: false, bare: ['plain'] }, measureTimes);
printTimes(times);
const traces = await withWorld(['one', 'two', 'four'], { traced: true }, measureTraces);
printTraces(traces);
printPeer(times, traces);
