import { chmod, lstat, mkdir } from 'node:fs/promises';
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
    const { code } = error as { code?: unknown };
    throw refusal(path, typeof code === 'string' && /^E[A-Z0-9]{1,24}$/.test(code) ? code : 'it cannot be made');
  }
}

function refusal(path: string, why: string): HypervisorError {
  return new HypervisorError(
    'Unavailable',
    `The agent cannot keep its files in ${path}: ${why}. Run it as root, and remove what is there in its place.`,
  );
}
