/** What of an informer matters to whoever starts and stops it. */
interface Startable {
  start(): void;
  synced(signal?: AbortSignal): Promise<void>;
  stop(): Promise<void>;
}

/** An informer as a component of a program (runtime/manager.ts): started when it is synced. */
export function informerComponent(informer: Startable): {
  readonly name: string;
  start(signal: AbortSignal): Promise<void>;
  stop(): Promise<void>;
} {
  return {
    name: 'informer',
    start: async (signal) => {
      informer.start();
      await informer.synced(signal);
    },
    stop: () => informer.stop(),
  };
}
