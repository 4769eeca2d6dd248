import { chmod, rm } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { HypervisorError, type Hypervisor } from '../../hypervisor/hypervisor.ts';
import {
  encodeLine,
  errorResponse,
  LineSplitter,
  parseRequest,
  type SimulatedRequest,
  type SimulatedResponse,
} from '../../hypervisor/simulated-protocol.ts';
import type { Logger } from '../../runtime/ports.ts';
import type { HostAdmin } from './admin.ts';
import {
  readAddress,
  readCreateRequest,
  readDomid,
  readDriver,
  readGuest,
  readIdentity,
  readIommu,
  readOptionalDomid,
  readPath,
  readPciDevice,
  readSuspended,
  readText,
  readUuid,
} from './arguments.ts';

/** The hypervisor port and the admin verbs of a simulated host on a unix socket (simulated-protocol.ts). */
export interface HypervisorServer {
  readonly socketPath: string;
  close(): Promise<void>;
}

/** Longest request in characters; no verb needs more. */
const maximumRequest = 64 * 1024;

type Verb = (args: readonly unknown[]) => Promise<unknown>;

/** Serves `hypervisor` and `admin` at `socketPath`, which must not be in use; only the owner may connect. */
export async function startHypervisorServer(options: {
  readonly socketPath: string;
  readonly hypervisor: Hypervisor;
  readonly admin: HostAdmin;
  readonly logger: Logger;
}): Promise<HypervisorServer> {
  const { socketPath, logger } = options;
  const verbs = verbTable(options.hypervisor, options.admin);
  const connections = new Set<Socket>();

  const server = createServer((socket) => {
    connections.add(socket);
    const splitter = new LineSplitter(maximumRequest);
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      try {
        for (const line of splitter.push(chunk))
          void answer(verbs, parseRequest(line)).then((done) => send(socket, done));
      } catch {
        logger.warn('hypervisor socket: a client does not speak the protocol');
        socket.destroy();
      }
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => connections.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socketPath, resolve);
  });
  await chmod(socketPath, 0o600);

  return {
    socketPath,
    close: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const socket of connections) socket.destroy();
      await closed;
      await rm(socketPath, { force: true });
    },
  };
}

function send(socket: Socket, response: SimulatedResponse): void {
  if (!socket.destroyed) socket.write(encodeLine(response));
}

async function answer(
  verbs: ReadonlyMap<string, Verb>,
  { id, verb, args }: SimulatedRequest,
): Promise<SimulatedResponse> {
  try {
    const run = verbs.get(verb);
    if (run === undefined) throw new HypervisorError('NotSupported', 'there is no such verb');
    return { id, result: (await run(args)) ?? null };
  } catch (error) {
    return errorResponse(id, error);
  }
}

function verbTable(hypervisor: Hypervisor, admin: HostAdmin): ReadonlyMap<string, Verb> {
  return new Map<string, Verb>([
    ['info', async () => hypervisor.info()],
    ['listDomains', async () => hypervisor.listDomains()],
    ['createDomain', async ([request]) => hypervisor.createDomain(readCreateRequest(request))],
    ['setTarget', async ([stub, target]) => hypervisor.setTarget(readIdentity(stub), readIdentity(target))],
    ['unpauseDomain', async ([domain]) => hypervisor.unpauseDomain(readIdentity(domain))],
    ['destroyDomain', async ([domain]) => hypervisor.destroyDomain(readIdentity(domain))],
    ['listPciDevices', async () => hypervisor.listPciDevices()],
    ['makeAssignable', async ([address]) => hypervisor.makeAssignable(readAddress(address))],
    [
      'releaseAssignable',
      async ([address, driver]) => hypervisor.releaseAssignable(readAddress(address), readDriver(driver)),
    ],
    ['reset', async ([address]) => hypervisor.reset(readAddress(address))],
    [
      'grant',
      async ([address, domain, how]) => hypervisor.grant(readAddress(address), readIdentity(domain), readIommu(how)),
    ],
    [
      'revoke',
      async ([address, domain, how]) => hypervisor.revoke(readAddress(address), readIdentity(domain), readIommu(how)),
    ],
    ['inspectFile', async ([path]) => hypervisor.inspectFile(readPath(path))],
    ['admin.grants', async () => admin.grants()],
    ['admin.resets', async () => admin.resets()],
    ['admin.deviceModels', async () => admin.deviceModels()],
    ['admin.killDomain', async ([domid]) => admin.killDomain(readDomid(domid))],
    ['admin.addGuest', async ([guest]) => admin.addGuest(readGuest(guest))],
    ['admin.removeGuest', async ([uuid]) => admin.removeGuest(readUuid(uuid))],
    ['admin.restartGuest', async ([uuid, domid]) => admin.restartGuest(readUuid(uuid), readOptionalDomid(domid))],
    ['admin.suspendGuest', async ([uuid, how]) => admin.suspendGuest(readUuid(uuid), readSuspended(how))],
    ['admin.setPciDevice', async ([device]) => admin.setPciDevice(readPciDevice(device))],
    ['admin.addQuirk', async ([text]) => admin.addQuirk(readText(text))],
    ['admin.clearQuirks', async () => admin.clearQuirks()],
  ]);
}
