import { isForbidden } from '../../kube/errors.ts';
import { customResourceDefinitions } from '../../kube/resources.ts';
import type { KubeClient, KubeObject } from '../../kube/types.ts';
import { loadCustomResourceDefinitions, type Manifest } from '../../embedded/world/manifests.ts';
import { packageInfo } from '../package-root.ts';
import { type Check, fail, ok, warn } from './doctor-check.ts';

interface Definition extends KubeObject {
  readonly spec?: unknown;
  readonly status?: { readonly conditions?: readonly { readonly type?: unknown; readonly status?: unknown }[] };
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Words for people: they may differ. */
const spoken = new Set(['description', 'message']);

/**
 * Where `theirs` is not what `ours` asks for; undefined: nowhere. An API server adds defaults, so that what only it has counts
 * only among the fields of an object (`properties`).
 */
export function firstDifference(ours: unknown, theirs: unknown, path = ''): string | undefined {
  if (Array.isArray(ours)) {
    if (!Array.isArray(theirs) || theirs.length !== ours.length) return path;
    for (const [index, item] of ours.entries()) {
      const found = firstDifference(item, theirs[index], `${path}[${String(index)}]`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  if (!isRecord(ours)) return ours === theirs ? undefined : path;
  if (!isRecord(theirs)) return path;
  for (const [key, value] of Object.entries(ours)) {
    if (spoken.has(key) && typeof value === 'string') continue;
    const found = firstDifference(value, theirs[key], path === '' ? key : `${path}.${key}`);
    if (found !== undefined) return found;
  }
  if (!path.endsWith('.properties')) return undefined;
  const stranger = Object.keys(theirs).find((key) => !(key in ours));
  return stranger === undefined ? undefined : `${path}.${stranger}`;
}

const install =
  'Apply the CustomResourceDefinitions of this version: kubectl apply --server-side -f crds/, or helm upgrade.';

async function checkDefinition(kube: KubeClient, wanted: Manifest): Promise<Check | undefined> {
  const { name } = wanted.metadata;
  const found = await kube.tryGet<Definition>(customResourceDefinitions, { name });
  if (found === undefined) return fail('crds', `${name} is not installed.`, install);
  const established = found.status?.conditions?.some(({ type, status }) => type === 'Established' && status === 'True');
  if (established !== true) {
    return fail('crds', `${name} is not served yet.`, `See why: kubectl describe crd ${name}.`);
  }
  const difference = firstDifference(wanted.spec, found.spec);
  if (difference === undefined) return undefined;
  return fail('crds', `${name} is of another version: spec.${difference} differs.`, install);
}

/** Whether the kinds are installed as this version has them. */
export async function checkDefinitions(kube: KubeClient): Promise<readonly Check[]> {
  const { root, version } = packageInfo();
  const definitions = await loadCustomResourceDefinitions(root);
  try {
    const wrong = (await Promise.all(definitions.map((one) => checkDefinition(kube, one)))).filter(
      (check) => check !== undefined,
    );
    if (wrong.length > 0) return wrong;
    return [ok('crds', `All ${String(definitions.length)} are installed, as of stubdom ${version}.`)];
  } catch (error) {
    if (!isForbidden(error)) throw error;
    return [
      warn(
        'crds',
        'The user of the kubeconfig may not read CustomResourceDefinitions.',
        'Ask somebody who may: kubectl get crds.',
      ),
    ];
  }
}
