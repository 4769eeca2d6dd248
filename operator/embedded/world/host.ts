import { createAgent, type Agent } from '../../agent/agent.ts';
import type { Hypervisor } from '../../hypervisor/hypervisor.ts';
import { connectSimulatedHypervisor } from '../../hypervisor/simulated.ts';
import { createKubeClient } from '../../kube/client.ts';
import type { ClusterConfig } from '../../kube/config.ts';
import { systemClock, type Logger } from '../../runtime/ports.ts';
import { openXenStore } from '../../xenstore/client.ts';
import { createEmbeddedFabric } from '../simulated-host/embedded-fabric.ts';
import { createFakexenFabric } from '../simulated-host/fakexen-fabric.ts';
import type { DomainFabric } from '../simulated-host/fabric.ts';
import type { GuestDefinition } from '../simulated-host/guest.ts';
import type { Quirks } from '../simulated-host/quirks.ts';
import { startSimulatedHost, type SimulatedHost } from '../simulated-host/simulated-host.ts';
import type { PciTopology } from '../simulated-host/topology.ts';
import { Closers } from './closers.ts';
import type { WorldCounters } from './counters.ts';

/** Who serves the guests of a host: the embedded daemon, or the program fakexen beside a real xenstored. */
export type FabricChoice =
  | { readonly kind: 'embedded'; readonly guestDir: string }
  | { readonly kind: 'fakexen'; readonly fakexen: string; readonly directory: string };

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
  /** Counts what the agent asks for. */
  readonly counters?: WorldCounters;
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
    const fabric = openFabric(options.fabric, options.xenstoreSocket, logger);
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

function openFabric(choice: FabricChoice, xenstoreSocket: string, logger: Logger): DomainFabric {
  switch (choice.kind) {
    case 'embedded':
      return createEmbeddedFabric({ xenstoreSocket, guestDir: choice.guestDir, logger });
    case 'fakexen':
      return createFakexenFabric({ fakexen: choice.fakexen, directory: choice.directory });
  }
}

/** The production agent, over the same sockets that it has on a real host. */
async function startAgent(
  options: HostOptions,
  cluster: ClusterConfig,
  simulated: SimulatedHost,
  closers: Closers,
): Promise<Agent> {
  const logger = options.logger.child({ host: options.name });
  const { counters } = options;
  const kube = createKubeClient(cluster, {
    logger,
    ...(counters === undefined ? {} : { onRequest: counters.onRequest }),
  });
  closers.add(() => kube.close());
  const xenstore = openXenStore({ transport: { kind: 'socket', path: options.xenstoreSocket }, logger });
  closers.add(() => xenstore.close());
  counters?.addStore(xenstore);
  const hypervisor = connectHypervisor(simulated, closers);
  const agent = createAgent({
    nodeName: options.name,
    kube,
    xenstore,
    hypervisor,
    clock: systemClock,
    random: Math.random,
    logger,
    version: options.version,
  });
  closers.add(() => agent.stop());
  await agent.start();
  return agent;
}

function connectHypervisor(simulated: SimulatedHost, closers: Closers): Hypervisor {
  if (simulated.hypervisorSocket === undefined) return simulated.hypervisor;
  const hypervisor = connectSimulatedHypervisor(simulated.hypervisorSocket);
  closers.add(() => hypervisor.close());
  return hypervisor;
}
