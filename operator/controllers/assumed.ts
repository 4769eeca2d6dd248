import type { StubDomain } from '../api/generated/stub-domain.ts';

/** Where stub domains were placed, until the informer shows it too: two passes at once must not both take the last room. */
export class Assumed {
  readonly #hosts = new Map<string, { readonly host: string; readonly object: StubDomain }>();

  put(object: StubDomain, host: string): void {
    this.#hosts.set(object.metadata.uid, { host, object });
  }

  /** It is shown, refused, or gone. */
  forget(uid: string): void {
    this.#hosts.delete(uid);
  }

  on(host: string): StubDomain[] {
    return [...this.#hosts.values()].filter((one) => one.host === host).map(({ object }) => object);
  }
}
