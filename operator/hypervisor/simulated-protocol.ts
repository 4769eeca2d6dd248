import { HypervisorError, type HypervisorErrorCode } from './hypervisor.ts';

/**
 * The protocol of the `simulated` hypervisor driver: one JSON document a line on a unix socket. A request is
 * `{"id":1,"verb":"info","args":[]}`; its answer, in any order, `{"id":1,"result":…}` or
 * `{"id":1,"error":{"code":"NoSuchDomain","message":"…"}}`. What is not a request ends the connection.
 */
export interface SimulatedRequest {
  readonly id: number;
  readonly verb: string;
  readonly args: readonly unknown[];
}

export type SimulatedResponse =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { readonly code: HypervisorErrorCode; readonly message: string } };

/** Longest line in either direction, in characters. A host with 60,000 PCI devices fits. */
export const maximumLine = 16 * 1024 * 1024;

/** Somebody speaks something else. The connection is of no use any more. */
export class SimulatedProtocolError extends Error {
  readonly code = 'EPROTOCOL';
  constructor(message: string) {
    super(message);
    this.name = 'SimulatedProtocolError';
  }
}

/** Cuts a stream of text into lines. Give it what a socket with `setEncoding('utf8')` gives. */
export class LineSplitter {
  readonly #maximum: number;
  #pieces: string[] = [];
  #length = 0;

  constructor(maximum: number = maximumLine) {
    this.#maximum = maximum;
  }

  /** The lines that `chunk` completes, without their newline. Throws when a line grows too long. */
  push(chunk: string): string[] {
    const lines: string[] = [];
    let from = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', from)) {
      this.#keep(chunk.slice(from, end));
      lines.push(this.#pieces.join(''));
      this.#pieces = [];
      this.#length = 0;
      from = end + 1;
    }
    if (from < chunk.length) this.#keep(chunk.slice(from));
    return lines;
  }

  #keep(piece: string): void {
    this.#length += piece.length;
    if (this.#length > this.#maximum) throw new SimulatedProtocolError('a line is too long');
    this.#pieces.push(piece);
  }
}

function parseObject(line: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new SimulatedProtocolError('a line is not JSON');
  }
  if (typeof value !== 'object' || value === null) throw new SimulatedProtocolError('a line is not an object');
  return value as Record<string, unknown>;
}

/** Reads a request, or throws `SimulatedProtocolError`. */
export function parseRequest(line: string): SimulatedRequest {
  const { id, verb, args } = parseObject(line);
  if (!Number.isSafeInteger(id) || typeof verb !== 'string' || !Array.isArray(args)) {
    throw new SimulatedProtocolError('a line is not a request');
  }
  return { id: id as number, verb, args };
}

const codes: ReadonlySet<unknown> = new Set<HypervisorErrorCode>([
  'NoSuchDomain',
  'NoSuchDevice',
  'DeviceInUse',
  'NoMemory',
  'NotSupported',
  'InvalidArgument',
  'Unavailable',
  'Failed',
]);

/** Reads an answer, or throws `SimulatedProtocolError`. An unknown error code becomes `Failed`. */
export function parseResponse(line: string): SimulatedResponse {
  const { id, result, error } = parseObject(line);
  if (!Number.isSafeInteger(id)) throw new SimulatedProtocolError('an answer has no id');
  if (error === undefined) return { id: id as number, result };
  const { code, message } = (typeof error === 'object' && error !== null ? error : {}) as Record<string, unknown>;
  return {
    id: id as number,
    error: {
      code: codes.has(code) ? (code as HypervisorErrorCode) : 'Failed',
      message: typeof message === 'string' ? message.slice(0, maximumMessage) : 'the simulated hypervisor failed',
    },
  };
}

const maximumMessage = 1024;

/** An error as it travels. What is not a `HypervisorError` becomes `Failed`. */
export function errorResponse(id: number, error: unknown): SimulatedResponse {
  if (error instanceof HypervisorError) return { id, error: { code: error.code, message: error.message } };
  return { id, error: { code: 'Failed', message: error instanceof Error ? error.message : 'unknown failure' } };
}

/** One document as a line. */
export function encodeLine(document: SimulatedRequest | SimulatedResponse): string {
  return `${JSON.stringify(document)}\n`;
}
