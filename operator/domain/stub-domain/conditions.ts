import { type ConditionDecision, decide } from '../../api/conditions.ts';
import type { Reason, StubDomainConditionType } from '../../api/reasons.ts';
import type { ChannelPhase } from '../command-channel/channel.ts';
import type { Attempt, Snapshot } from '../snapshot.ts';
import { pauseMessage, whilePaused } from '../reconcile-pause.ts';
import { isDeleting } from '../wanted.ts';
import { xenbusState, xenbusStateName } from '../xenbus.ts';
import { servedByOther, startTimeoutMs, targetMismatch } from './lifecycle-step.ts';
import { logFile } from './consoles.ts';
import type { Drift } from './drift.ts';
import { stubMemoryMiB } from './memory.ts';
import { pausedCondition, pausedReady } from './paused-condition.ts';
import { triedAgain } from '../refusal-text.ts';
import { isRefusal } from '../step-owner.ts';
import { flavorMismatch, isAdopting, ownGuest, startsGuest } from './adoption.ts';
import { refuse } from './support.ts';
import { unknownDomainsMessage } from './unknown-domains.ts';

type Decision = ConditionDecision<StubDomainConditionType>;

/** What of a guest is said that the toolstack of the host is to start. */
function guestToCome({ object, memory }: Snapshot): Decision {
  const name = object?.spec.target.name ?? '';
  const attempt = memory.attempts.get(object?.metadata.uid ?? '');
  if (attempt !== undefined && isRefusal(attempt.reason)) {
    const message = `Guest ${name} could not be started: ${triedAgain(attempt.detail ?? 'the toolstack refused')}`;
    return decide('TargetFound', 'False', 'GuestFailed', message);
  }
  return decide('TargetFound', 'False', 'GuestStarting', `The host's toolstack is to start guest ${name}.`);
}

function targetFound(snapshot: Snapshot): Decision {
  const { object, target } = snapshot;
  const uuid = object?.spec.target.uuid ?? '';
  if (target === undefined && startsGuest(snapshot)) return guestToCome(snapshot);
  if (target === undefined) {
    return decide(
      'TargetFound',
      'False',
      'TargetNotFound',
      isAdopting(snapshot)
        ? `No guest with uuid ${uuid} runs on this host. Its stub domain is adopted when it starts.`
        : `No guest with uuid ${uuid} runs on this host. The stub domain is made when it starts.`,
    );
  }
  if (targetMismatch(snapshot)) {
    const message = `The guest with uuid ${uuid} is named ${target.name}, not ${object?.spec.target.name ?? ''}. Correct spec.target.name, or leave it out.`;
    return decide('TargetFound', 'False', 'TargetNameMismatch', message);
  }
  return decide('TargetFound', 'True', 'TargetFound', `The guest runs as domain ${target.domid}.`);
}

/** What keeps the stub domain from being made until somebody changes something. */
function obstacle(snapshot: Snapshot): { reason: Decision['reason']; message: string } | undefined {
  const { object, target } = snapshot;
  if (object === undefined) return undefined;
  const refusal = refuse(object.spec, target?.name ?? object.spec.target.name ?? '', snapshot.stubDomainsMadeBy);
  if (refusal !== undefined) return refusal;
  if (targetMismatch(snapshot)) return targetFound(snapshot);
  const unknown = unknownDomainsMessage(snapshot);
  if (unknown !== undefined) return { reason: 'XenStoreEmpty', message: unknown };
  if (servedByOther(snapshot)) {
    const other = snapshot.noteOwnerName === undefined ? 'Another StubDomain' : `StubDomain ${snapshot.noteOwnerName}`;
    return { reason: 'TargetTaken', message: `${other} serves this guest already. Delete one of the two.` };
  }
  const mismatch = flavorMismatch(snapshot);
  if (mismatch !== undefined) return { reason: 'FlavorMismatch', message: mismatch };
  if (snapshot.note === undefined && snapshot.foreignStub !== undefined && !isAdopting(snapshot)) {
    return {
      reason: 'TargetTaken',
      message: `The guest has stub domain ${snapshot.foreignStub}, which this operator did not make or no longer knows. Destroy it (xl destroy ${snapshot.foreignStub}), and another is made.`,
    };
  }
  return undriveable(snapshot);
}

