// report.ts FOLDER: the sizes of an image whose inventory and, from a builder, OCI layout are in the folder, in bytes, one fact a line.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readManifest } from './oci-layout.ts';

const folder = process.argv[2] ?? '.';
const { bytes } = JSON.parse(readFileSync(join(folder, 'inventory.json'), 'utf8')) as { bytes: number };
const lines = [`size ${bytes}`];
const archive = join(folder, 'archive');
if (existsSync(archive)) {
  const { digest, manifest } = readManifest(archive);
  lines.push(
    `digest ${digest}`,
    ...manifest.layers.map((layer) => `layer ${layer.digest} ${layer.size}`),
    `packed ${manifest.layers.reduce((sum, layer) => sum + layer.size, 0)}`,
  );
}
process.stdout.write(`${lines.join('\n')}\n`);
