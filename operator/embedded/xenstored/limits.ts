/**
 * What one client may take. The first group are C xenstored's quotas with its defaults (Xen 4.20); they hold for guests
 * alone. The second group bounds what this daemon keeps for any client; C xenstored has no such bound for dom0.
 */
export interface Limits {
  /** Nodes that a domain may own. */
  readonly nodes: number;
  /** Watches of a domain; as in C one more than the number is granted. */
  readonly watches: number;
  /** Transactions that a domain may have open; as in C one more than the number is granted. */
  readonly transactions: number;
  /** Nodes that a transaction may touch. */
  readonly transactionNodes: number;
  /** Permissions of a node. */
  readonly permissions: number;
  /** Bytes of a path below the domain's own folder. */
  readonly pathLength: number;
  /** Bytes of a node: 16, 8 for each permission, the value, and the children's names with a NUL each. */
  readonly nodeSize: number;

  /** Bytes waiting for a client that does not read; beyond it the client is disconnected. */
  readonly pendingBytes: number;
  /** The same for guests. */
  readonly guestPendingBytes: number;
  /** Connections to one guest's socket at a time. */
  readonly guestConnections: number;
  /** Watches of one connection of dom0. */
  readonly ownWatches: number;
  /** Open transactions of one connection of dom0. */
  readonly ownTransactions: number;
}

/** The defaults. */
export const defaultLimits: Limits = {
  nodes: 1000,
  watches: 128,
  transactions: 10,
  transactionNodes: 1024,
  permissions: 5,
  pathLength: 2048,
  nodeSize: 2048,
  pendingBytes: 16 * 1024 * 1024,
  guestPendingBytes: 1024 * 1024,
  guestConnections: 16,
  ownWatches: 100_000,
  ownTransactions: 1000,
};
