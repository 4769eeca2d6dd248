import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { startWorld, type World, type WorldStep } from '../../embedded/world.ts';
import { watchConvergence, type Convergence } from '../../embedded/world/convergence.ts';
import { assertNoWorld } from '../../embedded/world/runtime-dir.ts';
import { createKubeClient } from '../../kube/client.ts';
import { silentLogger, type Logger } from '../../runtime/ports.ts';
import type { CommandContext } from '../context.ts';
import { CliError } from '../failure.ts';
import { createLogger } from '../../runtime/logger.ts';
import { packageInfo } from '../package-root.ts';
import { createProgress, type Progress } from '../progress.ts';
import { formatTable } from '../table.ts';
import type { Terminal } from '../terminal.ts';
import type { UpOptions } from './up.ts';

const tableLimit = 20;
/** How often a run without a screen says how far it is. */
const reportMs = 2_000;
/** After so long without progress, the objects that are waited for are named. */
const stuckMs = 10_000;

/** Runs the embedded world until it is told to stop, or until everything is Ready with --exit-when-ready. */
export async function runUp(context: CommandContext, options: UpOptions): Promise<void> {
  const { terminal, shutdown } = context;
  const { root, version } = packageInfo();
  const kubeconfigPath = resolve(options.kubeconfig);
  await assertNoWorld(kubeconfigPath);
  const log = await openLog(options, kubeconfigPath);
  terminal.out(
    `stubdom ${version}: an embedded world. Ctrl-C ends it.${log.path === undefined ? '' : ` Log: ${shown(terminal, log.path)}`}`,
  );
  const progress = createProgress(terminal, () => performance.now());
  let world: World | undefined;
  try {
    world = await startWorld({
      hosts: options.hosts,
      stubDomains: options.stubDomains ?? 0,
      pciPerDomain: options.pciPerDomain,
      samples: options.samples === true || options.stubDomains === undefined,
      guests: options.guest ?? [],
      kubeconfigPath,
      quirks: options.quirk ?? [],
      packageRoot: root,
      version,
      logger: log.logger,
      signal: shutdown.signal,
      onStep: stepReporter(progress),
      ...(options.cluster === undefined ? {} : { cluster: resolve(options.cluster) }),
      ...(options.dataDir === undefined ? {} : { dataDir: resolve(options.dataDir) }),
      ...(options.port === undefined ? {} : { port: options.port }),
    });
    await followWorld(context, options, world, progress);
  } catch (error) {
    // Interrupted while it started: that is a clean end.
    if (!shutdown.signal.aborted) throw error;
  } finally {
    progress.end();
    if (world !== undefined) {
      if (shutdown.signal.aborted) terminal.out('Stopping.');
      await world.close();
    }
    await log.close();
  }
}

async function followWorld(
  { terminal, shutdown }: CommandContext,
  options: UpOptions,
  world: World,
  progress: Progress,
): Promise<void> {
  const kube = createKubeClient(world.cluster);
  const convergence = watchConvergence(kube, world.manifests);
  const report = reportConvergence(convergence, progress);
  try {
    const limit = options.exitWhenReady === true ? options.timeout : undefined;
    const outcome = await firstOf(convergence.allReady, shutdown.requested, limit);
    report.stop();
    if (outcome === 'stopped') return;
    progress.step(`${convergence.readyCount()} of ${convergence.total} objects are Ready`);
    progress.end();
    if (convergence.total > 0) printTable(terminal, convergence);
    if (outcome === 'late') throw new CliError(`not everything became Ready within ${options.timeout} s`);
    if (options.exitWhenReady === true) return;
    printNextSteps(terminal, world, options);
    await shutdown.requested;
  } finally {
    report.stop();
    await convergence.close();
    await kube.close();
  }
}

type Outcome = 'ready' | 'stopped' | 'late';

async function firstOf(
  ready: Promise<void>,
  stopped: Promise<void>,
  limitSeconds: number | undefined,
): Promise<Outcome> {
  const late = Promise.withResolvers<Outcome>();
  const timer = limitSeconds === undefined ? undefined : setTimeout(() => late.resolve('late'), limitSeconds * 1000);
  try {
    return await Promise.race([
      ready.then((): Outcome => 'ready'),
      stopped.then((): Outcome => 'stopped'),
      late.promise,
    ]);
  } finally {
    clearTimeout(timer);
  }
}

