import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What points at a blob. */
export interface Descriptor {
  readonly digest: string;
  /** Bytes, as it is stored: packed. */
  readonly size: number;
}

/** The manifest of an image. */
export interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

function json(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** Where an OCI layout keeps a blob. */
export function blobPath(layout: string, digest: string): string {
  return join(layout, 'blobs', ...digest.split(':'));
}

/** The manifest of the one image in an OCI layout, and its digest. Throws when there is not exactly one. */
export function readManifest(layout: string): { readonly digest: string; readonly manifest: Manifest } {
  const { manifests } = json(join(layout, 'index.json')) as { manifests: readonly Descriptor[] };
  const [only] = manifests;
  if (only === undefined || manifests.length > 1) throw new Error(`${layout}: one image was expected`);
  return { digest: only.digest, manifest: json(blobPath(layout, only.digest)) as Manifest };
}
