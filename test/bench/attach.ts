/**
 * One device into one guest on an idle world, ten times: `npm run bench -- attach`. How long from apply to Inserted, how
 * many requests and round trips of XenStore the agent needs, and how soon a failure that the device model tells in words
 * is a condition; beside the bare exchange of the protocol by a plain client on the same daemon. Figures, no verdict.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { frontendHoldMs } from '../../operator/domain/pci/gate.ts';
import { uuidOf } from '../../operator/embedded/world/fleet.ts';
import type { SimulatedHost } from '../../operator/embedded/simulated-host/simulated-host.ts';
import { pciAttachments, stubDomains } from '../../operator/kube/resources.ts';
import type { XenStore } from '../../operator/xenstore/xenstore.ts';
import { start, type PlainToolstack } from '../conformance/device-model/plain-toolstack.ts';
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
const failureText = 'no free hotplug devfn';
/** After this an agent that has nothing to do has done it. */
const settleMs = 400;

interface Attach {
  /** Milliseconds from apply to what the API shows. */
  readonly totalMs: number;
  /** From the command to the device model's reply. */
  readonly modelMs: number;
  /** From apply to the command. */
  readonly beforeMs: number;
  /** From the reply to what the API shows. */
  readonly afterMs: number;
  readonly requests: number;
  readonly roundTrips: number;
  /** Passes of the agent over the stub domain. */
  readonly passes: number;
}

/** The time at which a node came to be as `accept` wants it, by our own watch. */
async function seen(store: XenStore, path: string, accept: (value: string | undefined) => boolean): Promise<number> {
  return store.wait(
    async (tree) => {
      const value = await tree.tryRead(path);
      return accept(value === undefined ? undefined : Buffer.from(value).toString('latin1'))
        ? performance.now()
        : undefined;
    },
    { timeoutMs: 20_000 },
  );
}

/**
 * The times of the command and of the reply, from the events alone: both nodes are as they were before anybody can read
 * them. `begin` is called when the watch is there.
 */
async function exchange(store: XenStore, channel: string, begin: () => Promise<void>) {
  let quiet = true;
  let sent: number | undefined;
  let answered: (replied: number) => void;
  const reply = new Promise<number>((resolve) => {
    answered = resolve;
  });
  const watch = store.watch(channel, ({ path }) => {
    if (quiet) return;
    if (path.endsWith('/command')) sent ??= performance.now();
    if (path.endsWith('/state') && sent !== undefined) answered(performance.now());
  });
  await watch.ready;
  // What comes with the registration has come.
  await store.tryRead(channel);
  quiet = false;
  await begin();
  const replied = await reply;
  await watch.close();
  return { sent: sent ?? Number.NaN, replied };
}

async function channelOf({ hypervisor }: BenchWorld, name: string): Promise<string> {
  const domains = await hypervisor.listDomains();
  const target = domains.find(({ uuid }) => uuid === uuidOf(name));
  const stub = domains.find((domain) => domain.name === `${name}-dm`);
  if (target === undefined || stub === undefined) throw new Error(`there is no stub domain of ${name}`);
  return `/local/domain/${String(stub.domid)}/device-model/${String(target.domid)}`;
}

async function removed({ kube }: BenchWorld, attachments: ObjectTimes, name: string): Promise<void> {
  await kube.delete(pciAttachments, { namespace, name });
  await attachments.when(name, (shown) => shown === undefined);
  await sleep(settleMs);
}

interface Work {
  readonly requests: number;
  readonly roundTrips: number;
  readonly passes: number;
}

/** What the agent has done until now. */
async function work(world: BenchWorld): Promise<Work> {
  const text = await world.metrics();
  const sum = (pattern: RegExp): number => [...text.matchAll(pattern)].reduce((total, [, n]) => total + Number(n), 0);
  return {
    requests: sum(/^stubdom_xenstore_requests_total (\d+)$/gm),
    roundTrips: sum(/^stubdom_xenstore_round_trips_total (\d+)$/gm),
    passes: sum(/^controller_runtime_reconcile_total\{[^}]*controller="stub-domain-agent"[^}]*\} (\d+)$/gm),
  };
}

async function attach(world: BenchWorld, attachments: ObjectTimes, channel: string, name: string): Promise<Attach> {
  const before = await work(world);
  const { xenstore, kube } = world;
  let began = 0;
  const shownAt = attachments.when(name, (shown) => says(shown, 'Inserted', 'True'));
  const [{ sent, replied }, shown] = await Promise.all([
    exchange(xenstore, channel, async () => {
      began = performance.now();
      await applyAttachment(kube, name, 'good', card);
    }),
    shownAt,
  ]);
  await sleep(settleMs);
  const after = await work(world);
  await removed(world, attachments, name);
  return {
    totalMs: shown - began,
    beforeMs: sent - began,
    modelMs: replied - sent,
    afterMs: shown - replied,
    requests: after.requests - before.requests,
    roundTrips: after.roundTrips - before.roundTrips,
    passes: after.passes - before.passes,
  };
}

