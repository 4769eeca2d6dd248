import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { eventually } from './eventually.ts';

/** A process that was killed and that its parent has not waited for: it has a number still, and runs no more. */
export interface Zombie {
  readonly pid: number;
  /** When it started, in the kernel's clock ticks. */
  readonly startTicks: string;
  /** Ends its parent, and with it what is left. */
  readonly end: () => Promise<void>;
}

/** Makes one. Needs /proc. */
export async function makeZombie(): Promise<Zombie> {
  // The shell becomes sleep, which waits for nobody.
  const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const end = async (): Promise<void> => {
    const closed = once(parent, 'exit');
    parent.kill('SIGKILL');
    await closed;
  };
  try {
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(line.toString());
    await eventually(async () => {
      if ((await readFile(`/proc/${String(parent.pid)}/comm`, 'utf8')) !== 'sleep\n')
        throw new Error('still the shell');
    });
    process.kill(pid, 'SIGKILL');
    const startTicks = await eventually(async () => {
      const fields = (await readFile(`/proc/${String(pid)}/stat`, 'latin1')).replace(/^.*\) /s, '').split(' ');
      if (fields[0] !== 'Z') throw new Error(`process ${String(pid)} is in state ${String(fields[0])}`);
      return fields[19] ?? '';
    });
    return { pid, startTicks, end };
  } catch (error) {
    await end();
    throw error;
  }
}
