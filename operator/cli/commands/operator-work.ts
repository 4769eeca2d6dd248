import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { openXenStore } from '../../xenstore/client.ts';
import type { Registry } from 'prom-client';
import { createAgent } from '../../agent/agent.ts';
import { createCentral } from '../../controllers/central.ts';
import { leaderLeaseName, leaseNamespace } from '../../api/names.ts';
import { createKubeClient } from '../../kube/client.ts';
import { loadClusterConfig, type ClusterConfig } from '../../kube/config.ts';
import type { CentralMetrics } from '../../controllers/central-metrics.ts';
import type { AgentMetrics } from '../../agent/agent-metrics.ts';
import { createElection, type Election } from '../../kube/leader-election.ts';
import type { KubeClient } from '../../kube/types.ts';
import { CliError } from '../failure.ts';
import { openHypervisor } from '../open-hypervisor.ts';
import type { KubeMetrics } from '../../kube/metrics.ts';
import type { ControllerMetricsFactory } from '../../runtime/metrics.ts';
import { systemClock, type Logger } from '../../runtime/ports.ts';
import { startProbes } from '../../runtime/probes.ts';
import type { CommandContext } from '../context.ts';
import { createLogger } from '../../runtime/logger.ts';
import { packageInfo } from '../package-root.ts';
import { isXenbusDevice, requireLiveSocket } from '../sockets.ts';
import { elected, type Program } from './elected.ts';
import type { AgentOptions, ControllerOptions, ProgramOptions } from './operator.ts';

/** As client-go's: seconds that a leader that died is waited for. */
const leaseSeconds = 15;

interface Metrics {
  readonly registry: Registry;
  readonly ofController: ControllerMetricsFactory;
  readonly ofKube: KubeMetrics;
}

/** Runs the controller until it is told to stop. */
export async function runController(context: CommandContext, options: ControllerOptions): Promise<void> {
  const config = await clusterOf(options);
  const logger = await createLogger({ level: options.logLevel, format: 'auto' });
  const metrics = await openMetrics(options);
  const counted = metrics === undefined ? {} : { onRequest: metrics.ofKube.onRequest };
  // The Lease is taken and kept by a client of its own: that of the controller writes only while we lead.
  const ofLease = options.leaderElect === true ? createKubeClient(config, { logger, ...counted }) : undefined;
  const election = ofLease === undefined ? undefined : candidate(ofLease, logger);
  const kube = createKubeClient(config, {
    logger,
    ...counted,
    ...(election === undefined ? {} : { mayWrite: () => election.leading }),
  });
  const central = createCentral({
    kube,
    clock: systemClock,
    random: Math.random,
    logger,
    instance: hostname(),
    ...(metrics === undefined
      ? {}
      : { metrics: metrics.ofController, kubeMetrics: metrics.ofKube, centralMetrics: await ofCluster(metrics) }),
  });
  try {
    const program = election === undefined ? central : elected(central, election);
    await serve(context, options, logger, metrics, program, `controller ready cluster=${config.server}`);
  } finally {
    await Promise.all([kube.close(), ofLease?.close()]);
  }
}

/** Stands for election, under a name that no other process has had. */
function candidate(client: KubeClient, logger: Logger): Election {
  const holder = `${hostname()}_${randomUUID()}`;
  const claim = { namespace: leaseNamespace, name: leaderLeaseName, holder, durationSeconds: leaseSeconds };
  logger.info('waiting to be elected', { lease: claim.name, holder });
  return createElection({ client, clock: systemClock, random: Math.random, logger, claim });
}

/** Runs the agent of one host until it is told to stop. */
export async function runAgent(context: CommandContext, options: AgentOptions): Promise<void> {
  const config = await clusterOf(options);
  const kind = (await isXenbusDevice(options.xenstore)) ? 'xenbus' : 'socket';
  if (kind === 'socket') {
    await requireLiveSocket(options.xenstore, 'XenStore daemon', 'Start it, or name another with --xenstore');
  }
  if (options.hypervisor.driver === 'simulated') {
    const { socketPath } = options.hypervisor;
    const hint = "Start 'stubdom embedded host' with --hypervisor-socket";
    await requireLiveSocket(socketPath, 'simulated hypervisor', hint);
  }

  const logger = (await createLogger({ level: options.logLevel, format: 'auto' })).child({ host: options.name });
  const metrics = await openMetrics(options);
  const kube = createKubeClient(config, {
    logger,
    ...(metrics === undefined ? {} : { onRequest: metrics.ofKube.onRequest }),
  });
  const xenstore = openXenStore({ transport: { kind, path: options.xenstore }, logger });
  const hypervisor = await openHypervisor(options.hypervisor, xenstore);
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
    const lost = program.lost ?? new Promise<never>(() => {});
    const first = await Promise.race([program.start().then(() => 'started'), shutdown.requested, lost]);
    if (first === 'started') {
      terminal.out(probes === undefined ? readyLine : `${readyLine} probes=http://127.0.0.1:${probes.port}`);
    }
    const end = first === 'started' ? await Promise.race([shutdown.requested, lost]) : first;
    // Not stopped in order: what is under way must not be written by one that decides no more.
    if (end instanceof CliError) throw end;
    logger.info('stopping');
    await program.stop();
  } finally {
    await probes?.close();
  }
}
