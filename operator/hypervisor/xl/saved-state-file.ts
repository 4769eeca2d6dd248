import { lstat } from 'node:fs/promises';
import { posix } from 'node:path';
import { errnoOf } from '../errno-of.ts';
import { type FileFacts, HypervisorError } from '../hypervisor.ts';
import { isSavePath } from '../save-path.ts';

const absent: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR']);

/**
 * A saved state below /var/lib/xen, which is below `root` in tests; undefined if there is no regular file. Neither the file
 * nor a folder on the way below /var/lib/xen may be a link. Throws `InvalidArgument` for any other path.
 */
export async function inspectSavedState(path: string, root = '/'): Promise<FileFacts | undefined> {
  if (!isSavePath(path)) {
    throw new HypervisorError(
      'InvalidArgument',
      'Only saved states below /var/lib/xen are looked at. Give such a path.',
    );
  }
  try {
    await requireFolders(posix.join(root, 'var/lib/xen'), path.split('/').slice(4, -1));
    const facts = await lstat(posix.join(root, path));
    return facts.isFile() ? { size: facts.size, modifiedAt: Math.trunc(facts.mtimeMs) } : undefined;
  } catch (error) {
    const errno = errnoOf(error) ?? 'EIO';
    if (absent.has(errno)) return undefined;
    throw new HypervisorError(
      'Unavailable',
      `${path} cannot be looked at (${errno}). Run the agent as root in dom0, and see the file system.`,
      { cause: error },
    );
  }
}

async function requireFolders(base: string, names: readonly string[]): Promise<void> {
  let folder = base;
  for (const name of names) {
    folder = posix.join(folder, name);
    if (!(await lstat(folder)).isDirectory()) throw Object.assign(new Error('a link'), { code: 'ENOTDIR' });
  }
}
