import { agentFinalizer } from '../../api/names.ts';
import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import type { StubDomain } from '../../api/generated/stub-domain.ts';
import type { Reason } from '../../api/reasons.ts';
import { validatePciAttachmentSpec, validateStubDomainSpec } from '../../api/generated/validators.ts';
import { domainPath, notesPath } from '../../domain/locations.ts';
import { nextStep } from '../../domain/next-step.ts';
import { stepOwner } from '../../domain/step-owner.ts';
import type { Snapshot } from '../../domain/snapshot.ts';
import type { Step } from '../../domain/step.ts';
import { type Hypervisor, HypervisorError } from '../../hypervisor/hypervisor.ts';
import type { EventRecorder } from '../../kube/events.ts';
import { addFinalizer, removeFinalizer } from '../../kube/finalizer.ts';
import { pciAttachments, stubDomains } from '../../kube/resources.ts';
import type { Informer, KubeClient } from '../../kube/types.ts';
import { type Action, type ReconcileContext, after, done, retry, terminal } from '../../runtime/action.ts';
import type { Clock, Logger, Random } from '../../runtime/ports.ts';
import { Mutex } from '../../runtime/mutex.ts';
import { steadyClock } from '../../runtime/steady-clock.ts';
import type { XenStore } from '../../xenstore/xenstore.ts';
import { type ActContext, type Happening, StaleSnapshotError } from '../act/context.ts';
import { stubName } from '../act/stub-domain.ts';
import { commit } from '../act/commit.ts';
import { EarlyTransaction } from '../act/early-transaction.ts';
import { perform } from '../act/perform.ts';
import { Turns } from '../act/turns.ts';
import type { AgentMetrics } from '../agent-metrics.ts';
import { CommandMeter, type RawChannel } from '../observe/command-meter.ts';
import type { DeviceInventory } from '../observe/device-inventory.ts';
import type { DomainInventory } from '../observe/domain-inventory.ts';
import { gather } from '../observe/gather.ts';
import type { PassView } from '../observe/pass-view.ts';
import { findNotedTarget } from '../observe/noted-target.ts';
import { KeyMemory } from '../observe/key-memory.ts';
import { inspectWiring } from '../observe/wiring.ts';
import type { StubWatches } from '../observe/stub-watches.ts';
import { TreeCache } from '../observe/tree-cache.ts';
import { Overlay } from '../../kube/overlay.ts';
import { StatusReporter, progressGraceMs } from './report.ts';

/** Index of attachments by `namespace/name` of their StubDomain. */
export const byStubDomain = 'stubDomain';
/** Index of stub domains by their UID. */
export const byUid = 'uid';
export const stubDomainKey = (attachment: PciAttachment): string =>
  `${attachment.metadata.namespace ?? ''}/${attachment.spec.stubDomainRef.name}`;

/** More steps than any object takes from nothing to Ready; beyond it the pass gives way to others. */
const maxSteps = 48;

interface Pass {
  readonly view: PassView;
  readonly early: EarlyTransaction;
  readonly logger: Logger;
}

/** Steps that change XenStore through the view alone, if at all. */
const foreseen: ReadonlySet<Step['do']> = new Set<Step['do']>([
  'addFinalizer',
  'removeFinalizer',
  'claim',
  'ready',
  'enlist',
  'dropBackend',
  'grant',
  'send',
  'conclude',
  'withdraw',
  'adopt',
  'repair',
  'noteListing',
]);

const backendKinds = ['vbd', 'vif', 'vfb', 'vkbd', 'console', 'pci'] as const;

/** xl makes them one after the other, each in a pass of its own: the others are for what runs. */
const guestsAtOnce = 4;

/** So often in a row a pass may find that things changed under it; then somebody changes them all the time. */
const maxStale = 5;

export interface StubDomainReconcilerOptions {
  readonly kube: KubeClient;
  readonly xenstore: XenStore;
  readonly hypervisor: Hypervisor;
  readonly stubDomains: Informer<StubDomain>;
  readonly attachments: Informer<PciAttachment>;
  readonly domains: DomainInventory;
  readonly devices: DeviceInventory;
  readonly watches: StubWatches;
  readonly events: EventRecorder;
  readonly metrics?: AgentMetrics | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * One stub domain with all its attachments is one key: they share the command channel. A pass reads everything, does one
 * step after another until there is none, and writes what it saw into the statuses. It never waits: what is awaited comes
 * as a watch event, or as the time that the pass names.
 */
export class StubDomainReconciler {
  readonly #options: StubDomainReconcilerOptions;
  readonly #overlay = new Overlay();
  readonly #reporter: StatusReporter;
  readonly #layingOut = new Mutex();
  readonly #creations = new Turns(guestsAtOnce);
  readonly #memories = new Map<string, KeyMemory>();
  readonly #targets = new Map<string, string>();
  readonly #meter: CommandMeter | undefined;
  readonly #now: () => number;
  readonly #cache: TreeCache;
  /** What the last look of a key asked XenStore for. */
  readonly #asked = new Map<string, readonly string[]>();

