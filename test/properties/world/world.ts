import { agentFinalizer, controllerManager } from '../../../operator/api/names.ts';
import type { PciAttachment } from '../../../operator/api/generated/pci-attachment.ts';
import type { StubDomain } from '../../../operator/api/generated/stub-domain.ts';
import type { QuirkSettings } from '../../../operator/embedded/simulated-host/quirks.ts';
import type { PciDevice } from '../../../operator/hypervisor/hypervisor.ts';
import { pciAttachments, stubDomains } from '../../../operator/kube/resources.ts';
import type { Random } from '../../../operator/runtime/ports.ts';
import { type AgentLife, nodeName, startAgentLife } from './agent-life.ts';
import { ChannelJudge } from './channel-judge.ts';
import { type ForeignDeed, ForeignToolstack } from './foreign-toolstack.ts';
import { PropertyHost } from './host.ts';
import { KubeMemory } from './kube-memory.ts';
import { OwnershipJudge } from './ownership-judge.ts';
import { Scheduler, settled } from './scheduler.ts';
import { StoreHub } from './store-hub.ts';
import { WorldTime } from './time.ts';
import { Trace } from './trace.ts';

export const namespace = 'default';

/** What stays of a guest over its incarnations. */
export interface Guest {
  readonly name: string;
  readonly uuid: string;
  /** How its stub domains behave from now on. */
  quirks: Partial<QuirkSettings>;
  /** Its present stub domain was lied to, told lies, or was given commands by somebody else: only a new one is sure to obey. */
  spoiled: boolean;
}

const devices: readonly PciDevice[] = [
  { address: '0000:03:00.0', vendorID: '8086', deviceID: '10fb', classID: '020000', driver: 'pciback' },
  { address: '0000:04:00.0', vendorID: '8086', deviceID: '10fb', classID: '020000', driver: 'ixgbe' },
];

/** The attachments that a run creates and deletes: the third wants what the first has, for another guest. */
export const attachmentPlan = [
  { name: 'a-first', guest: 0, address: '0000:03:00.0' },
  { name: 'a-second', guest: 0, address: '0000:04:00.0' },
  { name: 'b-first', guest: 1, address: '0000:03:00.0' },
] as const;

/** A run went wrong. The message says how; `trace` what had happened until then. */
export class PropertyViolation extends Error {
  readonly trace: string;

  constructor(what: string, trace: string) {
    super(what);
    this.name = 'PropertyViolation';
    this.trace = trace;
  }
}

/**
 * A Xen host with its agent and an API server in one process, without a socket, a timer or chance: what happens, and in
 * which order, is decided by whoever calls `run` and the other methods.
 */
export class PropertyWorld {
  readonly time = new WorldTime();
  readonly scheduler = new Scheduler();
  readonly trace: Trace;
  readonly hub: StoreHub;
  readonly memory: KubeMemory;
  readonly host: PropertyHost;
  readonly guests: readonly [Guest, Guest] = [
    { name: 'web', uuid: '6d1f8a44-9a1e-4c7b-8e33-2f4d6b1a0c01', quirks: {}, spoiled: false },
    { name: 'db', uuid: '6d1f8a44-9a1e-4c7b-8e33-2f4d6b1a0c02', quirks: {}, spoiled: false },
  ];
  readonly #ownership: OwnershipJudge;
  readonly #violations: string[] = [];
  readonly #foreign: ForeignToolstack;
  readonly #restarting = new Map<Guest, Promise<void>>();
  /** Domids that stub domains ever had, and those of them that another domain got. */
  readonly #stubs = new Set<number>();
  readonly reused = new Set<number>();
  #agent: AgentLife | undefined;
  #lives = 0;

