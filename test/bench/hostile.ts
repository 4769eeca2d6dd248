/**
 * What one hostile stub domain costs the others: `npm run bench -- hostile`. Twenty honest stub domains and one that
 * writes 100 000 values that are meant to harm, flips `state`, uses up its quota, and deletes and makes its nodes again, and
 * another one that claims success for commands that nobody took, all at full speed. Prints the agent's CPU, and how long a
 * pause and resume of an honest one takes with and without that. Fails if anything that the attacker wrote is in the agent's
 * log, in an Event or in a status, or if a forged reply is believed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { deviceModelPath, inflightPath } from '../../operator/domain/locations.ts';
import { uuidOf } from '../../operator/embedded/world/fleet.ts';
import { events, pciAttachments, stubDomains, xenHosts } from '../../operator/kube/resources.ts';
import type { KubeObject } from '../../operator/kube/types.ts';
import { domidsOf } from './attach/guest.ts';
import { marker, phases, type Phase } from './hostile/phases.ts';
import {
  applyAttachment,
  applyStubDomain,
  cpuSeconds,
  namespace,
  startBenchWorld,
  type BenchWorld,
} from './processes/bench-world.ts';
import { row, spread } from './processes/figures.ts';
import { followObjects, says, type ObjectTimes } from './processes/object-times.ts';

const honest = Array.from({ length: 20 }, (_, index) => `honest-${String(index + 1)}`);
const hostile = 'hostile';
const attachment = 'hostile-nic';
/** Never takes a command, and says that it did it. */
const forger = 'forger';
const forged = 'forged-nic';
const phaseSeconds = 7;
/** Until an insert is given up that was not taken, and longer. */
const forgeSeconds = 15;
/** All values are written, however long it takes. */
const valuesSeconds = 120;
const hostileValues = 100_000;
/** Between two pauses, so that no object meets the limit of status writes. */
const pauseEveryMs = 250;

const all = [...honest, hostile, forger];

interface Follow {
  readonly domains: ObjectTimes;
  readonly attachments: ObjectTimes;
}

/** One pause and resume, in milliseconds. */
async function pauseAndResume({ kube }: BenchWorld, { domains }: Follow, name: string): Promise<number> {
  const ref = { namespace, name };
  const began = performance.now();
  const paused = await kube.mergePatch<KubeObject>(stubDomains, ref, { spec: { runState: 'Paused' } });
  await domains.when(name, (shown) => isAfter(shown, paused) && says(shown, 'Paused', 'True'));
  const resumed = await kube.mergePatch<KubeObject>(stubDomains, ref, { spec: { runState: 'Running' } });
  const at = await domains.when(
    name,
    (shown) => isAfter(shown, resumed) && says(shown, 'Paused', 'False') && says(shown, 'Ready', 'True'),
  );
  return at - began;
}

const isAfter = (shown: KubeObject | undefined, change: KubeObject): boolean =>
  (shown?.metadata.generation ?? 0) >= (change.metadata.generation ?? 0);

let turn = 0;
/** Pauses and resumes one honest stub domain after the other until `over`; gives the times. */
async function exercise(world: BenchWorld, follow: Follow, over: () => boolean): Promise<number[]> {
  const times: number[] = [];
  while (!over()) {
    const name = honest[turn++ % honest.length] ?? '';
    times.push(await pauseAndResume(world, follow, name));
    await sleep(pauseEveryMs);
  }
  return times;
}

interface Victim {
  readonly channel: string;
  readonly domid: number;
}

async function victimOf(world: BenchWorld, name: string): Promise<Victim> {
  const { stub, target } = await domidsOf(world, name);
  return { channel: deviceModelPath(stub, target), domid: stub };
}

const secondsOf = (phase: Phase): number =>
  phase === 'values' ? valuesSeconds : phase === 'forge' ? forgeSeconds : phaseSeconds;

