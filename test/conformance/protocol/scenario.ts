import type { Condition } from '../../../operator/api/conditions.ts';
import type { Reason } from '../../../operator/api/reasons.ts';
import type { CommandOutcome } from '../../../operator/agent/agent-metrics.ts';
import type { CommandName } from '../../../operator/domain/notes.ts';
import type { Stage } from './stage.ts';

/** One way in which device model, guest, daemon or a second toolstack behave, and what the operator makes of it. */
export interface Scenario {
  /** Of the 21 that stubdom-protocol §13 lists. */
  readonly case: number;
  /** What happens, as one sentence. */
  readonly title: string;
  /** Quirks of the simulated host from the start, as `--quirk` takes them. */
  readonly quirks?: readonly string[];
  readonly act: (stage: Stage) => Promise<void>;
  readonly ends: Ends;
}

/** A condition of the stage's StubDomain `web` or of one of its PciAttachments, which are named after their devices. */
export interface EndCondition {
  readonly object: 'web' | DeviceName;
  readonly type: string;
  readonly status: Condition['status'];
  readonly reason: Reason;
}

/**
 * So many; `some` (one and more) where a command that was not applied may be sent again by the passing of time alone; `any`
 * where it depends on whether the agent looked in between.
 */
export type Count = number | 'some' | 'any';

/** How a scenario ends. Everything is compared with everything that is there: what is not listed has not happened. */
export interface Ends {
  /** The one that tells the story; `gone` if there is nothing left to have one. */
  readonly condition: EndCondition | { readonly object: DeviceName; readonly gone: true };
  /** Others that must hold at the same time. */
  readonly also?: readonly EndCondition[];
  /** Reasons of Warning events about any of the objects; `Reason?` where it depends on whether the agent looked in between. */
  readonly warnings: readonly string[];
  /** How the protocol's counters changed; see `counters`. */
  readonly metrics: Readonly<Record<string, Count>>;
  /** What each device model that took any command took, by its own record, in the order of their start. */
  readonly commands: readonly Readonly<Partial<Record<CommandName | 'unknown', Count>>>[];
  readonly world: EndWorld;
}

/** The host at the end. */
export interface EndWorld {
  /** `state` of the channel of the stub domain that runs now; absent if there is none, or no node. `unrecognised`: no known word. */
  readonly state?: string;
  /** Devices with a `/libxl/pci/<BDF>/domid`: `nic` where it names the guest. */
  readonly claims: readonly string[];
  /** Devices in the PV back end of the stub domain. */
  readonly backend: readonly string[];
  /** What the guest sees, and where: `nic@0x20`. */
  readonly guest: readonly string[];
}

/** A condition, in one line. */
export function says(
  object: EndCondition['object'],
  type: string,
  status: EndCondition['status'],
  reason: Reason,
): EndCondition {
  return { object, type, status, reason };
}

/** The guest has the device, and nothing is left to do. */
export const attached = (name: DeviceName): EndCondition => says(name, 'Ready', 'True', 'AsDesired');

/** The StubDomain is as its spec asks. */
export const ready: EndCondition = says('web', 'Ready', 'True', 'AsDesired');

/** No command is under way, and the next one could be sent. */
export const idle: EndCondition = says('web', 'ChannelIdle', 'True', 'Idle');

/** Devices of the simulated host that are bound to pciback. */
export const devices = {
  nic: '0000:03:00.0',
  nic2: '0000:04:00.0',
  disk: '0000:06:00.0',
} as const;

export type DeviceName = keyof typeof devices;

/** Names of the series of the protocol's counters, as a scrape shows them without `stubdom_`. */
export const counters = {
  ended: (command: CommandName, outcome: CommandOutcome): string =>
    `command_outcomes_total{command="${command}",outcome="${outcome}"}`,
  withdrawn: 'commands_withdrawn_total',
  repaired: 'stale_state_repairs_total',
  late: (command: CommandName): string => `late_replies_total{command="${command}"}`,
  forced: (by: 'annotation' | 'policy' | 'gone'): string => `forced_removals_total{by="${by}"}`,
  rejected: (node: 'state' | 'parameter'): string => `rejected_values_total{node="${node}"}`,
} as const;

/** The guest has these devices, at slots 4, 5, … in this order, and nothing else is claimed or served. */
export function guestHas(...names: readonly DeviceName[]): EndWorld {
  return {
    state: 'running',
    claims: names,
    backend: names,
    guest: names.map((name, index) => `${name}@0x${((4 + index) << 3).toString(16)}`),
  };
}

/** The devices are claimed and served, and the guest has none of them. */
export function madeReady(...names: readonly DeviceName[]): EndWorld {
  return { state: 'running', claims: names, backend: names, guest: [] };
}

/** No device is claimed, served or in the guest. */
export const untouched: EndWorld = { state: 'running', claims: [], backend: [], guest: [] };
