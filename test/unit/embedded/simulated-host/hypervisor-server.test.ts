import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { connectHostAdmin, type HostAdmin } from '../../../../operator/embedded/simulated-host/admin.ts';
import { startHypervisorServer } from '../../../../operator/embedded/simulated-host/hypervisor-server.ts';
import { createPciBus } from '../../../../operator/embedded/simulated-host/pci-bus.ts';
import { defaultTopology } from '../../../../operator/embedded/simulated-host/topology.ts';
import { type Hypervisor, HypervisorError } from '../../../../operator/hypervisor/hypervisor.ts';
import { isSavePath } from '../../../../operator/hypervisor/save-path.ts';
import { connectSimulatedHypervisor } from '../../../../operator/hypervisor/simulated.ts';
import { silentLogger } from '../../../../operator/runtime/ports.ts';

const uuid = '6d1a0c4e-0000-4000-8000-000000000001';

describe('the hypervisor on a socket', () => {
  let directory: string;
  let socketPath: string;
  const closers: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'hv-'));
    socketPath = join(directory, 's');
  });
  afterEach(async () => {
    for (const close of closers.splice(0).reverse()) await close();
    await rm(directory, { recursive: true, force: true });
  });

  const connect = (timeoutMs = 10_000): Hypervisor => {
    const hypervisor = connectSimulatedHypervisor(socketPath, { timeoutMs });
    closers.push(async () => hypervisor.close());
    return hypervisor;
  };
  const serve = async (): Promise<void> => {
    const server = await startHypervisorServer({
      socketPath,
      hypervisor: fake(),
      admin: adminOf(),
      logger: silentLogger,
    });
    closers.push(async () => server.close());
  };
  /** A server that does `then` with each connection and speaks no protocol. */
  const listen = async (then: (socket: Socket) => void): Promise<void> => {
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      then(socket);
    });
    await new Promise<void>((resolve) => server.listen(socketPath, resolve));
    closers.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
  };

  test('results, absent values and typed errors come through', async () => {
    await serve();
    const hypervisor = connect();
    expect((await hypervisor.listPciDevices()).length).toBeGreaterThan(5);
    expect(await hypervisor.makeAssignable('0000:05:00.0')).toEqual({ originalDriver: 'igb' });
    expect(await hypervisor.makeAssignable('0000:05:00.0')).toEqual({ originalDriver: undefined });
    await hypervisor.releaseAssignable('0000:05:00.0', undefined);
    await expect(hypervisor.reset('0000:ff:00.0')).rejects.toMatchObject({ code: 'NoSuchDevice' });
  });

  test('many calls at once, each with its own answer', async () => {
    await serve();
    const hypervisor = connect();
    const calls = Array.from({ length: 50 }, async (_, index) =>
      hypervisor.createDomain({ uuid, name: `n${index}`, kernel: '/k', memoryMiB: index + 1 }),
    );
    expect((await Promise.all(calls)).map(({ domid }) => domid)).toEqual(
      Array.from({ length: 50 }, (_, index) => index + 1),
    );
  });

  test.each<[string, unknown[]]>([
    ['reset', ['../../etc']],
    ['destroyDomain', [{ domid: '1', uuid }]],
    ['destroyDomain', [{ domid: 1, uuid: 'x' }]],
    ['grant', ['0000:03:00.0', { domid: 1, uuid }, {}]],
    ['createDomain', [{ uuid, name: 'a b', kernel: '/k', memoryMiB: 1 }]],
    ['createDomain', [{ uuid, name: 'a', kernel: 'k', memoryMiB: 1 }]],
    ['createDomain', [{ uuid, name: 'a', kernel: '/k', memoryMiB: -1 }]],
    ['createDomain', []],
    ['inspectFile', ['var/lib/xen/qemu-save.1']],
    ['inspectFile', ['/var/lib/xen/../../etc/passwd']],
    ['inspectFile', ['/etc/passwd']],
    ['admin.suspendGuest', [uuid, 'yes']],
  ])('%s with %j is refused', async (verb, args) => {
    await serve();
    expect(await ask({ id: 7, verb, args })).toMatchObject({ id: 7, error: { code: 'InvalidArgument' } });
  });

  test('an unknown verb is refused, and names of built-in properties are unknown', async () => {
    await serve();
    for (const verb of ['nonsense', 'constructor', '__proto__']) {
      expect(await ask({ id: 1, verb, args: [] })).toMatchObject({ error: { code: 'NotSupported' } });
    }
  });

  test.each(['garbage\n', '{"id":1}\n', 'x'.repeat(70_000)])(
    'the server drops a client that says %.12j',
    async (text) => {
      await serve();
      const socket = createConnection(socketPath);
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.on('error', () => {});
      socket.write(text);
      await closed;
      expect((await connect().listPciDevices()).length).toBeGreaterThan(5);
    },
  );

  test('the client connects anew when the server is back', async () => {
    const hypervisor = connect();
    await expect(hypervisor.info()).rejects.toMatchObject({ code: 'Unavailable' });
    await serve();
    await hypervisor.listPciDevices();
    await closers.pop()?.();
    await expect(hypervisor.listPciDevices()).rejects.toMatchObject({ code: 'Unavailable' });
    await serve();
    expect((await hypervisor.listPciDevices()).length).toBeGreaterThan(5);
  });

  test.each([
    ['garbage', 'garbage\n'],
    ['half an answer', '{"id":1,"res'],
    ['an answer to nothing', '{"id":99,"result":1}\n'],
  ])('%s and then the end of the connection is Unavailable', async (_what, text) => {
    await listen((socket) => socket.end(text));
    await expect(connect().info()).rejects.toMatchObject({ code: 'Unavailable' });
  });

  test('a line without end is cut off', async () => {
    await listen((socket) => {
      const pour = (): void => {
        while (!socket.destroyed && socket.write('x'.repeat(1 << 20)));
      };
      socket.on('drain', pour);
      pour();
    });
    await expect(connect().info()).rejects.toMatchObject({ code: 'Unavailable' });
  });

  test('silence is Unavailable after the time limit', async () => {
    await listen(() => {});
    await expect(connect(20).info()).rejects.toMatchObject({ code: 'Unavailable' });
  });

  test('a saved state is described, and one that is not there is undefined', async () => {
    await serve();
    const hypervisor = connect();
    expect(await hypervisor.inspectFile('/var/lib/xen/qemu-save.1')).toEqual({ size: 12, modifiedAt: 34 });
    expect(await hypervisor.inspectFile('/var/lib/xen/qemu-save.2')).toBeUndefined();
  });

  test('a closed client refuses calls', async () => {
    await serve();
    const hypervisor = connect();
    await hypervisor.listPciDevices();
    await hypervisor.close();
    await expect(hypervisor.info()).rejects.toBeInstanceOf(HypervisorError);
  });

  test('admin verbs travel on the same socket', async () => {
    await serve();
    const admin = connectHostAdmin(socketPath);
    closers.push(async () => admin.close());
    await admin.addQuirk('no-eject');
    const card = { address: '0000:0b:00.0', vendorID: '8086', deviceID: '1521', classID: '020000' };
    await admin.setPciDevice({ ...card, driver: 'igb', iommuGroup: 3, numaNode: 0, hostUse: 'default route' });
    await expect(admin.setPciDevice({ ...card, vendorID: 'x' })).rejects.toMatchObject({ code: 'InvalidArgument' });
    await expect(admin.addQuirk('')).rejects.toMatchObject({ code: 'InvalidArgument' });
    expect(await admin.restartGuest(uuid)).toEqual({ domid: 1, uuid });
    expect(await admin.restartGuest(uuid, 9)).toEqual({ domid: 9, uuid });
  });

  async function ask(request: object): Promise<unknown> {
    const socket = createConnection(socketPath);
    socket.setEncoding('utf8');
    const line = new Promise<string>((resolve) => socket.once('data', (text: string) => resolve(text)));
    socket.write(`${JSON.stringify(request)}\n`);
    const answer: unknown = JSON.parse(await line);
    socket.destroy();
    return answer;
  }
});

