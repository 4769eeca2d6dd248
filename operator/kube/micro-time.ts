/**
 * metav1.MicroTime, which Leases need: RFC 3339 with six decimals. `Date.toISOString` has three, and is refused.
 * `ms` is wall clock milliseconds.
 */
export function microTime(ms: number): string {
  const micros = Math.round((ms - Math.floor(ms)) * 1000);
  const whole = micros === 1000 ? Math.floor(ms) + 1 : Math.floor(ms);
  return new Date(whole).toISOString().replace('Z', `${String(micros % 1000).padStart(3, '0')}Z`);
}

/** metav1.Time: RFC 3339 in whole seconds. */
export const metaTime = (ms: number): string =>
  new Date(Math.floor(ms / 1000) * 1000).toISOString().replace('.000Z', 'Z');
