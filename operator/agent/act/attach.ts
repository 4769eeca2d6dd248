import { pciDriverPath, pciNotePath } from '../../domain/locations.ts';
import { expectNote } from '../../domain/guarded-transaction.ts';
import { type PciNote, formatNote } from '../../domain/notes.ts';
import { attachmentObstacle } from '../../domain/pci/attachment-obstacle.ts';
import {
  type Attaching,
  type Receivers,
  claimTransaction,
  dropBackendTransaction,
  enlistTransaction,
  joined,
} from '../../domain/pci/attach-transactions.ts';
import { backendEntry } from '../../domain/pci/backend.ts';
import type { Snapshot } from '../../domain/snapshot.ts';
import type { DeviceOf } from '../../domain/step.ts';
import { HypervisorError } from '../../hypervisor/hypervisor.ts';
import { type ActContext, StaleSnapshotError, attachmentOf, pinOf, stubOf, targetOf } from './context.ts';
import { grantTo, ownerOf } from './grant-options.ts';
import { stubName } from './stub-domain.ts';

function receiversOf(context: ActContext): Receivers {
  const target = targetOf(context);
  return { stub: pinOf(stubOf(context)), target: pinOf(target), stubName: stubName(target.name) };
}

/** What the host says of the devices now: the list may be old, and a driver of dom0 may use one by now. */
async function lookAgain(context: ActContext, devices: readonly Attaching[]): Promise<Snapshot> {
  await context.devices.refresh();
  // One of them may have the device, and the claims that would say so are lost with the rest.
  if (context.domains.unknownToXenStore.some(({ type }) => type === 'HVM'))
    throw new StaleSnapshotError('XenStore does not know a guest that runs here');
  const snapshot = { ...context.snapshot, hostDevices: context.devices.devices };
  for (const { attachment, address } of devices) {
    if (!snapshot.hostDevices.has(address)) throw new StaleSnapshotError('the device is gone');
    const obstacle = attachmentObstacle(snapshot, attachment);
    if (obstacle !== undefined) throw new StaleSnapshotError(obstacle.message);
  }
  return snapshot;
}

const attachingOf = (context: ActContext, devices: readonly DeviceOf[]): Attaching[] =>
  devices.map(({ uid, address }) => ({ attachment: attachmentOf(context, uid), address }));

/**
 * Reserves the devices, and puts those that are bound to pciback into the back end at once, so that the handshake goes on
 * while they are made ready.
 */
export async function claim(context: ActContext, devices: readonly DeviceOf[]): Promise<void> {
  const attaching = attachingOf(context, devices);
  const receivers = receiversOf(context);
  const snapshot = await lookAgain(context, attaching);
  const claims = attaching.map((one) => claimTransaction(snapshot, receivers, one));
  const listable = attaching.filter(
    ({ address }) =>
      snapshot.hostDevices.get(address)?.driver === 'pciback' &&
      backendEntry(snapshot.pciBackend, address) === undefined,
  );
  const enlisting = listable.length === 0 ? undefined : enlistTransaction(snapshot, receivers, listable);
  for (const { address } of devices) context.memory.unready(address);
  await context.commit(joined(enlisting === undefined ? claims : [...claims, enlisting]), { shared: true });
}

/** Makes the device assignable, resets it, and gives the stub domain its share. Done again, it does no harm. */
export async function ready(context: ActContext, uid: string, address: string): Promise<void> {
  const { hypervisor, devices, snapshot } = context;
  const stub = pinOf(stubOf(context));
  const attachment = attachmentOf(context, uid);
  const note = snapshot.pciNotes.get(address);
  if (note === undefined) throw new StaleSnapshotError('the device is not noted');
  const { hostDevices } = await lookAgain(context, [{ attachment, address }]);
  const driver = hostDevices.get(address)?.driver;
  // Before dom0 loses the device, and before the guest sees one that it cannot use (libxl_pci.c does so too).
  await hypervisor.requireGrantable?.(address, pinOf(targetOf(context)));
  if (driver !== 'pciback') {
    if (attachment.spec.driverPolicy !== 'Seize') throw new StaleSnapshotError('a driver of dom0 has the device');
    await rememberDriver(context, address, note, driver);
    if (driver !== undefined) {
      await context.xenstore.write(pciDriverPath(address), `/sys/bus/pci/drivers/${driver}`);
    }
    await hypervisor.makeAssignable(address);
    devices.setDriver(address, 'pciback');
  }
  await resetIfItCan(context, uid, address);
  await hypervisor.grant(address, stub, grantTo('stub', attachment));
  context.memory.ready(address, stub.uuid);
}

/** A device that cannot be reset is given away as it is, as libxl does, and people are told. */
async function resetIfItCan({ hypervisor, happened }: ActContext, uid: string, address: string): Promise<void> {
  try {
    await hypervisor.reset(address);
  } catch (error) {
    if (!(error instanceof HypervisorError) || error.code !== 'NotSupported') throw error;
    const message = `${address} has no way to be reset: the guest gets it as it was left`;
    happened({ uid, type: 'Warning', reason: 'ResetUnsupported', message });
  }
}

/** Another driver may have taken the device since it was claimed. */
async function rememberDriver(
  context: ActContext,
  address: string,
  note: PciNote,
  driver: string | undefined,
): Promise<void> {
  if (driver === undefined || driver === note.originalDriver) return;
  const path = pciNotePath(note.target.uuid, address);
  await context.commit({
    expect: [expectNote('pci', path, note, 'the device is in other hands')],
    write: [{ path, value: formatNote('pci', { ...note, originalDriver: driver }) }],
    remove: [],
  });
}

/** Takes a back end away that pciback gave up. */
export async function dropBackend(context: ActContext): Promise<void> {
  const change = dropBackendTransaction(context.snapshot, pinOf(stubOf(context)), pinOf(targetOf(context)));
  await context.commit(change, { shared: true });
  context.memory.backendDropped(context.snapshot.now);
}

/** Puts devices into the stub domain's PV back end. */
export async function enlist(context: ActContext, devices: readonly DeviceOf[]): Promise<void> {
  const change = enlistTransaction(context.snapshot, receiversOf(context), attachingOf(context, devices));
  if (change === undefined) throw new StaleSnapshotError('the back end is busy');
  await context.commit(change, { shared: true });
}

/** Gives the guest its share of the device, DMA with it, and notes that all is done. */
export async function grant(context: ActContext, address: string): Promise<void> {
  const target = pinOf(targetOf(context));
  const note = context.snapshot.pciNotes.get(address);
  if (note === undefined) throw new StaleSnapshotError('the device is not noted');
  await context.hypervisor.grant(address, target, grantTo('guest', ownerOf(context, note)));
  const path = pciNotePath(target.uuid, address);
  await context.commit({
    expect: [expectNote('pci', path, note, 'the device is in other hands')],
    write: [{ path, value: formatNote('pci', { ...note, stage: 'attached' }) }],
    remove: [],
  });
}
