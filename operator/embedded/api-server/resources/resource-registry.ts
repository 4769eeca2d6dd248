import { groupVersionOf, type ServedResource } from '../served-resource.ts';

/** Every kind that is served now. Discovery and OpenAPI are built from it, and built anew when `version` moves. */
export class ResourceRegistry {
  readonly #resources = new Map<string, ServedResource>();
  #version = 0;

  /** Goes up with every change. */
  get version(): number {
    return this.#version;
  }

  find(group: string, version: string, plural: string): ServedResource | undefined {
    return this.#resources.get(`${group}/${version}/${plural}`);
  }

  /** In the order in which they were added. */
  list(): readonly ServedResource[] {
    return [...this.#resources.values()];
  }

  /** The kinds of one group version. */
  inGroupVersion(groupVersion: string): readonly ServedResource[] {
    return this.list().filter((resource) => groupVersionOf(resource) === groupVersion);
  }

  /** Any version of the kind `group/kind`. */
  findKind(apiVersion: string, kind: string): ServedResource | undefined {
    const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
    return this.list().find((resource) => resource.kind === kind && resource.group === group);
  }

  /** Serves `resources` and nothing else from `collection`. */
  replace(collection: string, resources: readonly ServedResource[]): void {
    for (const [key, resource] of this.#resources) {
      if (resource.collection === collection && resource.custom) this.#resources.delete(key);
    }
    for (const resource of resources) {
      this.#resources.set(`${resource.group}/${resource.version}/${resource.plural}`, resource);
    }
    this.#version++;
  }
}
