/** In which form an answer is wanted. */
export type AnswerForm =
  | { readonly kind: 'object' }
  | { readonly kind: 'table'; readonly version: string }
  | { readonly kind: 'metadata'; readonly version: string };

/** The first form in an Accept header that this server can write. Protobuf is passed over: every client takes JSON too. */
export function negotiate(accept: string | undefined): AnswerForm {
  for (const range of (accept ?? '').split(',')) {
    const [type, ...rest] = range.split(';').map((part) => part.trim());
    if (type !== 'application/json' && type !== '*/*' && type !== 'application/*') continue;
    const parameters = new Map(rest.map((part) => split(part)));
    const as = parameters.get('as');
    if (as === undefined) return { kind: 'object' };
    const version = parameters.get('v') ?? '';
    if (parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) continue;
    if (as === 'Table') return { kind: 'table', version };
    if (as === 'PartialObjectMetadata' || as === 'PartialObjectMetadataList') return { kind: 'metadata', version };
  }
  return { kind: 'object' };
}

/** True if an Accept header asks for aggregated discovery, version 2, before it asks for the plain form. */
export function wantsAggregatedDiscovery(accept: string | undefined): boolean {
  for (const range of (accept ?? '').split(',')) {
    const [type, ...rest] = range.split(';').map((part) => part.trim());
    if (type !== 'application/json') continue;
    const parameters = new Map(rest.map((part) => split(part)));
    if (!parameters.has('as')) return false;
    if (parameters.get('as') === 'APIGroupDiscoveryList' && parameters.get('v') === 'v2') return true;
  }
  return false;
}

function split(parameter: string): [string, string] {
  const at = parameter.indexOf('=');
  return at < 0 ? [parameter, ''] : [parameter.slice(0, at), parameter.slice(at + 1)];
}
