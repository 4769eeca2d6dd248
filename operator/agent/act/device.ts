import { expectNote } from '../../domain/guarded-transaction.ts';
import * as at from '../../domain/locations.ts';
import { type PciNote, type Pin, formatNote, parseNote } from '../../domain/notes.ts';
import {
  type PciBackendView,
  backendEntry,
  closeBackend,
  closeBackendEntry,
  dropBackendEntry,
  entryPaths,
  othersLeave,
} from '../../domain/pci/backend.ts';
import type { ForcedRemoval } from '../../domain/pci/force-removal.ts';
import { isIn, slotMates } from '../../domain/pci/slot.ts';
import { HypervisorError } from '../../hypervisor/hypervisor.ts';
import type { XenStoreReader } from '../../xenstore/xenstore.ts';
import { readPciBackend } from '../observe/pci-backend.ts';
import { claimHolder } from './claim-holder.ts';
import { type ActContext, StaleSnapshotError, targetUuidOf } from './context.ts';
import { tellForced } from './tell-forced.ts';
import { removeAll, writePlan } from './write-plan.ts';

/**
 * Does not wait for the guest, or no longer. The device counts as never confirmed: no dom0 driver gets it by itself. With
 * function 0 of a slot go all functions that are in it: nothing else could ever take them out.
 */
export async function abandonRemoval(context: ActContext, address: string, forced?: ForcedRemoval): Promise<void> {
  const uuid = targetUuidOf(context);
  const seen = context.snapshot.pciNotes.get(address);
  const mates = seen === undefined ? [] : slotMates(context.snapshot.pciNotes, seen).map((mate) => mate.address);
  await context.layOut(async (tx) => {
    const [inflight, ...noted] = await Promise.all([
      tx.tryRead(at.inflightPath(uuid)),
      ...[address, ...mates].map(async (one) => tx.tryRead(at.pciNotePath(uuid, one))),
    ]);
    const [note, ...others] = noted.map((value) => parseNote('pci', value));
    const underWay = parseNote('inflight', inflight);
    const asked = underWay?.command === 'pci-rem' && underWay.address === address;
    const elsewhere = underWay !== undefined && underWay.address !== address && forced?.by !== 'policy';
    if (note === undefined || (underWay !== undefined && !asked && !elsewhere)) {
      throw new StaleSnapshotError('the removal ended');
    }
    const take = async (one: string, device: PciNote): Promise<void> => {
      const out: PciNote = { ...device, stage: 'removed', unconfirmed: true, forcedAt: context.snapshot.now };
      await tx.write(at.pciNotePath(uuid, one), formatNote('pci', out));
    };
    await Promise.all([
      take(address, note),
      ...mates.map(async (one, index) => {
        const mate = others[index];
        if (mate !== undefined && isIn(mate)) await take(one, mate);
      }),
      ...(elsewhere ? [] : [tx.remove(at.inflightPath(uuid))]),
    ]);
  });
  if (forced !== undefined) for (const one of [address, ...mates]) tellForced(context, one, forced);
}

/** A device that left the guest with its slot, and that is wanted there again: as it was when it was claimed. */
export async function rearm(context: ActContext, address: string): Promise<void> {
  const note = context.snapshot.pciNotes.get(address);
  if (note === undefined) throw new StaleSnapshotError('the device is not noted');
  await context.hypervisor.revoke(address, note.target, { iommu: true });
  const { vdevfn: _, forcedAt: __, ...kept } = note;
  const path = at.pciNotePath(note.target.uuid, address);
  context.memory.unready(address);
  await context.commit({
    expect: [expectNote('pci', path, note, 'the device is in other hands')],
    write: [{ path, value: formatNote('pci', { ...kept, stage: 'claimed' }) }],
    remove: [],
  });
}

async function revokeGrants(context: ActContext, address: string, note: PciNote): Promise<void> {
  // Should it be wanted again, it has to be made ready again.
  context.memory.unready(address);
  await context.hypervisor.revoke(address, note.target, { iommu: true });
  await context.hypervisor.revoke(address, note.stub, { iommu: false });
}