/** The port over a bus alone; domains get the id that their memory says. */
function fake(): Hypervisor {
  const bus = createPciBus(defaultTopology());
  const refuse = async (): Promise<never> => {
    throw new HypervisorError('Failed', 'not in this test');
  };
  return {
    stubDomainsMadeBy: 'agent',
    createGuest: refuse,
    info: refuse,
    listDomains: refuse,
    createDomain: async (request) => ({ uuid: request.uuid, domid: request.memoryMiB }),
    setTarget: refuse,
    unpauseDomain: refuse,
    destroyDomain: refuse,
    listPciDevices: async () => bus.devices(),
    makeAssignable: async (address) => bus.makeAssignable(address),
    releaseAssignable: async (address, driver) => bus.releaseAssignable(address, driver),
    reset: async (address) => bus.reset(address),
    grant: async (address, domain, { iommu }) => bus.grant(address, domain, iommu),
    revoke: async (address, domain, { iommu }) => bus.revoke(address, domain, iommu),
    inspectFile: async (path) => {
      if (!isSavePath(path)) throw new HypervisorError('InvalidArgument', 'not a saved state');
      return path.endsWith('.1') ? { size: 12, modifiedAt: 34 } : undefined;
    },
    close: async () => {},
  };
}

function adminOf(): HostAdmin {
  return {
    grants: async () => [],
    resets: async () => ({}),
    deviceModels: async () => [],
    killDomain: async () => {},
    addGuest: async (guest) => ({ domid: 1, uuid: guest.uuid }),
    removeGuest: async () => {},
    restartGuest: async (guest, domid) => ({ domid: domid ?? 1, uuid: guest }),
    suspendGuest: async () => {},
    setPciDevice: async () => {},
    addQuirk: async () => {},
    clearQuirks: async () => {},
  };
}
