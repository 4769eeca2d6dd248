import * as at from '../../domain/locations.ts';
import type { Pin } from '../../domain/notes.ts';
import type { DeviceView } from '../../domain/snapshot.ts';
import type { Adoptable } from '../../domain/stub-domain/adoption.ts';
import { parseXenbusState } from '../../domain/xenbus.ts';
import { areLinked } from './links.ts';
import { readPciBackend } from './pci-backend.ts';
import type { TreeReader } from './tree-cache.ts';

const flavors: ReadonlyMap<string, 'MiniOS' | 'Linux'> = new Map([
  ['qemu_xen_traditional', 'MiniOS'],
  ['qemu_xen', 'Linux'],
]);

/** Reads what another toolstack says of the stub domain that it made for the guest. */
export async function readAdoptable(tree: TreeReader, stub: Pin, target: Pin): Promise<Adoptable> {
  const [linked, version, backend] = await Promise.all([
    areLinked(tree, stub, target),
    tree.tryRead(`${at.libxlPath(target.domid)}/dm-version`),
    readPciBackend(tree, stub.domid, 0),
  ]);
  return {
    domid: stub.domid,
    uuid: stub.uuid,
    linked,
    flavor: flavors.get(Buffer.from(version ?? []).toString('latin1')),
    devices: backend.entries.map(({ address }) => address),
  };
}

const kinds = ['vbd', 'vif', 'vfb', 'vkbd', 'console'] as const;
// More than any guest has; a toolstack's list is not a stub domain's to lengthen.
const maxDevices = 64;

/** The PV devices that another toolstack gave a stub domain, by its back ends. Console 0 has no handshake. */
export async function readAdoptedDevices(tree: TreeReader, stub: number): Promise<DeviceView[]> {
  const listed = await Promise.all(
    kinds.map(async (kind) => {
      const names = (await tree.tryList(`/local/domain/0/backend/${kind}/${stub}`)) ?? [];
      const numbers = names.filter((name) => /^\d{1,9}$/.test(name)).map(Number);
      return numbers
        .sort((a, b) => a - b)
        .slice(0, maxDevices)
        .map((device) => ({ kind, device }));
    }),
  );
  return Promise.all(
    listed
      .flat()
      .filter(({ kind, device }) => kind !== 'console' || device !== 0)
      .map(async ({ kind, device }) => ({
        kind,
        label: `${kind} ${device}`,
        state: parseXenbusState(await tree.tryRead(`${at.backendPath(kind, stub, device)}/state`)),
      })),
  );
}