/** A device model whose commands cannot be followed. */
function undriveable({ channel, stub }: Snapshot): { reason: Decision['reason']; message: string } | undefined {
  const next =
    'Nothing is sent to it. Use a kernel with qemu-traditional of Xen 4.6 to 4.20 (spec.kernel), and start the guest anew.';
  if (channel?.keepsCommands === true) {
    return {
      reason: 'CommandNotDeleted',
      message: `The device model of stub domain ${stub?.domid ?? 0} answered a command without deleting it, as Linux stub domains of Qubes 4.0 do: nobody can tell whether it took one. ${next}`,
    };
  }
  if (channel?.state === 'Absent' && channel.legacy === true) {
    return {
      reason: 'LegacyLayout',
      message: `The device model of stub domain ${stub?.domid ?? 0} has its command channel below domain 0, as before Xen 4.6. ${next}`,
    };
  }
  return undefined;
}

function notAdopted(snapshot: Snapshot): [Decision['reason'], string] {
  const { target, adoptable } = snapshot;
  if (target === undefined) return ['NoStubDomain', 'The guest does not run, and so there is no stub domain.'];
  if (adoptable !== undefined) {
    const message = `Stub domain ${adoptable.domid} and its guest ${target.domid} do not name each other in XenStore yet. If this lasts, their toolstack did not finish: start the guest anew.`;
    return ['Wiring', message];
  }
  if (ownGuest(snapshot) !== undefined) {
    const message = `Guest ${target.name} has no stub domain: the host's toolstack is making it yet, or ended half way. If this lasts, end the guest (xl destroy ${target.domid}), and it is made again.`;
    return ['NoStubDomain', message];
  }
  return [
    'NoStubDomain',
    `Guest ${target.name} has no stub domain: its device model runs in dom0, or is not started yet. Start the guest with device_model_stubdomain_override=1 in its xl configuration (XAPI has a setting of its own).`,
  ];
}

function notMade(snapshot: Snapshot, attempt: Attempt | undefined): [Decision['reason'], string] {
  if (isAdopting(snapshot)) return notAdopted(snapshot);
  switch (attempt?.reason) {
    case undefined:
      return ['Wiring', 'The stub domain is not laid out yet.'];
    case 'DomainDied':
      return ['DomainDied', 'The stub domain died. It is made again.'];
    case 'RestoreFileMissing':
      return [
        'RestoreFileMissing',
        `There is nothing to restore from: ${snapshot.object?.spec.restoreFrom?.path ?? ''} is not there in dom0, or is empty. Put the saved state there; it is looked for again.`,
      ];
    case 'NoMemory':
      return [
        'NoMemory',
        `The host has not enough free memory for the stub domain (${memoryMiB(snapshot)} MiB). It is tried again; free some, or lower spec.memoryMiB.`,
      ];
    default:
      return [
        'HypervisorFailed',
        `The stub domain could not be made: ${triedAgain(attempt?.detail ?? 'the hypervisor refused')}`,
      ];
  }
}

function memoryMiB({ object }: Snapshot): number {
  return object === undefined ? 0 : stubMemoryMiB(object.spec);
}

function devicesWired(snapshot: Snapshot): Decision {
  const { note } = snapshot;
  const attempt = snapshot.memory.attempts.get(snapshot.object?.metadata.uid ?? '');
  const begun = snapshot.target !== undefined && note !== undefined && note.stage !== 'intended';
  if (!begun || note.owner !== snapshot.object?.metadata.uid) {
    return decide('DevicesWired', 'False', ...notMade(snapshot, attempt));
  }
  const { wiring } = snapshot.memory;
  if (wiring?.specChanged === true) {
    return decide(
      'DevicesWired',
      'False',
      'RestartNeeded',
      'The stub domain was started with another spec than it has now. The change takes effect when the guest is started anew.',
    );
  }
  if (wiring !== undefined && wiring.drift.length > 0) {
    return decide('DevicesWired', 'False', 'Drifted', driftMessage(wiring.drift));
  }
  const waiting = snapshot.devices.filter(({ state }) => state !== xenbusState.connected);
  if (waiting.length === 0) {
    const message =
      note.adopted === true
        ? `Another toolstack laid everything out, and it is connected (${snapshot.devices.length} back ends).`
        : 'Everything is laid out and connected.';
    return decide('DevicesWired', 'True', 'Wired', message);
  }
  const list = waiting.map(({ label, state }) => `${label} ${xenbusStateName(state)}`).join(', ');
  return decide('DevicesWired', 'False', 'BackendsConnecting', `Not connected: ${list}.`);
}

