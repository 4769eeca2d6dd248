/** The longest that a server can make us wait, in seconds: an answer must not stop a fleet for a day. */
export const maxRetryAfterSeconds = 300;

/**
 * Seconds from a Retry-After header (RFC 9110 §10.2.3): a number, or a date against the local clock `nowMs`.
 * Undefined when there is none or it makes no sense.
 */
export function parseRetryAfter(header: string | readonly string[] | undefined, nowMs: number): number | undefined {
  const value = (typeof header === 'string' ? header : header?.[0])?.trim();
  if (value === undefined || value === '') return undefined;
  if (/^\d{1,9}$/.test(value)) return Math.min(Number(value), maxRetryAfterSeconds);
  const date = Date.parse(value);
  if (Number.isNaN(date) || /^[\d.+-]+$/.test(value)) return undefined;
  return Math.min(Math.max(0, Math.ceil((date - nowMs) / 1000)), maxRetryAfterSeconds);
}
