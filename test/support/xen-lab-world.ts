import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startApiServer } from '../../operator/embedded/api-server/server.ts';
import { createKubeClient } from '../../operator/kube/client.ts';
import { loadClusterConfig } from '../../operator/kube/config.ts';
import { namespaces } from '../../operator/kube/resources.ts';
import { leaseNamespace } from '../../operator/api/names.ts';
import type { DomainZeroAgent } from './xen-lab-agent.ts';
import { makeDomainZeroArtifact } from './xen-lab-artifact.ts';
import { ProcessAgent } from './xen-lab-process.ts';
import { XenLabSteps } from './xen-lab-steps.ts';
import { UnitAgent } from './xen-lab-unit.ts';
import { XenLab, type XenLabOptions } from './xen-lab.ts';
import { projectCrds } from './sample-crds.ts';
import { StubdomProcess } from './stubdom.ts';
import { WorldObjects } from './world-objects.ts';

/** This machine's loopback, as dom0 sees it. */
const loopbackOfDom0 = '10.0.2.2';

/** What a world is made of. */
export interface XenLabWorldOptions extends Pick<XenLabOptions, 'daemon'> {
  /** How the agent is run: as a process, or as its unit by a dom0 whose pid 1 is systemd. */
  readonly agent: 'process' | 'unit';
}

/** A real Xen host with the agent in its dom0, beside an API server and a controller on this machine. */
export interface XenLabWorld {
  readonly lab: XenLab;
  readonly agent: DomainZeroAgent;
  readonly objects: WorldObjects;
  readonly steps: XenLabSteps;
  /** Powers off and ends the rest. The logs stay, and standard error says where. */
  close(): Promise<void>;
}

/** Makes the artifact, boots the lab, and starts API server and controller. The agent is the caller's to start. */
export async function startXenLabWorld({ daemon, agent }: XenLabWorldOptions): Promise<XenLabWorld> {
  const steps = new XenLabSteps(daemon);
  const share = await mkdtemp(join(tmpdir(), `xen-lab-${daemon}-`));
  process.stderr.write(`logs of the lab with ${daemon}: ${share}\n`);
  const closers: (() => Promise<unknown>)[] = [];
  const close = async (): Promise<void> => {
    for (const closer of closers.splice(0).reverse()) await closer();
    steps.print();
    process.stderr.write(`logs of the lab with ${daemon}: ${share}\n`);
  };
  try {
    const { image } = await steps.step('artifact', async () => {
      const made = await makeDomainZeroArtifact();
      process.stderr.write(`archive for dom0s: ${made.said}\n`);
      return made;
    });
    const kubeconfigPath = join(share, 'admin.kubeconfig');
    const server = await startApiServer({ kubeconfigPath, crds: projectCrds() });
    closers.push(() => server.close());
    await writeFile(join(share, 'kubeconfig'), seenFromDom0(await readFile(kubeconfigPath, 'utf8')), { mode: 0o600 });
    const kube = createKubeClient(await loadClusterConfig({ kubeconfig: kubeconfigPath }));
    closers.push(() => kube.close());
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: leaseNamespace } };
    await kube.apply(namespaces, namespace, { fieldManager: 'test', force: true });
    const controller = new StubdomProcess(['controller', '--kubeconfig', kubeconfigPath]);
    closers.push(async () => {
      const { stdout, stderr } = await controller.stop();
      await writeFile(join(share, 'controller.log'), `${stdout}${stderr}`);
    });
    await controller.output(/controller ready/);
    const [init, Agent] = agent === 'unit' ? (['systemd', UnitAgent] as const) : (['labjobs', ProcessAgent] as const);
    const lab = await steps.step('boot', () => XenLab.start({ daemon, init, share, opt: image }));
    closers.push(() => steps.step('power off', () => lab.stop()));
    return { lab, agent: new Agent(lab), objects: new WorldObjects(kube), steps, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The server's certificate is for loopback: the client is told which name to expect. */
function seenFromDom0(kubeconfig: string): string {
  const seen = kubeconfig.replace(/^( +)server: https:\/\/127\.0\.0\.1:(\d+)$/m, (_, indent: string, port: string) =>
    [`${indent}server: https://${loopbackOfDom0}:${port}`, `${indent}tls-server-name: localhost`].join('\n'),
  );
  if (seen === kubeconfig) throw new Error('the kubeconfig names no server on loopback');
  return seen;
}
