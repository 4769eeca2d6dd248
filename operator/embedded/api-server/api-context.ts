import type { Clock, Logger, Random } from '../../runtime/ports.ts';
import type { Continuations } from './objects/continuations.ts';
import type { ResourceRegistry } from './resources/resource-registry.ts';
import type { SchemaCache } from './resources/schema-cache.ts';
import type { ObjectStore } from './store/store.ts';

/** What every handler works with. */
export interface ApiContext {
  readonly store: ObjectStore;
  readonly resources: ResourceRegistry;
  readonly schemas: SchemaCache;
  readonly continuations: Continuations;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The version that /version shows. */
  readonly version: string;
}

/** Now, as metadata timestamps are written: RFC 3339 in whole seconds. */
export function timestamp(clock: Clock): string {
  return `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
}
