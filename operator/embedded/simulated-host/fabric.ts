/**
 * How a simulated host's domains come to be known to a XenStore daemon. The embedded daemon and a real xenstored do it
 * differently; nothing else in the simulated host knows which one it talks to.
 */
export interface DomainFabric {
  /** The hypervisor's part, before anything is written for the domain. A daemon may refuse owners that do not exist. */
  create(domid: number): Promise<void>;
  /** INTRODUCE: from here on the domain can talk to the daemon, through the unix socket that is given back. */
  introduce(domid: number): Promise<{ readonly guestSocket: string }>;
  /** The domain is gone: its socket closes, nodes that it owned vanish, `@releaseDomain` fires. Idempotent. */
  release(domid: number): Promise<void>;
  close(): Promise<void>;
}
