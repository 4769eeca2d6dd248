import { setTimeout as sleep } from 'node:timers/promises';
import { customResourceDefinitions, namespaces, pciAttachments, stubDomains, xenHosts } from '../../kube/resources.ts';
import type { KubeClient, KubeObject, ResourceType } from '../../kube/types.ts';
import type { Manifest } from './manifests.ts';

/** As kubectl's own server-side apply: whoever applies the same file later owns the same fields, without a conflict. */
const fieldManager = 'kubectl';

const known: readonly ResourceType[] = [customResourceDefinitions, namespaces, stubDomains, pciAttachments, xenHosts];

interface CustomResourceDefinition extends KubeObject {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

/** Applies `manifests` in order, `parallel` at a time, and tells `onApplied` how many are in. */
export async function applyManifests(
  kube: KubeClient,
  manifests: readonly Manifest[],
  options: { readonly parallel: number; readonly signal: AbortSignal; readonly onApplied?: (count: number) => void },
): Promise<void> {
  let applied = 0;
  const queue = manifests.values();
  const worker = async (): Promise<void> => {
    for (const manifest of queue) {
      options.signal.throwIfAborted();
      await kube.apply(typeOf(manifest), manifest, { fieldManager, force: true });
      applied += 1;
      options.onApplied?.(applied);
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.parallel, manifests.length) }, worker));
}

/** Waits until the API server serves the kinds of `definitions`. */
export async function waitForEstablished(
  kube: KubeClient,
  definitions: readonly Manifest[],
  signal: AbortSignal,
): Promise<void> {
  for (const { metadata } of definitions) {
    for (;;) {
      const definition = await kube.get<CustomResourceDefinition>(customResourceDefinitions, { name: metadata.name });
      const conditions = definition.status?.conditions ?? [];
      if (conditions.some(({ type, status }) => type === 'Established' && status === 'True')) break;
      await sleep(100, undefined, { signal });
    }
  }
}

/** A namespace to apply. */
export function namespaceManifest(name: string): Manifest {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

function typeOf({ kind, metadata }: Manifest): ResourceType {
  const type = known.find((candidate) => candidate.kind === kind);
  if (type === undefined) throw new TypeError(`${kind} ${metadata.name}: the embedded world does not apply this kind`);
  return type;
}
