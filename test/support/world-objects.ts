import type { Condition } from '../../operator/api/conditions.ts';
import type { PciAttachmentSpec, PciAttachmentStatus } from '../../operator/api/generated/pci-attachment.ts';
import type { StubDomainSpec, StubDomainStatus } from '../../operator/api/generated/stub-domain.ts';
import { apiVersion } from '../../operator/api/names.ts';
import { uuidOf } from '../../operator/embedded/world/fleet.ts';
import { events, namespaces, pciAttachments, stubDomains, xenHosts } from '../../operator/kube/resources.ts';
import type { KubeClient, KubeObject } from '../../operator/kube/types.ts';
import { eventually } from './eventually.ts';

const types = {
  StubDomain: stubDomains,
  PciAttachment: pciAttachments,
  XenHost: xenHosts,
  Namespace: namespaces,
} as const;
export type Kind = keyof typeof types;

export interface AnyObject extends KubeObject {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: StubDomainStatus & PciAttachmentStatus;
}

/** Parts of a condition to wait for. */
export type Expected = Partial<Pick<Condition, 'status' | 'reason'>> & { readonly message?: RegExp };

interface Event extends KubeObject {
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly involvedObject: { readonly kind: string; readonly name: string };
}

type Loose<T> = { readonly [K in keyof T]?: T[K] extends object | undefined ? Loose<T[K]> : T[K] };

/** What a user does with the API server, and what they see there. Names are in namespace `default` unless given as ns/name. */
export class WorldObjects {
  readonly #kube: KubeClient;
  /** How long conditions took to come, for a table at the end. */
  readonly times: { readonly what: string; readonly ms: number }[] = [];

  constructor(kube: KubeClient) {
    this.#kube = kube;
  }

  async applySpec(kind: Kind, name: string, spec: object, metadata: object = {}): Promise<AnyObject> {
    const object = { apiVersion, kind, metadata: { ...refOf(kind, name), ...metadata }, spec };
    return this.#kube.apply<AnyObject>(types[kind], object, { fieldManager: 'kubectl', force: true });
  }

  /** A StubDomain for the guest of the same name. */
  async stubDomain(name: string, spec: Loose<StubDomainSpec> = {}): Promise<AnyObject> {
    const guest = name.slice(name.indexOf('/') + 1);
    return this.applySpec('StubDomain', name, { target: { uuid: uuidOf(guest) }, ...spec });
  }

  async attachment(
    name: string,
    stubDomain: string,
    address: string,
    spec: Loose<PciAttachmentSpec> = {},
  ): Promise<AnyObject> {
    return this.applySpec('PciAttachment', name, { stubDomainRef: { name: stubDomain }, device: { address }, ...spec });
  }

  async patchSpec(kind: Kind, name: string, spec: object): Promise<void> {
    await this.#kube.mergePatch(types[kind], refOf(kind, name), { spec });
  }

  async label(kind: Kind, name: string, labels: Readonly<Record<string, string>>): Promise<void> {
    await this.#kube.mergePatch(types[kind], refOf(kind, name), { metadata: { labels } });
  }

  async list(kind: Kind): Promise<readonly AnyObject[]> {
    return this.#kube.list<AnyObject>(types[kind]);
  }

  async get(kind: Kind, name: string): Promise<AnyObject> {
    return this.#kube.get<AnyObject>(types[kind], refOf(kind, name));
  }

  /** Deletes and does not wait. */
  async remove(kind: Kind, name: string): Promise<void> {
    await this.#kube.delete(types[kind], refOf(kind, name));
  }

  async gone(kind: Kind, name: string, limit?: number): Promise<void> {
    await eventually(async () => {
      const object = await this.#kube.tryGet<AnyObject>(types[kind], refOf(kind, name));
      if (object !== undefined) throw new Error(`${kind} ${name} is still there:\n${summary(object)}`);
    }, limit);
  }

  async removed(kind: Kind, name: string): Promise<void> {
    await this.remove(kind, name);
    await this.gone(kind, name);
  }

  /** The condition, as soon as it is as expected and about the present spec. */
  async condition(kind: Kind, name: string, type: string, expected: Expected, limitMs?: number): Promise<Condition> {
    return (await this.#showing(kind, name, type, expected, limitMs)).condition;
  }

  /** The object as it was when it was Ready: read again, it may show what came after. */
  async ready(kind: Kind, name: string): Promise<AnyObject> {
    return (await this.#showing(kind, name, 'Ready', { status: 'True' })).object;
  }

  async #showing(
    kind: Kind,
    name: string,
    type: string,
    expected: Expected,
    limitMs?: number,
  ): Promise<{ readonly object: AnyObject; readonly condition: Condition }> {
    const began = performance.now();
    const found = await eventually(async () => {
      const object = await this.get(kind, name);
      const condition = (object.status?.conditions as readonly Condition[] | undefined)?.find(
        (one) => one.type === type,
      );
      if (condition === undefined || !fits(condition, expected) || !isCurrent(object, condition)) {
        throw new Error(
          `${kind} ${name}: ${type} is not ${JSON.stringify(expected)} ${String(expected.message ?? '')}\n${summary(object)}`,
        );
      }
      return { object, condition };
    }, limitMs);
    const what = `${kind} ${type}=${found.condition.status} ${found.condition.reason}`;
    this.times.push({ what, ms: Math.round(performance.now() - began) });
    return found;
  }

  /** Events about the object, as `Type Reason: message`, oldest first. */
  async events(name: string, namespace = 'default'): Promise<string[]> {
    const all = await this.#kube.list<Event>(events, { namespace });
    return all
      .filter(({ involvedObject }) => involvedObject.name === name)
      .map(({ type, reason, message }) => `${type} ${reason}: ${message}`);
  }
}

function refOf(kind: Kind, name: string): { name: string; namespace?: string } {
  if (!types[kind].namespaced) return { name };
  const [first = '', second] = name.split('/');
  return second === undefined ? { namespace: 'default', name: first } : { namespace: first, name: second };
}

function fits(condition: Condition, expected: Expected): boolean {
  return (
    (expected.status === undefined || condition.status === expected.status) &&
    (expected.reason === undefined || condition.reason === expected.reason) &&
    (expected.message === undefined || expected.message.test(condition.message))
  );
}

/** The controller's conditions are not made anew when only the generation changes. */
function isCurrent({ metadata }: AnyObject, { type, reason, observedGeneration }: Condition): boolean {
  if (reason === 'HostUnreachable') return true;
  if (['Scheduled', 'HostReachable', 'Claimed'].includes(type)) return true;
  return observedGeneration === undefined || observedGeneration >= (metadata.generation ?? 0);
}

/** Conditions for people, when a test fails. */
export function summary({ metadata, status }: AnyObject): string {
  const conditions = (status?.conditions ?? []) as readonly Condition[];
  const lines = conditions.map(
    ({ type, status: value, reason, message }) => `  ${type}=${value} ${reason}: ${message}`,
  );
  const deleting = metadata.deletionTimestamp === undefined ? '' : ' (deleting)';
  return [`${metadata.name}${deleting} phase ${status?.phase ?? '?'}`, ...lines].join('\n');
}
