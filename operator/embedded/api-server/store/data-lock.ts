import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ApiServerStartError } from '../start-error.ts';

/** Held while one process writes to a data directory. */
export interface DataLock {
  release(): Promise<void>;
}

/**
 * Takes the lock file of `dataDir`. It names the process and the moment that process started, so that a file left by a
 * killed process (or by a process whose number was given out again) is recognised and taken over.
 */
export async function takeDataLock(dataDir: string, pid = process.pid): Promise<DataLock> {
  const path = join(dataDir, 'lock');
  const own = join(dataDir, `lock.${String(pid)}.${Math.random().toString(36).slice(2)}`);
  const content = `${String(pid)} ${await startOf(pid)}\n`;
  await writeFile(own, content, { mode: 0o600 });
  try {
    if (!(await tryLink(own, path))) {
      await removeStale(path, `${own}.stale`);
      if (!(await tryLink(own, path))) throw await locked(dataDir, path);
    }
  } finally {
    await rm(own, { force: true });
  }
  return {
    release: async () => {
      if ((await readFile(path, 'utf8').catch(() => '')) === content) await rm(path, { force: true });
    },
  };
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function removeStale(path: string, aside: string): Promise<void> {
  const judged = await readFile(path, 'utf8').catch(() => '');
  if (judged !== '' && (await isHeld(judged))) return;
  try {
    await rename(path, aside);
  } catch {
    return;
  }
  const moved = await readFile(aside, 'utf8').catch(() => '');
  // Somebody took the lock between the look and the rename: it is put back.
  if (moved !== judged) await tryLink(aside, path);
  await rm(aside, { force: true });
}

async function isHeld(content: string): Promise<boolean> {
  const [pidText = '', start = ''] = content.trim().split(' ');
  const pid = Number(pidText);
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return (await startOf(pid)) === start;
}

/** When a process started, in the kernel's clock ticks; '-' where there is no /proc, 'ended' if its parent only has not waited for it. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => '');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? 'ended' : (fields[19] ?? '-');
}

async function locked(dataDir: string, path: string): Promise<ApiServerStartError> {
  const pid = (await readFile(path, 'utf8').catch(() => '')).split(' ')[0] ?? '';
  const holder = /^\d+$/.test(pid) ? `process ${pid}` : 'another process';
  return new ApiServerStartError(
    'EDATALOCKED',
    `the data directory ${dataDir} is in use by ${holder}: stop it, or choose another --data-dir`,
  );
}
