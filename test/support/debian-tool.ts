import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from './stubdom.ts';

const execute = promisify(execFile);

/** How a program ended. */
export interface ToolResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a tool with arguments. */
export type Tool = (...args: string[]) => Promise<ToolResult>;

async function run(file: string, args: readonly string[]): Promise<ToolResult> {
  try {
    return { code: 0, ...(await execute(file, args, { maxBuffer: 16 * 1024 * 1024 })) };
  } catch (error) {
    const { code, stdout, stderr, message } = error as Error & Partial<Record<'code' | 'stdout' | 'stderr', unknown>>;
    const text = (value: unknown): string => (typeof value === 'string' ? value : '');
    return { code: typeof code === 'number' ? code : 127, stdout: text(stdout), stderr: text(stderr) || message };
  }
}

/**
 * A tool of Debian's, fetched once for a machine. Where it cannot be had this says so on standard error and gives undefined; with
 * STUBDOM_REQUIRE_DEBIAN_TOOLS=1 that is an error.
 */
export async function debianTool(name: 'promtool' | 'lua5.4'): Promise<Tool | undefined> {
  const fetched = await run(join(packageRoot, 'hack/debian-tools/fetch.sh'), [name]);
  if (fetched.code === 0) return async (...args) => run(fetched.stdout.trim(), args);
  const reason = fetched.stderr.trim();
  if (process.env['STUBDOM_REQUIRE_DEBIAN_TOOLS'] === '1') throw new Error(`no ${name}: ${reason}`);
  process.stderr.write(`\n*** SKIPPED: tests that need ${name} cannot run here: ${reason}\n\n`);
  return undefined;
}