const maxNamed = 8;

function driftMessage(drift: readonly Drift[]): string {
  const named = drift.slice(0, maxNamed).map(({ path, kind }) => `${path} is ${kind}`);
  const more = drift.length > maxNamed ? [`and ${drift.length - maxNamed} more`] : [];
  return `Not as it was laid out, and not to be repaired under a running guest: ${[...named, ...more].join(', ')}.`;
}

/** What a device model that runs already can live with. */
const tolerated: ReadonlySet<string> = new Set<Reason>(['RestartNeeded', 'Drifted']);

function deviceModelRunning(snapshot: Snapshot): Decision {
  const { note, channel } = snapshot;
  if (note?.stage !== 'started' || snapshot.stub === undefined || channel === undefined) {
    return decide('DeviceModelRunning', 'False', 'NotRunning', 'The stub domain is not started.');
  }
  switch (channel.state) {
    case 'Absent': {
      if (channel.legacy === true) {
        const message = 'The device model has its command channel below domain 0, as before Xen 4.6.';
        return decide('DeviceModelRunning', 'False', 'LegacyLayout', message);
      }
      const overdue = snapshot.now >= (note.startedAt ?? 0) + startTimeoutMs;
      return overdue
        ? decide(
            'DeviceModelRunning',
            'False',
            'StartTimeout',
            `The stub domain was started and its device model has not said running. Its log in dom0 is ${logFile(snapshot.target?.name ?? '')}.`,
          )
        : decide(
            'DeviceModelRunning',
            'False',
            'Starting',
            'The stub domain was started; its device model has not said running yet.',
          );
    }
    case 'Unrecognised':
      return decide(
        'DeviceModelRunning',
        'Unknown',
        'UnrecognisedState',
        'The device model says something that is no known word.',
      );
    default:
      return decide('DeviceModelRunning', 'True', 'Running', 'The device model answers.');
  }
}

function channelIdle(channel: ChannelPhase | undefined, snapshot: Snapshot): Decision {
  if (snapshot.channel?.inflight !== undefined && snapshot.memory.channel?.known?.contested === true) {
    return decide(
      'ChannelIdle',
      'False',
      'CommandContested',
      'Another program gave the device model a command beside ours: nobody can tell whose answer comes. Drive stub domains of this operator through it alone.',
    );
  }
  const command = snapshot.channel?.inflight?.command ?? '';
  switch (channel?.kind) {
    case undefined:
      return decide('ChannelIdle', 'Unknown', 'NotRunning', 'There is no command channel yet.');
    case 'idle':
    case 'quiet':
      return decide('ChannelIdle', 'True', 'Idle', 'No command is under way.');
    case 'await':
    case 'withdraw':
    case 'conclude':
    case 'adopt':
      return decide('ChannelIdle', 'False', 'CommandInFlight', `${command} is under way.`);
    case 'waitingForGuest':
      return decide(
        'ChannelIdle',
        'False',
        'WaitingForGuest',
        'The guest was asked to let a device go and has not done so yet.',
      );
    case 'blocked':
      switch (channel.reason) {
        case 'ForeignCommand':
          return decide(
            'ChannelIdle',
            'False',
            'ForeignCommand',
            'Another program gave the device model a command. It is left alone.',
          );
        case 'Drifted':
          return decide(
            'ChannelIdle',
            'Unknown',
            'Drifted',
            'The links between the guest and its stub domain in XenStore are not as they were laid out; nothing is sent.',
          );
        case 'StaleState':
          return decide(
            'ChannelIdle',
            'False',
            'StaleState',
            'An old reply stands in the channel; it is cleared soon.',
          );
        case 'CommandNotDeleted':
          return decide(
            'ChannelIdle',
            'Unknown',
            'CommandNotDeleted',
            'The device model answers commands without deleting them; nothing more is sent.',
          );
        case 'LegacyLayout':
          return decide(
            'ChannelIdle',
            'Unknown',
            'LegacyLayout',
            'The command channel is not where it has been since Xen 4.6.',
          );
        case 'UnrecognisedState':
          return decide(
            'ChannelIdle',
            'Unknown',
            'UnrecognisedState',
            'The device model says something that is no known word.',
          );
        default:
          return decide('ChannelIdle', 'Unknown', 'Starting', 'The device model has not said running yet.');
      }
  }
}