  constructor(options: StubDomainReconcilerOptions) {
    this.#options = options;
    this.#meter = options.metrics === undefined ? undefined : new CommandMeter(options.metrics);
    this.#reporter = new StatusReporter(options.kube, this.#overlay);
    this.#now = steadyClock(options.clock);
    const { xenstore, watches } = options;
    this.#cache = new TreeCache(xenstore, this.#now, (part) => watches.isWatched(part));
    watches.onChange((path) => {
      this.#cache.changed(path);
    });
    xenstore.onStateChange(() => {
      this.#cache.clear();
    });
  }

  /** An object is gone for good. */
  forgetObject(uid: string): void {
    this.#overlay.forget(uid);
    this.#reporter.forget(uid);
  }

  async reconcile(key: string, context: ReconcileContext): Promise<Action> {
    const { watches } = this.#options;
    watches.began(key);
    const unreadable = this.#unreadable(key);
    if (unreadable !== undefined) {
      context.logger.warn('An object is not valid, and everything of its StubDomain is left as it is', unreadable);
      return terminal('InvalidSpec');
    }
    const early = new EarlyTransaction(this.#options.xenstore);
    if (this.#memory(key).isAboutToChange(this.#attachments(key))) early.begin();
    const { snapshot, wakeAt, stale } = await this.#advance(key, context, early).finally(() => {
      early.abandon();
    });
    watches.follow(key, snapshot.stub?.domid);
    const reportAt = await this.#reporter.report(snapshot);
    if (stale !== undefined) return retry(stale);
    if (snapshot.object === undefined && snapshot.attachments.length === 0) this.#forget(key);
    const inspectAt = this.#memories.get(key)?.inspectAt(snapshot);
    const wakes = [wakeAt, reportAt, inspectAt].filter((wake) => wake !== undefined);
    return wakes.length === 0 ? done : after(Math.max(1, Math.min(...wakes) - this.#now()));
  }

  /** Takes one step after another until there is nothing to do now. */
  async #advance(
    key: string,
    { signal, logger }: ReconcileContext,
    early: EarlyTransaction,
  ): Promise<{ snapshot: Snapshot; wakeAt: number | undefined; stale?: string }> {
    let stale = 0;
    let view = this.#view(key);
    for (let steps = 0; ; steps += 1) {
      signal.throwIfAborted();
      const snapshot = await this.#look(key, view);
      this.#asked.set(key, [...view.asked]);
      const plan = nextStep(snapshot, agentFinalizer);
      if (plan.step === undefined) return { snapshot, wakeAt: earliest(plan.wakeAt, view.believedUntil) };
      if (steps === maxSteps) return { snapshot, wakeAt: snapshot.now };
      const outcome = await this.#take(key, plan.step, snapshot, { view, early, logger });
      if (outcome !== 'foreseen') {
        early.abandon();
        this.#disbelieve(snapshot);
        view = this.#view(key);
      }
      stale = outcome === 'stale' ? stale + 1 : 0;
      if (stale === maxStale)
        return { snapshot, wakeAt: undefined, stale: `${plan.step.do} was decided on stale facts` };
    }
  }

  #view(key: string): PassView {
    return this.#cache.view(this.#asked.get(key) ?? []);
  }

  /** Everything about the stub domain is read anew: it was changed in ways that the view does not follow. */
  #disbelieve({ object, note, target, stub }: Snapshot): void {
    const uuid = object?.spec.target.uuid ?? note?.target.uuid;
    if (uuid !== undefined) this.#cache.changed(notesPath(uuid));
    this.#cache.changed('/libxl/pci');
    for (const domid of [target?.domid, note?.target.domid, stub?.domid, note?.domid]) {
      if (domid === undefined) continue;
      this.#cache.changed(domainPath(domid));
      for (const kind of backendKinds) this.#cache.changed(`/local/domain/0/backend/${kind}/${domid}`);
    }
  }

