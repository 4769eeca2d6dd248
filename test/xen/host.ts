import { expect } from '@jest/globals';
import { setupPlan } from '../../operator/domain/stub-domain/setup-plan.ts';
import { aSpec } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import { compareWithPlan, parseTree } from '../support/libxl-tree.ts';
import type { AgentUse } from '../support/xen-lab-agent.ts';
import type { XenLabWorldOptions } from '../support/xen-lab-world.ts';
import { clientFits } from './client.ts';
import {
  type Domids,
  assignable,
  consumed,
  createGuest,
  driverOf,
  firstDevice,
  guestName,
  guestUuid,
  misbehave,
  modelState,
  pciList,
  secondDevice,
} from './guest.ts';
import { madeGuest } from './made-guest.ts';
import type { Scenarios } from './scenario.ts';
import { Told } from './told.ts';
import { addDropIn, outlivesRestart } from './unit-drop-in.ts';
import { agentUnit } from './unit.ts';

/** Everything there is slow: this is how long a condition may take, in milliseconds. */
const patience = 180_000;
const socket = '/run/xenstored/socket';
const device = '/dev/xen/xenbus';
const host = 'xen-lab';
const sd = 'default/lab';

/**
 * A real Xen host from the agent's first start to the last guest's end, in one booted lab. Each scenario goes on from the one before. After each,
 * what `xl` shows is what it would show of a host of its own. With oxenstored, what the daemon has a part in.
 */