function ready(snapshot: Snapshot, decisions: readonly Decision[]): Decision {
  const { object } = snapshot;
  if (object !== undefined && isDeleting(object)) {
    const waiting = decisions.some(({ type, reason }) => type === 'ChannelIdle' && reason === 'WaitingForGuest');
    const message = waiting
      ? 'The guest was asked to let a PCI device go and has not done so yet. The stub domain is taken down when it has, or when the longest removalTimeoutSeconds of its PciAttachments is over.'
      : 'The stub domain is being taken down.';
    return decide('Ready', 'False', 'Deleting', message);
  }
  const stopped = obstacle(snapshot);
  if (stopped !== undefined) return decide('Ready', 'False', stopped.reason, stopped.message);
  const pausedOnPurpose = object?.spec.runState === 'Paused';
  const isPaused = decisions.find(({ type }) => type === 'Paused');
  for (const type of ['TargetFound', 'DevicesWired', 'DeviceModelRunning'] as const) {
    const decision = decisions.find((candidate) => candidate.type === type);
    // A paused device model's back ends are as they were: nothing there needs to move.
    if (decision !== undefined && decision.status !== 'True' && !tolerated.has(decision.reason)) {
      return decide('Ready', decision.status, decision.reason, decision.message);
    }
  }
  if (isPaused === undefined) return decide('Ready', 'Unknown', 'AwaitingAgent', 'Not looked at yet.');
  const asDesired = (isPaused.status === 'True') === pausedOnPurpose;
  if (asDesired) {
    return pausedOnPurpose
      ? pausedReady(snapshot)
      : decide('Ready', 'True', 'AsDesired', 'The device model is running, as asked.');
  }
  if (!pausedOnPurpose && isPaused.reason === 'Paused') {
    return decide('Ready', 'False', 'Resuming', 'The device model is paused and shall go on.');
  }
  return decide('Ready', 'False', isPaused.reason, isPaused.message);
}

/** What only XenStore tells. */
const notSeen = ['DevicesWired', 'DeviceModelRunning', 'Paused', 'ChannelIdle'] as const;

/** The conditions of a stub domain that the agent answers for, from what one pass saw. */
export function stubDomainConditions(snapshot: Snapshot, channel: ChannelPhase | undefined): Decision[] {
  // The device model of a guest that another object serves is not this one's to speak of.
  const own = servedByOther(snapshot) ? { ...snapshot, channel: undefined } : snapshot;
  const unknown = unknownDomainsMessage(snapshot);
  const decisions = [
    targetFound(snapshot),
    ...(unknown === undefined
      ? [
          devicesWired(snapshot),
          deviceModelRunning(own),
          pausedCondition(own),
          channelIdle(own === snapshot ? channel : undefined, own),
        ]
      : notSeen.map((type) => decide(type, 'Unknown', 'XenStoreEmpty', unknown))),
  ];
  const stopped = obstacle(snapshot);
  const stalled =
    stopped === undefined
      ? decide('Stalled', 'False', 'NotStalled', 'Nothing stands in the way for good.')
      : decide('Stalled', 'True', stopped.reason, stopped.message);
  return whilePaused([ready(snapshot, decisions), ...decisions, stalled], pauseMessage(snapshot.object));
}
