/** Name of the errno of a failed call of the system, as `ENOENT`; undefined for whatever else was thrown. */
export function errnoOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' && /^E[A-Z0-9]{1,24}$/.test(code) ? code : undefined;
}
