import { findCondition } from '../../../operator/api/conditions.ts';
import type { PciAttachment } from '../../../operator/api/generated/pci-attachment.ts';
import type { StubDomain } from '../../../operator/api/generated/stub-domain.ts';
import { deviceModelPath } from '../../../operator/domain/locations.ts';
import { pciAttachments, stubDomains } from '../../../operator/kube/resources.ts';
import { attachmentPlan, namespace, type Guest, type PropertyWorld } from './world.ts';

/** Longer than any back-off, deadline or ejecting guest. */
const longMs = 1_500_000;
/** What is true is still true after that. */
const quietMs = 15_000;

/**
 * The end of every run: what was asked for becomes true. First wherever the stub domain could be trusted; then, with all
 * guests that could not restarted, everywhere; at last everything is deleted, and nothing is left on the host.
 */
export async function everythingBecomesTrue(world: PropertyWorld): Promise<void> {
  await world.calm();
  await stays(world, 'an honest model obeys', () => firstMissing(world.guests, (guest) => untrue(world, guest, true)));
  for (const guest of world.guests) world.pause(indexOf(world, guest), false);
  for (let round = 0; round < 3; round += 1) {
    await world.converge('an honest model obeys', longMs, () =>
      firstMissing(world.guests, (guest) => untrue(world, guest, true)),
    );
    const again = world.guests.filter((guest) => untrue(world, guest, false) !== undefined);
    if (again.length === 0) break;
    for (const guest of again) world.restartGuest(indexOf(world, guest), 'new');
    await world.until(world.guestsSettled());
  }
  await stays(world, 'a new stub domain obeys', () =>
    firstMissing(world.guests, (guest) => untrue(world, guest, false)),
  );
  for (const which of [0, 1, 2] as const) world.wantAttachment(which, false, false);
  for (const guest of world.guests) world.wantStubDomain(indexOf(world, guest), false);
  await stays(world, 'what is deleted goes', () => leftover(world));
}

async function stays(world: PropertyWorld, what: string, check: () => string | undefined): Promise<void> {
  await world.converge(what, longMs, check);
  await world.run({ steps: 3000, patienceMs: quietMs });
  await world.converge(`${what}, and goes on to`, longMs, check);
}

const indexOf = (world: PropertyWorld, guest: Guest): 0 | 1 => (guest === world.guests[0] ? 0 : 1);

const isTrue = (object: StubDomain | PciAttachment, type: string): boolean =>
  findCondition(object.status?.conditions, type)?.status === 'True';

const reason = (object: StubDomain | PciAttachment, type: string): string =>
  findCondition(object.status?.conditions, type)?.reason ?? 'nothing';

/**
 * What of a guest's objects is not true. `lenient`: what only a new stub domain can make true counts as true: all of one
 * that could not be trusted, and a device that came after MiniOS had listed its devices.
 */
function untrue(world: PropertyWorld, guest: Guest, lenient: boolean): string | undefined {
  if (lenient && guest.spoiled) return undefined;
  const object = world.memory.find<StubDomain>(stubDomains, { namespace, name: guest.name });
  const own = object === undefined ? undefined : untrueStubDomain(world, guest, object);
  if (own !== undefined) return own;
  const plans = attachmentPlan.filter((plan) => world.guests[plan.guest] === guest);
  return firstMissing(plans, ({ name }) => {
    const attachment = world.memory.find<PciAttachment>(pciAttachments, { namespace, name });
    return attachment === undefined ? undefined : untrueAttachment(world, guest, object, attachment, lenient);
  });
}

function firstMissing<T>(items: readonly T[], check: (item: T) => string | undefined): string | undefined {
  for (const item of items) {
    const missing = check(item);
    if (missing !== undefined) return missing;
  }
  return undefined;
}