/** Milliseconds from the model's words to the condition. */
async function failedAttach(
  world: BenchWorld,
  attachments: ObjectTimes,
  channel: string,
  name: string,
): Promise<number> {
  const toldAt = seen(world.xenstore, `${channel}/parameter`, (value) => value === failureText);
  const shownAt = attachments.when(name, (shown) => says(shown, 'Inserted', 'False', 'NoFreeSlot'));
  await applyAttachment(world.kube, name, 'bad', refused);
  const [told, shown] = await Promise.all([toldAt, shownAt]);
  await removed(world, attachments, name);
  // The next run must not take the words of this one for its own.
  await world.xenstore.remove(`${channel}/parameter`);
  return shown - told;
}

interface Bare {
  readonly ms: number;
  readonly requests: number;
  readonly roundTrips: number;
}

/** Parameter, command, reply, acknowledgement: what no toolstack can do without. */
async function bareInsert(plain: PlainToolstack): Promise<Bare> {
  const { requests, roundTrips } = plain.store.stats;
  const began = performance.now();
  await plain.insert(plainCard);
  const bare = {
    ms: performance.now() - began,
    requests: plain.store.stats.requests - requests,
    roundTrips: plain.store.stats.roundTrips - roundTrips,
  };
  await plain.send('pci-rem', plainCard);
  await plain.state('pci-removed');
  await plain.acknowledge();
  return bare;
}

async function main(): Promise<void> {
  const world = await startBenchWorld(['good', 'bad', 'plain'], ['insert-error=no-free-devfn@bad']);
  try {
    const domains = await followObjects(world.kube, stubDomains, namespace);
    const attachments = await followObjects(world.kube, pciAttachments, namespace);
    for (const name of ['good', 'bad']) await applyStubDomain(world.kube, name);
    for (const name of ['good', 'bad']) await domains.when(name, (shown) => says(shown, 'Ready', 'True'));
    await sleep(2_500);

    const good = await channelOf(world, 'good');
    // The first one has the stub domain list its devices, and the programs compile what they run.
    await attach(world, attachments, good, 'warm');
    const attaches: Attach[] = [];
    for (let run = 1; run <= runs; run += 1) {
      attaches.push(await attach(world, attachments, good, `good-${String(run)}`));
    }
    const bad = await channelOf(world, 'bad');
    const failures: number[] = [];
    for (let run = 1; run <= runs; run += 1) {
      failures.push(await failedAttach(world, attachments, bad, `bad-${String(run)}`));
    }
    const { hypervisor, xenstore: store } = world;
    const host = { hypervisor } as unknown as SimulatedHost;
    const plain = await start(
      { host, store, close: () => Promise.resolve() },
      { guest: { name: 'plain', uuid: uuidOf('plain') }, devices: [plainCard] },
    );
    await bareInsert(plain);
    const bares: Bare[] = [];
    for (let run = 1; run <= runs; run += 1) bares.push(await bareInsert(plain));

    const of = (field: keyof Attach): number[] => attaches.map((one) => one[field]);
    const median = (values: readonly number[]): number => quantile(values, 0.5);
    const beyond = attaches.map(({ totalMs, modelMs }) => totalMs - modelMs - frontendHoldMs);
    console.log(`p50 / max of ${String(runs)}`);
    row("failure: from the model's words to the condition", spread(failures), 'target < 100 ms');
    row('attach: apply to Inserted in the API', spread(of('totalMs')));
    row('  apply to the command (claim, prepare, back end, front end)', spread(of('beforeMs')));
    row('    of it the time that the front end must have been connected', `${String(frontendHoldMs)} ms`, 'gate.ts');
    row("  command to the model's reply", spread(of('modelMs')));
    row('  reply to Inserted in the API', spread(of('afterMs')));
    row("attach beyond the model's own time and that wait", spread(beyond));
    row('bare exchange: parameter to acknowledgement', spread(bares.map(({ ms }) => ms)));
    row('attach: XenStore round trips in a row', String(median(of('roundTrips'))), 'target 10');
    row('attach: XenStore requests', String(median(of('requests'))));
    row('attach: passes of the agent', String(median(of('passes'))));
    row('bare exchange: XenStore round trips in a row', String(median(bares.map(({ roundTrips }) => roundTrips))));
    row('bare exchange: XenStore requests', String(median(bares.map(({ requests }) => requests))));
    const ratio = (a: readonly number[], b: readonly number[]): string => (median(a) / median(b)).toFixed(1);
    row(
      'time, attach / bare exchange',
      ratio(
        of('totalMs'),
        bares.map(({ ms }) => ms),
      ),
    );
    row(
      'round trips, attach / bare exchange',
      ratio(
        of('roundTrips'),
        bares.map(({ roundTrips }) => roundTrips),
      ),
    );
    await Promise.all([domains.close(), attachments.close()]);
  } finally {
    await world.close();
  }
}

await main();
