import { openXenStore } from '../../xenstore/client.ts';
import { connectSimulatedHypervisor } from '../../hypervisor/simulated.ts';
import type { Registry } from 'prom-client';
import { createAgent } from '../../agent/agent.ts';
import { createCentral } from '../../controllers/central.ts';
import { createKubeClient } from '../../kube/client.ts';
import { loadClusterConfig, type ClusterConfig } from '../../kube/config.ts';
import type { CentralMetrics } from '../../controllers/central-metrics.ts';
import type { AgentMetrics } from '../../agent/agent-metrics.ts';
import type { KubeMetrics } from '../../kube/metrics.ts';
import type { ControllerMetricsFactory } from '../../runtime/metrics.ts';
import { systemClock, type Logger } from '../../runtime/ports.ts';
import { startProbes, type Readiness } from '../../runtime/probes.ts';
import type { CommandContext } from '../context.ts';
import { createLogger } from '../../runtime/logger.ts';
import { packageInfo } from '../package-root.ts';
import { isXenbusDevice, requireLiveSocket } from '../sockets.ts';
import type { AgentOptions, ProgramOptions } from './operator.ts';

/** What `stubdom controller` and `stubdom agent` have in common. */
interface Program {
  start(): Promise<void>;
  stop(): Promise<void>;
  readiness(): Readiness;
}

interface Metrics {
  readonly registry: Registry;
  readonly ofController: ControllerMetricsFactory;
  readonly ofKube: KubeMetrics;
}

/** Runs the controller until it is told to stop. */
export async function runController(context: CommandContext, options: ProgramOptions): Promise<void> {
  const config = await clusterOf(options);
  const logger = await createLogger({ level: options.logLevel, format: 'auto' });
  const metrics = await openMetrics(options);
  const kube = createKubeClient(config, {
    logger,
    ...(metrics === undefined ? {} : { onRequest: metrics.ofKube.onRequest }),
  });
  const central = createCentral({
    kube,
    clock: systemClock,
    random: Math.random,
    logger,
    ...(metrics === undefined
      ? {}
      : { metrics: metrics.ofController, kubeMetrics: metrics.ofKube, centralMetrics: await ofCluster(metrics) }),
  });
  try {
    await serve(context, options, logger, metrics, central, `controller ready cluster=${config.server}`);
  } finally {
    await kube.close();
  }
}

/** Runs the agent of one host until it is told to stop. */
export async function runAgent(context: CommandContext, options: AgentOptions): Promise<void> {
  const config = await clusterOf(options);
  const kind = (await isXenbusDevice(options.xenstore)) ? 'xenbus' : 'socket';
  if (kind === 'socket') {
    await requireLiveSocket(options.xenstore, 'XenStore daemon', 'Start it, or name another with --xenstore');
  }
  const { socketPath } = options.hypervisor;
  await requireLiveSocket(socketPath, 'simulated hypervisor', "Start 'stubdom embedded host' with --hypervisor-socket");

  const logger = (await createLogger({ level: options.logLevel, format: 'auto' })).child({ host: options.name });
  const metrics = await openMetrics(options);
  const kube = createKubeClient(config, {
    logger,
    ...(metrics === undefined ? {} : { onRequest: metrics.ofKube.onRequest }),
  });
  const xenstore = openXenStore({ transport: { kind, path: options.xenstore }, logger });
  const hypervisor = connectSimulatedHypervisor(socketPath);
  const agent = createAgent({
    nodeName: options.name,
    kube,
    xenstore,
    hypervisor,
    clock: systemClock,
    random: Math.random,
    logger,
    version: packageInfo().version,
    ...(metrics === undefined
      ? {}
      : { metrics: metrics.ofController, kubeMetrics: metrics.ofKube, protocolMetrics: await ofAgent(metrics) }),
  });
  try {
    const where = `host=${options.name} cluster=${config.server} xenstore=${options.xenstore}`;
    await serve(context, options, logger, metrics, agent, `agent ready ${where}`);
  } finally {
    await Promise.allSettled([xenstore.close(), hypervisor.close(), kube.close()]);
  }
}

async function clusterOf(options: ProgramOptions): Promise<ClusterConfig> {
  return loadClusterConfig({
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    ...(options.context === undefined ? {} : { context: options.context }),
  });
}

/** Metrics are kept only where somebody can ask for them. */
async function openMetrics(options: ProgramOptions): Promise<Metrics | undefined> {
  if (options.probePort === undefined) return undefined;
  const { collectDefaultMetrics, Registry } = await import('prom-client');
  const { createControllerMetrics } = await import('../../runtime/metrics.ts');
  const { createKubeMetrics } = await import('../../kube/metrics.ts');
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  return { registry, ofController: createControllerMetrics(registry), ofKube: createKubeMetrics(registry) };
}

/** The cluster's, which only the controller has. */
async function ofCluster({ registry }: Metrics): Promise<CentralMetrics> {
  const { createCentralMetrics } = await import('../../controllers/central-metrics.ts');
  return createCentralMetrics(registry);
}

/** The protocol's, which only an agent has. */
async function ofAgent({ registry }: Metrics): Promise<AgentMetrics> {
  const { createAgentMetrics } = await import('../../agent/agent-metrics.ts');
  return createAgentMetrics(registry);
}

async function serve(
  { terminal, shutdown }: CommandContext,
  options: ProgramOptions,
  logger: Logger,
  metrics: Metrics | undefined,
  program: Program,
  readyLine: string,
): Promise<void> {
  // Probes come first: a program that waits for its API server is alive, and says why it is not ready.
  const probes =
    options.probePort === undefined
      ? undefined
      : await startProbes({
          port: options.probePort,
          readiness: () => program.readiness(),
          metrics: metrics?.registry,
          logger,
        });
  try {
    const started = await Promise.race([program.start().then(() => true), shutdown.requested.then(() => false)]);
    if (started) {
      terminal.out(probes === undefined ? readyLine : `${readyLine} probes=http://127.0.0.1:${probes.port}`);
      await shutdown.requested;
    }
    logger.info('stopping');
    await program.stop();
  } finally {
    await probes?.close();
  }
}
