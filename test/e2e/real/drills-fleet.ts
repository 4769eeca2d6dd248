import { expect } from '@jest/globals';
import type { DrillHost, DrillWorld } from '../../support/drill-world.ts';
import { eventually } from '../../support/eventually.ts';
import { type AnyObject, summary } from '../../support/world-objects.ts';

/** Guests of each host: those that have stub domains all the time, and those that get one in some drills. */
export const guests: ReadonlyMap<string, readonly string[]> = new Map([
  ['xen-1', ['a-1', 'a-2', 'a-3', 'a-4', 'a-5', 'b-1', 'b-2', 'b-3']],
  ['xen-2', ['a-6', 'a-7', 'a-8', 'a-9', 'a-10', 'b-4', 'b-5', 'b-6']],
]);

export const fleet: readonly string[] = [...guests.values()].flat().filter((name) => name.startsWith('a'));
export const burst: readonly string[] = [...guests.values()].flat().filter((name) => name.startsWith('b'));

const patience = 45_000;

/** A device of its own for each guest. */
export function deviceOf(name: string): string {
  const index = [...guests.values()].flat().indexOf(name);
  return `0000:10:${(index + 1).toString(16).padStart(2, '0')}.0`;
}

/** The host that the guest runs on. */
export function hostOf(world: DrillWorld, name: string): DrillHost {
  const found = world.hosts.find((host) => guests.get(host.name)?.includes(name));
  if (found === undefined) throw new Error(`no host has ${name}`);
  return found;
}

/** A StubDomain and an attachment for each guest, all at once. */
export async function applyFleet({ objects }: DrillWorld, names: readonly string[]): Promise<void> {
  await Promise.all(
    names.flatMap((name) => [objects.stubDomain(name), objects.attachment(`${name}-nic`, name, deviceOf(name))]),
  );
}

/** Takes all of that away, all at once. */
export async function removeFleet({ objects }: DrillWorld, names: readonly string[]): Promise<void> {
  await Promise.all(
    names.flatMap((name) => [objects.remove('PciAttachment', `${name}-nic`), objects.remove('StubDomain', name)]),
  );
}

/** Resolves when nothing is left of it: no object, and nothing in each host's XenStore. */
export async function fleetIsGone(world: DrillWorld, names: readonly string[]): Promise<void> {
  await eventually(async () => {
    const [domains, attachments] = await Promise.all([
      world.objects.list('StubDomain'),
      world.objects.list('PciAttachment'),
    ]);
    const left = [...domains, ...attachments].map(({ metadata }) => metadata.name);
    expect(left.filter((name) => names.includes(name.replace(/-nic$/, '')))).toEqual([]);
    const claims = names.map((name) => hostOf(world, name).store.tryReadString(claimOf(name)));
    expect(await Promise.all(claims)).toEqual(names.map(() => undefined));
  }, patience);
}

/** Who has the guest's device, in its host's XenStore. */
const claimOf = (name: string): string => `/libxl/pci/${deviceOf(name).replaceAll(/[:.]/g, '-')}/domid`;

/** Asks for one run state everywhere, all at once. */
export async function ask({ objects }: DrillWorld, runState: 'Running' | 'Paused', names = fleet): Promise<void> {
  await Promise.all(names.map((name) => objects.patchSpec('StubDomain', name, { runState })));
}

/** Resolves when all that is desired is true: as the conditions say, and in each host's XenStore. */
export async function desiredIsTrue(world: DrillWorld, runState: 'Running' | 'Paused', names = fleet): Promise<void> {
  const wanted = (name: string): Row => ({
    name,
    node: hostOf(world, name).name,
    phase: runState,
    state: runState.toLowerCase(),
    stubDomain: 'True',
    attachment: 'True',
    device: 'its own',
  });
  await eventually(async () => {
    expect(await rows(world, names)).toEqual(names.map(wanted));
  }, patience);
}

/** How things stand with one guest. */
interface Row {
  readonly name: string;
  readonly node: string | undefined;
  readonly phase: string | undefined;
  /** As the device model says, in XenStore. */
  readonly state: string | undefined;
  /** Whether it is ready, as of its present spec. */
  readonly stubDomain: string;
  readonly attachment: string;
  /** Whose the guest's device is, in XenStore. */
  readonly device: 'its own' | 'not its own';
}

async function rows(world: DrillWorld, names: readonly string[]): Promise<Row[]> {
  const [domains, attachments] = await Promise.all([
    world.objects.list('StubDomain'),
    world.objects.list('PciAttachment'),
  ]);
  const byName = new Map([...domains, ...attachments].map((object) => [object.metadata.name, object]));
  return Promise.all(
    names.map(async (name) => {
      const { status } = byName.get(name) ?? {};
      const target = String(status?.targetDomid);
      const { store } = hostOf(world, name);
      return {
        name,
        node: status?.nodeName,
        phase: status?.phase,
        state: await store.tryReadString(`/local/domain/${String(status?.domid)}/device-model/${target}/state`),
        stubDomain: isReady(byName.get(name)),
        attachment: isReady(byName.get(`${name}-nic`)),
        device: (await store.tryReadString(claimOf(name))) === target ? 'its own' : 'not its own',
      };
    }),
  );
}

function isReady(object: AnyObject | undefined): string {
  if (object === undefined) return 'no such object';
  const { metadata, status } = object;
  const ready = status?.conditions?.find(({ type }) => type === 'Ready');
  if ((ready?.observedGeneration ?? 0) < (metadata.generation ?? 0)) return 'not seen yet';
  return ready?.status === 'True' ? 'True' : summary(object);
}

/** What the device models of these guests do, whatever anybody says of them: `running`, `paused`. */
export async function statesOnHosts(world: DrillWorld, names: readonly string[]): Promise<(string | undefined)[]> {
  return (await rows(world, names)).map(({ state }) => state);
}

/** What is said of each object's readiness, by name: `True AsDesired`. */
export async function readiness({ objects }: DrillWorld): Promise<Record<string, string>> {
  const all = await Promise.all(
    (['StubDomain', 'PciAttachment', 'XenHost'] as const).map((kind) => objects.list(kind)),
  );
  return Object.fromEntries(
    all.flat().map(({ metadata, status }) => {
      const ready = status?.conditions?.find(({ type }) => type === 'Ready');
      return [metadata.name, `${ready?.status ?? ''} ${ready?.reason ?? ''}`];
    }),
  );
}
