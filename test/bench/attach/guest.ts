import { setTimeout as sleep } from 'node:timers/promises';
import { deviceModelPath } from '../../../operator/domain/locations.ts';
import { uuidOf } from '../../../operator/embedded/world/fleet.ts';
import { pciAttachments } from '../../../operator/kube/resources.ts';
import { namespace, type BenchWorld } from '../processes/bench-world.ts';
import type { ObjectTimes } from '../processes/object-times.ts';

/** After this an agent that has nothing to do has done it. */
export const settleMs = 400;

export interface Domids {
  readonly stub: number;
  readonly target: number;
}

/** The domains of a guest and of its stub domain. */
export async function domidsOf({ hypervisor }: BenchWorld, name: string): Promise<Domids> {
  const domains = await hypervisor.listDomains();
  const target = domains.find(({ uuid }) => uuid === uuidOf(name));
  const stub = domains.find((domain) => domain.name === `${name}-dm`);
  if (target === undefined || stub === undefined) throw new Error(`there is no stub domain of ${name}`);
  return { stub: stub.domid, target: target.domid };
}

/** The device-model directory of a guest. */
export async function channelOf(world: BenchWorld, name: string): Promise<string> {
  const { stub, target } = await domidsOf(world, name);
  return deviceModelPath(stub, target);
}

/** Deletes an attachment, and waits until it is gone and what comes after it is over. */
export async function removed({ kube }: BenchWorld, attachments: ObjectTimes, name: string): Promise<void> {
  await kube.delete(pciAttachments, { namespace, name });
  await attachments.when(name, (shown) => shown === undefined);
  await sleep(settleMs);
}
