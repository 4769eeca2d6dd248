import { chmod, lstat, mkdir } from 'node:fs/promises';
import { errnoOf } from '../errno-of.ts';
import { HypervisorError } from '../hypervisor.ts';

/** Makes the folder, or accepts it as it is if nobody but us (and root) can have put anything there. Throws `Unavailable`. */
export async function requireOwnFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700, recursive: true });
    const facts = await lstat(path);
    const ours = facts.isDirectory() && [0, process.geteuid?.()].includes(facts.uid);
    if (!ours) throw refusal(path, 'it is not a folder of root');
    if ((facts.mode & 0o077) !== 0) await chmod(path, 0o700);
  } catch (error) {
    if (error instanceof HypervisorError) throw error;
    throw refusal(path, errnoOf(error) ?? 'it cannot be made');
  }
}

function refusal(path: string, why: string): HypervisorError {
  return new HypervisorError(
    'Unavailable',
    `The agent cannot keep its files in ${path}: ${why}. Run it as root, and remove what is there in its place.`,
  );
}
