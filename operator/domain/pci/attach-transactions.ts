import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import { expectLinked } from '../command-channel/links.ts';
import { type Expectation, type GuardedTransaction, expectNote } from '../guarded-transaction.ts';
import { backendPath, pciClaimPath, pciNotePath } from '../locations.ts';
import { type PciNote, type Pin, formatNote } from '../notes.ts';
import type { Snapshot } from '../snapshot.ts';
import { pciOptions, wantedVdevfn } from '../wanted.ts';
import { type PciBackendView, addBackendEntries, backendRoots } from './backend.ts';
import { requestText } from './heir.ts';

/** One device on its way into the guest. */
export interface Attaching {
  readonly attachment: PciAttachment;
  readonly address: string;
}

/** The domains that a device goes to. */
export interface Receivers {
  readonly stub: Pin;
  readonly target: Pin;
  /** Name of the stub domain, for the back end. */
  readonly stubName: string;
}

const pinOf = ({ domid, uuid }: Pin): Pin => ({ domid, uuid });

/** The driver to give the device back to: what was noted before, what has it now, or what the status says. */
function originalDriver(
  { hostDevices, pciNotes }: Snapshot,
  { attachment, address }: Attaching,
): Pick<PciNote, 'originalDriver'> {
  const driver = hostDevices.get(address)?.driver;
  const now = driver === undefined || driver === 'pciback' ? attachment.status?.originalDriver : driver;
  const kept = pciNotes.get(address)?.originalDriver ?? now;
  return kept === undefined || kept === '' ? {} : { originalDriver: kept };
}

/** Reserves the device for the guest among all toolstacks of the host (libxl_pci.c), and notes what is done with it. */
export function claimTransaction(snapshot: Snapshot, receivers: Receivers, attaching: Attaching): GuardedTransaction {
  const { attachment, address } = attaching;
  const [stub, target] = [pinOf(receivers.stub), pinOf(receivers.target)];
  const before = snapshot.pciNotes.get(address);
  const holder = snapshot.claims.get(address);
  const claim = pciClaimPath(address);
  const path = pciNotePath(target.uuid, address);
  const note: PciNote = {
    owner: attachment.metadata.uid,
    name: attachment.metadata.name,
    stage: 'claimed',
    stub,
    target,
    request: requestText(attachment),
    ...originalDriver(snapshot, attaching),
    ...(before?.unconfirmed === true ? { unconfirmed: true } : {}),
  };
  return {
    expect: [
      ...expectLinked(stub, target),
      { path: claim, text: holder === undefined ? undefined : String(holder), otherwise: 'the device was claimed' },
      expectNote('pci', path, before, "the device is another attachment's"),
    ],
    write: [
      { path: claim, value: String(target.domid) },
      { path, value: formatNote('pci', note) },
    ],
    remove: [],
  };
}

function expectBackend(view: PciBackendView, stub: Pin): Expectation[] {
  const back = backendPath('pci', stub.domid, 0);
  const otherwise = 'the back end changed';
  const text = (value: number | undefined): string | undefined => (value === undefined ? undefined : String(value));
  return [
    { path: `${back}/num_devs`, text: view.exists ? String(view.entries.length) : undefined, otherwise },
    { path: `${back}/state`, text: text(view.state), otherwise },
  ];
}

/** Puts devices into the stub domain's PV back end; undefined while that is busy with something else. */
export function enlistTransaction(
  snapshot: Snapshot,
  receivers: Receivers,
  devices: readonly Attaching[],
): GuardedTransaction | undefined {
  const [stub, target] = [pinOf(receivers.stub), pinOf(receivers.target)];
  const entries = devices.map(({ attachment, address }) => {
    const vdevfn = wantedVdevfn(attachment);
    return { address, options: pciOptions(attachment), ...(vdevfn === undefined ? {} : { vdevfn }) };
  });
  const change = addBackendEntries(snapshot.pciBackend, stub, receivers.stubName, entries);
  if (change === undefined) return undefined;
  return { expect: [...expectLinked(stub, target), ...expectBackend(snapshot.pciBackend, stub)], ...change };
}

/** Takes a back end away that pciback gave up, so that it can be laid out again. */
export function dropBackendTransaction({ pciBackend }: Snapshot, stub: Pin, target: Pin): GuardedTransaction {
  return {
    expect: [...expectLinked(stub, target), ...expectBackend(pciBackend, stub)],
    write: [],
    remove: backendRoots(stub),
  };
}

/** All changes in one transaction. */
export function joined(changes: readonly GuardedTransaction[]): GuardedTransaction {
  const expect = new Map(changes.flatMap((change) => change.expect.map((expected) => [expected.path, expected])));
  return {
    expect: [...expect.values()],
    write: changes.flatMap(({ write }) => write),
    remove: changes.flatMap(({ remove }) => remove),
  };
}
