import type { DomainTable } from '../../../operator/embedded/simulated-host/domains.ts';
import type { PciBus } from '../../../operator/embedded/simulated-host/pci-bus.ts';
import type { DomainIdentity } from '../../../operator/hypervisor/hypervisor.ts';
import type { Commit } from './store-hub.ts';

const claimNode = /^\/libxl\/pci\/([0-9a-f]{4})-([0-9a-f]{2})-([0-9a-f]{2})-([0-7])\/domid$/;

export interface OwnershipJudgeOptions {
  readonly bus: PciBus;
  readonly domains: DomainTable;
  readonly read: (path: string) => string | undefined;
  readonly violated: (what: string) => void;
}

/** Judges who has which device: by the hypervisor's grants, and by the claims in XenStore that all toolstacks respect. */
export class OwnershipJudge {
  readonly #options: OwnershipJudgeOptions;
  /** Guests that each domid ever belonged to: a claim of an earlier incarnation is the guest's own. */
  readonly #guests = new Map<string, Set<string>>();

  /** Devices that could write to a guest's memory, and whose guest has not confirmed that it let them go. */
  readonly #exposed = new Set<string>();

  constructor(options: OwnershipJudgeOptions) {
    this.#options = options;
  }

  /** A guest was started under a domid. */
  born({ domid, uuid }: DomainIdentity): void {
    const guests = this.#guests.get(String(domid)) ?? new Set();
    this.#guests.set(String(domid), guests.add(uuid));
  }

  committing({ actor, changes }: Commit): () => void {
    if (!actor.startsWith('agent')) return () => {};
    const claims = changes.flatMap(({ kind, path, value }) => {
      if (!claimNode.test(path)) return [];
      return [{ path, before: this.#options.read(path), after: kind === 'remove' ? undefined : value }];
    });
    return () => {
      for (const { path, before, after } of claims) {
        if (before === undefined || before === after) continue;
        if (!this.#guests.has(before)) {
          this.#options.violated(`${path}: the claim of domain ${before}, which another toolstack made, was changed`);
        } else if (after !== undefined && !this.#shareGuest(before, after)) {
          this.#options.violated(`${path}: the claim of domain ${before} was given to domain ${after}`);
        }
      }
    };
  }

  /** The agent is about to call the hypervisor. */
  calling(actor: string, verb: string, args: readonly unknown[]): void {
    const [address, second] = args as [string, unknown];
    if (verb === 'grant') {
      this.#grants(address, second as DomainIdentity);
      if ((args[2] as { iommu: boolean }).iommu) this.#exposed.add(address);
    }
    if (verb === 'releaseAssignable' && second !== undefined && this.#exposed.has(address)) {
      this.#options.violated(
        `${actor} gave ${address} to driver ${JSON.stringify(second)} though no guest confirmed its removal`,
      );
    }
  }

  /** The guest confirmed that it let the device go. */
  removed(address: string): void {
    this.#exposed.delete(address);
  }

  #grants(address: string, domain: DomainIdentity): void {
    const { bus, violated, read } = this.#options;
    const guest = this.#guestOf(domain.domid);
    if (guest === undefined) return;
    for (const { address: granted, domid } of bus.grants()) {
      if (granted === address && this.#guestOf(domid) !== guest)
        violated(`${address} is granted to domain ${domain.domid} while domain ${domid} of another guest has it`);
    }
    const claim = read(`/libxl/pci/${address.replaceAll(/[:.]/g, '-')}/domid`);
    if (claim === undefined || this.#guests.get(claim)?.has(guest) !== true)
      violated(`${address} is granted to domain ${domain.domid} without a claim (it is ${String(claim)})`);
  }

  /** UUID of the guest that a domain is or serves. */
  #guestOf(domid: number): string | undefined {
    const domain = this.#options.domains.get(domid);
    return domain?.guest?.uuid ?? domain?.target?.uuid;
  }

  #shareGuest(a: string, b: string): boolean {
    const guests = this.#guests.get(b);
    return [...(this.#guests.get(a) ?? [])].some((uuid) => guests?.has(uuid) === true);
  }
}