/** Takes the grants back, and begins to take the device out of the back end. */
export async function revoke(context: ActContext, address: string): Promise<void> {
  const note = context.snapshot.pciNotes.get(address);
  if (note === undefined) throw new StaleSnapshotError('the device is not noted');
  await revokeGrants(context, address, note);
  await context.layOut(async (tx) => {
    const view = await readPciBackend(tx, note.stub.domid, context.snapshot.pciBackend.entries.length);
    if (othersLeave(view, address)) throw new StaleSnapshotError('another device is on its way out');
    const entry = backendEntry(view, address);
    if (entry !== undefined) await writePlan(tx, closeBackendEntry(note.stub, entry));
  });
}

/** Takes the grants back, and has pciback close the back end, of which it is the last device. */
export async function closeLast(context: ActContext, address: string): Promise<void> {
  const note = context.snapshot.pciNotes.get(address);
  if (note === undefined) throw new StaleSnapshotError('the device is not noted');
  await revokeGrants(context, address, note);
  await context.layOut(async (tx) => {
    const view = await readPciBackend(tx, note.stub.domid, context.snapshot.pciBackend.entries.length);
    const [only, ...others] = view.entries;
    if (only?.address !== address || others.length > 0) throw new StaleSnapshotError('the back end has other devices');
    await writePlan(tx, closeBackend(note.stub));
  });
}

async function readEntries(
  tree: XenStoreReader,
  stub: PciNote['stub'],
  view: PciBackendView,
): Promise<Map<string, string>> {
  const values = new Map<string, string>();
  await Promise.all(
    entryPaths(stub, view.entries.length).map(async (path) => {
      const value = await tree.tryReadString(path);
      if (value !== undefined) values.set(path, value);
    }),
  );
  return values;
}

/**
 * Resets a device that `target` had, and gives it back to `driver`, if any. One that is not bound to pciback was never taken
 * from its driver, or was given back before a crash: it is left alone, as is one that another guest has by now. One that is
 * gone counts as given back. One that cannot be reset stays with pciback.
 */
export async function giveBack(
  context: ActContext,
  address: string,
  target: Pin,
  driver: string | undefined,
): Promise<void> {
  const { hypervisor, devices, xenstore } = context;
  if ((await claimHolder(xenstore, address, target)) === 'others') return;
  const device = devices.devices.get(address);
  // Without a driver it is on its way to one: a crash came between two.
  const halfWay = device !== undefined && device.driver === undefined && driver !== undefined;
  if (device?.driver !== 'pciback' && !halfWay) {
    // A crash came before it was seized, or after it was given back.
    if (driver !== undefined && device?.driver === driver) await xenstore.remove(at.pciDriverPath(address));
    return;
  }
  try {
    await hypervisor.reset(address);
  } catch (error) {
    if (!(error instanceof HypervisorError) || error.code === 'Unavailable') throw error;
    if (error.code === 'NoSuchDevice') await devices.refresh();
    return;
  }
  if (driver === undefined) return;
  await hypervisor.releaseAssignable(address, driver);
  devices.setDriver(address, driver);
  await xenstore.remove(at.pciDriverPath(address));
}

/** Drops the device from the back end, gives it back to the host, and removes claim and note: those last. */
export async function release(context: ActContext, address: string, quarantine: boolean): Promise<void> {
  const { snapshot } = context;
  const note = snapshot.pciNotes.get(address);
  if (note === undefined) throw new StaleSnapshotError('the device is not noted');
  await revokeGrants(context, address, note);
  if (snapshot.stub !== undefined && snapshot.stub.uuid === note.stub.uuid) {
    await context.layOut(async (tx) => {
      const view = await readPciBackend(tx, note.stub.domid, context.snapshot.pciBackend.entries.length);
      const entry = backendEntry(view, address);
      if (entry === undefined) return;
      const values = await readEntries(tx, note.stub, view);
      const change = dropBackendEntry(view, note.stub, entry, (path) => values.get(path));
      await Promise.all([writePlan(tx, change.write), removeAll(tx, change.remove)]);
    });
  }
  await giveBack(context, address, note.target, quarantine ? undefined : note.originalDriver);
  await context.layOut(async (tx) => {
    const holder = await claimHolder(tx, address, note.target);
    await Promise.all([
      tx.remove(at.pciNotePath(note.target.uuid, address)),
      ...(holder === 'ours' ? [tx.remove(at.pciClaimPath(address))] : []),
    ]);
  });
  context.happened({
    uid: note.owner,
    type: 'Normal',
    reason: 'Released',
    message: quarantine ? `Released ${address}; it stays bound to pciback` : `Released ${address}`,
  });
}
