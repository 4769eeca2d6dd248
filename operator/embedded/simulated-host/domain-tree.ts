import type { Permissions, XenStore } from '../../xenstore/xenstore.ts';

/** A node to write: without a value it is only made; without permissions it has those of its parent. */
export interface TreeNode {
  readonly path: string;
  readonly value?: string;
  readonly permissions?: Permissions;
}

/** What the tree says of a domain. */
export interface DomainFacts {
  readonly domid: number;
  readonly uuid: string;
  readonly name: string;
  readonly type: 'HVM' | 'PV';
  readonly memoryMiB: number;
}

/** Below a domain's path, what the guest itself may write (libxl's domain_make, stubdom-protocol §6.2). */
const writableByGuest = [
  'control/shutdown',
  'control/feature-poweroff',
  'control/feature-reboot',
  'control/feature-suspend',
  'data',
  'drivers',
  'feature',
  'attr',
  'error',
];

/** The nodes that libxl's domain_make and domain_build write for a new domain, in order. */
export function domainTree({ domid, uuid, name, type, memoryMiB }: DomainFacts): TreeNode[] {
  const readable: Permissions = { owner: 0, others: 'none', entries: [{ domid, access: 'read' }] };
  const writable: Permissions = { owner: domid, others: 'none', entries: [] };
  const dom0Only: Permissions = { owner: 0, others: 'none', entries: [] };
  const domain = `/local/domain/${domid}`;
  const vm = `/vm/${uuid}`;
  const kib = String(memoryMiB * 1024);
  return [
    { path: domain, permissions: readable },
    { path: vm, permissions: readable },
    { path: `/libxl/${domid}`, permissions: dom0Only },
    { path: `${vm}/uuid`, value: uuid },
    { path: `${vm}/name`, value: name },
    ...(type === 'HVM' ? [{ path: `${vm}/image/ostype`, value: 'hvm' }] : []),
    { path: `${domain}/vm`, value: vm },
    { path: `${domain}/name`, value: name },
    { path: `${domain}/domid`, value: String(domid) },
    { path: `${domain}/memory/static-max`, value: kib },
    { path: `${domain}/memory/target`, value: kib },
    { path: `${domain}/cpu/0/availability`, value: 'online' },
    { path: `${domain}/device` },
    { path: `${domain}/control/platform-feature-multiprocessor-suspend`, value: '1' },
    ...writableByGuest.map((node) => ({ path: `${domain}/${node}`, permissions: writable })),
    ...(type === 'HVM' ? [{ path: `${domain}/image` }, { path: `${domain}/hvmloader` }] : []),
    { path: `/libxl/${domid}/type`, value: type.toLowerCase() },
  ];
}

/**
 * Writes all nodes, in order, in one burst. Not as a transaction: nobody looks at a domain before it is introduced, and
 * domains that are made at the same time would make each other's commits fail, because they share parents.
 */
export async function writeTree(store: XenStore, nodes: readonly TreeNode[]): Promise<void> {
  await Promise.all(
    nodes.flatMap(({ path, value, permissions }) => [
      value === undefined ? store.mkdir(path) : store.write(path, value),
      ...(permissions === undefined ? [] : [store.setPermissions(path, permissions)]),
    ]),
  );
}

/** Removes what a toolstack leaves of a domain: `/vm` only when the guest will not come back. */
export async function removeDomainTree(store: XenStore, domid: number, uuid: string | undefined): Promise<void> {
  await store.remove(`/local/domain/${domid}`);
  await store.remove(`/libxl/${domid}`);
  if (uuid !== undefined) await store.remove(`/vm/${uuid}`);
}
