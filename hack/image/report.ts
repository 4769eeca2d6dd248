// report.ts FOLDER: the sizes of an image whose OCI archive and inventory are in the folder, in bytes, one fact a line.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2] ?? '.';

function json<T>(...path: string[]): T {
  return JSON.parse(readFileSync(join(folder, ...path), 'utf8')) as T;
}

function blob<T>(digest: string): T {
  return json<T>('archive', 'blobs', ...digest.split(':'));
}

const index = json<{ manifests: readonly { digest: string }[] }>('archive', 'index.json');
const manifestDigest = index.manifests[0]?.digest ?? '';
const { layers } = blob<{ layers: readonly { digest: string; size: number }[] }>(manifestDigest);
const { bytes } = json<{ bytes: number }>('inventory.json');
const lines = [
  `digest ${manifestDigest}`,
  `size ${String(bytes)}`,
  ...layers.map(({ digest, size }) => `layer ${digest} ${String(size)}`),
  `packed ${String(layers.reduce((sum, layer) => sum + layer.size, 0))}`,
];
process.stdout.write(`${lines.join('\n')}\n`);
