import { randomUUID } from 'node:crypto';
import type { DomainIdentity } from '../../../operator/hypervisor/hypervisor.ts';
import type { DeviceModelReport } from '../../../operator/embedded/simulated-host/device-model/record.ts';
import type { Permissions, XenStore } from '../../../operator/xenstore/xenstore.ts';
import { guest as usualGuest, type World } from './world.ts';

/** Long enough for a busy machine; a test that gets there has failed. */
const patience = { timeoutMs: 15_000 };

const assignableInOrder = ['0000:03:00.0', '0000:04:00.0', '0000:06:00.0', '0000:08:00.0', '0000:08:00.1'] as const;

/** Devices of the default topology that are bound to pciback: the card with two functions comes last. */
export const [cardA, cardB, cardC, gpu, gpuSound] = assignableInOrder;

export interface SetupOptions {
  /** Devices in the PV back end before the start. */
  readonly devices?: readonly string[];
  readonly arguments?: string;
  readonly disks?: number;
  readonly graphics?: boolean;
  /** Nodes of the channel that are there before the device model is. */
  readonly leftBehind?: Readonly<Record<string, string>>;
  readonly restoreFrom?: string;
  /** The channel is where Xen 4.5 and before had it: below domain 0. */
  readonly legacyLayout?: boolean;
  /** The guest to serve, which runs; default: the one that every world has. */
  readonly guest?: { readonly uuid: string; readonly name: string };
}

/** A stub domain laid out and driven with plain writes, as libxl does: nothing of the operator's own is used. */
export class PlainToolstack {
  readonly store: XenStore;
  readonly world: World;
  readonly stub: DomainIdentity;
  readonly target: DomainIdentity;
  /** `/local/domain/S/device-model/T`. */
  readonly channel: string;

  constructor(world: World, stub: DomainIdentity, target: DomainIdentity, home = stub.domid) {
    this.world = world;
    this.store = world.store;
    this.stub = stub;
    this.target = target;
    this.channel = `/local/domain/${home}/device-model/${target.domid}`;
  }

  async send(command: string, parameter?: string): Promise<void> {
    if (parameter !== undefined) await this.store.write(`${this.channel}/parameter`, parameter);
    await this.store.write(`${this.channel}/command`, command);
  }

  /** Sends, and waits until the node is gone. */
  async sendAndSeeConsumed(command: string, parameter?: string): Promise<void> {
    await this.send(command, parameter);
    await this.gone('command');
  }

  async state(value: string): Promise<void> {
    await this.node('state', (found) => found === value);
  }

  /** Waits until `parameter` is something else than `before`, and gives it. */
  async answer(before: string): Promise<string> {
    return this.node('parameter', (found) => found !== before);
  }

  async node(name: string, accept: (value: string) => boolean): Promise<string> {
    return this.store.wait(async (tree) => {
      const value = await tree.tryRead(`${this.channel}/${name}`);
      const text = value === undefined ? undefined : Buffer.from(value).toString('latin1');
      return text !== undefined && accept(text) ? text : undefined;
    }, patience);
  }

  async gone(name: string): Promise<void> {
    await this.store.wait(
      async (tree) => ((await tree.tryRead(`${this.channel}/${name}`)) === undefined ? true : undefined),
      patience,
    );
  }

  async read(name: string): Promise<string | undefined> {
    return this.store.tryReadString(`${this.channel}/${name}`);
  }

  /** Writes `running` over the reply. */
  async acknowledge(): Promise<void> {
    await this.store.write(`${this.channel}/state`, 'running');
  }

  /** pci-ins to its end; gives the virtual device and function. */
  async insert(address: string, wish = ''): Promise<string> {
    const request = `${address}${wish},msitranslate=0,power_mgmt=0`;
    await this.send('pci-ins', request);
    await this.state('pci-inserted');
    const vdevfn = (await this.read('parameter')) ?? '';
    await this.acknowledge();
    return vdevfn;
  }

  /**
   * An unknown word without a parameter: when it is picked up, everything sent before was dealt with, because the device
   * model does one thing after another. How tests see that nothing happened without waiting for it, and how they keep
   * off `parameter` while the device model may still have to read it.
   */
  async settle(): Promise<void> {
    await this.sendAndSeeConsumed('flush-cache');
  }

  async report(): Promise<DeviceModelReport> {
    const all = await this.world.host.admin.deviceModels();
    return all.find(({ uuid }) => uuid === this.stub.uuid)!;
  }

  /** Waits until the front end of PCI passthrough is connected: a pci-ins before that finds nothing, for ever. */
  async pciReady(): Promise<void> {
    await this.store.wait(async (tree) => {
      const states = await Promise.all([
        tree.tryReadString(`/local/domain/${this.stub.domid}/device/pci/0/state`),
        tree.tryReadString(`/local/domain/0/backend/pci/${this.stub.domid}/0/state`),
      ]);
      return states.every((state) => state === '4') ? true : undefined;
    }, patience);
  }

