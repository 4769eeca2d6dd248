// unpack.ts FOLDER: makes `rootfs` and `config.json` of the OCI layout `archive` in the folder, as a container's run time would.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { blobPath, readManifest } from './oci-layout.ts';

const folder = process.argv[2] ?? '.';
const archive = join(folder, 'archive');
const rootfs = join(folder, 'rootfs');
const { config, layers } = readManifest(archive).manifest;
copyFileSync(blobPath(archive, config.digest), join(folder, 'config.json'));
// Later layers may delete files of earlier ones, which tar does not know of.
if (layers.length !== 1) throw new Error(`an image of one layer was expected, this has ${layers.length}`);
mkdirSync(rootfs);
for (const { digest } of layers) {
  const options = ['--extract', '--gzip', '--preserve-permissions', '--numeric-owner'];
  const { status } = spawnSync('tar', [...options, '--file', blobPath(archive, digest), '--directory', rootfs], {
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error(`tar cannot unpack ${digest}`);
}
