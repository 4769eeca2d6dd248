import type { Domain, DomainIdentity, Hypervisor } from '../../hypervisor/hypervisor.ts';
import { FreshReading } from '../../runtime/fresh-reading.ts';
import type { Logger } from '../../runtime/ports.ts';
import type { XenStore } from '../../xenstore/xenstore.ts';

/**
 * The domains of the host. XenStore says that one came or went, but not which (`@introduceDomain`, `@releaseDomain`), so
 * that each event has the whole list read again; events that come meanwhile share one further reading.
 */
export class DomainInventory {
  readonly #hypervisor: Hypervisor;
  readonly #logger: Logger;
  readonly #listeners = new Set<(changedUuids: ReadonlySet<string>) => void>();
  #domains = new Map<string, Domain>();
  #byName = new Map<string, Domain>();
  #xenstore: XenStore | undefined;
  #unknown: readonly Domain[] = [];
  readonly #reading = new FreshReading(() => this.#read());
  /** What was made or ended while a list was on its way, which that list may not know. */
  #meanwhile = new Map<string, Domain | undefined>();
  #loaded = false;
  #closed = false;
  #stop: (() => Promise<void>) | undefined;
  #error: Error | undefined;

  constructor(hypervisor: Hypervisor, logger: Logger) {
    this.#hypervisor = hypervisor;
    this.#logger = logger;
  }

  /** Whether the list was ever read: before that, a domain that is not in it is no domain that is gone. */
  get loaded(): boolean {
    return this.#loaded;
  }

  /** Why the last reading failed, if it did. */
  get error(): Error | undefined {
    return this.#error;
  }

  /**
   * Domains that the hypervisor runs and XenStore has no node of: its daemon was restarted empty, or they are being made or
   * ended at this very moment.
   */
  get unknownToXenStore(): readonly Domain[] {
    return this.#unknown;
  }

  /** Reads the list and follows XenStore's special watches. */
  async start(xenstore: XenStore): Promise<void> {
    this.#xenstore = xenstore;
    const fire = (): void => {
      void this.refresh();
    };
    const watches = [xenstore.watch('@introduceDomain', fire), xenstore.watch('@releaseDomain', fire)];
    this.#stop = async () => {
      await Promise.all(watches.map((watch) => watch.close()));
    };
    await this.refresh();
  }

  async stop(): Promise<void> {
    this.#closed = true;
    await this.#stop?.();
  }

  /** Calls `listener` with the uuids of domains that came, went, or have another domid now. */
  onChange(listener: (changedUuids: ReadonlySet<string>) => void): void {
    this.#listeners.add(listener);
  }

  byUuid(uuid: string): Domain | undefined {
    return this.#domains.get(uuid);
  }

  byDomid(domid: number): Domain | undefined {
    return this.list().find((domain) => domain.domid === domid);
  }

  byName(name: string): Domain | undefined {
    return this.#byName.get(name);
  }

  list(): readonly Domain[] {
    return [...this.#domains.values()];
  }

  /** A domain that was just made, before the list shows it. */
  add(domain: Domain): void {
    this.#domains.set(domain.uuid, domain);
    this.#byName.set(domain.name, domain);
    this.#meanwhile.set(domain.uuid, domain);
  }

  /** A domain that was just ended. */
  remove(domain: DomainIdentity): void {
    const known = this.#domains.get(domain.uuid);
    if (known?.domid !== domain.domid) return;
    this.#meanwhile.set(domain.uuid, undefined);
    this.#domains.delete(domain.uuid);
    if (this.#byName.get(known.name)?.uuid === domain.uuid) this.#byName.delete(known.name);
  }

  /** Resolves when the list was read after this call began. Failures are kept in `error`. */
  async refresh(): Promise<void> {
    return this.#reading.after();
  }

  async #read(): Promise<void> {
    if (this.#closed) return;
    this.#meanwhile.clear();
    try {
      const domains = await this.#hypervisor.listDomains();
      this.#adopt(domains, await this.#findUnknown(domains));
      this.#loaded = true;
      this.#error = undefined;
    } catch (error) {
      const isNew = this.#error === undefined;
      this.#error = error instanceof Error ? error : new Error(String(error));
      this.#logger.warn('The list of domains could not be read', { error: this.#error.message });
      // Nobody came or went as far as is known; the host's report takes it from here.
      if (isNew) for (const listener of this.#listeners) listener(new Set());
    }
  }

  /** After the hypervisor's list, so that what was made meanwhile is in XenStore's at least. */
  async #findUnknown(domains: readonly Domain[]): Promise<readonly Domain[]> {
    if (this.#xenstore?.state !== 'connected') return this.#unknown;
    try {
      const known = new Set(await this.#xenstore.tryList('/local/domain'));
      return domains.filter(({ domid }) => domid !== 0 && !known.has(String(domid)));
    } catch (error) {
      // The link was lost; when it is back the watches have the list read again.
      this.#logger.debug('The domains of XenStore could not be listed', { error: String(error) });
      return this.#unknown;
    }
  }

  #adopt(read: readonly Domain[], unknown: readonly Domain[]): void {
    const next = new Map(read.map((domain) => [domain.uuid, domain]));
    for (const [uuid, domain] of this.#meanwhile) {
      if (domain === undefined) next.delete(uuid);
      else next.set(uuid, domain);
    }
    const domains = [...next.values()];
    const changed = new Set<string>();
    for (const domain of domains) {
      const before = this.#domains.get(domain.uuid);
      if (before?.domid !== domain.domid || before.name !== domain.name) changed.add(domain.uuid);
    }
    for (const uuid of this.#domains.keys()) if (!next.has(uuid)) changed.add(uuid);
    for (const { uuid } of onlyInOne(this.#unknown, unknown)) changed.add(uuid);
    this.#unknown = unknown;
    this.#domains = next;
    this.#byName = new Map(domains.map((domain) => [domain.name, domain]));
    if (changed.size > 0) for (const listener of this.#listeners) listener(changed);
  }
}

function onlyInOne(a: readonly Domain[], b: readonly Domain[]): Domain[] {
  const without = (all: readonly Domain[], others: readonly Domain[]): Domain[] =>
    all.filter(({ domid }) => !others.some((other) => other.domid === domid));
  return [...without(a, b), ...without(b, a)];
}
