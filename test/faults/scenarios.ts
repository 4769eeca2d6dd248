import { expect } from '@jest/globals';
import { hostDriver, type FaultWorld } from '../support/world-parts.ts';
import {
  applyAttachment,
  applyStubDomain,
  isGone,
  isReady,
  observe,
  removeAttachment,
  removeStubDomain,
  says,
  setRunState,
  untilAttachment,
  untilStubDomain,
  type Subject,
} from './subject.ts';
import type { Scenario } from './sweep.ts';

const ready =
  'Ready=True Scheduled=True HostReachable=True TargetFound=True DevicesWired=True DeviceModelRunning=True Paused=False ChannelIdle=True Stalled=False';
const paused = ready.replace('Paused=False', 'Paused=True');

/** A device that nobody asked for. */
const free = { claimedBy: undefined, driver: hostDriver, grants: [], conditions: undefined };
/** A device that the guest has. */
const attached = {
  claimedBy: 'the guest',
  driver: 'pciback',
  grants: ['guest with DMA', 'stub'],
  conditions: 'Ready=True Claimed=True BackendReady=True Inserted=True Removing=False Stalled=False',
};
const detached = {
  ...free,
  conditions: 'Ready=False Claimed=True BackendReady=False Inserted=False Removing=False Stalled=False',
};

/** One stub domain that runs, without devices. */
const running = {
  stubDomains: 1,
  servedBy: 'it',
  noted: 'started',
  state: 'running',
  command: undefined,
  inflight: undefined,
  backend: [],
  conditions: ready,
  devices: [free, free],
};

/** The only device model there ever was, and what it was told. */
const told = (commands: Readonly<Record<string, number>>, guestDevices: readonly string[] = [], phase = 'running') => ({
  deviceModels: [{ phase, commands, guestDevices }],
});

const untilReady = (world: FaultWorld, subject: Subject): Promise<void> => untilStubDomain(world, subject, isReady);

/** A StubDomain is applied: one stub domain comes up, whatever happens meanwhile. */
export const create: Scenario = {
  prepared: 'guest',
  act: applyStubDomain,
  finished: untilReady,
  verify: async (world, subject) => {
    expect(await observe(world, subject)).toEqual({ ...running, ...told({}) });
  },
};

/** A PciAttachment is applied: the device model takes one pci-ins. */
export const attach: Scenario = {
  prepared: 'running',
  act: (world, subject) => applyAttachment(world, subject, 0),
  finished: (world, subject) => untilAttachment(world, subject, 0, isReady),
  verify: async (world, subject) => {
    const [address] = subject.addresses;
    expect(await observe(world, subject)).toEqual({
      ...running,
      ...told({ 'pci-ins': 1 }, [address]),
      backend: [address],
      devices: [attached, free],
    });
  },
};

/** Two PciAttachments are applied at the same time: one pci-ins each. */
export const attachTwo: Scenario = {
  prepared: 'running',
  act: async (world, subject) => {
    await Promise.all([applyAttachment(world, subject, 0), applyAttachment(world, subject, 1)]);
  },
  finished: async (world, subject) => {
    await untilAttachment(world, subject, 0, isReady);
    await untilAttachment(world, subject, 1, isReady);
    await untilReady(world, subject);
  },
  verify: async (world, subject) => {
    const seen = await observe(world, subject);
    expect({ ...seen, backend: [...(seen['backend'] as string[])].sort() }).toEqual({
      ...running,
      ...told({ 'pci-ins': 2 }, subject.addresses),
      backend: subject.addresses,
      devices: [attached, attached],
    });
  },
};

/** One of two PciAttachments is deleted: its device is back with its driver, and the other one stays where it is. */
export const detachOneOfTwo: Scenario = {
  prepared: 'attached',
  act: (world, subject) => removeAttachment(world, subject, 0),
  finished: async (world, subject) => {
    await untilAttachment(world, subject, 0, isGone);
    await untilStubDomain(world, subject, (shown) => says(shown, 'ChannelIdle', 'True'));
  },
  verify: async (world, subject) => {
    const [, other] = subject.addresses;
    expect(await observe(world, subject)).toEqual({
      ...running,
      ...told({ 'pci-ins': 2, 'pci-rem': 1 }, [other]),
      backend: [other],
      devices: [free, attached],
    });
  },
};

/** The stub domain shall pause: it saves once. */
export const pause: Scenario = {
  prepared: 'running',
  act: (world, subject) => setRunState(world, subject, 'Paused'),
  finished: untilReady,
  verify: async (world, subject) => {
    expect(await observe(world, subject)).toEqual({
      ...running,
      ...told({ save: 1 }, [], 'paused'),
      state: 'paused',
      conditions: paused,
    });
  },
};

/** The paused stub domain shall run again: it is told once. */
export const resume: Scenario = {
  prepared: 'paused',
  act: (world, subject) => setRunState(world, subject, 'Running'),
  finished: untilReady,
  verify: async (world, subject) => {
    expect(await observe(world, subject)).toEqual({ ...running, ...told({ save: 1, continue: 1 }) });
  },
};

/** The StubDomain is deleted with devices in its guest: they leave first, and nothing of the stub domain stays. */
export const takeDown: Scenario = {
  prepared: 'attached',
  act: removeStubDomain,
  finished: async (world, subject) => {
    await untilStubDomain(world, subject, isGone);
    await untilAttachment(world, subject, 0, (shown) => says(shown, 'Inserted', 'False'));
    await untilAttachment(world, subject, 1, (shown) => says(shown, 'Inserted', 'False'));
  },
  verify: async (world, subject) => {
    expect(await observe(world, subject)).toEqual({
      ...running,
      ...told({ 'pci-ins': 2, 'pci-rem': 2 }, [], 'dead'),
      stubDomains: 0,
      servedBy: 'none',
      noted: undefined,
      state: undefined,
      conditions: undefined,
      devices: [detached, detached],
    });
  },
};