async function attack(world: BenchWorld, { channel, domid }: Victim, phase: Phase, over: () => void) {
  const args = [world.guestSocket(domid), channel, phase, String(secondsOf(phase))];
  if (phase === 'values') args.push(String(hostileValues));
  const child = spawn(process.execPath, [join(import.meta.dirname, 'hostile', 'attacker.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const began = performance.now();
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close') as Promise<[number | null]>]);
  over();
  if (code !== 0) throw new Error(`the attacker ended with ${String(code)}`);
  return { ...(JSON.parse(output) as { done: number; refused: number }), seconds: (performance.now() - began) / 1000 };
}

async function onePhase(world: BenchWorld, follow: Follow, victim: Victim, phase: Phase) {
  const [agentBefore, daemonBefore, eventsBefore, began] = [
    await cpuSeconds(world.agent),
    await cpuSeconds(world.daemon),
    await world.metric('stubdom_xenstore_events_total'),
    performance.now(),
  ];
  let over = false;
  const [writes, times] = await Promise.all([
    attack(world, victim, phase, () => {
      over = true;
    }),
    exercise(world, follow, () => over),
  ]);
  const seconds = (performance.now() - began) / 1000;
  const share = (before: number, after: number): string => `${((100 * (after - before)) / seconds).toFixed(0)} %`;
  const received = (await world.metric('stubdom_xenstore_events_total')) - eventsBefore;
  console.log(
    `\n${phase}: ${String(writes.done)} writes, ${String(writes.refused)} refused, ` +
      `${(writes.done / writes.seconds / 1000).toFixed(1)} k/s for ${writes.seconds.toFixed(1)} s`,
  );
  row("the agent's CPU, of one core", share(agentBefore, await cpuSeconds(world.agent)), 'bound: 30 %');
  row("the daemon's CPU, of one core", share(daemonBefore, await cpuSeconds(world.daemon)));
  row('XenStore events that the agent got', `${(received / seconds).toFixed(0)} /s`);
  row(`honest pause and resume, p50 / max of ${String(times.length)}`, spread(times));
  return times;
}

/** What of the attacker's bytes came through, in words; empty if nothing did. */
async function leaks(world: BenchWorld): Promise<string[]> {
  const { stderr } = await world.agent.stop();
  const output = world.agent.stdout + stderr;
  const found: string[] = [];
  const check = (where: string, content: string): void => {
    if (content.includes(marker)) found.push(`${where} has the attacker's marker`);
    // eslint-disable-next-line no-control-regex -- that is what is looked for
    if (/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202e\ufeff\ufffd]/.test(content))
      found.push(`${where} has raw bytes`);
  };
  check("the agent's output", output);
  for (const type of [stubDomains, pciAttachments, events]) {
    for (const object of await world.kube.list(type, { namespace })) {
      check(`${type.kind} ${object.metadata.name}`, unescaped(object));
    }
  }
  for (const object of await world.kube.list(xenHosts, {})) check('a XenHost', unescaped(object));
  return found;
}

/** All names and texts of an object, one a line, as they are and not as JSON escapes them. */
function unescaped(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value)
    .map(([name, inner]) => `${name}\n${unescaped(inner)}`)
    .join('\n');
}

/** Follows an attachment; what it gives back says whether its device was ever told to be in the guest: 1 or 0. */
function followInserted(attachments: ObjectTimes, name: string): () => Promise<number> {
  const untilMs = 2 * forgeSeconds * 1000;
  const told = attachments
    .when(name, (shown) => says(shown, 'Inserted', 'True'), untilMs)
    .then(
      () => 1,
      () => 0,
    );
  return () => Promise.race([told, Promise.resolve(0)]);
}

async function main(): Promise<void> {
  const world = await startBenchWorld(all, [`drop-replies@${hostile}`, `ignore-commands@${forger}`]);
  try {
    const follow = {
      domains: await followObjects(world.kube, stubDomains, namespace),
      attachments: await followObjects(world.kube, pciAttachments, namespace),
    };
    await Promise.all(all.map((name) => applyStubDomain(world.kube, name)));
    await Promise.all(all.map((name) => follow.domains.when(name, (shown) => says(shown, 'Ready', 'True'))));
    const victim = await victimOf(world, hostile);
    const forging = await victimOf(world, forger);

    let cycles = 0;
    const [before, began] = [await cpuSeconds(world.agent), performance.now()];
    const alone = await exercise(world, follow, () => cycles++ >= 20);
    const share = (100 * ((await cpuSeconds(world.agent)) - before)) / ((performance.now() - began) / 1000);
    console.log('no attack');
    row("the agent's CPU, of one core", `${share.toFixed(0)} %`);
    row(`honest pause and resume, p50 / max of ${String(alone.length)}`, spread(alone));

    await applyAttachment(world.kube, attachment, hostile, '0000:03:00.0');
    // The attack meets a command that is under way: what is in `parameter` is its answer.
    await world.xenstore.wait((tree) => tree.tryRead(inflightPath(uuidOf(hostile))), { timeoutMs: 10_000 });
    const attackBegan = performance.now();
    const writesBefore = follow.domains.changes(hostile) + follow.attachments.changes(attachment);
    let believed = 0;
    for (const phase of phases) {
      if (phase !== 'forge') {
        await onePhase(world, follow, victim, phase);
        continue;
      }
      const watched = followInserted(follow.attachments, forged);
      await applyAttachment(world.kube, forged, forger, '0000:04:00.0');
      await world.xenstore.wait((tree) => tree.tryRead(inflightPath(uuidOf(forger))), { timeoutMs: 10_000 });
      await onePhase(world, follow, forging, phase);
      believed = await watched();
    }
    const minutes = (performance.now() - attackBegan) / 60_000;
    const writes = follow.domains.changes(hostile) + follow.attachments.changes(attachment) - writesBefore;
    const told = (
      await world.kube.list<KubeObject & { readonly involvedObject?: { readonly name?: string } }>(events, {
        namespace,
      })
    ).filter(({ involvedObject }) => involvedObject?.name === hostile || involvedObject?.name === attachment);
    console.log('\nall together');
    row('API writes to the hostile objects', `${(writes / minutes).toFixed(0)} /min`);
    row('different Events about them', String(told.length));
    for (const name of [
      'stubdom_rejected_values_total{node="state"}',
      'stubdom_rejected_values_total{node="parameter"}',
      'stubdom_stale_state_repairs_total',
      'stubdom_xenstore_reconnects_total',
      'stubdom_xenstore_transaction_conflicts_total',
    ]) {
      const line = (await world.metrics()).split('\n').find((one) => one.startsWith(`${name} `));
      row(name, line?.split(' ').at(-1) ?? '?');
    }
    const ready = honest.filter((name) => says(follow.domains.get(name), 'Ready', 'True')).length;
    row('forged replies to commands that nobody took: believed', String(believed), 'must be 0');
    row('honest stub domains that are Ready', `${String(ready)} of ${String(honest.length)}`);
    await Promise.all([follow.domains.close(), follow.attachments.close()]);
    const found = await leaks(world);
    for (const leak of found) console.log(`LEAK: ${leak}`);
    row('places where bytes of the attack came through', String(found.length), 'must be 0');
    if (found.length > 0 || ready < honest.length || believed > 0) process.exitCode = 1;
  } finally {
    await world.close();
  }
}

await main();