export function xenHost(scenarios: Scenarios, { daemon, agent: how }: XenLabWorldOptions): void {
  const { scenario, aside } = scenarios;
  let ids: Domids = { guest: 0, stub: 0 };
  const told = new Told();
  // A list that is larger than a message cannot be had of oxenstored over the device.
  const firstTransport = daemon === 'xenstored' ? device : socket;
  const more = daemon === 'xenstored' ? scenarios : noScenarios;
  const unit = how === 'unit' ? scenarios : noScenarios;

  aside("our XenStore client, over the daemon's socket and over the kernel's device", (world) =>
    clientFits(world, daemon),
  );

  scenario('the agent starts, and xl makes a guest with a stub domain meanwhile', async ({ lab, agent }) => {
    // A driver of dom0's to be taken away, and given back.
    await lab.run('modprobe e1000e');
    expect(await driverOf(lab, firstDevice)).toBe('e1000e');
    await agent.start(firstTransport);
    ids = await createGuest(lab);
    expect(await modelState(lab, ids)).toBe('running');
    return `guest ${String(ids.guest)}, stub domain ${String(ids.stub)}`;
  });

  scenario('discovery: the XenHost shows the guest and the devices', async ({ objects }) => {
    await objects.condition('XenHost', host, 'Ready', { status: 'True' }, patience);
    const shown = await eventually(async () => {
      const { status } = (await objects.get('XenHost', host)) as unknown as { status: Record<string, unknown> };
      expect(status['guests']).toMatchObject([{ uuid: guestUuid, name: guestName, domid: ids.guest }]);
      return status;
    }, patience);
    const devices = shown['pciDevices'] as readonly { readonly address: string }[];
    expect(devices.map(({ address }) => address)).toEqual(expect.arrayContaining([firstDevice, secondDevice]));
    expect(shown['toolstackDriver']).toBe('xl');
    return JSON.stringify(shown['versions'] ?? {});
  });

  scenario('adoption: what libxl made is driven, and says running', async ({ lab, objects }) => {
    await objects.applySpec('StubDomain', sd, { provisioning: 'Adopt', target: { uuid: guestUuid } });
    await objects.condition('StubDomain', sd, 'Ready', { status: 'True' }, patience);
    const { status } = await objects.get('StubDomain', sd);
    expect(status).toMatchObject({ domid: ids.stub, targetDomid: ids.guest, state: 'running', phase: 'Running' });
    // Nothing was said to it.
    expect(await consumed(lab)).toEqual(told.counts);
  });

  aside("libxl's tree is our plan's", async ({ lab }) => {
    const tree = parseTree(await lab.run('xenstore-ls -f -p'));
    const uuid = (tree.get(`/local/domain/${String(ids.stub)}/vm`)?.value ?? '').slice('/vm/'.length);
    const plan = setupPlan(aSpec({ target: { uuid: guestUuid } }), {
      stub: { domid: ids.stub, uuid },
      target: { domid: ids.guest, uuid: guestUuid },
      targetName: guestName,
    });
    const differences = compareWithPlan(plan, tree).map(({ path, kind }) => `${kind} ${path}`);
    // Of the command line our own words alone; the firmware libxl notes for upstream QEMU alone.
    expect(differences).toEqual([
      `value /vm/${guestUuid}/image/dmargs`,
      `missing /local/domain/${String(ids.guest)}/hvmloader/bios`,
    ]);
    return `${String(plan.length)} nodes compared, ${String(differences.length)} differ, as they should`;
  });

  scenario('attach: a device of dom0 is seized and inserted', async ({ lab, objects }) => {
    await objects.attachment('default/first', 'lab', firstDevice, { driverPolicy: 'Seize' });
    await objects.condition('PciAttachment', 'default/first', 'Ready', { status: 'True' }, patience);
    told.add('pci-ins');
    expect(await consumed(lab)).toEqual(told.counts);
    expect(await modelState(lab, ids)).toBe('running');
    expect(await pciList(lab, `${guestName}-dm`)).toEqual([firstDevice]);
    // xl does not offer it to another guest.
    expect(await assignable(lab)).not.toContain(firstDevice);
    expect(await driverOf(lab, firstDevice)).toBe('pciback');
  });

  scenario('detach: it comes back', async ({ lab, objects }) => {
    await objects.remove('PciAttachment', 'default/first');
    await eventually(async () => expect(await objects.list('PciAttachment')).toEqual([]), patience);
    told.add('pci-rem');
    expect(await consumed(lab)).toEqual(told.counts);
    expect(await pciList(lab, `${guestName}-dm`)).toEqual([]);
    expect(await driverOf(lab, firstDevice)).toBe('e1000e');
  });

  scenario('save: the device model writes its state and is paused', async ({ lab, objects }) => {
    await objects.patchSpec('StubDomain', sd, { runState: 'Paused' });
    await objects.condition('StubDomain', sd, 'Ready', { status: 'True', message: /paused, as asked/ }, patience);
    expect(await modelState(lab, ids)).toBe('paused');
    expect(await lab.run(`cat /var/lib/xen/qemu-save.${String(ids.guest)}`)).toContain('FAKE-DM-STATE');
  });

  scenario('continue: it runs again', async ({ lab, objects }) => {
    await objects.patchSpec('StubDomain', sd, { runState: 'Running' });
    await objects.condition('StubDomain', sd, 'Ready', { status: 'True', message: /running, as asked/ }, patience);
    expect(await modelState(lab, ids)).toBe('running');
    told.add('save', 'continue');
    expect(await consumed(lab)).toEqual(told.counts);
  });

  agentUnit(unit, () => ids, told);

  more.scenario('the agent ends on SIGTERM, and the next one is connected to the socket', async ({ lab, agent }) => {
    const seconds = await agent.stop();
    expect(await modelState(lab, ids)).toBe('running');
    await agent.start(socket);
    return `ended in ${seconds.toFixed(1)} s`;
  });

  more.scenario(
    'the agent is killed in the middle of an attach, and the next one ends it',
    async ({ lab, agent, objects }) => {
      await misbehave(lab, ids.stub, 'delay=8');
      await objects.attachment('default/second', 'lab', firstDevice, { driverPolicy: 'Seize' });
      await agent.killAsSoonAs(`xenstore-exists /tool/stubdom/${guestUuid}/inflight`);
      await agent.start(socket);
      await objects.condition('PciAttachment', 'default/second', 'Ready', { status: 'True' }, patience);
      told.add('pci-ins');
      expect(await consumed(lab)).toEqual(told.counts);
      await misbehave(lab, ids.stub, '');
      expect(await pciList(lab, `${guestName}-dm`)).toEqual([firstDevice]);
    },
  );

  more.aside('what the agent takes of dom0', async ({ agent }) => {
    const use = await agent.use();
    expect(use.residentMiB).toBeLessThan(512);
    return useText(use);
  });

  more.scenario('xenstored is updated live under it, and it detaches afterwards', async ({ lab, objects }) => {
    await lab.run('xenstore-control live-update /usr/lib/xen-4.17/bin/xenstored');
    // It says nothing more; the daemon that has taken over was started with another option.
    expect(await lab.run('tr "\\0" " " </proc/$(cat /run/xenstored.pid)/cmdline')).toMatch(/ -U /);
    await objects.remove('PciAttachment', 'default/second');
    await eventually(async () => expect(await objects.list('PciAttachment')).toEqual([]), patience);
    told.add('pci-rem');
    expect(await consumed(lab)).toEqual(told.counts);
    expect(await pciList(lab, `${guestName}-dm`)).toEqual([]);
  });

  more.scenario('xl save works, and the agent lets go', async ({ lab, objects }) => {
    await lab.run(`xl save ${guestName} /root/saved`, 240);
    await objects.condition('StubDomain', sd, 'TargetFound', { status: 'False' }, patience);
    expect((await lab.run('xl list')).match(/hvm1/g)).toBeNull();
    expect(await lab.run('stat -c %s /root/saved')).toMatch(/^\d{7,}$/m);
    // libxl's own command; the agent sent none beside it.
    told.add('save');
    expect(await consumed(lab)).toEqual(told.counts);
  });

  more.scenario('the guest is created again, and adopted under its new domids', async ({ lab, objects }) => {
    const before = ids;
    ids = await createGuest(lab);
    expect(ids.stub).not.toBe(before.stub);
    await eventually(async () => {
      const { status } = await objects.get('StubDomain', sd);
      expect(status).toMatchObject({ domid: ids.stub, targetDomid: ids.guest, state: 'running', phase: 'Running' });
    }, patience);
    await objects.condition('StubDomain', sd, 'Ready', { status: 'True' }, patience);
    return `guest ${String(ids.guest)}, stub domain ${String(ids.stub)}`;
  });

  scenario('xl destroy works, the StubDomain goes, and nothing is left', async ({ lab, objects }) => {
    await lab.run(`xl destroy ${guestName}`);
    await objects.condition('StubDomain', sd, 'TargetFound', { status: 'False' }, patience);
    await objects.remove('StubDomain', sd);
    await eventually(async () => expect(await objects.list('StubDomain')).toEqual([]), patience);
    expect((await lab.run('xl list')).trim().split('\n')).toHaveLength(2);
    expect(await lab.run('xenstore-ls -f /tool 2>/dev/null || true')).not.toMatch(/\/tool\/stubdom\//);
    expect(await lab.run('xenstore-list /local/domain')).toMatch(/^0\s*$/);
  });

  addDropIn(unit);
  madeGuest(scenarios, () => {
    outlivesRestart(unit);
  });

  aside('what the agent takes of dom0 in the end', async ({ agent }) => useText(await agent.use()));

  more.aside('xenstored is gone, and started anew without what it had', async ({ lab, objects }) => {
    const pid = '/run/xenstored.pid';
    await lab.run(`kill -KILL $(cat ${pid}); rm ${pid}`);
    await objects.condition('XenHost', host, 'XenStoreConnected', { status: 'False' }, patience);
    await lab.run(`/usr/lib/xen-4.17/bin/xenstored --pid-file ${pid} && /usr/lib/xen-4.17/bin/xen-init-dom0`);
    await objects.condition('XenHost', host, 'XenStoreConnected', { status: 'True' }, patience);
    await objects.condition('XenHost', host, 'Ready', { status: 'True' }, patience);
  });

  more.aside('the agent ends with its host, which is Unknown then', async ({ agent, objects }) => {
    const seconds = await agent.stop();
    await objects.condition('XenHost', host, 'Ready', { status: 'Unknown' }, patience);
    return `ended in ${seconds.toFixed(1)} s`;
  });

  aside('commands that the device model consumed', async ({ lab }) => {
    expect(await consumed(lab)).toEqual(told.counts);
    return Object.entries(told.counts)
      .map(([command, count]) => `${command} ${String(count)}`)
      .join(', ');
  });
}

const noScenarios: Scenarios = { scenario: () => {}, aside: () => {} };

function useText({ residentMiB, mostMiB, cpuS, threads }: AgentUse): string {
  return `${String(residentMiB)} MiB resident, ${String(mostMiB)} at most, ${String(cpuS)} s of processor (emulated), ${String(threads)} threads`;
}
