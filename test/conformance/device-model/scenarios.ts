import { afterEach, describe, expect, test } from '@jest/globals';
import { cardA, cardB, cardC, gpu, gpuSound, layOut, start, type PlainToolstack } from './plain-toolstack.ts';
import { guest, startWorld, type DaemonKind, type World } from './world.ts';

/**
 * What a device model of the MiniOS flavour does on its channel: the cases of stubdom-protocol §13, by their numbers,
 * driven with plain writes over real sockets.
 */
export function deviceModelScenarios(kind: DaemonKind): void {
  let world: World | undefined;
  afterEach(async () => {
    await world?.close();
    world = undefined;
  });
  const open = async (...quirks: string[]): Promise<World> => (world = await startWorld(kind, quirks));
  const running = async (devices: readonly string[] = [], ...quirks: string[]): Promise<PlainToolstack> =>
    start(await open(...quirks), devices.length === 0 ? {} : { devices });

  describe('start', () => {
    test('3: state is absent until the main loop starts, and then says running', async () => {
      const toolstack = await layOut(await open());
      expect(await toolstack.read('state')).toBeUndefined();
      await toolstack.world.host.hypervisor.unpauseDomain(toolstack.stub);
      await toolstack.state('running');
    });

    test('13: a command that was left behind is carried out at the start', async () => {
      const toolstack = await layOut(await open(), { leftBehind: { parameter: 'tablet', command: 'usb-add' } });
      await toolstack.world.host.hypervisor.unpauseDomain(toolstack.stub);
      await toolstack.state('usb-added');
      expect(await toolstack.read('command')).toBeUndefined();
    });

    test('20: the path layout of Xen 4.5', async () => {
      const toolstack = await start(await open('legacy-layout'), { legacyLayout: true });
      expect(toolstack.channel).toBe(`/local/domain/0/device-model/${toolstack.target.domid}`);
      await toolstack.sendAndSeeConsumed('save');
      await toolstack.state('paused');
    });

    test('15: the domain dies while it boots', async () => {
      const toolstack = await layOut(await open('dies-at=boot'));
      await toolstack.world.host.hypervisor.unpauseDomain(toolstack.stub);
      await toolstack.store.wait(
        async (tree) => ((await tree.tryList(toolstack.channel)) === undefined ? true : undefined),
        { timeoutMs: 15_000 },
      );
      expect((await toolstack.report()).failure).toBe('quirk: dies at boot');
    });

    test('disks, display and consoles are connected before it says running', async () => {
      const toolstack = await start(await open(), { disks: 2, graphics: true });
      const { domid } = toolstack.stub;
      const backends = ['vbd/S/51712', 'vbd/S/51728', 'vfb/S/0', 'vkbd/S/0', 'console/S/1'];
      for (const backend of backends) {
        const path = `/local/domain/0/backend/${backend.replace('S', String(domid))}/state`;
        expect(await toolstack.store.readString(path)).toBe('4');
      }
      const port = `/local/domain/${domid}/console/vnc-port`;
      expect(await toolstack.store.wait(async (tree) => tree.tryReadString(port), { timeoutMs: 15_000 })).toBe('5900');
    });

    test('without target it dies, and its domain with it', async () => {
      const toolstack = await layOut(await open());
      await toolstack.store.remove(`/local/domain/${toolstack.stub.domid}/target`);
      await toolstack.world.host.hypervisor.unpauseDomain(toolstack.stub);
      await toolstack.gone('state');
      await toolstack.store.wait(
        async (tree) => ((await tree.tryList(toolstack.channel)) === undefined ? true : undefined),
        { timeoutMs: 15_000 },
      );
      expect((await toolstack.report()).failure).toBe('no target');
    });
  });

  describe('pick-up and dispatch', () => {
    test('1: the command node is deleted before the answer is written', async () => {
      const toolstack = await running([cardA]);
      const seen: string[] = [];
      const watch = toolstack.store.watch(toolstack.channel, ({ path }) =>
        seen.push(path.slice(toolstack.channel.length)),
      );
      await watch.ready;
      await toolstack.insert(cardA);
      await watch.close();
      const own = seen.slice(seen.indexOf('/command') + 1);
      expect(own.slice(0, 3)).toEqual(['/command', '/parameter', '/state']);
    });

    test('2: any prefix matches, in the order of the table; the empty word is save', async () => {
      const toolstack = await running();
      await toolstack.sendAndSeeConsumed('');
      await toolstack.state('paused');
      await toolstack.sendAndSeeConsumed('cont');
      await toolstack.state('running');
      await toolstack.sendAndSeeConsumed('u', 'tablet');
      await toolstack.state('usb-added');
      expect((await toolstack.report()).commands).toEqual({ save: 1, continue: 1, 'usb-add': 1 });
    });

    test('2: pci- is pci-rem; a longer word or a newline at the end is nothing', async () => {
      const toolstack = await running([cardA]);
      await toolstack.insert(cardA);
      await toolstack.sendAndSeeConsumed('save\n');
      await toolstack.sendAndSeeConsumed('saved');
      await toolstack.sendAndSeeConsumed('pci-', cardA);
      await toolstack.state('pci-removed');
      expect((await toolstack.report()).commands).toEqual({ 'pci-ins': 1, unknown: 2, 'pci-rem': 1 });
    });

    test('7: a command without a parameter, an unknown word and an unknown device are dropped in silence', async () => {
      const toolstack = await running();
      await toolstack.sendAndSeeConsumed('pci-ins');
      await toolstack.sendAndSeeConsumed('flush-cache');
      await toolstack.sendAndSeeConsumed('pci-rem', '0000:42:00.0');
      await toolstack.settle();
      expect(await toolstack.read('state')).toBe('running');
      expect((await toolstack.report()).replies).toBe(1);
    });
  });

  describe('pci-ins', () => {
    test('4: takes the first free slot, and the guest has the device', async () => {
      const toolstack = await running([cardA, cardB]);
      expect(await toolstack.insert(cardA)).toBe('0x20');
      expect(await toolstack.insert(cardB)).toBe('0x28');
      expect((await toolstack.report()).guestDevices).toEqual([
        { device: '03:00.0', devfn: 0x20 },
        { device: '04:00.0', devfn: 0x28 },
      ]);
    });

    test('4: emulated network cards take slots', async () => {
      const toolstack = await start(await open(), { devices: [cardA], arguments: ' -net nic,vlan=0 -net nic,vlan=1' });
      expect(await toolstack.insert(cardA)).toBe('0x30');
    });

    test('4: takes the slot that was asked for', async () => {
      const toolstack = await running([cardA]);
      expect(await toolstack.insert(cardA, '@88')).toBe('0x88');
    });

    test('5: a slot that is taken, and a device that cannot be read: a sentence, and state stays', async () => {
      const toolstack = await running([cardA, cardB]);
      await toolstack.insert(cardA, '@50');
      const taken = `${cardB}@50,msitranslate=0,power_mgmt=0`;
      await toolstack.send('pci-ins', taken);
      expect(await toolstack.answer(taken)).toBe('wrong bdf or vdevfn');
      await toolstack.send('pci-ins', 'nonsense');
      expect(await toolstack.answer('nonsense')).toBe('no free hotplug devfn');
      expect(await toolstack.read('state')).toBe('running');
    });

    test('5: no free slot', async () => {
      const toolstack = await running([cardA], 'slots-used=32');
      await toolstack.send('pci-ins', cardA);
      expect(await toolstack.answer(cardA)).toBe('no free hotplug devfn');
      expect(await toolstack.read('state')).toBe('running');
    });

    test('6: a false success looks like success, and the slot is lost', async () => {
      const toolstack = await running([cardA], 'false-success');
      expect(await toolstack.insert(cardA)).toBe('0x20');
      await toolstack.sendAndSeeConsumed('pci-rem', cardA);
      await toolstack.settle();
      const { guestDevices, slotsInUse } = await toolstack.report();
      expect(guestDevices).toEqual([]);
      expect(slotsInUse).toBe(5);
    });

    test('9: a second insert of the same device takes another slot', async () => {
      const toolstack = await running([cardA]);
      expect(await toolstack.insert(cardA)).toBe('0x20');
      expect(await toolstack.insert(cardA)).toBe('0x28');
    });

    test('21: an insert before pcifront is connected finds nothing, and never will', async () => {
      const toolstack = await start(await open('pcifront-delay=1500'), {});
      await toolstack.addPciBackend([cardA]);
      await toolstack.insert(cardA);
      await toolstack.pciReady();
      await toolstack.insert(cardA);
      expect((await toolstack.report()).guestDevices).toEqual([]);
    });

    test('21: a device that joins the back end after the first insert is a false success', async () => {
      const toolstack = await running([cardA]);
      await toolstack.insert(cardA);
      await toolstack.growPciBackend(cardB, 1);
      expect(await toolstack.insert(cardB)).toBe('0x28');
      expect((await toolstack.report()).guestDevices).toEqual([{ device: '03:00.0', devfn: 0x20 }]);
    });

    test('21: without vdev-N the device is inserted blank', async () => {
      const toolstack = await running([cardA], 'missing-vdev');
      expect(await toolstack.insert(cardA)).toBe('0x20');
      expect((await toolstack.report()).guestDevices).toEqual([]);
    });
  });

  describe('pci-rem', () => {
    test('8: is answered when the guest has let go, and the slot is free again', async () => {
      const toolstack = await running([cardA, cardB]);
      await toolstack.insert(cardA);
      await toolstack.sendAndSeeConsumed('pci-rem', cardA);
      await toolstack.state('pci-removed');
      await toolstack.acknowledge();
      expect((await toolstack.report()).guestDevices).toEqual([]);
      expect(await toolstack.insert(cardB)).toBe('0x20');
    });

    test('8: a guest that never lets go: no reply, and other commands go on', async () => {
      const toolstack = await running([cardA], 'no-eject');
      await toolstack.insert(cardA);
      await toolstack.sendAndSeeConsumed('pci-rem', cardA);
      await toolstack.settle();
      expect((await toolstack.report()).guestDevices).toHaveLength(1);
    });

    test('8: the late reply comes over what the toolstack wrote meanwhile', async () => {
      const toolstack = await running([cardA], 'eject-delay=1000');
      await toolstack.insert(cardA);
      await toolstack.sendAndSeeConsumed('pci-rem', cardA);
      await toolstack.acknowledge();
      await toolstack.state('pci-removed');
    });

    test('7: a function other than 0 cannot be removed', async () => {
      const toolstack = await running([gpu, gpuSound]);
      await toolstack.insert(gpuSound, '@51');
      await toolstack.insert(gpu, '@50');
      await toolstack.sendAndSeeConsumed('pci-rem', gpuSound);
      await toolstack.settle();
      expect((await toolstack.report()).guestDevices).toHaveLength(2);
    });

    test('8: removing function 0 takes all functions of the slot', async () => {
      const toolstack = await running([gpu, gpuSound]);
      await toolstack.insert(gpuSound, '@51');
      await toolstack.insert(gpu, '@50');
      await toolstack.sendAndSeeConsumed('pci-rem', gpu);
      await toolstack.state('pci-removed');
      expect((await toolstack.report()).guestDevices).toEqual([]);
    });

    test('10: an insert makes it forget the eject that it waited for', async () => {
      const toolstack = await running([cardA, cardB, cardC], 'eject-delay=1000');
      await toolstack.insert(cardA);
      await toolstack.sendAndSeeConsumed('pci-rem', cardA);
      await toolstack.settle();
      await toolstack.insert(cardB);
      // A second removal, of another device, is answered after the first guest eject was refused.
      await toolstack.sendAndSeeConsumed('pci-rem', cardB);
      await toolstack.state('pci-removed');
      expect((await toolstack.report()).guestDevices).toEqual([{ device: '03:00.0', devfn: 0x20 }]);
    });
  });

  describe('save and continue', () => {
    test('11: save writes the file of console 1 and says paused; continue says running', async () => {
      const toolstack = await running();
      await toolstack.sendAndSeeConsumed('save');
      await toolstack.state('paused');
      const { saves } = await toolstack.report();
      expect(saves.map(({ path }) => path)).toEqual([`/var/lib/xen/qemu-save.${toolstack.target.domid}`]);
      await toolstack.sendAndSeeConsumed('continue');
      await toolstack.state('running');
    });

    test.each(['none', 'empty', 'old'])('11: paused is said whatever came of the file: %s', async (fault) => {
      const toolstack = await running([], `save-file=${fault}`);
      const began = Date.now();
      await toolstack.sendAndSeeConsumed('save');
      await toolstack.state('paused');
      const path = `/var/lib/xen/qemu-save.${toolstack.target.domid}`;
      const file = await toolstack.world.host.hypervisor.inspectFile(path);
      if (fault === 'none') expect(file).toBeUndefined();
      else if (fault === 'empty') expect(file).toMatchObject({ size: 0 });
      else expect(file?.modifiedAt).toBeLessThan(began);
    });

    test('11: continue is not answered when it was not paused', async () => {
      const toolstack = await running();
      await toolstack.sendAndSeeConsumed('continue');
      await toolstack.settle();
      expect((await toolstack.report()).replies).toBe(1);
    });

    test('11: a continue that overtakes the save cancels it', async () => {
      const toolstack = await running([], 'save-delay=5000');
      await toolstack.sendAndSeeConsumed('save');
      await toolstack.sendAndSeeConsumed('continue');
      await toolstack.settle();
      await toolstack.world.host.admin.addQuirk('save-delay=0');
      await toolstack.sendAndSeeConsumed('save');
      await toolstack.state('paused');
      expect((await toolstack.report()).saves).toHaveLength(1);
    });

    test('12: an insert while paused is carried out, and its reply covers paused', async () => {
      const toolstack = await running([cardA]);
      await toolstack.sendAndSeeConsumed('save');
      await toolstack.state('paused');
      expect(await toolstack.insert(cardA)).toBe('0x20');
      await toolstack.sendAndSeeConsumed('continue');
      await toolstack.settle();
      expect((await toolstack.report()).phase).toBe('running');
    });

    test('11: a guest cannot let go while its device model is paused', async () => {
      const toolstack = await running([cardA], 'eject-delay=0');
      await toolstack.insert(cardA);
      await toolstack.sendAndSeeConsumed('save');
      await toolstack.state('paused');
      await toolstack.sendAndSeeConsumed('pci-rem', cardA);
      await toolstack.settle();
      expect((await toolstack.report()).guestDevices).toHaveLength(1);
      await toolstack.sendAndSeeConsumed('continue');
      await toolstack.state('pci-removed');
    });

    test('a saved state can be started from, and what was never saved cannot', async () => {
      const first = await running();
      await first.sendAndSeeConsumed('save');
      await first.state('paused');
      const [saved] = (await first.report()).saves;
      await first.world.host.hypervisor.destroyDomain(first.stub);
      const second = await start(first.world, { restoreFrom: saved!.path });
      expect((await second.report()).restoredFrom).toBe(saved!.path);
      await first.world.host.hypervisor.destroyDomain(second.stub);
      const third = await layOut(first.world, { restoreFrom: '/var/lib/xen/never' });
      await first.world.host.hypervisor.unpauseDomain(third.stub);
      await third.store.wait(async (tree) => ((await tree.tryList(third.channel)) === undefined ? true : undefined), {
        timeoutMs: 15_000,
      });
      expect((await third.report()).failure).toBe('nothing to restore from');
    });
  });

  describe('misbehaviour', () => {
    test('never picks up', async () => {
      const toolstack = await running([], 'ignore-commands');
      await toolstack.send('save');
      expect(await toolstack.read('command')).toBe('save');
      // Withdrawn, and the quirk gone: the next command is served.
      await toolstack.store.remove(`${toolstack.channel}/command`);
      await toolstack.world.host.admin.clearQuirks();
      await toolstack.settle();
      expect((await toolstack.report()).commands).toEqual({ unknown: 1 });
    });

    test('picks up and never answers', async () => {
      const toolstack = await running([], 'drop-replies');
      await toolstack.sendAndSeeConsumed('usb-add', 'tablet');
      await toolstack.settle();
      expect(await toolstack.read('state')).toBe('running');
      await toolstack.world.host.admin.clearQuirks();
      await toolstack.send('usb-add', 'tablet');
      await toolstack.state('usb-added');
      expect((await toolstack.report()).commands['usb-add']).toBe(2);
    });

    test('a quirk for another guest changes nothing', async () => {
      const toolstack = await running([cardA], 'false-success@somebody-else', `slots-used=10@${guest.name}`);
      expect(await toolstack.insert(cardA)).toBe('0x50');
      expect((await toolstack.report()).guestDevices).toHaveLength(1);
    });

    test('14: garbage', async () => {
      const toolstack = await running([cardA], 'hostile=garbage');
      await toolstack.send('pci-ins', cardA);
      await toolstack.state('pci-inserted\n');
    });

    test('14: huge values', async () => {
      const toolstack = await running([cardA], 'hostile=huge');
      await toolstack.send('pci-ins', cardA);
      await toolstack.node('state', (value) => value.length > 1000);
    });

    test('14: bytes that are no text', async () => {
      const toolstack = await running([cardA], 'hostile=binary');
      await toolstack.send('pci-ins', cardA);
      await toolstack.node('state', (value) => value.includes('\0'));
    });

    test('14: state flaps by itself', async () => {
      const toolstack = await running([], 'hostile=flapping');
      await toolstack.state('pci-removed');
      await toolstack.state('pci-inserted');
    });

    test('14: nodes are deleted', async () => {
      const toolstack = await running([cardA], 'hostile=deletes-nodes');
      await toolstack.send('pci-ins', cardA);
      await toolstack.gone('state');
    });

    test('14: a removal is claimed while the guest has the device', async () => {
      const toolstack = await running([cardA], 'no-eject', 'hostile=forges-removed');
      await toolstack.insert(cardA);
      await toolstack.send('pci-rem', cardA);
      await toolstack.state('pci-removed');
      expect((await toolstack.report()).guestDevices).toHaveLength(1);
    });

    test.each(['pick-up', 'parameter', 'reply'])(
      '15: the domain dies at %s, and its channel with it',
      async (point) => {
        const toolstack = await running([cardA], `dies-at=${point}`);
        await toolstack.send('pci-ins', cardA);
        await toolstack.store.wait(
          async (tree) => ((await tree.tryList(toolstack.channel)) === undefined ? true : undefined),
          { timeoutMs: 15_000 },
        );
        const domains = await toolstack.world.host.hypervisor.listDomains();
        expect(domains.some(({ uuid }) => uuid === toolstack.stub.uuid)).toBe(false);
        expect((await toolstack.report()).phase).toBe('dead');
      },
    );

    test('14: success is claimed before the request was read', async () => {
      const toolstack = await running([], 'hostile=forges-inserted');
      const seen: string[] = [];
      const watch = toolstack.store.watch(toolstack.channel, ({ path }) =>
        seen.push(path.slice(toolstack.channel.length)),
      );
      await watch.ready;
      await toolstack.sendAndSeeConsumed('pci-rem', cardA);
      await watch.close();
      expect(seen.slice(seen.indexOf('/command') + 1)).toEqual(['/parameter', '/state', '/command']);
    });

    test('16: a domid comes back with another uuid', async () => {
      const { host, store } = await open();
      const [, before] = await host.hypervisor.listDomains();
      await host.admin.removeGuest(guest.uuid);
      await host.admin.addGuest(other);
      const again = await host.admin.restartGuest(other.uuid, before!.domid);
      expect(again).toEqual({ domid: before!.domid, uuid: other.uuid });
      expect(await store.readString(`/local/domain/${again.domid}/vm`)).toBe(`/vm/${other.uuid}`);
      // Whoever still means the first one is told so, and its successor is left alone.
      await expect(host.hypervisor.setTarget(before!, before!)).rejects.toMatchObject({ code: 'NoSuchDomain' });
      await host.hypervisor.destroyDomain(before!);
      expect((await host.hypervisor.listDomains()).map(({ name }) => name)).toEqual(['Domain-0', 'other']);
    });

    test('19: the shim leaves command alone and answers a removal at once', async () => {
      const toolstack = await running([cardA], 'shim', 'no-eject');
      await toolstack.insert(cardA);
      expect(await toolstack.read('command')).toBe('pci-ins');
      await toolstack.send('pci-rem', cardA);
      await toolstack.state('pci-removed');
      expect(await toolstack.read('command')).toBe('pci-rem');
    });
  });

  test('two device models on one host do not hear each other', async () => {
    const first = await running();
    await first.world.host.admin.addGuest(other);
    const second = await start(first.world, { guest: other });
    await second.sendAndSeeConsumed('save');
    await second.state('paused');
    await first.settle();
    expect((await first.report()).commands).toEqual({ unknown: 1 });
    expect((await second.report()).commands).toEqual({ save: 1 });
    expect(await first.read('state')).toBe('running');
  });
}

const other = { uuid: '6d1a0c4e-0000-4000-8000-00000000000e', name: 'other' } as const;
