import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from './stubdom.ts';

const run = promisify(execFile);

/** All that decides what is in the artifact. */
const inputs = ['operator', 'crds', 'hack/dom0', 'hack/xen-lab/disk.sh', 'package.json', 'package-lock.json'];

/**
 * The artifact of hack/dom0/artifact.sh, unpacked by tar into an image that a lab mounts as /opt. Both are kept while the sources stay the same.
 */
export interface DomainZeroArtifact {
  readonly image: string;
  /** What artifact.sh said of its size in bytes. */
  readonly said: string;
}

/** Makes the artifact and its image, if they are not there. */
export async function makeDomainZeroArtifact(): Promise<DomainZeroArtifact> {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const base = join(process.env['STUBDOM_CACHE_DIR'] ?? join(cache, 'stubdom-operator'), 'xen-lab', 'artifacts');
  const folder = join(base, await keyOfInputs());
  const answer = async (): Promise<DomainZeroArtifact> => ({
    image: join(folder, 'opt.img'),
    said: (await readFile(join(folder, 'said'), 'utf8')).trim().split('\n').slice(1).join(', '),
  });
  const there = await access(folder).then(
    () => true,
    () => false,
  );
  if (there) return answer();
  await mkdir(base, { recursive: true });
  const work = await mkdtemp(join(base, 'new.'));
  try {
    const script = join(packageRoot, 'hack', 'dom0', 'artifact.sh');
    const { stdout } = await run('bash', ['-c', `set -o pipefail; "$0" "$1" | tee "$1/said"`, script, work]);
    const archive = stdout.split('\n')[0] ?? '';
    await mkdir(join(work, 'opt'));
    await run('tar', ['-xzf', archive, '-C', join(work, 'opt')]);
    await run(join(packageRoot, 'hack', 'xen-lab', 'disk.sh'), [join(work, 'opt'), join(work, 'opt.img')]);
    await rm(join(work, 'opt'), { recursive: true });
    await rm(archive);
    for (const old of await readdir(base)) {
      if (!old.startsWith('new.') || (await isOld(join(base, old))))
        await rm(join(base, old), { recursive: true, force: true });
    }
    await rename(work, folder);
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    throw error;
  }
  return answer();
}

/** What a run left that was killed while it made it. */
async function isOld(path: string): Promise<boolean> {
  const { mtimeMs } = await stat(path);
  return Date.now() - mtimeMs > 3_600_000;
}

async function keyOfInputs(): Promise<string> {
  const hash = createHash('sha256');
  for (const input of inputs) {
    for (const file of await filesBelow(join(packageRoot, input)))
      hash.update(`${file}\0`).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 16);
}

async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => undefined);
  if (entries === undefined) return [path];
  const nested = entries.map((entry) => filesBelow(join(path, entry.name)));
  return (await Promise.all(nested)).flat().sort();
}