  async #look(key: string, view: PassView): Promise<Snapshot> {
    const { xenstore, domains, devices, stubDomains: known } = this.#options;
    const shown = known.get(key);
    const object = shown === undefined ? undefined : this.#vetted(this.#overlay.get(shown));
    const attachments = this.#attachments(key);
    const targetUuid =
      object?.spec.target.uuid ??
      this.#targets.get(key) ??
      (shown === undefined ? await findNotedTarget(xenstore, attachments) : undefined);
    if (targetUuid !== undefined) this.#targets.set(key, targetUuid);
    const domain = targetUuid === undefined ? undefined : domains.byUuid(targetUuid);
    const target = domain?.type === 'HVM' ? { domid: domain.domid, uuid: domain.uuid, name: domain.name } : undefined;
    const namesake = target === undefined ? undefined : domains.byName(stubName(target.name));
    let raw: RawChannel | undefined;
    const seen = await gather(view, {
      now: this.#now(),
      object,
      attachments,
      targetUuid,
      target,
      domainOf: (uuid) => domains.byUuid(uuid),
      domainAt: (domid) => domains.byDomid(domid),
      stubDomainsMadeBy: this.#options.hypervisor.stubDomainsMadeBy,
      ownerName: (uid) => {
        const owner = known.byIndex(byUid, uid)[0]?.metadata;
        return owner === undefined ? undefined : `${owner.namespace ?? ''}/${owner.name}`;
      },
      hostDevices: devices.devices,
      // A guest may have that name too, and is no device model.
      namesake: namesake?.type === 'HVM' ? undefined : namesake?.domid,
      heard: (channel) => {
        raw = channel;
      },
    });
    this.#meter?.look(key, seen, raw);
    const memory = this.#memory(key);
    memory.observe(seen);
    await this.#inspect(seen, memory);
    return { ...seen, memory: memory.view() };
  }

  /** Compares what is laid out with the spec, if it is time for it. */
  async #inspect(seen: Omit<Snapshot, 'memory'>, memory: KeyMemory): Promise<void> {
    const { object, note, stub, target } = seen;
    const due = memory.inspectAt(seen);
    if (due === undefined || due > seen.now) return;
    if (object === undefined || note === undefined || stub === undefined || target === undefined) return;
    const identity = { stub, target, targetName: target.name };
    memory.inspected(seen, await inspectWiring(this.#options.xenstore, object, note, identity));
  }

  /**
   * An object of the key that the API server let through and our validator does not: a newer API than this agent knows,
   * say. Taken for one that is not there, it would cost a running guest its devices.
   */
  #unreadable(key: string): { kind: string; name: string } | undefined {
    const { stubDomains: known, attachments } = this.#options;
    const object = known.get(key);
    if (object !== undefined && !validateStubDomainSpec(object.spec)) {
      return { kind: 'StubDomain', name: object.metadata.name };
    }
    const attachment = attachments.byIndex(byStubDomain, key).find(({ spec }) => !validatePciAttachmentSpec(spec));
    return attachment === undefined ? undefined : { kind: 'PciAttachment', name: attachment.metadata.name };
  }

  /** Defaults filled in. What the API server let through and our validator does not is treated as not there. */
  #vetted(object: StubDomain): StubDomain | undefined {
    if (validateStubDomainSpec(object.spec)) return object;
    const { namespace, name } = object.metadata;
    this.#options.logger.warn('A StubDomain is not valid and is left alone', { namespace, name });
    return undefined;
  }

  #attachments(key: string): PciAttachment[] {
    return this.#options.attachments
      .byIndex(byStubDomain, key)
      .map((attachment) => this.#overlay.get(attachment))
      .filter((attachment) => validatePciAttachmentSpec(attachment.spec))
      .sort(byAge);
  }

  #memory(key: string): KeyMemory {
    let memory = this.#memories.get(key);
    if (memory === undefined) {
      memory = new KeyMemory();
      this.#memories.set(key, memory);
    }
    return memory;
  }

  #forget(key: string): void {
    this.#memories.delete(key);
    this.#meter?.forget(key);
    this.#targets.delete(key);
    this.#asked.delete(key);
  }

  /**
   * `foreseen`: the view shows what the step did. `done`: it has to be looked at. `stale`: the step was decided on facts
   * that no longer hold.
   */
  async #take(key: string, step: Step, snapshot: Snapshot, pass: Pass): Promise<'foreseen' | 'done' | 'stale'> {
    const { logger } = pass;
    logger.debug('Step', { step: step.do });
    try {
      if (step.do === 'addFinalizer' || step.do === 'removeFinalizer') await this.#finalize(step, snapshot);
      else await this.#telling(snapshot, perform(step, this.#context(key, snapshot, pass)));
      // It asked the hypervisor nothing: the step that failed is still to come.
      const uid = step.do === 'intend' ? undefined : stepOwner(step, snapshot);
      if (uid !== undefined) this.#memory(key).accepted(uid);
    } catch (error) {
      if (error instanceof StaleSnapshotError) {
        logger.debug('Looked again', { step: step.do, because: error.message });
        return 'stale';
      }
      this.#disbelieve(snapshot);
      const uid = stepOwner(step, snapshot);
      if (!(error instanceof HypervisorError) || uid === undefined) throw error;
      const memory = this.#memory(key);
      if (error.code !== 'Unavailable') memory.answered(uid);
      else if (!memory.isSilent(uid, this.#now())) throw error;
      logger.warn('The hypervisor refused', { step: step.do, code: error.code, error: error.message });
      const reason: Reason = error.code === 'NoMemory' ? 'NoMemory' : 'HypervisorFailed';
      memory.failed(uid, reason, this.#now(), error.message);
      this.#tell({ uid, type: 'Warning', reason, message: error.message }, snapshot);
      return 'done';
    }
    return foreseen.has(step.do) ? 'foreseen' : 'done';
  }

  /** A step that takes long, a domain that does not end say, does not keep from the statuses what was seen before it. */
  async #telling(snapshot: Snapshot, step: Promise<void>): Promise<void> {
    let telling: Promise<unknown> | undefined;
    const cancel = this.#options.clock.setTimer(progressGraceMs, () => {
      telling = this.#reporter.report({ ...snapshot, now: this.#now() }, { lasts: true }).catch(() => undefined);
    });
    try {
      await step;
    } finally {
      cancel();
      await telling;
    }
  }

  #context(key: string, snapshot: Snapshot, { view, early }: Pass): ActContext {
    const { xenstore, hypervisor, domains, devices, clock, random, metrics } = this.#options;
    const layOut: XenStore['transaction'] = (callback, transaction) =>
      this.#layingOut.run(() => xenstore.transaction(callback, transaction));
    return {
      xenstore,
      layOut,
      commit: async (change, { shared = false } = {}) => {
        const carryOut = (): Promise<void> => commit(early.run.bind(early), change);
        await (shared ? this.#layingOut.run(carryOut) : carryOut());
        view.apply(change);
      },
      hypervisor,
      domains,
      devices,
      memory: this.#memory(key),
      creations: this.#creations,
      snapshot,
      clock,
      random,
      metrics,
      happened: (happening) => {
        this.#tell(happening, snapshot);
      },
    };
  }

  #tell({ uid, type, reason, message }: Happening, snapshot: Snapshot): void {
    const about = [snapshot.object, ...snapshot.attachments].find((object) => object?.metadata.uid === uid);
    if (about !== undefined) this.#options.events.record(about, { type, reason, message });
  }

  async #finalize(step: Extract<Step, { do: 'addFinalizer' | 'removeFinalizer' }>, snapshot: Snapshot): Promise<void> {
    const { kube } = this.#options;
    const object = [snapshot.object, ...snapshot.attachments].find((candidate) => candidate?.metadata.uid === step.uid);
    if (object === undefined) throw new StaleSnapshotError('the object is gone');
    const type = step.kind === 'StubDomain' ? stubDomains : pciAttachments;
    const change = step.do === 'addFinalizer' ? addFinalizer : removeFinalizer;
    const answer = await change(kube, type, object, agentFinalizer);
    this.#overlay.put(answer ?? withoutFinalizer(object));
    if (step.do === 'removeFinalizer') this.#reporter.forget(step.uid);
  }
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? (a ?? b) : Math.min(a, b);
}

/** An object that is gone, until the informer says so too. */
function withoutFinalizer<T extends StubDomain | PciAttachment>(object: T): T {
  const finalizers = (object.metadata.finalizers ?? []).filter((finalizer) => finalizer !== agentFinalizer);
  return {
    ...object,
    metadata: { ...object.metadata, finalizers, deletionTimestamp: object.metadata.deletionTimestamp ?? '' },
  };
}

/** Oldest first; of two of one second the name decides, so that all look at them in the same order. */
function byAge(a: PciAttachment, b: PciAttachment): number {
  const [left, right] = [a.metadata, b.metadata];
  if (left.creationTimestamp !== right.creationTimestamp)
    return left.creationTimestamp < right.creationTimestamp ? -1 : 1;
  return left.name < right.name ? -1 : 1;
}
