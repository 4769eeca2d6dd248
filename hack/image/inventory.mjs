// Runs in the image: what is in it, as JSON. There is no shell there to look with.
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const packages = readdirSync('/var/lib/dpkg/status.d').map((name) =>
  Object.fromEntries(
    readFileSync(join('/var/lib/dpkg/status.d', name), 'utf8')
      .split('\n')
      .map((line) => /^(Package|Version|Architecture|Source): (.+)$/.exec(line))
      .filter((match) => match !== null)
      .map(([, field, value]) => [field.toLowerCase(), value]),
  ),
);
const release = /^VERSION_ID="?([^"\n]+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1];

const writable = [];
const native = [];
const setId = [];
let bytes = 0;
// What the run time mounts is not the image's.
const mounted = new Set(['/proc', '/sys', '/dev', '/run', '/etc/hosts', '/etc/resolv.conf', '/etc/hostname']);
// By the owner and the mode: a container's root may be mounted read-only.
const [uid, gid] = [process.getuid(), process.getgid()];
function writableBy({ mode, uid: owner, gid: group }) {
  if (owner === uid) return (mode & 0o200) !== 0;
  return (mode & (group === gid ? 0o020 : 0o002)) !== 0;
}
function walk(path) {
  if (mounted.has(path)) return;
  const found = lstatSync(path);
  if (found.isSymbolicLink()) return;
  if (writableBy(found)) writable.push(path);
  if (!found.isDirectory()) {
    bytes += found.size;
    if ((found.mode & 0o6000) !== 0) setId.push(path);
    if (path.startsWith('/opt/') && isNative(path)) native.push(path);
    return;
  }
  for (const name of readdirSync(path)) walk(join(path, name));
}
const magics = new Set(['7f454c46', 'cffaedfe', 'cefaedfe', 'cafebabe']);
function isNative(path) {
  const start = readFileSync(path).subarray(0, 4);
  return magics.has(start.toString('hex')) || start.toString('latin1', 0, 2) === 'MZ';
}
walk('/');

// The npm packages, by the files that say so.
const modules = new Set();
function modulesBelow(folder) {
  if (!existsSync(folder)) return;
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (name.startsWith('@')) {
      modulesBelow(path);
      continue;
    }
    const { name: called, version } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    modules.add(`${called}@${version}`);
    modulesBelow(join(path, 'node_modules'));
  }
}
modulesBelow('/opt/stubdom/node_modules');
process.stdout.write(
  JSON.stringify({
    uid: process.getuid(),
    node: process.versions.node,
    arch: process.arch,
    debian: release,
    packages,
    modules: [...modules].sort(),
    bytes,
    writable,
    native,
    setId,
  }),
);
