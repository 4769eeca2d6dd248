/**
 * A case is a named sentence and the steps that show it: HTTP requests with what must come back.
 *
 * Every case gets a namespace of its own: `{ns}` in paths, bodies and expectations is its name, and part of the names of
 * cluster-scoped objects. `{sd}`, `{pci}`, `{xh}` are the collections of our kinds, `{core}` is `/api/v1/namespaces/{ns}`,
 * `{leases}` and `{events}` the collections of those groups. `{name}` for any other name is what a step before saved.
 */

/** What a value must be: the same, a pattern (`match`), nothing (`absent`), or for objects at least these keys. */
export type Expected = unknown;

const kinds = { absent: Symbol('absent'), present: Symbol('present') };
/** The key must not be there. */
export const absent: unknown = kinds.absent;
/** The key must be there, whatever it is. */
export const present: unknown = kinds.present;
/** The text must match. */
export const match = (pattern: RegExp): unknown => pattern;

/** One request and its answer. */
export interface Step {
  /** `METHOD path?query` */
  readonly do: string;
  /** JSON, or a text that is sent as it is. */
  readonly send?: unknown;
  /** Content type of what is sent: `json` (default), `merge`, `json-patch`, `strategic`, `apply`, `yaml`, or any other. */
  readonly as?: string;
  readonly accept?: string;
  /** Default 200, 201 for POST. */
  readonly status?: number;
  /** `reason` of the Status that comes back. */
  readonly reason?: string;
  /** `message` of the Status. */
  readonly message?: string | RegExp;
  /** `field: message` of the causes, in any order. */
  readonly causes?: readonly string[];
  /** Parts of the body. */
  readonly has?: Expected;
  /** `metadata.name` of a list's items, in any order. */
  readonly items?: readonly string[];
  /** Texts in Warning headers. */
  readonly warns?: readonly string[];
  /** Saves parts of the body: name → path with dots. */
  readonly save?: Readonly<Record<string, string>>;
  /** Who owns what: `manager operation[/subresource]` → fields as kube-apiserver prints them. Nobody else owns anything. */
  readonly owners?: Readonly<Record<string, readonly string[]>>;
  /** Tried again until it holds, for what controllers do. */
  readonly eventually?: boolean;
}

/** A watch, what happens while it runs, and the events that it must tell, in order. */
export interface WatchStep {
  /** Path and query; `watch=1` is added. */
  readonly watch: string;
  readonly accept?: string;
  readonly during?: readonly Step[];
  readonly events: readonly { readonly type: string; readonly has?: Expected }[];
  /** The watch must end by itself after the events. */
  readonly ends?: boolean;
}

/** A case. */
export interface Case {
  readonly name: string;
  readonly steps: readonly (Step | WatchStep)[];
}

/** A sentence and its steps. */
export function it(name: string, ...steps: (Step | WatchStep)[]): Case {
  return { name, steps };
}

const UUID = '00000000-0000-4000-8000-000000000001';

/** A StubDomain that is valid. */
export function stubDomain(name: string, spec: object = {}, more: object = {}, metadata: object = {}): object {
  return {
    apiVersion: 'stubdom.io/v1alpha1',
    kind: 'StubDomain',
    metadata: { name, ...metadata },
    spec: { target: { uuid: UUID }, ...spec },
    ...more,
  };
}

/** What a manager applies to a StubDomain: the parts alone. */
export function part(name: string, parts: object, metadata: object = {}): object {
  return { apiVersion: 'stubdom.io/v1alpha1', kind: 'StubDomain', metadata: { name, ...metadata }, ...parts };
}

/** A PciAttachment that is valid. */
export function pciAttachment(name: string, spec: object = {}): object {
  return {
    apiVersion: 'stubdom.io/v1alpha1',
    kind: 'PciAttachment',
    metadata: { name },
    spec: { stubDomainRef: { name: 'vm' }, device: { address: '0000:03:00.0' }, ...spec },
  };
}

/** A ConfigMap. */
export function configMap(name: string, data: object = {}, metadata: object = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data };
}

/** A condition that is valid. */
export function condition(type: string, status: string, message = 'm'): object {
  return { type, status, reason: 'Because', message, lastTransitionTime: '2026-01-01T00:00:00Z' };
}
