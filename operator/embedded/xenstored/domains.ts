import type { Permission, PermissionList, StoreNode } from './node.ts';

/** The first domid that is reserved (DOMID_FIRST_RESERVED): no guest has it or a larger one. */
export const FIRST_RESERVED_DOMID = 0x7ff0;
/** DOMID_SELF: who asks. */
export const SELF_DOMID = 0x7ff0;

/** A domain that was introduced. */
export interface Domain {
  readonly domid: number;
  /** Whose rights it has besides its own (SET_TARGET). */
  target: number | undefined;
  watches: number;
  transactions: number;
}

/** Who is introduced, and which permissions are void because their domain has gone since. */
export class Domains {
  readonly #domains = new Map<number, Domain>();
  readonly #released = new Map<number, number>();
  #lastRelease = 0;

  constructor() {
    this.introduce(0);
  }

  get(domid: number): Domain | undefined {
    return this.#domains.get(domid);
  }

  introduce(domid: number): Domain {
    const domain: Domain = { domid, target: undefined, watches: 0, transactions: 0 };
    this.#domains.set(domid, domain);
    return domain;
  }

  /** Forgets a domain; `generation` is newer than all nodes that were made until now. */
  release(domid: number, generation: number): void {
    this.#domains.delete(domid);
    for (const domain of this.#domains.values()) if (domain.target === domid) domain.target = undefined;
    this.#released.set(domid, generation);
    this.#lastRelease = generation;
  }

  /**
   * A node's permissions without those given to a domain that was released since: its number may be another's now. To be
   * used wherever a list is judged, inherited or written again.
   */
  valid(node: StoreNode): PermissionList {
    const { permissions, generation } = node;
    if (generation > this.#lastRelease || permissions.length === 1) return permissions;
    const isValid = ({ domid }: Permission): boolean => generation > (this.#released.get(domid) ?? 0);
    const [owner, ...entries] = permissions;
    return entries.every(isValid) ? permissions : [owner, ...entries.filter(isValid)];
  }

  /** What `domain` may do under `permissions`. */
  mask(domain: Domain, permissions: PermissionList): number {
    const { domid, target } = domain;
    const [owner] = permissions;
    if (domid === 0 || owner.domid === domid || owner.domid === target) return 7;
    for (let index = 1; index < permissions.length; index++) {
      const entry = permissions[index] as Permission;
      if (entry.domid === domid || entry.domid === target) return entry.mask;
    }
    return owner.mask;
  }
}
