import type { StubDomainStatus } from '../../api/generated/stub-domain.ts';
import { kubeTime } from '../../api/conditions.ts';
import type { LastCommandNote, SavedNote } from '../notes.ts';
import type { Snapshot } from '../snapshot.ts';
import { isReconcilePaused } from '../reconcile-pause.ts';
import { formatVdevfn } from '../untrusted.ts';
import { isCurrent, isDeleting } from '../wanted.ts';
import { xenbusStateName } from '../xenbus.ts';
import { consoles } from './consoles.ts';
import { diskName } from './disks.ts';

type Phase = NonNullable<StubDomainStatus['phase']>;
type Facts = Omit<StubDomainStatus, 'conditions' | 'nodeName' | 'observedGeneration'>;

function phase(snapshot: Snapshot, ready: boolean, stalled: boolean): Phase {
  const { object, note, channel } = snapshot;
  if (object !== undefined && isDeleting(object)) return 'Deleting';
  if ((snapshot.unknownToXenStore?.length ?? 0) > 0) return 'Unknown';
  if (stalled && !isReconcilePaused(object)) return 'Failed';
  if (note === undefined || snapshot.target === undefined) return 'Pending';
  if (note.stage !== 'started') return 'Wiring';
  if (channel === undefined || channel.state === 'Absent') return 'Starting';
  if (channel.state === 'Unrecognised') return 'Unknown';
  const wantsPaused = object?.spec.runState === 'Paused';
  if (channel.state === 'paused') return wantsPaused ? 'Paused' : 'Resuming';
  if (wantsPaused) return 'Pausing';
  return ready ? 'Running' : 'Starting';
}

/** The last command as the status shows it: one under way goes before the last that ended. */
export function commandStatus(snapshot: Snapshot, owner?: string): StubDomainStatus['command'] {
  const inflight = snapshot.channel?.inflight;
  if (inflight !== undefined && (owner === undefined || inflight.owner === owner)) {
    return { name: inflight.command, outcome: 'Pending', sentTime: kubeTime(inflight.sentAt) };
  }
  const { last } = snapshot;
  if (last === undefined || (owner !== undefined && last.owner !== owner)) return undefined;
  return ended(last);
}

function ended(last: LastCommandNote): NonNullable<StubDomainStatus['command']> {
  return {
    name: last.command,
    outcome: last.outcome,
    reason: last.reason,
    sentTime: kubeTime(last.sentAt),
    finishedTime: kubeTime(last.finishedAt),
  };
}

/** What the agent reports of a stub domain besides its conditions. */
export function stubDomainFacts(snapshot: Snapshot, ready: boolean, stalled: boolean): Facts {
  const { object, note, target } = snapshot;
  const summary = phase(snapshot, ready, stalled);
  if (object === undefined || note === undefined || target === undefined || note.domid === undefined)
    return { phase: summary, ...restoredFrom(snapshot) };
  // The guest is another StubDomain's.
  if (note.owner !== object.metadata.uid) return { phase: summary, ...restoredFrom(snapshot) };
  const { spec } = object;
  const stateOf = (kind: string, index: number): string =>
    xenbusStateName(snapshot.devices.filter((device) => device.kind === kind)[index]?.state);
  const command = commandStatus(snapshot);
  const display = snapshot.displayPort;
  const pciDevices = [...snapshot.pciNotes]
    .filter(([, pci]) => isCurrent(snapshot, pci) && (pci.stage === 'attached' || pci.stage === 'inserted'))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([address, pci]) => ({
      address,
      ...(pci.vdevfn === undefined ? {} : { virtualDeviceFunction: formatVdevfn(pci.vdevfn) }),
      attachment: pci.name,
    }));
  return {
    phase: summary,
    domid: note.domid,
    uuid: note.uuid,
    targetDomid: target.domid,
    ...(snapshot.channel === undefined ? {} : { state: snapshot.channel.state }),
    disks: (spec.disks ?? []).map((disk, i) => ({ name: disk.name, vdev: diskName(i), state: stateOf('vbd', i) })),
    nics: (spec.nics ?? []).map((nic, i) => ({ name: nic.name, index: i, state: stateOf('vif', i) })),
    consoles: consoles(spec, target.name, target.domid),
    ...(spec.graphics === undefined || display === undefined
      ? {}
      : { graphics: { address: `${bracketed(spec.graphics.listen)}:${display}` } }),
    pciDevices,
    ...restoredFrom(snapshot),
    ...(snapshot.saved === undefined || snapshot.saved.problem !== undefined
      ? {}
      : { savedState: savedState(snapshot.saved) }),
    ...(command === undefined ? {} : { command }),
  };
}

/** Noted when the device model that started from it said so; from then on spec.restoreFrom does not count. */
function restoredFrom({ object, note, channel, spentRestore }: Snapshot): Pick<Facts, 'restoredFrom'> {
  const known = object?.status?.restoredFrom;
  if (known !== undefined) return { restoredFrom: known };
  const answers = note?.owner === object?.metadata.uid && channel !== undefined && channel.state !== 'Absent';
  const path = note?.restores === true ? object?.spec.restoreFrom?.path : spentRestore;
  return answers && path !== undefined ? { restoredFrom: path } : {};
}

function savedState({ path, time, size }: SavedNote): NonNullable<StubDomainStatus['savedState']> {
  return { path, time: kubeTime(time), ...(size === undefined ? {} : { sizeBytes: size }) };
}

const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);
