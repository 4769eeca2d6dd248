import { setTimeout as sleep } from 'node:timers/promises';
import { backendPath, deviceModelPath, frontendPath, pciClaimPath } from '../../../operator/domain/locations.ts';
import { applyAttachment, type BenchWorld } from '../processes/bench-world.ts';
import { says, type ObjectTimes } from '../processes/object-times.ts';
import { domidsOf, removed, settleMs } from './guest.ts';
import { phasesOf, type AttachTrace } from './phases.ts';

/** Attaches devices to a guest, all applied at once, and gives what the agent said to XenStore meanwhile. */
export async function tracedAttach(
  world: BenchWorld,
  attachments: ObjectTimes,
  stubDomain: string,
  wanted: Readonly<Record<string, string>>,
): Promise<AttachTrace> {
  const { trace } = world;
  if (trace === undefined) throw new Error('the world is not traced');
  const { stub, target } = await domidsOf(world, stubDomain);
  const names = Object.keys(wanted);
  trace.begin();
  const shown = names.map((name) => attachments.when(name, (object) => says(object, 'Inserted', 'True')));
  await Promise.all(
    Object.entries(wanted).map(async ([name, address]) => applyAttachment(world.kube, name, stubDomain, address)),
  );
  await Promise.all(shown);
  await sleep(settleMs);
  return phasesOf(trace.messages, {
    claims: Object.values(wanted).map(pciClaimPath),
    backendState: `${backendPath('pci', stub, 0)}/state`,
    frontendState: `${frontendPath('pci', stub, 0)}/state`,
    channel: deviceModelPath(stub, target),
  });
}

/** Attaches, and takes everything out again. */
export async function tracedAndRemoved(
  world: BenchWorld,
  attachments: ObjectTimes,
  stubDomain: string,
  wanted: Readonly<Record<string, string>>,
): Promise<AttachTrace> {
  const traced = await tracedAttach(world, attachments, stubDomain, wanted);
  for (const name of Object.keys(wanted)) await removed(world, attachments, name);
  return traced;
}
