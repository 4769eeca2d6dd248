/** Exit code for a command line that makes no sense. */
export const usageExitCode = 2;

/** A failure whose message is the whole story for the person at the terminal: what is wrong and what to do. */
export class CliError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CliError';
    this.exitCode = exitCode;
  }
}

/** The command line is wrong: one line that names the right one. Exit code 2. */
export function usageError(message: string): CliError {
  return new CliError(message, usageExitCode);
}

/** What the terminal shows of a failure, on one line, and how the process ends. */
export interface Failure {
  readonly line: string;
  readonly exitCode: number;
  /** Set for failures that nobody foresaw: the stack helps whoever reports it. */
  readonly stack?: string;
}

const maxLineLength = 600;

/** Puts any thrown value on one printable line. Words from outside may be in it, so control characters are replaced. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof CliError) return { line: oneLine(error.message), exitCode: error.exitCode };
  const foreseen = foreseenFailure(error);
  if (foreseen !== undefined) return { line: oneLine(foreseen), exitCode: 1 };
  if (error instanceof Error) {
    return { line: oneLine(`internal error: ${error.message}`), exitCode: 70, stack: error.stack ?? '' };
  }
  return { line: oneLine(`internal error: ${String(error)}`), exitCode: 70 };
}

/** Failures of the system, XenStore, the hypervisor and the API server say enough by themselves. */
function foreseenFailure(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  switch (error.name) {
    case 'XenStoreError':
    case 'HypervisorError':
    case 'ApiError':
    case 'ConfigError':
    case 'ProbesError':
    case 'WorldRunsError':
    case 'RuntimeDirError':
    case 'QuirkError':
    case 'ApiServerStartError':
    case 'WaitTimeoutError':
      return error.message;
  }
  const code = errnoOf(error);
  return code === undefined ? undefined : (systemFailure(code, error) ?? undefined);
}

function systemFailure(code: string, error: Error): string | null {
  const place = placeOf(error);
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return `no permission for ${place}. Run as another user, or choose another path`;
    case 'ENOENT':
      return `${place} does not exist`;
    case 'EADDRINUSE':
      return `${place} is in use. Stop what uses it, or choose another`;
    case 'EADDRNOTAVAIL':
      return `${place} is no address of this machine`;
    case 'ECONNREFUSED':
      return `nothing listens on ${place}`;
    case 'ENOSPC':
      return `no space left for ${place}`;
    case 'ENOTDIR':
    case 'EISDIR':
    case 'EROFS':
    case 'EEXIST':
    case 'ENAMETOOLONG':
      return `cannot use ${place}: ${code}`;
    default:
      return null;
  }
}

/** The errno name that Node put on the error, if any. */
export function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined;
  return /^E[A-Z0-9]+$/.test(error.code) ? error.code : undefined;
}

function placeOf(error: Error): string {
  const facts = error as { path?: unknown; address?: unknown; port?: unknown };
  if (typeof facts.path === 'string') return facts.path;
  if (typeof facts.address === 'string') {
    return typeof facts.port === 'number' && facts.port >= 0 ? `${facts.address}:${facts.port}` : facts.address;
  }
  return 'a file or address';
}

/** `text` on one line, without control characters, and not endless. */
export function oneLine(text: string): string {
  const flat = text.replace(/\s+/gu, ' ').replace(/\p{C}/gu, '?').trim();
  return flat.length <= maxLineLength ? flat : `${flat.slice(0, maxLineLength - 1)}…`;
}
