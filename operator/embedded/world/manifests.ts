import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { loadAll } from 'js-yaml';

/** An object as a manifest holds it: not yet known to an API server. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** The operator's CustomResourceDefinitions, from the package's own files. */
export async function loadCustomResourceDefinitions(packageRoot: string): Promise<Manifest[]> {
  return loadFolder(join(packageRoot, 'crds'));
}

/** The sample objects, from the package's own files. */
export async function loadSamples(packageRoot: string): Promise<Manifest[]> {
  return loadFolder(join(packageRoot, 'crds', 'samples'));
}

async function loadFolder(folder: string): Promise<Manifest[]> {
  const names = (await readdir(folder)).filter((name) => /\.ya?ml$/.test(name)).sort();
  const files = await Promise.all(
    names.map(async (name) => parseManifests(await readFile(join(folder, name), 'utf8'), name)),
  );
  return files.flat();
}

/** All objects of a YAML file. `source` is for the message when one is not an object of Kubernetes. */
export function parseManifests(yaml: string, source: string): Manifest[] {
  return loadAll(yaml)
    .filter((document) => document !== null && document !== undefined)
    .map((document, index) => {
      if (!isManifest(document))
        throw new TypeError(`${source}: document ${index + 1} has no apiVersion, kind and metadata.name`);
      return document;
    });
}

function isManifest(value: unknown): value is Manifest {
  if (typeof value !== 'object' || value === null) return false;
  const { apiVersion, kind, metadata } = value as {
    apiVersion?: unknown;
    kind?: unknown;
    metadata?: { name?: unknown } | null;
  };
  return typeof apiVersion === 'string' && typeof kind === 'string' && typeof metadata?.name === 'string';
}
