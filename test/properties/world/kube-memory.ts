import { jsonPatch } from '../../../operator/embedded/api-server/patch/json-patch.ts';
import { ApiError } from '../../../operator/kube/errors.ts';
import { apiVersionOf, keyOf } from '../../../operator/kube/resources.ts';
import type {
  JsonPatchOperation,
  KubeClient,
  KubeObject,
  KubeWatcher,
  ObjectRef,
  ResourceType,
  WatchSink,
} from '../../../operator/kube/types.ts';
import type { Scheduler } from './scheduler.ts';

/** An object with what the fake looks at. */
export interface Stored extends KubeObject {
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly status?: Status;
}

/** A status as its writers leave it. */
export type Status = Readonly<Record<string, unknown>> & {
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason: string }[];
};

interface Subscriber {
  readonly type: ResourceType;
  readonly selects: (object: Stored) => boolean;
  readonly tell: (type: 'ADDED' | 'MODIFIED' | 'DELETED', object: Stored) => void;
}

const refusal = (status: number, reason: string, message: string): ApiError =>
  new ApiError({ status, reason, message });

const placeOf = (ref: ObjectRef): string => (ref.namespace === undefined ? ref.name : `${ref.namespace}/${ref.name}`);

/** The fields that informers select by. */
function selector(text: string | undefined): (object: Stored) => boolean {
  const [field, value] = text?.split('=') ?? [];
  if (field === undefined) return () => true;
  if (field === 'metadata.name') return ({ metadata }) => metadata.name === value;
  return ({ status }) => status?.['nodeName'] === value;
}

/**
 * The API server as far as the agent knows one: objects in maps, a status put together from what each writer applied,
 * finalizers, and watches. It never fails; that it is slow is the scheduler's choice.
 */
export class KubeMemory {
  readonly #objects = new Map<string, Map<string, Stored>>();
  readonly #applied = new Map<string, Map<string, Status>>();
  readonly #subscribers = new Set<Subscriber>();
  readonly #now: () => number;
  #version = 100;

  constructor(now: () => number) {
    this.#now = now;
  }

