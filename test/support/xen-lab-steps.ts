/** Says what a long run does while it does it, and how long each part took in the end. Nothing is asserted of the times. */
export class XenLabSteps {
  readonly #name: string;
  readonly #began = performance.now();
  readonly #done: { readonly what: string; readonly ms: number; readonly note: string }[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  /** Does it, and says so before and after. What it gives, if it is text, is said too. */
  async step<T>(what: string, work: () => Promise<T>): Promise<T> {
    const began = performance.now();
    this.#say(`${what} …`);
    try {
      const result = await work();
      const note = typeof result === 'string' ? result : '';
      this.#done.push({ what, ms: performance.now() - began, note });
      this.#say(`${what}: ${seconds(performance.now() - began)}${note === '' ? '' : `: ${note}`}`);
      return result;
    } catch (error) {
      this.#done.push({ what, ms: performance.now() - began, note: 'FAILED' });
      this.#say(`${what}: FAILED after ${seconds(performance.now() - began)}`);
      throw error;
    }
  }

  /** All steps as a table. */
  print(): void {
    const width = Math.max(...this.#done.map(({ what }) => what.length));
    const rows = this.#done.map(({ what, ms, note }) =>
      `  ${what.padEnd(width)} ${seconds(ms).padStart(8)}  ${note}`.trimEnd(),
    );
    process.stdout.write(`${this.#name}:\n${rows.join('\n')}\n`);
  }

  #say(text: string): void {
    process.stderr.write(`[${this.#name} ${seconds(performance.now() - this.#began).padStart(7)}] ${text}\n`);
  }
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
