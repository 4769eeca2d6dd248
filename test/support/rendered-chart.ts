import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import { leaseNamespace } from '../../operator/api/names.ts';
import { helmAt, type HelmResult } from './helm.ts';
import { packageRoot } from './stubdom.ts';

/** An object that the chart renders, as far as tests look into it. */
export interface Rendered {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly data?: Readonly<Record<string, string>>;
}

const chart = join(packageRoot, 'charts', 'stubdom-operator');

/** Runs helm over the chart with `values` over its defaults. */
export async function runHelm(
  helm: string,
  command: 'template' | 'lint',
  values: object = {},
  args: readonly string[] = [],
): Promise<HelmResult> {
  const home = await mkdtemp(join(tmpdir(), 'helm-'));
  try {
    const file = join(home, 'values.json');
    await writeFile(file, JSON.stringify(values));
    const what = command === 'template' ? ['template', 'stubdom', chart] : ['lint', '--strict', chart];
    return await helmAt(helm, home).run([...what, '-n', leaseNamespace, '-f', file, ...args]);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** What the chart renders with `values` over its defaults; throws with helm's words when it renders nothing. */
export async function render(helm: string, values: object = {}): Promise<Rendered[]> {
  const { code, stdout, stderr } = await runHelm(helm, 'template', values);
  if (code !== 0) throw new Error(stderr);
  return loadAll(stdout).filter((object) => object !== null && object !== undefined) as Rendered[];
}

/** The one object of that kind and name. */
export function the(objects: readonly Rendered[], kind: string, name: string): Rendered {
  const [found, another] = objects.filter((object) => object.kind === kind && object.metadata.name === name);
  if (found === undefined || another !== undefined) {
    const there = objects.map((object) => `${object.kind}/${object.metadata.name}`);
    throw new Error(`not one ${kind} ${name} among ${there.join(', ')}`);
  }
  return found;
}

interface Container {
  readonly name: string;
  readonly image: string;
  readonly args?: readonly string[];
  readonly command?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value?: string }[];
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string; readonly readOnly?: boolean }[];
}

/** A pod, as a workload or the chart itself has it. */
export interface PodSpec {
  readonly hostPID?: boolean;
  readonly hostNetwork?: boolean;
  readonly securityContext: Readonly<Record<string, unknown>>;
  readonly containers: readonly Container[];
  readonly volumes?: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[];
}

/** The pods of all workloads, by the name of the workload. */
export function pods(objects: readonly Rendered[]): Map<string, PodSpec> {
  const found = new Map<string, PodSpec>();
  for (const { kind, metadata, spec } of objects) {
    const template = (spec as { readonly template?: { readonly spec?: PodSpec } } | undefined)?.template?.spec;
    if (kind === 'Pod') found.set(metadata.name, spec as unknown as PodSpec);
    else if (template !== undefined) found.set(metadata.name, template);
  }
  return found;
}