  async addPciBackend(devices: readonly string[]): Promise<void> {
    const back = `/local/domain/0/backend/pci/${this.stub.domid}/0`;
    const front = `/local/domain/${this.stub.domid}/device/pci/0`;
    await writeDevice(this.store, this.stub.domid, back, front, {
      num_devs: String(devices.length),
      ...Object.fromEntries(
        devices.flatMap((address, index) => [
          [`key-${index}`, address],
          [`dev-${index}`, address],
          [`opts-${index}`, 'msitranslate=0,power_mgmt=0,permissive=0,rdm_policy=strict'],
          [`state-${index}`, '1'],
        ]),
      ),
    });
  }

  /** Adds one more device to a back end that runs. */
  async growPciBackend(address: string, index: number): Promise<void> {
    const back = `/local/domain/0/backend/pci/${this.stub.domid}/0`;
    await this.store.transaction(async (tx) => {
      await tx.write(`${back}/dev-${index}`, address);
      await tx.write(`${back}/state-${index}`, '1');
      await tx.write(`${back}/num_devs`, String(index + 1));
      await tx.write(`${back}/state`, '7');
    });
    await this.store.wait(
      async (tree) => ((await tree.tryReadString(`${back}/vdev-${index}`)) === undefined ? undefined : true),
      patience,
    );
    await this.pciReady();
  }
}

async function writeDevice(
  store: XenStore,
  stub: number,
  back: string,
  front: string,
  nodes: Readonly<Record<string, string>>,
): Promise<void> {
  const backend: Permissions = { owner: 0, others: 'none', entries: [{ domid: stub, access: 'read' }] };
  const frontend: Permissions = { owner: stub, others: 'none', entries: [{ domid: 0, access: 'read' }] };
  await store.transaction(async (tx) => {
    await tx.mkdir(front);
    await tx.setPermissions(front, frontend);
    await tx.mkdir(back);
    await tx.setPermissions(back, backend);
    await tx.write(`${front}/backend`, back);
    await tx.write(`${front}/backend-id`, '0');
    await tx.write(`${front}/state`, '1');
    await tx.write(`${back}/frontend`, front);
    await tx.write(`${back}/frontend-id`, String(stub));
    await tx.write(`${back}/online`, '1');
    for (const [node, value] of Object.entries(nodes)) await tx.write(`${back}/${node}`, value);
    await tx.write(`${back}/state`, '1');
  });
}

/** Everything up to, but without, the unpause. */
export async function layOut(world: World, options: SetupOptions = {}): Promise<PlainToolstack> {
  const { hypervisor } = world.host;
  const { store } = world;
  const guest = options.guest ?? usualGuest;
  const target = (await hypervisor.listDomains()).find(({ uuid }) => uuid === guest.uuid)!;
  const stub = await hypervisor.createDomain({
    uuid: randomUUID(),
    name: `${guest.name}-dm`,
    kernel: '/usr/lib/xen/boot/ioemu-stubdom.gz',
    memoryMiB: 28,
  });
  const [S, T] = [stub.domid, target.domid];
  const readableByStub: Permissions = { owner: 0, others: 'none', entries: [{ domid: S, access: 'read' }] };
  const restore = options.restoreFrom === undefined ? '' : ` -loadvm /var/lib/xen/qemu-resume.${T}`;

  await store.write(`/vm/${guest.uuid}/image/dmargs`, `${options.arguments ?? ' -d 2 -net none'}${restore}`);
  await store.setPermissions(`/vm/${guest.uuid}/image/dmargs`, readableByStub);
  await store.write(`/local/domain/${T}/image/device-model-domid`, String(S));
  await store.write(`/local/domain/${S}/target`, String(T));
  await hypervisor.setTarget(stub, target);
  await store.setTarget(S, T);

  const toolstack = new PlainToolstack(world, stub, target, options.legacyLayout === true ? 0 : S);
  await store.mkdir(toolstack.channel);
  await store.setPermissions(toolstack.channel, { owner: S, others: 'none', entries: [{ domid: T, access: 'read' }] });
  for (const [node, value] of Object.entries(options.leftBehind ?? {})) {
    await store.write(`${toolstack.channel}/${node}`, value);
  }
  const device = async (
    kind: string,
    id: string | number,
    nodes: Readonly<Record<string, string>> = {},
  ): Promise<void> =>
    writeDevice(
      store,
      S,
      `/local/domain/0/backend/${kind}/${S}/${id}`,
      `/local/domain/${S}/device/${kind}/${id}`,
      nodes,
    );
  for (let disk = 0; disk < (options.disks ?? 0); disk += 1) await device('vbd', 51712 + 16 * disk, { type: 'phy' });
  if (options.graphics === true) {
    await device('vfb', 0);
    await device('vkbd', 0);
  }
  await device('console', 1);
  await store.write(`/local/domain/${S}/device/console/1/output`, `file:/var/lib/xen/qemu-save.${T}`);
  if (options.restoreFrom !== undefined) {
    await device('console', 2);
    await store.write(`/local/domain/${S}/device/console/2/output`, `pipe:${options.restoreFrom}`);
  }
  if (options.devices !== undefined) await toolstack.addPciBackend(options.devices);
  return toolstack;
}

/** Lays out and starts a stub domain, and waits for `running`. */
export async function start(world: World, options: SetupOptions = {}): Promise<PlainToolstack> {
  const toolstack = await layOut(world, options);
  await world.host.hypervisor.unpauseDomain(toolstack.stub);
  await toolstack.state('running');
  if (options.devices !== undefined) await toolstack.pciReady();
  return toolstack;
}
