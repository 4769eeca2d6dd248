import { ApiStatusError } from '../api-status.ts';

/** In which form an answer is wanted. */
export type AnswerForm =
  | { readonly kind: 'object' }
  | { readonly kind: 'table'; readonly version: string }
  | { readonly kind: 'metadata'; readonly version: string };

interface MediaRange {
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

const json: ReadonlySet<string> = new Set(['application/json', 'application/*', '*/*']);

/**
 * The best form of an Accept header that this server can write: JSON alone, since every client takes JSON besides
 * protobuf. Throws 406 if there is none.
 */
export function negotiate(accept: string | undefined): AnswerForm {
  if (accept === undefined || accept === '') return { kind: 'object' };
  for (const { type, parameters } of parseAccept(accept)) {
    if (!json.has(type)) continue;
    const as = parameters.get('as');
    if (as === undefined) return { kind: 'object' };
    const version = parameters.get('v') ?? '';
    if (parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) continue;
    if (as === 'Table') return { kind: 'table', version };
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return { kind: 'metadata', version };
  }
  const message = 'only the following media types are accepted: application/json';
  throw new ApiStatusError(406, 'NotAcceptable', message, {});
}

/** True if an Accept header asks for aggregated discovery, version 2, before it asks for the plain form. */
export function wantsAggregatedDiscovery(accept: string | undefined): boolean {
  for (const { type, parameters } of parseAccept(accept ?? '')) {
    if (type !== 'application/json') continue;
    if (!parameters.has('as')) return false;
    if (parameters.get('as') === 'APIGroupDiscoveryList' && parameters.get('v') === 'v2') return true;
  }
  return false;
}

/** What `offered` has for the best range of an Accept header; undefined if it has none. No header means anything. */
export function firstAccepted<T>(accept: string | undefined, offered: Readonly<Record<string, T>>): T | undefined {
  const ranges = parseAccept(accept === undefined || accept === '' ? '*/*' : accept);
  const best = ranges.find(({ type }) => Object.hasOwn(offered, type));
  return best === undefined ? undefined : offered[best.type];
}

/** The media ranges of an Accept header, best first: by quality, then those without a wildcard, then as written. */
function parseAccept(accept: string): MediaRange[] {
  const ranges = accept.split(',').map((range) => {
    const [type = '', ...rest] = range.split(';').map((part) => part.trim());
    return { type, parameters: new Map(rest.map((part) => split(part))) };
  });
  if (ranges.length === 1) return ranges;
  return ranges.sort((a, b) => qualityOf(b) - qualityOf(a) || wildcards(a) - wildcards(b));
}

function qualityOf({ parameters }: MediaRange): number {
  const quality = Number(parameters.get('q') ?? '1');
  return quality >= 0 && quality <= 1 ? quality : 1;
}

function wildcards({ type }: MediaRange): number {
  return type.startsWith('*') ? 2 : type.endsWith('*') ? 1 : 0;
}

function split(parameter: string): [string, string] {
  const at = parameter.indexOf('=');
  return at < 0 ? [parameter, ''] : [parameter.slice(0, at), parameter.slice(at + 1)];
}
