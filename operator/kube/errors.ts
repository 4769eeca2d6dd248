import { maxRetryAfterSeconds } from './retry-after.ts';

/** What can go wrong between us and the API server, typed by what a caller can do about it. */

/** The cause list of a Status answer, as far as it was readable. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly { readonly reason?: string; readonly message?: string; readonly field?: string }[];
  readonly retryAfterSeconds?: number;
}

/**
 * Why no answer came. `ETLS`: the peer's or our own certificate was refused; `EBADANSWER`: not what the API speaks;
 * `EFENCED`: a write that was not sent, since this process may not write any more.
 */
export type NetworkErrorCode =
  | 'ECONNECT'
  | 'ERESET'
  | 'EDEADLINE'
  | 'EIDLE'
  | 'ETLS'
  | 'EBADANSWER'
  | 'ETOOLARGE'
  | 'EABORTED'
  | 'ECLOSED'
  | 'EFENCED';

/** A failure of a request: `status` is the HTTP status, 0 when no answer came (`network` then says why). */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  /** The Status object's reason (`NotFound`, `Conflict`, …), or one derived from the HTTP status, or the network code. */
  readonly reason: string;
  /** Seconds that the server asked us to wait, from the Retry-After header or the Status' details. */
  readonly retryAfterSeconds: number | undefined;
  readonly details: StatusDetails | undefined;
  readonly network: NetworkErrorCode | undefined;

  constructor(facts: {
    status: number;
    reason: string;
    message: string;
    retryAfterSeconds?: number | undefined;
    details?: StatusDetails | undefined;
    network?: NetworkErrorCode;
    cause?: unknown;
  }) {
    super(facts.message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.status = facts.status;
    this.reason = facts.reason;
    this.retryAfterSeconds = facts.retryAfterSeconds;
    this.details = facts.details;
    this.network = facts.network;
  }

  /** Stable across versions: the reason. */
  get code(): string {
    return this.reason;
  }
}

const reasonOfStatus: Readonly<Record<number, string>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Gone',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

const maxMessage = 2_000;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Text of a server or proxy, made fit for one log line: control characters out, bounded. */
export function printable(text: string, limit: number = maxMessage): string {
  const clean = text
    .slice(0, limit)
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim();
  return text.length > limit ? `${clean}…` : clean;
}

/** An `ApiError` from a Status object, as it comes in an answer's body or in an ERROR event of a watch. */
export function apiErrorFromStatus(httpStatus: number, body: unknown, what: string, retryAfter?: number): ApiError {
  const status = isRecord(body) ? body : {};
  const code = typeof status['code'] === 'number' ? status['code'] : httpStatus;
  const reason =
    typeof status['reason'] === 'string' && status['reason'] !== ''
      ? printable(status['reason'], 100)
      : (reasonOfStatus[code] ?? 'Unknown');
  const text = typeof status['message'] === 'string' ? printable(status['message']) : `HTTP status ${code}`;
  const details = isRecord(status['details']) ? (status['details'] as StatusDetails) : undefined;
  const inDetails = details?.retryAfterSeconds;
  const fromDetails =
    typeof inDetails === 'number' ? Math.min(Math.max(0, inDetails), maxRetryAfterSeconds) : undefined;
  return new ApiError({
    status: code,
    reason,
    message: `${what}: ${text}`,
    retryAfterSeconds: retryAfter ?? fromDetails,
    details,
  });
}

/** An `ApiError` for a request that got no usable answer. */
export function networkError(network: NetworkErrorCode, message: string, cause?: unknown): ApiError {
  return new ApiError({ status: 0, reason: network, message, network, cause });
}

/** Codes of Node and OpenSSL that mean: this certificate, on either side, will not do. */
const tlsCode = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_OSSL_|HOSTNAME_MISMATCH)/;

/** The typed form of what undici, TLS or a socket threw. */
export function networkErrorFrom(error: unknown, what: string): ApiError {
  if (error instanceof ApiError) return error;
  const code = isRecord(error) && typeof error['code'] === 'string' ? error['code'] : '';
  const text = error instanceof Error ? printable(error.message, 300) : 'no answer';
  const kind: NetworkErrorCode = tlsCode.test(code)
    ? 'ETLS'
    : code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED'
      ? 'ECLOSED'
      : /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT)$/.test(code)
        ? 'ECONNECT'
        : code.startsWith('HPE_') || code === 'UND_ERR_HEADERS_OVERFLOW'
          ? 'EBADANSWER'
          : 'ERESET';
  return networkError(kind, `${what}: ${text}${code === '' ? '' : ` (${code})`}`, error);
}

function refusesUid({ status, details }: ApiError): boolean {
  const causes: unknown = details?.causes;
  return (
    status === 422 &&
    Array.isArray(causes) &&
    causes.some((cause) => isRecord(cause) && cause['field'] === 'metadata.uid')
  );
}

export const isApiError = (error: unknown): error is ApiError => error instanceof ApiError;
export const isNotFound = (error: unknown): boolean => isApiError(error) && error.status === 404;
/**
 * Somebody changed the object in between, another manager owns a field, or another object has that name by now (a write
 * that carries a uid is then answered with 422 on that field). Not: it exists already.
 */
export const isConflict = (error: unknown): boolean =>
  isApiError(error) && ((error.status === 409 && error.reason !== 'AlreadyExists') || refusesUid(error));
export const isAlreadyExists = (error: unknown): boolean => isApiError(error) && error.reason === 'AlreadyExists';
/** The resource version or continue token is too old: list again. */
export const isGone = (error: unknown): boolean =>
  isApiError(error) && (error.status === 410 || error.reason === 'Expired' || error.reason === 'Gone');
export const isInvalid = (error: unknown): boolean => isApiError(error) && error.status === 422;
export const isUnauthorized = (error: unknown): boolean => isApiError(error) && error.status === 401;
export const isForbidden = (error: unknown): boolean => isApiError(error) && error.status === 403;

/** The same request can come true later without anybody changing it: overload, a server's fault, no answer. */
export const isRetryable = (error: unknown): boolean =>
  isApiError(error) &&
  (error.status === 429 ||
    error.status >= 500 ||
    (error.network !== undefined && error.network !== 'EABORTED' && error.network !== 'ECLOSED'));
