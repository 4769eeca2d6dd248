import { findCondition, type Condition } from '../../../operator/api/conditions.ts';
import { createInformer } from '../../../operator/kube/informer.ts';
import type { KubeObject, KubeWatcher, ResourceType } from '../../../operator/kube/types.ts';

/** An object with a status, as the API server shows it. */
export interface Shown extends KubeObject {
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>> & { readonly conditions?: readonly Condition[] };
}

/** Follows a collection and says when things became true. */
export interface ObjectTimes {
  /** The time (`performance.now()`) at which the watch showed that `check` holds of the object. */
  when(name: string, check: (shown: Shown | undefined) => boolean, limitMs?: number): Promise<number>;
  get(name: string): Shown | undefined;
  /** Changes of the object until now. */
  changes(name: string): number;
  close(): Promise<void>;
}

const usualLimitMs = 20_000;

export async function followObjects(client: KubeWatcher, type: ResourceType, namespace: string): Promise<ObjectTimes> {
  const informer = createInformer<Shown>({ client, type, namespace });
  const listeners = new Set<() => void>();
  const counts = new Map<string, number>();
  informer.onChange((key) => {
    counts.set(key, (counts.get(key) ?? 0) + 1);
    for (const listener of listeners) listener();
  });
  informer.start();
  await informer.synced();
  const keyOf = (name: string): string => `${namespace}/${name}`;
  return {
    get: (name) => informer.get(keyOf(name)),
    changes: (name) => counts.get(keyOf(name)) ?? 0,
    when: (name, check, limitMs = usualLimitMs) =>
      new Promise((resolve, reject) => {
        const end = (act: () => void): void => {
          listeners.delete(look);
          clearTimeout(limit);
          act();
        };
        const look = (): void => {
          if (!check(informer.get(keyOf(name)))) return;
          const at = performance.now();
          end(() => {
            resolve(at);
          });
        };
        const limit = setTimeout(() => {
          const shown = JSON.stringify(informer.get(keyOf(name))?.status);
          end(() => {
            reject(new Error(`${type.kind} ${name} does not get there: ${shown}`));
          });
        }, limitMs);
        listeners.add(look);
        look();
      }),
    close: () => informer.stop(),
  };
}

/** Whether a condition about the present spec is so. */
export function says(shown: Shown | undefined, type: string, status: string, reason?: string): boolean {
  const condition = findCondition(shown?.status?.conditions, type);
  if (condition?.status !== status || (reason !== undefined && condition.reason !== reason)) return false;
  return condition.observedGeneration === shown?.metadata.generation;
}
