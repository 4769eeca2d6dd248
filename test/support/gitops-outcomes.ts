import { reconcilePausedAnnotation } from '../../operator/api/names.ts';
import { uuidOf } from '../../operator/embedded/world/fleet.ts';
import { stubDomains } from '../../operator/kube/resources.ts';
import { startOperatorWorld } from './operator-world.ts';
import type { AnyObject, Kind } from './world-objects.ts';

/** How kstatus calls it. */
export type KStatus = 'InProgress' | 'Current' | 'Failed' | 'Terminating';
/** How Argo CD calls it. */
export type ArgoHealth = 'Healthy' | 'Progressing' | 'Degraded' | 'Suspended' | 'Unknown';

/** An object as the operator left it, and what the two have to make of it. */
export interface Outcome {
  readonly what: string;
  readonly object: AnyObject;
  readonly kstatus: KStatus;
  readonly argo: ArgoHealth;
}

/** Runs the operator, and gives its objects as they came out. */
export async function collectOutcomes(): Promise<readonly Outcome[]> {
  const world = await startOperatorWorld({ hosts: 2 });
  try {
    const { objects } = world;
    const outcomes: Outcome[] = [];
    const take = async (what: string, kind: Kind, name: string, kstatus: KStatus, argo: ArgoHealth): Promise<void> => {
      outcomes.push({ what, object: await objects.get(kind, name), kstatus, argo });
    };
    const [near, far] = [world.host('xen-1'), world.host('xen-2')];
    for (const name of ['web', 'paused', 'named', 'left', 'stubborn']) await near.addGuest(name);
    await near.admin.addQuirk('no-eject@stubborn');
    await far.addGuest('remote');

    await objects.stubDomain('absent');
    await objects.condition('StubDomain', 'absent', 'Ready', { reason: 'TargetNotFound' });
    await take('the guest does not run', 'StubDomain', 'absent', 'InProgress', 'Progressing');

    await objects.stubDomain('web');
    await objects.ready('StubDomain', 'web');
    await take('the device model runs', 'StubDomain', 'web', 'Current', 'Healthy');
    await objects.patchSpec('StubDomain', 'web', { memoryMiB: 64 });
    await objects.condition('StubDomain', 'web', 'DevicesWired', { reason: 'RestartNeeded' });
    await objects.condition('StubDomain', 'web', 'Ready', { status: 'True' });
    await take('the spec was changed and takes effect at the next start', 'StubDomain', 'web', 'Current', 'Healthy');

    await objects.stubDomain('paused', { runState: 'Paused' });
    await objects.condition('StubDomain', 'paused', 'Paused', { status: 'True' });
    await objects.ready('StubDomain', 'paused');
    await take('paused on purpose', 'StubDomain', 'paused', 'Current', 'Healthy');

    await objects.applySpec('StubDomain', 'named', { target: { ...targetOf('named'), name: 'other' } });
    await objects.condition('StubDomain', 'named', 'Stalled', { status: 'True', reason: 'TargetNameMismatch' });
    await take('the guest has another name', 'StubDomain', 'named', 'Failed', 'Degraded');

    const annotations = { [reconcilePausedAnnotation]: 'we look at it by hand' };
    await objects.applySpec('StubDomain', 'left', { target: targetOf('left') }, { annotations });
    await objects.condition('StubDomain', 'left', 'Ready', { reason: 'ReconcilePaused' });
    await take('left alone by annotation', 'StubDomain', 'left', 'InProgress', 'Suspended');

    await objects.attachment('orphan', 'nobody', '0000:05:00.0');
    await objects.condition('PciAttachment', 'orphan', 'Ready', { reason: 'StubDomainNotFound' });
    await take('the StubDomain does not exist', 'PciAttachment', 'orphan', 'InProgress', 'Progressing');

    await objects.stubDomain('stubborn');
    await objects.attachment('stubborn-nic', 'stubborn', '0000:03:00.0');
    await objects.ready('PciAttachment', 'stubborn-nic');
    await take('the guest has the device', 'PciAttachment', 'stubborn-nic', 'Current', 'Healthy');
    await objects.remove('PciAttachment', 'stubborn-nic');
    await objects.condition('PciAttachment', 'stubborn-nic', 'Removing', { reason: 'WaitingForGuest' });
    await take('the guest does not let the device go', 'PciAttachment', 'stubborn-nic', 'Terminating', 'Progressing');

    await take('a host that is well', 'XenHost', 'xen-1', 'Current', 'Healthy');

    await objects.stubDomain('remote');
    await objects.ready('StubDomain', 'remote');
    await far.stopAgent();
    await objects.patchSpec('StubDomain', 'remote', { runState: 'Paused' });
    await take('the agent has not seen the change', 'StubDomain', 'remote', 'InProgress', 'Progressing');
    world.clock.skip(41_000);
    near.clock.skip(15_000);
    await objects.condition('StubDomain', 'remote', 'Ready', { status: 'Unknown', reason: 'HostUnreachable' });
    await objects.condition('XenHost', 'xen-2', 'Ready', { status: 'Unknown' });
    await take('the host is away', 'StubDomain', 'remote', 'InProgress', 'Unknown');
    await take('a host that is away', 'XenHost', 'xen-2', 'InProgress', 'Unknown');

    const made = await world.kube.create<AnyObject>(stubDomains, {
      metadata: { namespace: 'default', name: 'new' },
      spec: { target: targetOf('new') },
    });
    outcomes.push({ what: 'nobody has looked at it yet', object: made, kstatus: 'InProgress', argo: 'Progressing' });
    return outcomes;
  } finally {
    await world.close();
  }
}

const targetOf = (guest: string): { readonly uuid: string } => ({ uuid: uuidOf(guest) });
