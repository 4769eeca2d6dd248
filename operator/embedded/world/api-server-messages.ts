import type { ApiServerStartError } from '../api-server/start-error.ts';

/** What the thread of the API server is started with. See `ApiServerOptions`. */
export interface ThreadOptions {
  readonly kubeconfigPath: string;
  readonly dataDir?: string;
  readonly port?: number;
}

/** What the thread says. After `ready` only `log` comes; after `failed` it ends. */
export type FromThread =
  | { readonly kind: 'ready'; readonly url: string; readonly port: number }
  | { readonly kind: 'failed'; readonly code: ApiServerStartError['code']; readonly message: string }
  | {
      readonly kind: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly message: string;
      readonly facts: Readonly<Record<string, unknown>>;
    };

/** What the thread is told. */
export interface ToThread {
  readonly kind: 'close';
}