function stepReporter(progress: Progress): (step: WorldStep) => void {
  return (step) => {
    switch (step.kind) {
      case 'api-server':
        progress.step(`${step.embedded ? 'API server' : 'cluster'} ${step.url}`);
        return;
      case 'definitions':
        progress.step(`${step.count} resource definitions`);
        return;
      case 'controller':
        progress.step('controller');
        return;
      case 'host':
        if (step.of <= 5) progress.step(`host ${step.name}: XenStore, hypervisor, agent`);
        else if (step.count === step.of) {
          progress.live('');
          progress.step(`${step.of} hosts: XenStore, hypervisor, agent on each`);
        } else progress.live(`host ${step.count} of ${step.of}`);
        return;
      case 'applied':
        if (step.count === step.of) {
          progress.live('');
          progress.step(`${step.of} objects applied`);
        } else progress.live(`applied ${step.count} of ${step.of}`);
        return;
    }
  };
}

/** Says how far the objects are: live on a screen, now and then elsewhere, and why when nothing moves. */
function reportConvergence(convergence: Convergence, progress: Progress): { stop(): void } {
  let said = -1;
  let lastChange = performance.now();
  const show = (): void => progress.live(`${convergence.readyCount()} of ${convergence.total} objects are Ready`);
  convergence.onProgress(() => {
    lastChange = performance.now();
    show();
  });
  show();
  const timer = setInterval(() => {
    const count = convergence.readyCount();
    if (count !== said) {
      said = count;
      progress.step(`${count} of ${convergence.total} objects are Ready`);
    } else if (performance.now() - lastChange > stuckMs) {
      lastChange = performance.now();
      for (const { kind, name, reason, message } of convergence.waiting(3)) {
        progress.step(`waiting for ${kind} ${name}: ${reason}: ${message}`);
      }
    }
  }, reportMs);
  return { stop: () => clearInterval(timer) };
}

function printTable(terminal: Terminal, convergence: Convergence): void {
  const summaries = convergence.summaries();
  const failed = summaries.filter(({ ready }) => ready !== 'True');
  const shownRows = [...failed, ...summaries.filter(({ ready }) => ready === 'True')].slice(0, tableLimit);
  const rows = (summaries.length <= tableLimit ? summaries : shownRows).map((row) => [
    row.kind,
    row.name,
    row.host,
    row.phase,
    row.ready,
    row.ready === 'True' ? row.details : `${row.reason}: ${row.message}`,
  ]);
  terminal.out('');
  for (const line of formatTable(['KIND', 'NAME', 'HOST', 'PHASE', 'READY', 'DETAILS'], rows)) terminal.out(line);
  if (summaries.length > rows.length) terminal.out(`and ${summaries.length - rows.length} more`);
}

function printNextSteps(terminal: Terminal, world: World, options: UpOptions): void {
  const [socket] = Object.values(world.xenstores);
  const first = world.manifests.find(({ kind }) => kind === 'StubDomain')?.metadata.name;
  terminal.out('');
  terminal.out('Try, in another terminal:');
  terminal.out(`  export KUBECONFIG=${shellWord(world.kubeconfigPath)}`);
  terminal.out('  kubectl get stubdomains,pciattachments,xenhosts');
  if (first !== undefined) {
    terminal.out(`  kubectl patch stubdomain ${first} --type=merge -p '{"spec":{"runState":"Paused"}}'`);
    terminal.out(`  kubectl describe stubdomain ${first}`);
  }
  if (socket !== undefined) terminal.out(`  npm run -s stubdom -- xenstore ls --socket ${shellWord(socket)}`);
  if (options.hosts > 1) terminal.out('  kubectl get stubdomains --field-selector status.nodeName=xen-2');
  if (options.cluster !== undefined) {
    terminal.out('');
    terminal.out('Before you end this, delete your objects: their finalizers wait for an agent.');
  }
}

/** `text` as one word of a shell's command line. */
function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The log goes to a file beside the kubeconfig, so that it does not disturb the screen. */
async function openLog(
  options: UpOptions,
  kubeconfigPath: string,
): Promise<{ logger: Logger; path?: string; close(): Promise<void> }> {
  if (options.verbose === true) {
    return { logger: await createLogger({ level: 'info', format: 'auto' }), close: async () => {} };
  }
  const path = join(dirname(kubeconfigPath), 'up.log');
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const stream = createWriteStream(path, { flags: 'w' });
    await new Promise((opened, failed) => stream.once('open', opened).once('error', failed));
    return {
      logger: await createLogger({ level: 'info', format: 'json', stream }),
      path,
      close: () => new Promise((closed) => stream.end(() => closed())),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EROFS') return { logger: silentLogger, close: async () => {} };
    throw error;
  }
}

function shown(terminal: Terminal, path: string): string {
  const short = relative(terminal.cwd, path);
  return short.startsWith('..') ? path : short;
}
