/** What a path names: a group version's collection, an object, or a subresource of it. */
export interface RequestTarget {
  readonly group: string;
  readonly version: string;
  readonly namespace: string;
  readonly plural: string;
  /** '' for the collection. */
  readonly name: string;
  readonly subresource: string;
}

/** Reads `/api/v1/…` and `/apis/<group>/<version>/…`; undefined for anything that names no resource. */
export function parseTarget(path: string): RequestTarget | undefined {
  const parts = decoded(path);
  if (parts === undefined) return undefined;
  const core = parts[0] === 'api';
  if (!core && parts[0] !== 'apis') return undefined;
  const [group = '', version = '', ...rest] = core ? ['', ...parts.slice(1)] : parts.slice(1);
  if (version === '' || rest.length === 0) return undefined;
  const scoped = rest[0] === 'namespaces' && rest.length >= 3 && !isNamespaceSubresource(core, rest);
  const [plural = '', name = '', subresource = '', ...more] = scoped ? rest.slice(2) : rest;
  if (more.length > 0) return undefined;
  return { group, version, namespace: scoped ? (rest[1] ?? '') : '', plural, name, subresource };
}

function isNamespaceSubresource(core: boolean, rest: readonly string[]): boolean {
  return core && rest.length === 3 && (rest[2] === 'status' || rest[2] === 'finalize');
}

function decoded(path: string): string[] | undefined {
  try {
    const parts = path.split('/').slice(1).map(decodeURIComponent);
    while (parts.at(-1) === '') parts.pop();
    return parts.some((part) => part === '' || part.includes('\0')) ? undefined : parts;
  } catch {
    return undefined;
  }
}