  constructor(options: { readonly wholeTrace: boolean }) {
    this.trace = new Trace(
      this.time,
      options.wholeTrace,
      new Map(this.guests.map(({ uuid, name }) => [uuid, `<${name}>`])),
    );
    const violated = (what: string): void => {
      this.trace.note('judge', 'VIOLATION', what);
      this.#violations.push(what);
    };
    const channels = new ChannelJudge({
      read: (path) => this.hub.read(path),
      now: () => this.time.elapsed,
      mayAbandon: (address, ageMs) => this.#mayAbandon(address, ageMs),
      removed: (address) => this.#ownership.removed(address),
      violated,
    });
    this.hub = new StoreHub(this.scheduler, {
      committing: (commit) => {
        const judgements = [channels.committing(commit), this.#ownership.committing(commit)];
        return () => {
          this.trace.commit(commit);
          for (const judge of judgements) judge();
        };
      },
      released: (domid) => {
        this.trace.note('xen', 'released', `domain ${domid}`);
        channels.released(domid);
      },
    });
    const { clock } = this.time.life();
    this.memory = new KubeMemory(() => clock.now());
    this.host = new PropertyHost({
      hub: this.hub,
      time: this.time,
      devices,
      quirks: (uuid) => this.guests.find((guest) => guest.uuid === uuid)?.quirks ?? {},
      started: ({ domid, target }) => {
        this.trace.note('xen', 'started', `stub domain ${domid} for domain ${target?.domid ?? '?'}`);
        this.#stubs.add(domid);
        const guest = this.guests.find(({ uuid }) => uuid === target?.uuid);
        if (guest !== undefined) guest.spoiled = !isTrustworthy(guest.quirks);
      },
    });
    this.#foreign = new ForeignToolstack(this.hub, this.time);
    this.#ownership = new OwnershipJudge({
      bus: this.host.bus,
      domains: this.host.domains,
      read: (path) => this.hub.read(path),
      violated,
    });
  }

  /** Brings the host up, with both guests, the agent, and a stub domain for the first of them. */
  async boot(): Promise<void> {
    await this.until(this.host.boot());
    for (const guest of this.guests) await this.until(this.createGuest(guest));
    this.startAgent();
    this.wantStubDomain(0, true);
    await this.run({ steps: 5000, patienceMs: 3000 });
    this.trace.note('world', 'is up');
  }

  async createGuest({ name, uuid }: Guest, domid?: number): Promise<void> {
    const guest = await this.host.core.startGuest({ name, uuid, memoryMiB: 64 }, domid);
    this.#ownership.born(guest);
    if (this.#stubs.has(guest.domid)) this.reused.add(guest.domid);
    this.trace.note('xen', 'created', `guest ${name} as domain ${guest.domid}`);
  }

  startAgent(): void {
    this.#lives += 1;
    this.trace.note('world', 'starts', `agent ${this.#lives}`);
    this.#agent = startAgentLife(this.#lives, {
      scheduler: this.scheduler,
      time: this.time,
      hub: this.hub,
      memory: this.memory,
      hypervisor: this.host.core,
      calling: (actor, verb, args) => {
        if (!verb.startsWith('list') && verb !== 'info')
          this.trace.note(actor, `: ${verb}`, args.map((arg) => JSON.stringify(arg)).join(' '));
        this.#ownership.calling(actor, verb, args);
      },
    });
  }

  get agent(): AgentLife {
    if (this.#agent === undefined) throw new Error('the agent was never started');
    return this.#agent;
  }

  behave(guest: Guest, name: string, quirks: Partial<QuirkSettings>): void {
    this.trace.note('world', 'behaves', `the stub domains of ${guest.name} are ${name} from now on`);
    guest.quirks = quirks;
    guest.spoiled ||= !isTrustworthy(quirks);
    this.host.nudge();
  }

  /**
   * Does up to that many steps. Where nobody has anything to do, time goes on to the next timer, but no further than
   * `patienceMs` from now.
   */
  async run(options: {
    readonly steps: number;
    readonly random?: Random | undefined;
    readonly patienceMs: number;
  }): Promise<void> {
    const until = this.time.elapsed + options.patienceMs;
    for (let step = 0; step < options.steps; step += 1) {
      if (!(await this.#step(options.random, until))) return;
    }
  }

  /** Does what there is to do until the promise is settled. */
  async until(promise: Promise<void>): Promise<void> {
    const end = { over: false };
    const mark = (): void => {
      end.over = true;
    };
    promise.then(mark, mark);
    await settled();
    while (!end.over) {
      if (!(await this.#step(undefined, this.time.elapsed + 10_000))) throw new Error('nothing goes on any more');
    }
    await promise;
  }

  /** Lets everybody do their work, in turn, until `check` is true, and says what is missing if it never is. */
  async converge(what: string, withinMs: number, check: () => string | undefined): Promise<void> {
    const until = this.time.elapsed + withinMs;
    for (;;) {
      while (this.scheduler.ready) await this.#step(undefined, this.time.elapsed);
      const missing = check();
      if (missing === undefined) return;
      if (!(await this.#step(undefined, until))) {
        this.#violations.push(`${what}: ${missing}`);
        this.trace.note('judge', 'VIOLATION', `${what}: ${missing}`);
        this.#throwViolations();
      }
    }
  }

  async #step(random: Random | undefined, until: number): Promise<boolean> {
    if (this.scheduler.ready) {
      this.scheduler.step(random);
    } else {
      const next = this.time.nextAt;
      if (next === undefined || next > until) return false;
      this.time.fireNext();
    }
    await settled();
    this.#throwViolations();
    return true;
  }

  #throwViolations(): void {
    const [first] = this.#violations;
    if (first !== undefined) throw new PropertyViolation(first, this.trace.text);
  }

  // What happens on the host.

  /** The guest goes and comes back under the same uuid, beside everything else. */
  restartGuest(which: 0 | 1, wished: 'new' | 'same' | 'of a stub domain'): void {
    const guest = this.guests[which];
    const before = this.host.domains.byUuid(guest.uuid)?.domid;
    if (before === undefined || this.#restarting.has(guest)) return;
    this.trace.note('xl', 'restarts', `guest ${guest.name}`);
    const restart = async (): Promise<void> => {
      await this.host.core.destroyGuest(guest.uuid, { forGood: false });
      const free = [...this.#stubs].find((domid) => this.host.domains.get(domid) === undefined);
      const domid = { new: undefined, same: before, 'of a stub domain': free }[wished];
      await this.createGuest(
        guest,
        domid !== undefined && this.host.domains.get(domid) === undefined ? domid : undefined,
      );
    };
    this.#restarting.set(
      guest,
      restart().finally(() => this.#restarting.delete(guest)),
    );
  }

  /** Resolves when no guest is on its way. */
  async guestsSettled(): Promise<void> {
    await Promise.all(this.#restarting.values());
  }

  killStub(which: 0 | 1): void {
    const { uuid, name } = this.guests[which];
    const stub = this.host.domains.list().find(({ target }) => target?.uuid === uuid);
    if (stub === undefined) return;
    this.trace.note('xl', 'destroys', `the stub domain of ${name}, domain ${stub.domid}`);
    void this.host.core.destroyDomain(stub).catch(() => {});
  }

  foreignDeed(which: 0 | 1, deed: ForeignDeed): void {
    const guest = this.guests[which];
    const stub = this.host.domains.list().find(({ target }) => target?.uuid === guest.uuid);
    if (stub?.target === undefined) return;
    guest.spoiled = true;
    this.trace.note('xl', 'begins', `${deed} with stub domain ${stub.domid}`);
    this.#foreign.begin(deed, stub.domid, stub.target.domid);
  }

  foreignClaim(address: string, wanted = true): Promise<void> {
    return this.#foreign.claim(address, wanted);
  }

  /** From here on nobody but the agent gives commands, and everybody does as they are told. */
  async calm(): Promise<void> {
    this.trace.note('────', 'calm');
    await this.until(this.guestsSettled());
    for (const { address } of devices) await this.until(this.foreignClaim(address, false));
    this.#foreign.silence();
    for (const guest of this.guests) this.behave(guest, 'honest', {});
  }

  // What people do.

  wantStubDomain(which: 0 | 1, wanted: boolean): void {
    const guest = this.guests[which];
    const ref = { namespace, name: guest.name };
    const exists = this.memory.find(stubDomains, ref) !== undefined;
    if (wanted && !exists) {
      this.trace.note('user', 'creates', `StubDomain ${guest.name}`);
      const spec = {
        flavor: 'MiniOS',
        provisioning: 'Create',
        target: { uuid: guest.uuid, name: guest.name },
        runState: 'Running',
        bios: 'ROMBIOS',
        deletionPolicy: 'Destroy',
      };
      this.memory.create(stubDomains, { metadata: ref, spec });
    } else if (!wanted && exists) {
      this.trace.note('user', 'deletes', `StubDomain ${guest.name}`);
      this.memory.delete(stubDomains, ref);
    }
    this.control();
  }

  pause(which: 0 | 1, paused: boolean): void {
    const ref = { namespace, name: this.guests[which].name };
    const object = this.memory.find<StubDomain>(stubDomains, ref);
    const runState = paused ? 'Paused' : 'Running';
    if (object === undefined || object.metadata.deletionTimestamp !== undefined || object.spec.runState === runState)
      return;
    this.trace.note('user', 'sets', `runState of ${ref.name} to ${runState}`);
    this.memory.changeSpec(stubDomains, ref, { runState });
  }

  wantAttachment(which: 0 | 1 | 2, wanted: boolean, force: boolean): void {
    const { name, guest, address } = attachmentPlan[which];
    const ref = { namespace, name };
    const exists = this.memory.find(pciAttachments, ref) !== undefined;
    if (wanted && !exists) {
      this.trace.note('user', 'creates', `PciAttachment ${name} of ${address}${force ? ' (Force after 30 s)' : ''}`);
      const spec = {
        stubDomainRef: { name: this.guests[guest].name },
        device: { address },
        options: { msiTranslate: 'Disabled', powerManagement: 'Disabled', permissive: 'Disabled', rdmPolicy: 'Strict' },
        driverPolicy: 'Seize',
        removalPolicy: force ? 'Force' : 'Graceful',
        removalTimeoutSeconds: 30,
      };
      this.memory.create(pciAttachments, { metadata: ref, spec });
    } else if (!wanted && exists) {
      this.trace.note('user', 'deletes', `PciAttachment ${name}`);
      this.memory.delete(pciAttachments, ref);
    }
    this.control();
  }

  /** What the controller does: it binds all to the host, and gives each device to the attachment that asked first. */
  control(): void {
    for (const { metadata, status } of this.memory.list<StubDomain>(stubDomains)) {
      if (status?.nodeName === undefined)
        this.memory.applyStatus(stubDomains, { metadata, status: { nodeName } }, controllerManager);
    }
    const attachments = this.memory.list<PciAttachment>(pciAttachments);
    for (const { metadata, spec, status } of attachments) {
      if (status?.address !== undefined || metadata.deletionTimestamp !== undefined) continue;
      const { address } = spec.device;
      const free = attachments.every((other) => other.status?.address !== address);
      if (free) {
        const claimed = { type: 'Claimed', status: 'True', reason: 'Claimed', message: '', lastTransitionTime: '' };
        const device = { vendorID: '8086', deviceID: '10fb' };
        const granted = { nodeName, address, device, conditions: [claimed] };
        this.memory.applyStatus(pciAttachments, { metadata, status: granted }, controllerManager);
        this.control();
        return;
      }
    }
  }

  #mayAbandon(address: string, ageMs: number): boolean {
    const attachment = this.memory
      .list<PciAttachment>(pciAttachments)
      .find(({ status, metadata }) => status?.address === address && metadata.finalizers?.includes(agentFinalizer));
    if (attachment === undefined) return true;
    const owner = { namespace, name: attachment.spec.stubDomainRef.name };
    const stubDomain = this.memory.find<StubDomain>(stubDomains, owner);
    const forced = attachment.spec.removalPolicy === 'Force' && attachment.metadata.deletionTimestamp !== undefined;
    const leaves = stubDomain === undefined || stubDomain.metadata.deletionTimestamp !== undefined;
    return (forced || leaves) && ageMs >= attachment.spec.removalTimeoutSeconds * 1000;
  }
}

/** Ways to behave that end in what was asked for: late, or after a failure that is said or seen. */
const obedient: ReadonlySet<string> = new Set([
  'backendDelayMs',
  'bootDelayMs',
  'diesAt',
  'ejectDelayMs',
  'ignoresCommands',
  'insertFailure',
  'pcifrontDelayMs',
  'replyDelayMs',
  'saveDelayMs',
]);

/** Whether the stub domain carries out everything in the end, and within the time that it is given. */
function isTrustworthy(quirks: Partial<QuirkSettings>): boolean {
  return Object.keys(quirks).every((name) => obedient.has(name)) && (quirks.replyDelayMs ?? 0) <= 20_000;
}
