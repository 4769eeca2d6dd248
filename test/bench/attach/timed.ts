import { setTimeout as sleep } from 'node:timers/promises';
import type { XenStore } from '../../../operator/xenstore/xenstore.ts';
import { applyAttachment, type BenchWorld } from '../processes/bench-world.ts';
import { says, type ObjectTimes } from '../processes/object-times.ts';
import { removed, settleMs } from './guest.ts';

/** One device in one guest, as it is seen from outside. Times in milliseconds. */
export interface TimedAttach {
  /** From apply to what the API shows. */
  readonly totalMs: number;
  /** From the command to the device model's reply. */
  readonly modelMs: number;
  /** From apply to the command. */
  readonly beforeMs: number;
  /** From the reply to what the API shows. */
  readonly afterMs: number;
  /** Passes of the agent over the stub domain. */
  readonly passes: number;
}

const failureText = 'no free hotplug devfn';

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

async function passes(world: BenchWorld): Promise<number> {
  const counted = /^controller_runtime_reconcile_total\{[^}]*controller="stub-domain-agent"[^}]*\} (\d+)$/gm;
  return [...(await world.metrics()).matchAll(counted)].reduce((total, [, n]) => total + Number(n), 0);
}

/** Attaches a device to the guest of `channel`, and takes it out again. */
export async function timedAttach(
  world: BenchWorld,
  attachments: ObjectTimes,
  what: { readonly channel: string; readonly stubDomain: string; readonly name: string; readonly address: string },
): Promise<TimedAttach> {
  const { xenstore, kube } = world;
  const { channel, stubDomain, name, address } = what;
  const before = await passes(world);
  let began = 0;
  const shownAt = attachments.when(name, (shown) => says(shown, 'Inserted', 'True'));
  const [{ sent, replied }, shown] = await Promise.all([
    exchange(xenstore, channel, async () => {
      began = performance.now();
      await applyAttachment(kube, name, stubDomain, address);
    }),
    shownAt,
  ]);
  await sleep(settleMs);
  const after = await passes(world);
  await removed(world, attachments, name);
  return {
    totalMs: shown - began,
    beforeMs: sent - began,
    modelMs: replied - sent,
    afterMs: shown - replied,
    passes: after - before,
  };
}

/** Milliseconds from the model's words to the condition, of a guest whose device model finds no slot. */
export async function failedAttach(
  world: BenchWorld,
  attachments: ObjectTimes,
  what: { readonly channel: string; readonly stubDomain: string; readonly name: string; readonly address: string },
): Promise<number> {
  const { channel, stubDomain, name, address } = what;
  const toldAt = seen(world.xenstore, `${channel}/parameter`, (value) => value === failureText);
  const shownAt = attachments.when(name, (shown) => says(shown, 'Inserted', 'False', 'NoFreeSlot'));
  await applyAttachment(world.kube, name, stubDomain, address);
  const [told, shown] = await Promise.all([toldAt, shownAt]);
  await removed(world, attachments, name);
  // The next run must not take the words of this one for its own.
  await world.xenstore.remove(`${channel}/parameter`);
  return shown - told;
}
