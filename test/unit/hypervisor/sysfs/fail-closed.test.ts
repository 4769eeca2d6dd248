import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readInventory } from '../../../../operator/hypervisor/sysfs/inventory.ts';
import { type Sysfs, SysfsError, openSysfs } from '../../../../operator/hypervisor/sysfs/sysfs.ts';
import { desktop, server } from '../../../support/host-descriptions.ts';
import { type SysfsTree, sysfsTree } from '../../../support/sysfs-tree.ts';

const trees: SysfsTree[] = [];
beforeAll(async () => {
  trees.push(...(await Promise.all([server, desktop].map(sysfsTree))));
});
afterAll(async () => {
  await Promise.all(trees.map(async (tree) => tree.remove()));
});

/** A sysfs that tells of each access before it is made. */
function watched(sysfs: Sysfs, before: (access: string) => void): Sysfs {
  const told = <A extends unknown[], R>(verb: string, work: (path: string, ...rest: A) => R) => {
    return (path: string, ...rest: A): R => {
      before(`${verb} ${path}`);
      return work(path, ...rest);
    };
  };
  const later = <A extends unknown[], R>(verb: string, work: (path: string, ...rest: A) => Promise<R>) => {
    const sync = told(verb, work);
    return async (path: string, ...rest: A): Promise<R> => sync(path, ...rest);
  };
  return {
    read: later('read', (path, max?: number) => sysfs.read(path, max)),
    peek: told('peek', (path) => sysfs.peek(path)),
    head: later('head', (path, bytes: number) => sysfs.head(path, bytes)),
    list: later('list', (path) => sysfs.list(path)),
    link: later('link', (path) => sysfs.link(path)),
    write: later('write', (path, text: string) => sysfs.write(path, text)),
  };
}

test.each([
  ['rack server', 0],
  ['desktop', 1],
])('%s: whichever one thing cannot be read, no device that the host uses is offered', async (_, index) => {
  const sysfs = openSysfs(trees[index]!.root);
  const accesses = new Set<string>();
  const whole = await readInventory(watched(sysfs, (access) => accesses.add(access)));
  const inUse = whole.devices.filter(({ hostUse }) => hostUse !== undefined).map(({ address }) => address);
  const offered: string[] = [];
  for (const failing of accesses) {
    const broken = watched(sysfs, (access) => {
      if (access === failing) throw new SysfsError('EACCES', failing);
    });
    const devices = await readInventory(broken).then(
      (inventory) => inventory.devices,
      () => [],
    );
    for (const { address, hostUse } of devices) {
      if (hostUse === undefined && inUse.includes(address)) offered.push(`${failing}: ${address}`);
    }
  }
  expect(accesses.size).toBeGreaterThan(200);
  expect(offered).toEqual([]);
});
