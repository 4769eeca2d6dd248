import { messageTypeName } from './wire.ts';

/** Errors that a daemon names on the wire (`xsd_errors` of xs_wire.h), and oxenstored's EQUOTA. */
export const wireErrorCodes = [
  'EINVAL',
  'EACCES',
  'EEXIST',
  'EISDIR',
  'ENOENT',
  'ENOMEM',
  'ENOSPC',
  'EIO',
  'ENOTEMPTY',
  'ENOSYS',
  'EROFS',
  'EBUSY',
  'EAGAIN',
  'EISCONN',
  'E2BIG',
  'EPERM',
  'EQUOTA',
] as const;

/** A code that came, or can come, from a daemon. */
export type WireErrorCode = (typeof wireErrorCodes)[number];

/**
 * Every code of a `XenStoreError`. Besides the daemon's:
 * - ECLOSED: this client was closed or destroyed.
 * - EDISCONNECTED: the connection was lost, or there is none now.
 * - EPROTOCOL: the other side said something that is not the protocol.
 * - ETIMEOUT: a time limit that the caller gave passed.
 * - EILSEQ: a value read as text is not UTF-8, or has a NUL.
 * - EUNKNOWN: the daemon refused for a reason that has no name in the protocol.
 */
export type XenStoreErrorCode =
  WireErrorCode | 'ECLOSED' | 'EDISCONNECTED' | 'EPROTOCOL' | 'ETIMEOUT' | 'EILSEQ' | 'EUNKNOWN';

/** Whether a failed change can have happened all the same: `unknown` when it was sent and no answer came. */
export type Outcome = 'not-applied' | 'unknown';

export interface XenStoreErrorDetails extends ErrorOptions {
  readonly path?: string | undefined;
  readonly operation?: string | undefined;
  readonly outcome?: Outcome;
}

/** What every failed XenStore call rejects with. `code` is stable; the message is for people. */
export class XenStoreError extends Error {
  override readonly name: string = 'XenStoreError';
  readonly code: XenStoreErrorCode;
  readonly path: string | undefined;
  /** The message type's name, or the client's method. */
  readonly operation: string | undefined;
  readonly outcome: Outcome;

  constructor(code: XenStoreErrorCode, message: string, details: XenStoreErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.path = details.path;
    this.operation = details.operation;
    this.outcome = details.outcome ?? 'not-applied';
  }
}

/** `wait` ran out of its `timeoutMs`. */
export class WaitTimeoutError extends XenStoreError {
  override readonly name = 'WaitTimeoutError';

  constructor(timeoutMs: number) {
    super('ETIMEOUT', `the condition did not come true within ${String(timeoutMs)} ms`, { operation: 'wait' });
  }
}

/** Whether `error` is a `XenStoreError`, and of one of `codes` if any are given. */
export function isXenStoreError(error: unknown, ...codes: XenStoreErrorCode[]): error is XenStoreError {
  return error instanceof XenStoreError && (codes.length === 0 || codes.includes(error.code));
}

const known: ReadonlySet<string> = new Set(wireErrorCodes);

/** The code in an ERROR reply's text; EUNKNOWN for a name that the protocol does not have. */
export function errorCodeOf(text: string): WireErrorCode | 'EUNKNOWN' {
  return known.has(text) ? (text as WireErrorCode) : 'EUNKNOWN';
}

/** The error for a request that the daemon refused. */
export function refusal(code: XenStoreErrorCode, type: number, path?: string): XenStoreError {
  const operation = messageTypeName(type);
  const where = path === undefined ? '' : ` ${path}`;
  return new XenStoreError(code, `${operation}${where}: ${code}`, { operation, path });
}
