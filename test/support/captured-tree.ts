import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** Files of a real host, unpacked into a folder of their own. */
export interface CapturedTree {
  readonly root: string;
  remove(): Promise<void>;
}

/** Unpacks a capture: lines `L path target`, `D path`, `F path base64`; links stay as they were, relative. */
export async function unpackTree(file: string | URL): Promise<CapturedTree> {
  const root = await mkdtemp(join(tmpdir(), 'captured-'));
  for (const line of (await readFile(file, 'utf8')).split('\n')) {
    const [kind, path = '', content = ''] = line.split(' ');
    const at = join(root, path);
    if (kind === 'D') await mkdir(at, { recursive: true });
    if (kind !== 'F' && kind !== 'L') continue;
    await mkdir(dirname(at), { recursive: true });
    if (kind === 'F') await writeFile(at, Buffer.from(content, 'base64'));
    else await symlink(content, at);
  }
  return { root, remove: async () => rm(root, { recursive: true, force: true }) };
}
