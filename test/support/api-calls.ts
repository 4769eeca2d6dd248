import type { IncomingMessage } from 'node:http';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'other';

/** A request to an API server, as its audit log would name it. */
export interface ApiCall {
  readonly verb: Verb;
  /** Plural name, perhaps with a subresource: `stubdomains/status`. */
  readonly resource: string;
  /** Empty for a collection. */
  readonly name: string;
  /** Whether a watch says from where it goes on: one that does not is a list in other words. */
  readonly resumes: boolean;
  readonly body: string;
  /** The HTTP status of the answer; undefined while there is none. */
  status: number | undefined;
  /** There was an answer, and the caller did not get it. */
  lost?: true;
}

/** `/api/v1` or `/apis/GROUP/VERSION`, perhaps a namespace, the resource, a name, a subresource. */
const resourcePath =
  /^\/(?:api\/v1|apis\/[^/]+\/[^/]+)(?:\/namespaces\/[^/]+(?=\/))?\/([^/?]+)(?:\/([^/?]+))?(?:\/([^/?]+))?/;

const changes: Readonly<Record<string, Verb>> = { POST: 'create', PUT: 'update', PATCH: 'patch', DELETE: 'delete' };

/** Reads it from the first line of a request, and keeps what was sent with it. */
export function describeCall({ method = '', url = '' }: Pick<IncomingMessage, 'method' | 'url'>, body = ''): ApiCall {
  const [, plural = '', name = '', part] = resourcePath.exec(url) ?? [];
  const resource = part === undefined ? plural : `${plural}/${part}`;
  const query = new URL(url, 'https://host').searchParams;
  const read: Verb = query.get('watch') === 'true' ? 'watch' : name === '' ? 'list' : 'get';
  const verb = method === 'GET' ? read : (changes[method] ?? 'other');
  return { verb, resource, name, resumes: query.has('resourceVersion'), body, status: undefined };
}

/** Beats, and looks at one, go on for ever, whatever else happens. */
export const isBeat = ({ resource, verb }: ApiCall): boolean =>
  resource === 'leases' && verb !== 'watch' && verb !== 'list';

const writes: ReadonlySet<Verb> = new Set(['create', 'update', 'patch', 'delete']);

/** Writes of objects of ours: no beats, and no words for people. */
export const isWrite = (call: ApiCall): boolean => writes.has(call.verb) && !isBeat(call) && call.resource !== 'events';

/** How many calls there are by what `by` says of them. */
export function tally(calls: readonly ApiCall[], by: (call: ApiCall) => string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const call of calls) counts.set(by(call), (counts.get(by(call)) ?? 0) + 1);
  return counts;
}

/** Most writes that any one object got, and which object that was. One that was refused as out of date changed nothing. */
export function mostWritten(calls: readonly ApiCall[]): { readonly object: string; readonly writes: number } {
  const got = calls.filter((call) => isWrite(call) && call.status !== 409);
  const counts = tally(got, ({ resource, name }) => `${resource.split('/')[0] ?? ''} ${name}`);
  const [object = 'none', count = 0] = [...counts].sort(([, a], [, b]) => b - a)[0] ?? [];
  return { object, writes: count };
}
