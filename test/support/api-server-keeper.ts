import { join } from 'node:path';
import { StubdomProcess } from './stubdom.ts';

const program = join(import.meta.dirname, 'run-api-server.ts');

/** An embedded API server in a process of its own: one after another, on the same data and the same port. */
export class ApiServerKeeper {
  readonly #kubeconfigPath: string;
  readonly #dataDir: string;
  #port = '0';
  #process: StubdomProcess | undefined;

  constructor(kubeconfigPath: string, dataDir: string) {
    this.#kubeconfigPath = kubeconfigPath;
    this.#dataDir = dataDir;
  }

  /** Resolves when it answers; waits for the end of the one that was killed. */
  async start(): Promise<void> {
    await this.#process?.ended;
    this.#process = new StubdomProcess([this.#kubeconfigPath, this.#dataDir, this.#port], { program });
    const [, port = ''] = await this.#process.output(/^ready (\d+)$/m);
    this.#port = port;
  }

  /** SIGKILL: the kernel has it when this returns. */
  kill(): void {
    this.#process?.child.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    await this.#process?.stop('SIGKILL');
  }
}