  list<T extends KubeObject>(type: ResourceType): T[] {
    return [...this.#of(type).values()] as unknown as T[];
  }

  find<T extends KubeObject>(type: ResourceType, ref: ObjectRef): T | undefined {
    return this.#of(type).get(placeOf(ref)) as unknown as T | undefined;
  }

  create(type: ResourceType, object: object): Stored {
    const { metadata, ...rest } = object as Pick<Stored, 'metadata' | 'spec' | 'status'>;
    const place = placeOf(metadata);
    if (this.#of(type).has(place)) throw refusal(409, 'AlreadyExists', `${place} exists`);
    this.#version += 1;
    const made: Stored = {
      apiVersion: apiVersionOf(type),
      kind: type.kind,
      ...rest,
      metadata: {
        ...metadata,
        uid: `${type.kind.toLowerCase()}-${metadata.name}-${this.#version}`,
        resourceVersion: String(this.#version),
        generation: 1,
        creationTimestamp: this.#time(),
      },
    };
    return this.#put(type, made);
  }

  /** A user's change of the spec. */
  changeSpec(type: ResourceType, ref: ObjectRef, spec: Readonly<Record<string, unknown>>): void {
    const object = this.#get(type, ref);
    const generation = (object.metadata.generation ?? 0) + 1;
    this.#put(type, { ...object, spec: { ...object.spec, ...spec }, metadata: { ...object.metadata, generation } });
  }

  delete(type: ResourceType, ref: ObjectRef): void {
    const object = this.#of(type).get(placeOf(ref));
    if (object === undefined || object.metadata.deletionTimestamp !== undefined) return;
    const generation = (object.metadata.generation ?? 0) + 1;
    this.#put(type, { ...object, metadata: { ...object.metadata, generation, deletionTimestamp: this.#time() } });
  }

  applyStatus(type: ResourceType, object: { metadata: ObjectRef; status?: Status }, manager: string): Stored {
    const before = this.#get(type, object.metadata);
    const applied = this.#applied.get(before.metadata.uid) ?? new Map<string, Status>();
    this.#applied.set(before.metadata.uid, applied);
    applied.set(manager, object.status ?? {});
    const conditions = [...applied.values()].flatMap((status) => status.conditions ?? []);
    const byType = new Map(conditions.map((condition) => [condition.type, condition]));
    const fields = Object.assign({}, ...applied.values()) as Status;
    const status: Status = { ...fields, conditions: [...byType.values()] };
    return this.#put(type, { ...before, status });
  }

  patch(type: ResourceType, ref: ObjectRef, operations: readonly JsonPatchOperation[]): Stored {
    const before = this.#get(type, ref);
    try {
      return this.#put(type, jsonPatch({ ...before }, operations) as unknown as Stored);
    } catch {
      throw refusal(422, 'Invalid', 'the patch does not fit');
    }
  }

  replace(type: ResourceType, object: Stored): Stored {
    const before = this.#get(type, object.metadata);
    if (before.metadata.resourceVersion !== object.metadata.resourceVersion)
      throw refusal(409, 'Conflict', 'changed meanwhile');
    return this.#put(type, object);
  }

  subscribe(subscriber: Subscriber): () => void {
    this.#subscribers.add(subscriber);
    return () => {
      this.#subscribers.delete(subscriber);
    };
  }

  get version(): string {
    return String(this.#version);
  }

  #put(type: ResourceType, object: Stored): Stored {
    this.#version += 1;
    const next = { ...object, metadata: { ...object.metadata, resourceVersion: String(this.#version) } };
    const objects = this.#of(type);
    const before = objects.get(keyOf(next));
    const { deletionTimestamp, finalizers = [] } = next.metadata;
    const gone = deletionTimestamp !== undefined && finalizers.length === 0;
    if (gone) objects.delete(keyOf(next));
    else objects.set(keyOf(next), next);
    for (const { type: wanted, selects, tell } of [...this.#subscribers]) {
      if (wanted.plural !== type.plural) continue;
      const [was, is] = [before !== undefined && selects(before), !gone && selects(next)];
      if (is) tell(was ? 'MODIFIED' : 'ADDED', next);
      else if (was) tell('DELETED', next);
    }
    return next;
  }

  #get(type: ResourceType, ref: ObjectRef): Stored {
    const object = this.#of(type).get(placeOf(ref));
    if (object === undefined) throw refusal(404, 'NotFound', `${type.kind} ${placeOf(ref)} not found`);
    return object;
  }

  #of(type: ResourceType): Map<string, Stored> {
    const objects = this.#objects.get(type.plural) ?? new Map<string, Stored>();
    this.#objects.set(type.plural, objects);
    return objects;
  }

  #time(): string {
    return `${new Date(this.#now()).toISOString().slice(0, 19)}Z`;
  }
}

/** A client of one agent's life: what it asks are jobs, and its watches are lanes. `end` is the life's end. */
export function kubeLink(
  memory: KubeMemory,
  scheduler: Scheduler,
  name: string,
): { readonly kube: KubeClient & KubeWatcher; end(carriedOut: number): void } {
  let alive = true;
  let watches = 0;
  const unsubscribe = new Set<() => void>();
  const lanes = new Set<string>();
  const call = <T>(work: () => unknown): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      scheduler.post(`${name} api`, () => {
        try {
          const result = work() as T;
          if (alive) resolve(result);
        } catch (error) {
          if (alive) reject(error instanceof Error ? error : new Error(String(error)));
        }
      });
    });
  const unused = (): never => {
    throw new Error('the agent does not ask that');
  };
  const kube: KubeClient & KubeWatcher = {
    get: (type, ref) => call(() => memory.find(type, ref) ?? missing(type, ref)),
    tryGet: (type, ref) => call(() => memory.find(type, ref)),
    list: (type) => call(() => memory.list(type)),
    create: (type, object) => call(() => memory.create(type, object)),
    replace: (type, object) => call(() => memory.replace(type, object)),
    apply: (type, object) => call(() => memory.find(type, (object as Stored).metadata) ?? memory.create(type, object)),
    applyStatus: (type, object, { fieldManager }) =>
      call(() => memory.applyStatus(type, object as Stored, fieldManager)),
    // Of Events alone: how often one came.
    mergePatch: (type, ref) => call(() => memory.find(type, ref) ?? missing(type, ref)),
    jsonPatch: (type, ref, operations) => call(() => memory.patch(type, ref, operations)),
    delete: (type, ref) =>
      call(() => {
        memory.delete(type, ref);
      }),
    listPage: unused,
    watch: (type, { fieldSelector }, sink) => {
      watches += 1;
      const lane = `${name} watch ${watches}`;
      lanes.add(lane);
      const selects = selector(fieldSelector);
      const stop = follow(memory, type, selects, sink, (run) => {
        scheduler.post(lane, run);
      });
      unsubscribe.add(stop);
      return () => {
        stop();
        scheduler.end(lane);
      };
    },
  };
  return {
    kube,
    end: (carriedOut) => {
      alive = false;
      scheduler.end(`${name} api`, carriedOut);
      for (const lane of lanes) scheduler.end(lane);
      for (const stop of unsubscribe) stop();
    },
  };
}

function follow(
  memory: KubeMemory,
  type: ResourceType,
  selects: (object: Stored) => boolean,
  sink: WatchSink<Stored>,
  post: (run: () => void) => void,
): () => void {
  const now = memory.list<Stored>(type).filter(selects);
  const { version } = memory;
  post(() => {
    sink.opened();
    for (const object of now) sink.event('ADDED', object);
    sink.bookmark(version, true);
  });
  return memory.subscribe({
    type,
    selects,
    tell: (event, object) => {
      post(() => {
        sink.event(event, object);
      });
    },
  });
}

function missing(type: ResourceType, ref: ObjectRef): never {
  throw refusal(404, 'NotFound', `${type.kind} ${placeOf(ref)} not found`);
}
