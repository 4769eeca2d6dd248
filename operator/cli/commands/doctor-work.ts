import { systemClock } from '../../runtime/ports.ts';
import type { CommandContext } from '../context.ts';
import { CliError, oneLine } from '../failure.ts';
import type { Check, Verdict } from './doctor-check.ts';
import { checkCluster, type ClusterObjects } from './doctor-cluster.ts';
import { checkHost } from './doctor-host.ts';
import type { DoctorOptions } from './doctor.ts';

const verdicts: readonly Verdict[] = ['ok', 'warn', 'fail'];

/** All checks that were asked for, in the order in which they are shown. Nothing is changed and nothing is thrown. */
export async function diagnose(context: CommandContext, options: DoctorOptions): Promise<readonly Check[]> {
  const cluster = await checkCluster({
    role: options.for,
    now: systemClock.now(),
    ...(options.kubeconfig === undefined ? {} : { kubeconfig: options.kubeconfig }),
    ...(options.context === undefined ? {} : { context: options.context }),
  });
  return options.host === true
    ? [...cluster.checks, ...(await hostChecks(context, options, cluster.objects))]
    : cluster.checks;
}

async function hostChecks(
  { terminal, shutdown }: CommandContext,
  options: DoctorOptions,
  objects: ClusterObjects | undefined,
): Promise<readonly Check[]> {
  const xenstore = options.xenstore ?? terminal.env['XENSTORED_PATH'];
  return checkHost({
    root: options.root,
    objects,
    signal: shutdown.signal,
    ...(xenstore === undefined ? {} : { xenstore }),
    ...(options.hypervisor === undefined ? {} : { hypervisor: options.hypervisor }),
  });
}

/** How many checks came to what. */
export function countVerdicts(checks: readonly Check[]): Readonly<Record<Verdict, number>> {
  const [ok, warn, fail] = verdicts.map((verdict) => checks.filter((check) => check.verdict === verdict).length);
  return { ok: ok ?? 0, warn: warn ?? 0, fail: fail ?? 0 };
}

/** The checks as lines for people: the next step below what it is about. */
export function checkLines(checks: readonly Check[]): string[] {
  const width = Math.max(...checks.map(({ check }) => check.length), 'CHECK'.length);
  const indent = ' '.repeat(width + 12);
  return [
    `${'CHECK'.padEnd(width)}   RESULT   WHAT`,
    ...checks.flatMap(({ check, verdict, what, next }) => [
      `${check.padEnd(width)}   ${verdict.padEnd(6)}   ${oneLine(what)}`,
      ...(next === undefined ? [] : [`${indent}→ ${oneLine(next)}`]),
    ]),
  ];
}

/** `doctor`: exit code 1 if a check failed. */
export async function runDoctor(context: CommandContext, options: DoctorOptions): Promise<void> {
  const checks = await diagnose(context, options);
  const count = countVerdicts(checks);
  const { terminal } = context;
  if (options.output === 'json') terminal.out(JSON.stringify({ checks, count }, null, 2));
  else for (const line of checkLines(checks)) terminal.out(line);
  if (options.output === 'table') {
    terminal.out('');
    terminal.out(`${String(count.ok)} ok, ${String(count.warn)} to look at, ${String(count.fail)} failed`);
  }
  if (count.fail > 0) throw new CliError(`${String(count.fail)} of ${String(checks.length)} checks failed`);
}
