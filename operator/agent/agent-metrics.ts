import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { CommandName } from '../domain/notes.ts';
import type { ForcedRemoval } from '../domain/pci/force-removal.ts';
import type { XenStoreStats } from '../xenstore/xenstore.ts';

/**
 * How a command left the channel: `Abandoned` is a removal that Force ended, `Gone` that a domain went away under it; the
 * others are the outcome classes of the command channel. One that was withdrawn is NotApplied.
 */
export type CommandOutcome = 'Applied' | 'NotApplied' | 'Unknown' | 'WaitingForGuest' | 'Gone' | 'Abandoned';

/** What took a device from a guest that had not let it go: see `ForcedRemoval`. */
export type ForcedBy = ForcedRemoval['by'];

/** Which of the nodes that a device model writes. */
export type ChannelNode = 'state' | 'parameter';

/** An object of the host, as far as it is counted. */
export interface CountedObject {
  readonly kind: 'StubDomain' | 'PciAttachment';
  readonly ready: 'True' | 'False' | 'Unknown';
}

/** What an agent tells about the protocol. See docs/metrics.md. */
export interface AgentMetrics {
  /** The device model took the command. */
  consumed(command: CommandName, seconds: number): void;
  /** It was carried out, failed or given up, so long after it was taken. */
  completed(command: CommandName, seconds: number): void;
  ended(command: CommandName, outcome: CommandOutcome): void;
  withdrawn(): void;
  /** An old reply in the channel was cleared. */
  repaired(): void;
  /** A command that had been given up was answered after all, and the answer was taken. */
  late(command: CommandName): void;
  /** A device was taken from a guest that had not let it go. */
  forced(by: ForcedBy): void;
  /** The node holds something that is not understood, and it is not what it held before. */
  rejected(node: ChannelNode): void;
  /** Asked when metrics are read. */
  observeXenStore(stats: () => XenStoreStats): void;
  /** Asked when metrics are read. */
  observeObjects(list: () => Iterable<CountedObject>): void;
}

const commands: readonly CommandName[] = ['save', 'continue', 'pci-ins', 'pci-rem'];
const outcomes: readonly CommandOutcome[] = [
  'Applied',
  'NotApplied',
  'Unknown',
  'WaitingForGuest',
  'Gone',
  'Abandoned',
];
const nodes: readonly ChannelNode[] = ['state', 'parameter'];
const forcers: readonly ForcedBy[] = ['annotation', 'policy', 'gone'];
const kinds = ['StubDomain', 'PciAttachment'] as const;
const readiness = ['True', 'False', 'Unknown'] as const;
/** Up to the 10 s of the consumption phase and the 60 s of the completion phase; beyond it a guest that does not let go. */
const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300];

const xenstoreCounters: readonly (readonly [keyof XenStoreStats, string, string])[] = [
  ['requests', 'requests', 'Requests sent to the XenStore daemon.'],
  ['roundTrips', 'round_trips', 'Times that requests were sent to XenStore while none was under way.'],
  ['events', 'events', 'Watch events received from XenStore.'],
  ['lateEvents', 'late_events', 'Watch events for a watch that had ended.'],
  ['reconnects', 'reconnects', 'Times that the link to XenStore was made again.'],
  [
    'conflicts',
    'transaction_conflicts',
    'Transactions that were run again, because somebody else changed what they read.',
  ],
];

/** Makes the protocol's metrics in a registry. Labels are fixed lists; every series begins at 0. */
export function createAgentMetrics(registry: Registry): AgentMetrics {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: L[]) =>
    new Counter({ name, help, labelNames, registers });
  const seconds = new Histogram({
    name: 'stubdom_command_seconds',
    help: 'How long device models took, to take a command (consumption) and from there to its end (completion).',
    labelNames: ['command', 'phase'],
    buckets,
    registers,
  });
  const ends = counter('stubdom_command_outcomes_total', 'Commands by how they ended.', ['command', 'outcome']);
  const withdrawals = counter('stubdom_commands_withdrawn_total', 'Commands that were not taken in time.', []);
  const repairs = counter('stubdom_stale_state_repairs_total', 'Old replies that were cleared from a channel.', []);
  const forcedRemovals = counter(
    'stubdom_forced_removals_total',
    'Devices that were taken from guests that had not let them go, by what forced it.',
    ['by'],
  );
  const late = counter('stubdom_late_replies_total', 'Answers to commands that had been given up.', ['command']);
  const rejections = counter(
    'stubdom_rejected_values_total',
    'Values of device models that were not understood, counted when they change.',
    ['node'],
  );
  for (const command of commands) {
    for (const phase of ['consumption', 'completion']) seconds.zero({ command, phase });
    for (const outcome of outcomes) ends.inc({ command, outcome }, 0);
    late.inc({ command }, 0);
  }
  for (const by of forcers) forcedRemovals.inc({ by }, 0);
  for (const node of nodes) rejections.inc({ node }, 0);

  let stats: (() => XenStoreStats) | undefined;
  let objects: (() => Iterable<CountedObject>) | undefined;
  for (const [field, name, help] of xenstoreCounters) {
    new Counter({
      name: `stubdom_xenstore_${name}_total`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(stats?.()[field] ?? 0);
      },
    });
  }
  new Gauge({
    name: 'stubdom_objects',
    help: 'Objects of this host by what their condition Ready says.',
    labelNames: ['kind', 'ready'],
    registers,
    collect() {
      for (const kind of kinds) for (const ready of readiness) this.set({ kind, ready }, 0);
      for (const { kind, ready } of objects?.() ?? []) this.inc({ kind, ready });
    },
  });

  return {
    consumed: (command, value) => {
      seconds.observe({ command, phase: 'consumption' }, value);
    },
    completed: (command, value) => {
      seconds.observe({ command, phase: 'completion' }, value);
    },
    ended: (command, outcome) => {
      ends.inc({ command, outcome });
    },
    withdrawn: () => {
      withdrawals.inc();
    },
    repaired: () => {
      repairs.inc();
    },
    forced: (by) => {
      forcedRemovals.inc({ by });
    },
    late: (command) => {
      late.inc({ command });
    },
    rejected: (node) => {
      rejections.inc({ node });
    },
    observeXenStore: (read) => {
      stats = read;
    },
    observeObjects: (list) => {
      objects = list;
    },
  };
}
