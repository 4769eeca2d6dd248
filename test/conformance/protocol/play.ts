import { expect } from '@jest/globals';
import type { XenStore } from '../../../operator/xenstore/xenstore.ts';
import { eventually } from '../../support/eventually.ts';
import type { DaemonStarter } from '../../support/world-daemon.ts';
import { guestName } from './guest.ts';
import { type Count, devices, type EndWorld, type Scenario } from './scenario.ts';
import { setStage, type Stage } from './stage.ts';

/** Of what the simulated device model writes where it is hostile or has words of its own. */
const rawValues = /DROP TABLE|AAAA|BBBB|does not like/;
const exactWords = new Set(['pci-ins', 'pci-rem', 'save', 'continue']);
const counterPattern =
  /^stubdom_((?:command_outcomes|commands_withdrawn|stale_state_repairs|late_replies|forced_removals|rejected_values)_total\S*) (\S+)$/gm;

/** Plays a scenario on a stage of its own, and compares how it ends with what is said of it. */
export async function play(scenario: Scenario, daemon: DaemonStarter): Promise<void> {
  const stage = await setStage(daemon, scenario.quirks ?? []);
  try {
    await scenario.act(stage);
    await expectEnds(stage, scenario);
    expect(stage.proxy.commands.filter((word) => !exactWords.has(word))).toEqual([]);
    expect((await stage.shown()).match(rawValues)).toBeNull();
  } finally {
    await stage.close();
  }
}

async function expectEnds(stage: Stage, { ends }: Scenario): Promise<void> {
  const { condition, also = [] } = ends;
  if ('gone' in condition) await stage.objects.gone('PciAttachment', condition.object);
  const conditions = [...('gone' in condition ? [] : [condition]), ...also];
  for (const { object, type, status, reason } of conditions) await stage.condition(object, type, { status, reason });
  await eventually(async () => {
    expect(await worldOf(stage)).toEqual(sorted(ends.world));
    const taken = await commandsOf(stage);
    expect(taken).toEqual(ends.commands.map((one, index) => counted(one, taken[index] ?? {})));
    const changed = await changedCounters(stage);
    expect(changed).toEqual(counted(ends.metrics, changed));
    expectWarnings(await warningsOf(stage), ends.warnings);
  });
  // Nothing that was true a moment ago was a mere passage.
  for (const { object, type, status, reason } of conditions) await stage.condition(object, type, { status, reason }, 0);
}

/** `Reason?` may be there. */
function expectWarnings(seen: readonly string[], expected: readonly string[]): void {
  const optional = new Set(expected.flatMap((one) => (one.endsWith('?') ? one.slice(0, -1) : [])));
  expect(seen.filter((one) => !optional.has(one))).toEqual(expected.filter((one) => !one.endsWith('?')).sort());
}

/** What is expected, with what was seen where more than one number will do. */
function counted(
  expected: Readonly<Record<string, Count>>,
  seen: Readonly<Record<string, number | undefined>>,
): Record<string, Count> {
  const entries = Object.entries(expected).flatMap(([key, count]): [string, Count][] => {
    const present = seen[key] ?? 0;
    if (count === 'any' && present === 0) return [];
    return [[key, typeof count === 'string' && present > 0 ? present : count]];
  });
  return Object.fromEntries(entries);
}

async function commandsOf(stage: Stage): Promise<Record<string, number>[]> {
  const models = await stage.models();
  return models.map(({ commands }) => ({ ...commands })).filter((commands) => Object.keys(commands).length > 0);
}

/** Counters begin at 0 with the stage: those that are not there now have changed. */
async function changedCounters({ host }: Stage): Promise<Record<string, number>> {
  const text = await host.metrics.metrics();
  const all = [...text.matchAll(counterPattern)].map(([, name = '', value]): [string, number] => [name, Number(value)]);
  return Object.fromEntries(all.filter(([, value]) => value !== 0));
}

/** What may be in `state` at the end of a scenario; anything else is `unrecognised`, as it is for the agent. */
const words = new Set(['running', 'paused', 'pci-inserted', 'pci-removed', 'usb-added']);

async function stateOf(store: XenStore, path: string): Promise<{ readonly state?: string }> {
  const bytes = await store.tryRead(path);
  if (bytes === undefined) return {};
  const text = new TextDecoder().decode(bytes);
  return { state: words.has(text) ? text : 'unrecognised' };
}

async function warningsOf({ objects }: Stage): Promise<string[]> {
  const all = await Promise.all([guestName, ...Object.keys(devices)].map((name) => objects.events(name)));
  const warnings = all.flat().flatMap((line) => /^Warning (\w+):/.exec(line)?.[1] ?? []);
  return [...new Set(warnings)].sort();
}

const nameOf = (address: string): string =>
  Object.entries(devices).find(([, known]) => known.endsWith(address))?.[0] ?? address;

const sorted = ({ state, claims, backend, guest }: EndWorld): EndWorld => ({
  ...(state === undefined ? {} : { state }),
  claims: [...claims].sort(),
  backend: [...backend].sort(),
  guest: [...guest].sort(),
});

async function worldOf(stage: Stage): Promise<EndWorld> {
  const { store } = stage;
  const domains = await stage.host.hypervisor.listDomains();
  const target = domains.find(({ name }) => name === guestName)?.domid;
  const living = (await stage.models()).findLast(({ phase }) => phase !== 'dead');
  const path = `/local/domain/${living?.domid ?? 0}/device-model/${living?.targetDomid ?? 0}/state`;
  const claims = await Promise.all(
    ((await store.tryList('/libxl/pci')) ?? []).map(async (node) => {
      const owner = await store.tryReadString(`/libxl/pci/${node}/domid`);
      if (owner === undefined) return [];
      const name = nameOf(node.replace(/^(\w+)-(\w+)-(\w+)-(\w)$/, '$1:$2:$3.$4'));
      return [owner === String(target) ? name : `${name} of domain ${owner}`];
    }),
  );
  return sorted({
    ...(living === undefined ? {} : await stateOf(store, path)),
    claims: claims.flat(),
    backend: await backendOf(stage),
    guest: (living?.guestDevices ?? []).map(({ device, devfn }) => `${nameOf(device)}@0x${devfn.toString(16)}`),
  });
}

/** Of all stub domains, those that are gone too: nothing may be left of them. */
async function backendOf({ store }: Stage): Promise<string[]> {
  const root = '/local/domain/0/backend/pci';
  const found: string[] = [];
  for (const stub of (await store.tryList(root)) ?? []) {
    const directory = `${root}/${stub}/0`;
    for (const node of (await store.tryList(directory)) ?? []) {
      if (!/^dev-\d+$/.test(node)) continue;
      const address = await store.tryReadString(`${directory}/${node}`);
      if (address !== undefined) found.push(nameOf(address));
    }
  }
  return found;
}
