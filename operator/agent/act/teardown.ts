import * as at from '../../domain/locations.ts';
import { type PciNote, type Pin, formatNote } from '../../domain/notes.ts';
import { teardownPaths } from '../../domain/stub-domain/setup-plan.ts';
import { parseVmPath } from '../../domain/untrusted.ts';
import type { Step } from '../../domain/step.ts';
import type { XenStoreReader } from '../../xenstore/xenstore.ts';
import type { DomainInventory } from '../observe/domain-inventory.ts';
import { claimHolder } from './claim-holder.ts';
import { type ActContext, noteOf, pinOf } from './context.ts';
import { giveBack } from './device.ts';
import { removeAll } from './write-plan.ts';

type Because = Extract<Step, { do: 'teardown' }>['because'];

const words: Readonly<Record<Because, string>> = {
  deleted: 'the StubDomain is deleted',
  targetGone: 'its guest is gone',
  targetRestarted: 'its guest was started anew',
  domainDied: 'it died',
  orphanNote: 'its StubDomain is gone',
};

/** Takes a device back from both domains. It stays with pciback unless it never was in a guest. */
async function takeBack(
  context: ActContext,
  address: string,
  note: PciNote,
  stub: Pin | undefined,
  last: boolean,
): Promise<void> {
  const { hypervisor } = context;
  await hypervisor.revoke(address, note.target, { iommu: true });
  if (stub !== undefined) await hypervisor.revoke(address, stub, { iommu: false });
  const quiet = (note.stage === 'claimed' || note.stage === 'removed') && note.unconfirmed !== true;
  await giveBack(context, address, note.target, last && quiet ? note.originalDriver : undefined);
}

/**
 * Whether the domid is another domain's by now: then what is under that number is not ours to remove. Read in the
 * transaction that removes; the hypervisor knows of a domain before it is in XenStore.
 */
async function isReused(tx: XenStoreReader, domains: DomainInventory, pin: Pin): Promise<boolean> {
  if (domains.list().some(({ domid, uuid }) => domid === pin.domid && uuid !== pin.uuid)) return true;
  const uuid = parseVmPath(await tx.tryRead(`${at.domainPath(pin.domid)}/vm`));
  return uuid !== undefined && uuid !== pin.uuid;
}

/**
 * Ends the stub domain and removes what was written for it; one that another toolstack made is left to that, and only what
 * was done to it is undone. The notes go last, so that a crash before has it done again.
 * When the object lives on, the devices' notes stay, as claimed: the next incarnation gets them.
 */
export async function teardown(context: ActContext, because: Because): Promise<void> {
  const { hypervisor, domains, snapshot, memory } = context;
  const note = noteOf(context);
  const targetUuid = note.target.uuid;
  const domid = snapshot.stub?.domid ?? note.domid;
  const stub = domid === undefined ? undefined : { domid, uuid: note.uuid };
  const last = because === 'deleted' || because === 'orphanNote';
  const adopted = note.adopted === true;
  if (stub !== undefined && !adopted) {
    await hypervisor.destroyDomain(stub);
    domains.remove(stub);
  }
  for (const [address, pci] of snapshot.pciNotes) await takeBack(context, address, pci, stub, last);
  if (stub !== undefined && !adopted) {
    await context.layOut(async (tx) => {
      const [stubReused, targetReused] = await Promise.all([
        isReused(tx, domains, stub),
        isReused(tx, domains, note.target),
      ]);
      await removeAll(tx, teardownPaths({ stub, target: note.target, stubReused, targetReused }));
    });
  }
  await context.layOut(async (tx) => {
    const claims = await Promise.all(
      [...snapshot.pciNotes].map(async ([address, pci]) => {
        const holder = await claimHolder(tx, address, pci.target);
        return holder === 'ours' ? at.pciClaimPath(address) : undefined;
      }),
    );
    await removeAll(
      tx,
      claims.filter((path) => path !== undefined),
    );
    if (last) return tx.remove(at.notesPath(targetUuid));
    await removeAll(tx, [at.stubNotePath(targetUuid), at.inflightPath(targetUuid), at.enumeratedPath(targetUuid)]);
    await Promise.all(
      [...snapshot.pciNotes].map(([address, pci]) => tx.write(at.pciNotePath(targetUuid, address), claimedAgain(pci))),
    );
    return undefined;
  });
  if (because === 'domainDied') memory.failed(note.owner, 'DomainDied', context.snapshot.now, 'the stub domain died');
  context.happened({
    uid: note.owner,
    type: because === 'domainDied' ? 'Warning' : 'Normal',
    reason: because === 'domainDied' ? 'StubDomainDied' : 'TornDown',
    message: `${adopted ? 'Let go of' : 'Took down'} the stub domain${domid === undefined ? '' : ` ${domid}`}: ${words[because]}`,
  });
}

function claimedAgain(pci: PciNote): string {
  const { owner, name, originalDriver } = pci;
  const quiet = (pci.stage === 'claimed' || pci.stage === 'removed') && pci.unconfirmed !== true;
  return formatNote('pci', {
    owner,
    name,
    stage: 'claimed',
    stub: pinOf(pci.stub),
    target: pinOf(pci.target),
    ...(originalDriver === undefined ? {} : { originalDriver }),
    // Nobody confirmed that it was out of the guest before: it does not go back to a dom0 driver by itself.
    ...(quiet ? {} : { unconfirmed: true }),
  });
}
