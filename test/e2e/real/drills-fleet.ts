import { expect } from '@jest/globals';
import type { DrillHost, DrillWorld } from '../../support/drill-world.ts';
import { eventually } from '../../support/eventually.ts';

/** Guests of each host: those that have stub domains in all drills, and those that one drill gives them to. */
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

/** Asks for one run state everywhere, all at once. */
export async function ask({ objects }: DrillWorld, runState: 'Running' | 'Paused', names = fleet): Promise<void> {
  await Promise.all(names.map((name) => objects.patchSpec('StubDomain', name, { runState })));
}

/** Resolves when all that is desired is true: as the conditions say, and in each host's XenStore. */
export async function desiredIsTrue(world: DrillWorld, runState: 'Running' | 'Paused', names = fleet): Promise<void> {
  await Promise.all(names.map((name) => isTrue(world, runState, name)));
}

async function isTrue(world: DrillWorld, runState: 'Running' | 'Paused', name: string): Promise<void> {
  const { objects } = world;
  await objects.condition('PciAttachment', `${name}-nic`, 'Ready', { status: 'True' }, patience);
  await objects.condition('StubDomain', name, 'Ready', { status: 'True' }, patience);
  await eventually(async () => {
    const { store, name: node } = hostOf(world, name);
    const { status } = await objects.get('StubDomain', name);
    const [stub, target] = [String(status?.domid), String(status?.targetDomid)];
    const address = deviceOf(name);
    const [state, stubOfGuest, claim] = await Promise.all([
      store.tryReadString(`/local/domain/${stub}/device-model/${target}/state`),
      store.tryReadString(`/local/domain/${target}/image/device-model-domid`),
      store.tryReadString(`/libxl/pci/${address.replaceAll(/[:.]/g, '-')}/domid`),
    ]);
    const seen = { node: status?.nodeName, phase: status?.phase, state, stubOfGuest, claim };
    const phase = runState;
    const lower = runState.toLowerCase();
    expect(seen).toEqual({ node, phase, state: lower, stubOfGuest: stub, claim: target });
  }, patience);
}
