import { createAgent, type Agent } from '../../agent/agent.ts';
import { createKubeClient } from '../../kube/client.ts';
import type { ClusterConfig } from '../../kube/config.ts';
import { systemClock, type Logger } from '../../runtime/ports.ts';
import { openXenStore } from '../../xenstore/client.ts';
import type { GuestDefinition } from '../simulated-host/guest.ts';
import type { Quirks } from '../simulated-host/quirks.ts';
import { startSimulatedHost } from '../simulated-host/simulated-host.ts';
import type { PciTopology } from '../simulated-host/topology.ts';
import { Closers } from './closers.ts';
import { openFabric, type FabricChoice } from './fabric-choice.ts';

/** What a host of the embedded world is made of. */
export interface HostOptions {
  readonly name: string;
  /** The socket of a XenStore daemon that runs already. */
  readonly xenstoreSocket: string;
  readonly fabric: FabricChoice;
  readonly guests: readonly GuestDefinition[];
  readonly topology: PciTopology;
  readonly quirks: Quirks;
  /** The cluster of the agent; undefined for a host without one. */
  readonly cluster: ClusterConfig | undefined;
  /** Version that the agent reports. */
  readonly version: string;
  /** Where to serve the hypervisor for an agent elsewhere. */
  readonly hypervisorSocket?: string;
  readonly logger: Logger;
}

/** A simulated host that runs, perhaps with its agent. */
export interface Host {
  readonly name: string;
  readonly hypervisorSocket: string | undefined;
  /** Why its agent is not ready; empty when it is, or when there is none. */
  notReady(): readonly string[];
  /** Stops the agent, then the host. */
  close(): Promise<void>;
}

/** Starts a simulated host on a XenStore daemon, and its agent if a cluster is given. */
export async function startHost(options: HostOptions): Promise<Host> {
  const logger = options.logger.child({ host: options.name });
  const closers = new Closers();
  try {
    const fabric = await openFabric(options.fabric, options.xenstoreSocket, logger);
    closers.add(() => fabric.close());
    const simulated = await startSimulatedHost({
      name: options.name,
      xenstoreSocket: options.xenstoreSocket,
      fabric,
      topology: options.topology,
      guests: [...options.guests],
      quirks: options.quirks,
      logger,
      ...(options.hypervisorSocket === undefined ? {} : { hypervisorSocket: options.hypervisorSocket }),
    });
    closers.add(() => simulated.close());
    const agent =
      options.cluster === undefined ? undefined : await startAgent(options, options.cluster, simulated, closers);
    return {
      name: options.name,
      hypervisorSocket: simulated.hypervisorSocket,
      notReady: () => agent?.readiness().reasons ?? [],
      close: () => closers.close(),
    };
  } catch (error) {
    await closers.close();
    throw error;
  }
}

/** The production agent, over the same sockets that it has on a real host. */
async function startAgent(
  options: HostOptions,
  cluster: ClusterConfig,
  simulated: Awaited<ReturnType<typeof startSimulatedHost>>,
  closers: Closers,
): Promise<Agent> {
  const logger = options.logger.child({ host: options.name });
  const kube = createKubeClient(cluster);
  closers.add(() => kube.close());
  const xenstore = openXenStore({ transport: { kind: 'socket', path: options.xenstoreSocket }, logger });
  closers.add(() => xenstore.close());
  const agent = createAgent({
    nodeName: options.name,
    kube,
    xenstore,
    hypervisor: simulated.hypervisor,
    clock: systemClock,
    random: Math.random,
    logger,
    version: options.version,
  });
  closers.add(() => agent.stop());
  await agent.start();
  return agent;
}
