import { afterEach, describe, expect, test } from '@jest/globals';
import { cardA, cardB, layOut, start } from './plain-toolstack.ts';
import { guest, startWorld, type DaemonKind, type World } from './world.ts';

const request = {
  uuid: '5e5e5e5e-0000-4000-8000-000000000001',
  name: 'web-dm',
  kernel: '/usr/lib/xen/boot/ioemu-stubdom.gz',
  memoryMiB: 28,
} as const;

/** The hypervisor port of a simulated host, and what dom0 does beside it. */
export function hostScenarios(kind: DaemonKind): void {
  let world: World | undefined;
  afterEach(async () => {
    await world?.close();
    world = undefined;
  });
  const open = async (...quirks: string[]): Promise<World> => (world = await startWorld(kind, quirks));

  describe('domains', () => {
    test('a guest has the tree that libxl writes', async () => {
      const { host, store } = await open();
      const [, target] = await host.hypervisor.listDomains();
      expect(target).toMatchObject({ ...guest, type: 'HVM', paused: false });
      const path = `/local/domain/${target!.domid}`;
      expect(await store.readString(`${path}/vm`)).toBe(`/vm/${guest.uuid}`);
      expect(await store.readString(`${path}/name`)).toBe(guest.name);
      expect(await store.getPermissions(path)).toEqual({
        owner: 0,
        others: 'none',
        entries: [{ domid: target!.domid, access: 'read' }],
      });
      expect(await store.getPermissions(`${path}/data`)).toEqual({ owner: target!.domid, others: 'none', entries: [] });
      expect(await store.isIntroduced(target!.domid)).toBe(true);
    });

    test('asked twice for one uuid, at once and later, it makes one domain', async () => {
      const { host } = await open();
      const both = await Promise.all([host.hypervisor.createDomain(request), host.hypervisor.createDomain(request)]);
      const later = await host.hypervisor.createDomain(request);
      expect(new Set([...both, later].map(({ domid }) => domid)).size).toBe(1);
      expect((await host.hypervisor.listDomains()).filter(({ uuid }) => uuid === request.uuid)).toEqual([
        { domid: later.domid, uuid: request.uuid, name: 'web-dm', type: 'PV', memoryMiB: 28, paused: true },
      ]);
    });

    test('a name that is taken, and more memory than there is', async () => {
      const { hypervisor } = (await open()).host;
      await expect(hypervisor.createDomain({ ...request, name: guest.name })).rejects.toMatchObject({
        code: 'InvalidArgument',
      });
      const { freeMiB } = await hypervisor.info();
      await expect(hypervisor.createDomain({ ...request, memoryMiB: freeMiB + 1 })).rejects.toMatchObject({
        code: 'NoMemory',
      });
      await hypervisor.createDomain({ ...request, memoryMiB: freeMiB });
      expect((await hypervisor.info()).freeMiB).toBe(0);
    });

    test('destroying gives the memory back, releases the domain and takes its grants; twice is no error', async () => {
      const { host, store } = await open();
      const before = await host.hypervisor.info();
      const stub = await host.hypervisor.createDomain(request);
      await host.hypervisor.grant(cardA, stub, { iommu: false });
      await host.hypervisor.destroyDomain({ ...stub, uuid: guest.uuid });
      expect(await store.isIntroduced(stub.domid)).toBe(true);
      await Promise.all([host.hypervisor.destroyDomain(stub), host.hypervisor.destroyDomain(stub)]);
      await host.hypervisor.destroyDomain(stub);
      expect(await host.hypervisor.info()).toEqual(before);
      expect(await host.admin.grants()).toEqual([]);
      expect(await store.isIntroduced(stub.domid)).toBe(false);
    });

    test('domain 0 is not destroyed', async () => {
      const { hypervisor } = (await open()).host;
      const [dom0] = await hypervisor.listDomains();
      await expect(hypervisor.destroyDomain(dom0!)).rejects.toMatchObject({ code: 'InvalidArgument' });
    });

    test('a released domain is heard of', async () => {
      const { host, store } = await open();
      const stub = await host.hypervisor.createDomain(request);
      let heard = (): void => {};
      const watch = store.watch('@releaseDomain', () => heard());
      await watch.ready;
      const released = new Promise<void>((resolve) => (heard = resolve));
      await host.hypervisor.destroyDomain(stub);
      await released;
      await watch.close();
    });

    test('a guest that restarts has another domid and its old uuid; of the old domain nothing is left', async () => {
      const { host, store } = await open();
      const [, before] = await host.hypervisor.listDomains();
      const after = await host.admin.restartGuest(guest.uuid);
      expect(after.uuid).toBe(guest.uuid);
      expect(after.domid).not.toBe(before!.domid);
      expect(await store.tryList(`/local/domain/${before!.domid}`)).toBeUndefined();
      expect(await store.readString(`/vm/${guest.uuid}/name`)).toBe(guest.name);
    });

    test('a stub domain without leave to map its target dies at its start', async () => {
      const { host } = await open();
      const toolstack = await layOut(world!);
      const [, target] = await host.hypervisor.listDomains();
      await host.admin.restartGuest(target!.uuid);
      await host.hypervisor.unpauseDomain(toolstack.stub);
      await toolstack.store.wait(
        async (tree) => ((await tree.tryList(toolstack.channel)) === undefined ? true : undefined),
        { timeoutMs: 15_000 },
      );
      expect((await toolstack.report()).phase).toBe('dead');
    });
  });

  describe('back ends', () => {
    test('closing a disk closes its back end', async () => {
      const toolstack = await start(await open(), { disks: 1 });
      const backend = `/local/domain/0/backend/vbd/${toolstack.stub.domid}/51712/state`;
      await toolstack.store.write(backend, '5');
      await toolstack.store.wait(async (tree) => ((await tree.tryReadString(backend)) === '6' ? true : undefined), {
        timeoutMs: 15_000,
      });
    });

    test('a back end that was removed is not brought back', async () => {
      const toolstack = await start(await open('backend-delay=100'), {});
      const { domid } = toolstack.stub;
      const backend = `/local/domain/0/backend/vif/${domid}/7`;
      await toolstack.store.write(`${backend}/state`, '1');
      await toolstack.store.remove(backend);
      // A second one shows that the delay of the first is over.
      await toolstack.store.write(`/local/domain/0/backend/vif/${domid}/8/state`, '1');
      await toolstack.store.wait(
        async (tree) =>
          (await tree.tryReadString(`/local/domain/0/backend/vif/${domid}/8/state`)) === '2' ? true : undefined,
        { timeoutMs: 15_000 },
      );
      expect(await toolstack.store.tryList(backend)).toBeUndefined();
    });

    test('pciback serves a second stub domain once the first has let go of the device', async () => {
      const first = await start(await open(), { devices: [cardA] });
      const { store } = first;
      const error = `/local/domain/0/error/backend/pci/${first.stub.domid}/0/error`;
      expect(await store.tryRead(error)).toBeUndefined();
      const back = `/local/domain/0/backend/pci/${first.stub.domid}/0`;
      await store.write(`${back}/state`, '5');
      await store.wait(async (tree) => ((await tree.tryReadString(`${back}/state`)) === '6' ? true : undefined), {
        timeoutMs: 15_000,
      });
      await first.world.host.hypervisor.destroyDomain(first.stub);
      const second = await start(first.world, { devices: [cardA, cardB] });
      expect(await second.insert(cardA)).toBe('0x20');
    });

    test('pciback refuses a device that is not bound to it, and says so', async () => {
      const toolstack = await layOut(await open());
      await toolstack.addPciBackend(['0000:00:17.0']);
      const { domid } = toolstack.stub;
      const error = await toolstack.store.wait(
        async (tree) => tree.tryReadString(`/local/domain/0/error/backend/pci/${domid}/0/error`),
        { timeoutMs: 15_000 },
      );
      expect(error).toContain('0000:00:17.0');
    });
  });
}
