// What the lab's boot files are made with:
//   boot-file.ts xz-part FILE               what is in FILE from its first xz stream on
//   boot-file.ts closure MODULES.DEP NAME…  paths of the named kernel modules and of all that they need, in loading order
//   boot-file.ts cpio FOLDER                an initrd (cpio, "newc") of FOLDER, everything root's, with /dev/console and /dev/null
import { lstatSync, readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';

const xzMagic = Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]);

function xzPart(file: string): Buffer {
  const data = readFileSync(file);
  const start = data.indexOf(xzMagic);
  if (start < 0) throw new Error(`${file} has no xz stream`);
  return data.subarray(start);
}

function moduleName(path: string): string {
  return (basename(path).split('.')[0] ?? '').replaceAll('-', '_');
}

function closure(modulesDep: string, names: readonly string[]): string[] {
  const needs = new Map<string, readonly string[]>();
  for (const line of readFileSync(modulesDep, 'utf8').split('\n')) {
    const [path, rest] = line.split(':');
    if (path !== undefined && rest !== undefined) needs.set(path, rest.split(' ').filter(Boolean));
  }
  const order = new Set<string>();
  const add = (path: string): void => {
    for (const needed of (needs.get(path) ?? []).toReversed()) add(needed);
    order.add(path);
  };
  for (const name of names) {
    const path = [...needs.keys()].find((candidate) => moduleName(candidate) === name.replaceAll('-', '_'));
    if (path === undefined) process.stderr.write(`boot-file.ts: no module ${name}: built in?\n`);
    else add(path);
  }
  return [...order];
}

interface Entry {
  readonly name: string;
  readonly mode: number;
  readonly data: Buffer;
  /** Of a character device. */
  readonly device?: readonly [major: number, minor: number];
}

const none = Buffer.alloc(0);

function entriesOf(root: string, below = ''): Entry[] {
  return readdirSync(join(root, below))
    .sort()
    .flatMap((child): Entry[] => {
      const name = join(below, child);
      const path = join(root, name);
      const found = lstatSync(path);
      if (found.isSymbolicLink()) return [{ name, mode: 0o120777, data: Buffer.from(readlinkSync(path)) }];
      if (found.isDirectory()) return [{ name, mode: 0o040755, data: none }, ...entriesOf(root, name)];
      return [{ name, mode: 0o100000 | (found.mode & 0o777), data: readFileSync(path) }];
    });
}

function* cpio(root: string): Generator<Buffer> {
  const devices: Entry[] = [
    { name: 'dev/console', mode: 0o020600, data: none, device: [5, 1] },
    { name: 'dev/null', mode: 0o020666, data: none, device: [1, 3] },
  ];
  const entries = [...entriesOf(root), ...devices, { name: 'TRAILER!!!', mode: 0, data: none }];
  for (const [index, { name, mode, data, device = [0, 0] }] of entries.entries()) {
    const path = Buffer.from(`${name}\0`);
    // inode, mode, uid, gid, links, time, size, device, device node, length of the name, no checksum
    const fields = [index + 1, mode, 0, 0, 1, 0, data.length, 0, 0, ...device, path.length, 0];
    const head = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
    yield padded(Buffer.concat([Buffer.from(head), path]));
    yield padded(data);
  }
}

function padded(data: Buffer): Buffer {
  return Buffer.concat([data, Buffer.alloc(-data.length & 3)]);
}

function write(data: Buffer): void {
  for (let at = 0; at < data.length;) at += writeSync(1, data, at);
}

const [what = '', path = '', ...names] = process.argv.slice(2);
if (what === 'xz-part') write(xzPart(path));
else if (what === 'closure')
  write(
    Buffer.from(
      closure(path, names)
        .map((module) => `${module}\n`)
        .join(''),
    ),
  );
else if (what === 'cpio') for (const part of cpio(path)) write(part);
else throw new Error(`boot-file.ts does not know '${what}'`);