function untrueStubDomain(world: PropertyWorld, guest: Guest, object: StubDomain): string | undefined {
  const { name } = guest;
  if (object.metadata.deletionTimestamp !== undefined) return `StubDomain ${name} is still there`;
  const seen = object.status?.observedGeneration === object.metadata.generation;
  if (!isTrue(object, 'Ready') || !seen) return `StubDomain ${name} is not Ready: ${reason(object, 'Ready')}`;
  if (!isTrue(object, 'ChannelIdle')) return `the channel of ${name} is not idle: ${reason(object, 'ChannelIdle')}`;
  const model = world.host.modelOf(guest.uuid);
  const wanted = object.spec.runState === 'Paused' ? 'paused' : 'running';
  if (model?.phase !== wanted) return `the device model of ${name} is ${model?.phase ?? 'not there'}, not ${wanted}`;
  const channel = deviceModelPath(model.domid, model.targetDomid ?? -1);
  const state = world.hub.read(`${channel}/state`);
  if (state !== wanted) return `state of ${name} is ${JSON.stringify(state)}, not ${wanted}`;
  if (world.hub.read(`${channel}/command`) !== undefined) return `a command waits in the channel of ${name}`;
  if (world.hub.read(`/tool/stubdom/${guest.uuid}/inflight`) !== undefined)
    return `the journal of ${name} has a command`;
  return undefined;
}

function untrueAttachment(
  world: PropertyWorld,
  guest: Guest,
  object: StubDomain | undefined,
  attachment: PciAttachment,
  lenient: boolean,
): string | undefined {
  const { name } = attachment.metadata;
  const { address } = attachment.status ?? {};
  const device = address?.slice(5);
  const held = world.host.modelOf(guest.uuid)?.guestDevices.filter((one) => one.device === device).length ?? 0;
  const paused = object?.spec.runState === 'Paused';
  if (attachment.metadata.deletionTimestamp !== undefined) {
    // Nothing can leave a guest whose device model stands still.
    return paused ? undefined : `PciAttachment ${name} is still there: ${reason(attachment, 'Removing')}`;
  }
  if (object === undefined || address === undefined) return undefined;
  const ready = isTrue(attachment, 'Ready');
  if (ready && held !== 1) return `PciAttachment ${name} is Ready, and the guest has the device ${held} times`;
  if (ready || paused) return undefined;
  if (lenient && reason(attachment, 'Inserted') === 'EnumerationStale') return undefined;
  return `PciAttachment ${name} is not Ready: ${reason(attachment, 'Ready')}`;
}

/** What is left of objects that are all deleted. */
function leftover({ memory, hub, host, guests, reused }: PropertyWorld): string | undefined {
  const objects = [...memory.list(stubDomains), ...memory.list(pciAttachments)];
  const [object] = objects;
  if (object !== undefined) return `${object.kind} ${object.metadata.name} is still there`;
  const domain = host.domains.list().find(({ type, domid }) => type === 'PV' && domid !== 0);
  if (domain !== undefined) return `domain ${domain.domid} still runs`;
  const [grant] = host.bus.grants();
  if (grant !== undefined) return `domain ${grant.domid} still has ${grant.address}`;
  for (const name of hub.list('/libxl/pci')) {
    if (hub.read(`/libxl/pci/${name}/domid`) !== undefined) return `the claim of ${name} is still there`;
  }
  for (const { uuid, name } of guests) {
    // An empty directory says nothing.
    const home = `/tool/stubdom/${uuid}`;
    const notes = [...hub.list(home).filter((note) => note !== 'pci'), ...hub.list(`${home}/pci`)];
    if (notes.length > 0) return `notes about ${name} are still there: ${notes.join(', ')}`;
  }
  // What is under a number that another domain has by now is not the agent's to remove.
  const backends = hub
    .list('/local/domain/0/backend')
    .flatMap((kind) => hub.list(`/local/domain/0/backend/${kind}`))
    .filter((domid) => !reused.has(Number(domid)));
  return backends.length > 0 ? `back ends of domain ${backends.join(', ')} are still there` : undefined;
}
