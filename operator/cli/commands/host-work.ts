import { resolve } from 'node:path';
import { defaultTopology, topologyWith } from '../../embedded/simulated-host/topology.ts';
import { startHost } from '../../embedded/world/host.ts';
import { loadClusterConfig } from '../../kube/config.ts';
import type { CommandContext } from '../context.ts';
import { usageError } from '../failure.ts';
import { createJsonLogger } from '../logging.ts';
import { packageInfo } from '../package-root.ts';
import { requireFreeSocket, requireLiveSocket } from '../sockets.ts';
import type { HostOptions } from './embedded.ts';

/** Runs a simulated host, with its agent unless told otherwise, until it is told to stop. */
export async function runHost({ terminal, shutdown }: CommandContext, options: HostOptions): Promise<void> {
  if (options.withoutAgent !== true && options.kubeconfig === undefined) {
    throw usageError('give --kubeconfig for the agent, or --without-agent');
  }
  const hypervisorSocket = options.hypervisorSocket === undefined ? undefined : resolve(options.hypervisorSocket);
  if (hypervisorSocket !== undefined) await requireFreeSocket(hypervisorSocket, '--hypervisor-socket');
  const cluster =
    options.withoutAgent === true || options.kubeconfig === undefined
      ? undefined
      : await loadClusterConfig({ kubeconfig: options.kubeconfig });
  const xenstoreSocket = resolve(options.xenstore);
  await requireLiveSocket(
    xenstoreSocket,
    'XenStore daemon',
    'Start one (stubdom embedded xenstored), or give another --xenstore',
  );

  const host = await startHost({
    name: options.name,
    xenstoreSocket,
    fabric: options.fabric,
    guests: options.guest ?? [],
    topology: options.pci === undefined ? defaultTopology() : topologyWith(options.pci),
    quirks: options.quirk ?? [],
    cluster,
    version: packageInfo().version,
    logger: createJsonLogger(options.logLevel, process.stderr),
    ...(hypervisorSocket === undefined ? {} : { hypervisorSocket }),
  });
  const agent = cluster === undefined ? 'agent=none' : `agent=${cluster.server}`;
  const socket = host.hypervisorSocket === undefined ? '' : ` hypervisor=simulated:${host.hypervisorSocket}`;
  terminal.out(`host ready name=${options.name} xenstore=${xenstoreSocket}${socket} ${agent}`);
  await shutdown.requested;
  await host.close();
}
