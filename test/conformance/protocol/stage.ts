import { join } from 'node:path';
import type { HostAdmin } from '../../../operator/embedded/simulated-host/admin.ts';
import type { DeviceModelReport } from '../../../operator/embedded/simulated-host/device-model/record.ts';
import type { XenStore } from '../../../operator/xenstore/xenstore.ts';
import { eventually } from '../../support/eventually.ts';
import { type OperatorWorld, startOperatorWorld } from '../../support/operator-world.ts';
import { startUnrulyProxy, type UnrulyProxy } from '../../support/unruly-xenstore-proxy.ts';
import type { DaemonStarter } from '../../support/world-daemon.ts';
import type { WorldHost } from '../../support/world-host.ts';
import type { Expected, Kind, WorldObjects } from '../../support/world-objects.ts';
import { guestName } from './guest.ts';
import { type DeviceName, devices } from './scenario.ts';

/** The agent may look later than the test; what is skipped too often counts towards other deadlines. */
const mostSkips = 3;

/** API server, controller, and one host with its agent: where a scenario is played. */
export class Stage {
  readonly objects: WorldObjects;
  readonly host: WorldHost;
  /** What stands between the agent and its daemon. */
  readonly proxy: UnrulyProxy;
  readonly #world: OperatorWorld;

  constructor(world: OperatorWorld, proxy: UnrulyProxy) {
    this.#world = world;
    this.proxy = proxy;
    this.objects = world.objects;
    this.host = world.host();
  }

  get admin(): HostAdmin {
    return this.host.admin;
  }

  /** dom0, beside the agent. */
  get store(): XenStore {
    return this.host.store;
  }

  /** The guest starts, and the StubDomain is asked for. */
  async begin(): Promise<void> {
    await this.host.addGuest(guestName);
    await this.objects.stubDomain(guestName, { nodeName: 'xen-1' });
  }

  /** Until the device model runs and nothing hinders it. */
  async start(): Promise<void> {
    await this.begin();
    await this.objects.ready('StubDomain', guestName);
  }

  /** Asks for the device. */
  async attach(name: DeviceName, spec: object = {}): Promise<void> {
    await this.objects.attachment(name, guestName, devices[name], spec);
  }

  /** Asks for the device, and waits until the device model is asked for it. */
  async insert(name: DeviceName, spec: object = {}): Promise<void> {
    const before = this.#inserts();
    await this.attach(name, spec);
    await this.#asked(before + 1);
  }

  /** The guest has these devices: asked for together, so that the device model finds all of them at its first look. */
  async attached(...names: readonly DeviceName[]): Promise<void> {
    await this.begin();
    for (const name of names) await this.attach(name);
    await this.#asked(names.length);
    await this.objects.ready('StubDomain', guestName);
    for (const name of names) await this.objects.ready('PciAttachment', name);
  }

  /** Waits until that many inserts were sent since the beginning. */
  async inserted(times: number): Promise<void> {
    await this.#asked(times);
  }

