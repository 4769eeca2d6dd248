/** Where a command writes and reads what surrounds it: the process in production, a recorder in tests. */
export interface Terminal {
  /** One line on stdout: what the command was asked for. */
  out(line: string): void;
  /** Bytes on stdout, as they are. */
  raw(data: string | Uint8Array): void;
  /** One line on stderr: words about the work. */
  err(line: string): void;
  /** Whether stdout is a screen that can be redrawn. */
  readonly isTTY: boolean;
  /** Width of the screen in columns. */
  columns(): number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  return {
    out: (line) => {
      stdout.write(`${line}\n`);
    },
    raw: (data) => {
      stdout.write(data);
    },
    err: (line) => {
      stderr.write(`${line}\n`);
    },
    isTTY: stdout.isTTY && process.env['TERM'] !== 'dumb' && process.env['CI'] === undefined,
    columns: () => (stdout.isTTY ? stdout.columns : 120),
    env: process.env,
    cwd: process.cwd(),
  };
}
