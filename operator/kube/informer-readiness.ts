import type { Informer, KubeObject } from './types.ts';

/** An informer that heard nothing for that long has lost its server: watches are renewed every five minutes at most. */
const maxSilenceMs = 330_000;

/** Why the informers do not show the world as it is; empty when they do. */
export function informerReasons(
  informers: readonly Pick<Informer<KubeObject>, 'hasSynced' | 'lastContactAgeMs'>[],
): string[] {
  return informers.flatMap((informer) => {
    if (!informer.hasSynced) return ['an informer is not synced'];
    return informer.lastContactAgeMs() > maxSilenceMs ? ['the API server is silent'] : [];
  });
}
