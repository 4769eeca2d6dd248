import { hostDriver } from '../support/world-parts.ts';
import type { HostView, ObjectView } from './observe.ts';
import type { Subject } from './subject.ts';

/** What a subject has become by what was asked for it. Everything that can be seen of it follows from this. */
export interface State {
  readonly stubDomain: 'never made' | 'running' | 'paused' | 'deleted';
  /** Whether there is a PciAttachment for each of its devices. */
  readonly attachments: readonly [boolean, boolean];
  /** What its device model has been told, and how often. */
  readonly told: Readonly<Record<string, number>>;
}

/** A guest without any object. */
export const untouched: State = { stubDomain: 'never made', attachments: [false, false], told: {} };

/** Whether there is a stub domain. */
export const isUp = ({ stubDomain }: State): boolean => stubDomain === 'running' || stubDomain === 'paused';

/** The devices that the guest has, in order of address. */
export function guestDevices({ addresses }: Subject, state: State): string[] {
  return isUp(state) ? addresses.filter((_, which) => state.attachments[which]).sort() : [];
}

const free = { claimedBy: undefined, driver: hostDriver, grants: [] };
const held = { claimedBy: 'the guest', driver: 'pciback', grants: ['guest with DMA', 'stub'] };

/** What XenStore, hypervisor and device model have to say of it. */
export function expectedHost(subject: Subject, state: State): HostView {
  const { stubDomain, attachments, told } = state;
  const up = isUp(state);
  const devices = guestDevices(subject, state);
  return {
    stubDomains: up ? 1 : 0,
    servedBy: up ? 'it' : 'none',
    noted: up ? 'started' : undefined,
    deviceModels:
      stubDomain === 'never made'
        ? []
        : [{ phase: stubDomain === 'deleted' ? 'dead' : stubDomain, commands: told, guestDevices: devices }],
    state: up ? stubDomain : undefined,
    command: undefined,
    inflight: undefined,
    backend: devices,
    devices: attachments.map((wanted) => (up && wanted ? held : free)),
  };
}

const conditionsUp =
  'Ready=True Scheduled=True HostReachable=True TargetFound=True DevicesWired=True DeviceModelRunning=True Paused=False ChannelIdle=True Stalled=False';
const attached = 'Ready=True Claimed=True BackendReady=True Inserted=True Removing=False Stalled=False';
const detached = 'Ready=False Claimed=True BackendReady=False Inserted=False Removing=False Stalled=False';

/** The conditions that its objects have to show. */
export function expectedObjects(state: State): ObjectView {
  const { stubDomain, attachments } = state;
  return {
    stubDomain: isUp(state)
      ? conditionsUp.replace('Paused=False', stubDomain === 'paused' ? 'Paused=True' : 'Paused=False')
      : undefined,
    attachments: attachments.map((wanted) => (wanted ? (isUp(state) ? attached : detached) : undefined)),
  };
}
