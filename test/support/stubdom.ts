import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** The checkout. */
export const packageRoot = join(import.meta.dirname, '..', '..');
/** The entry of the program under test, run from its source. */
export const entry = join(packageRoot, 'operator', 'main.ts');

/**
 * Where processes of the program keep what they compiled, for those that come after them: a start is then a fraction of the
 * work, and nothing in the program is different. One that is killed keeps nothing.
 */
const compiled = join(packageRoot, 'node_modules', '.cache', 'stubdom-compiled');

/** How a process of the program ended. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A process of the program. */
export class StubdomProcess {
  readonly child: ChildProcess;
  /** Resolves when it ended and its output is complete. */
  readonly ended: Promise<Ended>;
  #stdout = '';
  #stderr = '';
  #closed = false;
  readonly #waiters = new Set<() => void>();

  /** `program` is another one than the product, run from its source. */
  constructor(args: readonly string[], options: { cwd?: string; env?: Record<string, string>; program?: string } = {}) {
    this.child = spawn(process.execPath, [options.program ?? entry, ...args], {
      cwd: options.cwd ?? packageRoot,
      env: {
        PATH: process.env['PATH'],
        HOME: process.env['HOME'],
        TMPDIR: process.env['TMPDIR'],
        NODE_COMPILE_CACHE: compiled,
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#add(text, ''));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#add('', text));
    this.ended = once(this.child, 'close').then(([code, signal]) => {
      this.#closed = true;
      for (const waiter of this.#waiters) waiter();
      return {
        code: code as number | null,
        signal: signal as NodeJS.Signals | null,
        stdout: this.#stdout,
        stderr: this.#stderr,
      };
    });
  }

  get stdout(): string {
    return this.#stdout;
  }

  /** The first match of `pattern` on stdout; rejects, with all output, when the process ends without one. */
  async output(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this.#stdout);
      if (match !== null) return match;
      // One that has exited may have said more than has been read yet.
      if (this.#closed) {
        throw new Error(`ended without ${String(pattern)}:\n${this.#stdout}\n${this.#stderr}`);
      }
      await new Promise<void>((resolve) => {
        const waiter = (): void => {
          this.#waiters.delete(waiter);
          resolve();
        };
        this.#waiters.add(waiter);
      });
    }
  }

  /** Sends `signal` and waits for the end. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.child.kill(signal);
    return this.ended;
  }

  #add(stdout: string, stderr: string): void {
    this.#stdout += stdout;
    this.#stderr += stderr;
    for (const waiter of this.#waiters) waiter();
  }
}

const endLimitMs = 25_000;

/** Runs the program to its end. One that does not end by itself is killed, so that it is seen and not waited for. */
export async function stubdom(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<Ended> {
  const started = new StubdomProcess(args, options);
  const limit = setTimeout(() => started.child.kill('SIGKILL'), endLimitMs);
  try {
    return await started.ended;
  } finally {
    clearTimeout(limit);
  }
}
