import { createInformer } from '../../operator/kube/informer.ts';
import type { KubeClient, KubeObject, KubeWatcher, ObjectRef, ResourceType } from '../../operator/kube/types.ts';

/** Waits for objects of one kind. */
export interface ObjectWatch<T extends KubeObject> {
  /** Resolves when `check` holds of the object as the API server has it; else rejects with what it looked like last. */
  until(ref: ObjectRef, check: (shown: T | undefined) => boolean, timeoutMs: number): Promise<void>;
  close(): Promise<void>;
}

/** Follows a collection. What is checked is read from the server each time: the watch only says when to look. */
export async function watchObjects<T extends KubeObject>(
  kube: KubeClient & KubeWatcher,
  type: ResourceType,
): Promise<ObjectWatch<T>> {
  const informer = createInformer<T>({ client: kube, type });
  informer.start();
  await informer.synced();
  return {
    until: async (ref, check, timeoutMs) => {
      const end = AbortSignal.timeout(timeoutMs);
      for (;;) {
        const changed = nextChange(
          (listener) =>
            informer.onChange((key) => {
              if (key === `${ref.namespace ?? ''}/${ref.name}`) listener();
            }),
          end,
        );
        const shown = await kube.tryGet<T>(type, ref);
        if (check(shown)) {
          changed.cancel();
          return;
        }
        await changed.happened;
        if (end.aborted) {
          throw new Error(`${type.kind} ${ref.name} does not get there; it is ${JSON.stringify(shown)}`);
        }
      }
    },
    close: () => informer.stop(),
  };
}

/** The next call of what `subscribe` is given, or the end of the signal. */
function nextChange(
  subscribe: (listener: () => void) => () => void,
  end: AbortSignal,
): { readonly happened: Promise<void>; readonly cancel: () => void } {
  let cancel = (): void => {};
  const happened = new Promise<void>((resolve) => {
    const unsubscribe = subscribe(() => cancel());
    cancel = () => {
      unsubscribe();
      resolve();
    };
    end.addEventListener('abort', () => cancel());
  });
  return { happened, cancel: () => cancel() };
}