  #inserts(): number {
    return this.proxy.commands.filter((word) => word === 'pci-ins').length;
  }

  /** Skips the second for which the front end has to be connected before the first insert, as soon as it is. */
  async #asked(times: number): Promise<void> {
    let skips = 0;
    await eventually(async () => {
      if (this.#inserts() >= times) return;
      const { status } = await this.objects.get('StubDomain', guestName);
      const front = await this.store.tryReadString(`/local/domain/${status?.domid ?? 0}/device/pci/0/state`);
      if (front === '4' && skips < mostSkips) {
        skips += 1;
        this.skip(1000);
      }
      throw new Error(`pci-ins was sent ${this.#inserts()} times, not ${times}; the front end is ${String(front)}`);
    });
  }

  async detach(name: DeviceName): Promise<void> {
    await this.objects.remove('PciAttachment', name);
  }

  async detached(name: DeviceName, limit?: number): Promise<void> {
    await this.detach(name);
    await this.objects.gone('PciAttachment', name, limit);
  }

  async pause(): Promise<void> {
    await this.objects.patchSpec('StubDomain', guestName, { runState: 'Paused' });
  }

  async resume(): Promise<void> {
    await this.objects.patchSpec('StubDomain', guestName, { runState: 'Running' });
  }

  /** Waits for a condition of `web` or of an attachment. */
  async condition(object: 'web' | DeviceName, type: string, expected: Expected, limitMs?: number) {
    return this.objects.condition(kindOf(object), object, type, expected, limitMs);
  }

  /** That much time passes for the agent. */
  skip(ms: number): void {
    this.host.clock.skip(ms);
  }

  /** From now on the simulated host does this too. */
  async quirk(text: string): Promise<void> {
    await this.admin.addQuirk(text);
  }

  async noQuirks(): Promise<void> {
    await this.admin.clearQuirks();
  }

  /** The device model of the guest that was started last, as it reports itself. */
  async model(): Promise<DeviceModelReport | undefined> {
    return (await this.models()).at(-1);
  }

  /** All device models that ever were: only one guest of the stage gets any. */
  async models(): Promise<readonly DeviceModelReport[]> {
    return this.admin.deviceModels();
  }

  /** Waits until the device model has taken that command so often. */
  async taken(command: keyof DeviceModelReport['commands'], times = 1, limit?: number): Promise<void> {
    await eventually(async () => {
      const model = await this.model();
      if ((model?.commands[command] ?? 0) < times) {
        throw new Error(`${command} was not taken ${times} times: ${JSON.stringify(model)}`);
      }
    }, limit);
  }

  /** Waits until the device model has done all that it had begun: it does one thing at a time, and this is one. */
  async settled(): Promise<void> {
    const channel = await this.channel();
    await this.store.write(`${channel}/logdirty/cmd`, 'enable');
    await this.value(`${channel}/logdirty/ret`, 'enable');
  }

  /** Waits until there is a device model that is dead. */
  async dead(count = 1): Promise<void> {
    await eventually(async () => {
      const models = await this.models();
      if (models.filter(({ phase }) => phase === 'dead').length < count) throw new Error('it lives');
    });
  }

  /** Of stub domain and guest, as soon as they are linked in XenStore. */
  async domids(): Promise<{ readonly domid: number; readonly targetDomid: number }> {
    return eventually(async () => {
      const domains = await this.host.hypervisor.listDomains();
      const targetDomid = domains.find(({ name }) => name === guestName)?.domid;
      const link = `/local/domain/${targetDomid ?? 0}/image/device-model-domid`;
      const domid = await this.store.tryReadString(link);
      if (targetDomid === undefined || domid === undefined) throw new Error('no stub domain yet');
      return { domid: Number(domid), targetDomid };
    });
  }

  /** The directory of the channel. */
  async channel(): Promise<string> {
    const { domid, targetDomid } = await this.domids();
    return `/local/domain/${domid}/device-model/${targetDomid}`;
  }

  /** Waits until the node of the channel holds that. */
  async node(name: 'state' | 'parameter' | 'command', value: string | undefined): Promise<void> {
    await this.value(`${await this.channel()}/${name}`, value);
  }

  /** Waits until XenStore holds that. */
  async value(path: string, value: string | undefined): Promise<void> {
    await eventually(async () => {
      const seen = await this.store.tryReadString(path);
      if (seen !== value) throw new Error(`${path} is ${String(seen)}, not ${String(value)}`);
    });
  }

  /** Somebody else in dom0 writes a node of the channel. */
  async write(name: 'state' | 'parameter' | 'command', value: string): Promise<void> {
    await this.store.write(`${await this.channel()}/${name}`, value);
  }

  /** All that people and programs get to see: objects, events, and the log. */
  async shown(): Promise<string> {
    const names = [guestName, ...Object.keys(devices)];
    const lists = await Promise.all(
      (['StubDomain', 'PciAttachment', 'XenHost'] as const).map((kind) => this.objects.list(kind)),
    );
    const events = await Promise.all(names.map((name) => this.objects.events(name)));
    return JSON.stringify([lists, events]) + this.#world.log.text();
  }

  async close(): Promise<void> {
    await this.#world.close();
    await this.proxy.close();
  }
}

/** Sets a stage on a daemon. */
export async function setStage(daemon: DaemonStarter, quirks: readonly string[]): Promise<Stage> {
  const proxies: UnrulyProxy[] = [];
  const world = await startOperatorWorld({
    daemon,
    wayOfAgent: async (socket, directory) => {
      const proxy = await startUnrulyProxy(join(directory, 'way'), socket);
      proxies.push(proxy);
      return proxy.socketPath;
    },
  });
  const [proxy] = proxies;
  if (proxy === undefined) throw new Error('the world did not ask for a way to its daemon');
  const stage = new Stage(world, proxy);
  for (const quirk of quirks) await stage.quirk(quirk);
  return stage;
}

export const kindOf = (object: string): Kind => (object === guestName ? 'StubDomain' : 'PciAttachment');
