import { resolve } from 'node:path';
import { defaultTopology, topologyWith } from '../../embedded/simulated-host/topology.ts';
import { startHost, type FabricChoice } from '../../embedded/world/host.ts';
import { loadClusterConfig } from '../../kube/config.ts';
import type { CommandContext } from '../context.ts';
import { usageError } from '../failure.ts';
import { createLogger } from '../../runtime/logger.ts';
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
    fabric: chooseFabric(options, xenstoreSocket, terminal.env['FAKEXEN']),
    guests: options.guest ?? [],
    topology: options.pci === undefined ? defaultTopology() : topologyWith(options.pci),
    quirks: options.quirk ?? [],
    cluster,
    version: packageInfo().version,
    logger: await createLogger({ level: options.logLevel, format: 'auto' }),
    ...(hypervisorSocket === undefined ? {} : { hypervisorSocket }),
  });
  const agent = cluster === undefined ? 'agent=none' : `agent=${cluster.server}`;
  const socket = host.hypervisorSocket === undefined ? '' : ` hypervisor=simulated:${host.hypervisorSocket}`;
  terminal.out(`host ready name=${options.name} xenstore=${xenstoreSocket}${socket} ${agent}`);
  await shutdown.requested;
  await host.close();
}

function chooseFabric(options: HostOptions, xenstoreSocket: string, fakexenOfEnvironment?: string): FabricChoice {
  const { fabric } = options;
  switch (fabric.kind) {
    case 'embedded':
      return { kind: 'embedded', guestDir: resolve(options.guestDir ?? `${xenstoreSocket}.guests`) };
    case 'fakexen': {
      const fakexen = options.fakexen ?? fakexenOfEnvironment;
      if (fakexen === undefined)
        throw usageError('--fabric fakexen:DIR needs the program: give --fakexen, or set $FAKEXEN');
      return { kind: 'fakexen', fakexen: resolve(fakexen), directory: resolve(fabric.directory) };
    }
  }
}
