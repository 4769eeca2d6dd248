import { expect } from '@jest/globals';
import { pciAttachments, stubDomains } from '../../operator/kube/resources.ts';
import { hostDriver } from '../support/world-parts.ts';
import {
  applyAttachment,
  applyStubDomain,
  isGone,
  isReady,
  observe,
  remove,
  says,
  setRunState,
  until,
} from './subject.ts';
import type { Scenario } from './sweep.ts';

const stubDomainReady =
  'Ready=True Scheduled=True HostReachable=True TargetFound=True DevicesWired=True DeviceModelRunning=True Paused=False ChannelIdle=True Stalled=False';
const stubDomainPaused = stubDomainReady.replace('Paused=False', 'Paused=True');
const attachmentReady = 'Ready=True Claimed=True BackendReady=True Inserted=True Removing=False Stalled=False';

/** One stub domain that runs and has never been told anything; no device. */
const running = {
  stubDomains: 1,
  servedBy: 'it',
  noted: 'started',
  deviceModels: [{ phase: 'running', commands: {}, guestDevices: [] as string[] }],
  state: 'running',
  command: undefined,
  inflight: undefined,
  backend: [] as string[],
  claimedBy: undefined,
  driver: hostDriver,
  grants: [] as string[],
  stubDomain: stubDomainReady,
  attachment: undefined,
};

/** A StubDomain is applied: one stub domain comes up, whatever happens meanwhile. */
export const create: Scenario = {
  prepared: 'guest',
  act: applyStubDomain,
  finished: (world, subject) => until(world, 'stubDomains', subject, isReady),
  verify: async (world, subject) => {
    expect(await observe(world, subject)).toEqual(running);
  },
};

/** A PciAttachment is applied: the device model takes one pci-ins. */
export const attach: Scenario = {
  prepared: 'running',
  act: applyAttachment,
  finished: (world, subject) => until(world, 'attachments', subject, isReady),
  verify: async (world, subject) => {
    const { address } = subject;
    expect(await observe(world, subject)).toEqual({
      ...running,
      deviceModels: [{ phase: 'running', commands: { 'pci-ins': 1 }, guestDevices: [address] }],
      backend: [address],
      claimedBy: 'the guest',
      driver: 'pciback',
      grants: ['guest with DMA', 'stub'],
      attachment: attachmentReady,
    });
  },
};

/** The PciAttachment is deleted: the device is out of the guest after one pci-rem, and back with its driver. */
export const detach: Scenario = {
  prepared: 'attached',
  act: (world, subject) => remove(world, pciAttachments, subject),
  finished: async (world, subject) => {
    await until(world, 'attachments', subject, isGone);
    await until(world, 'stubDomains', subject, (shown) => says(shown, 'ChannelIdle', 'True'));
  },
  verify: async (world, subject) => {
    expect(await observe(world, subject)).toEqual({
      ...running,
      deviceModels: [{ phase: 'running', commands: { 'pci-ins': 1, 'pci-rem': 1 }, guestDevices: [] }],
    });
  },
};

/** The stub domain shall pause: it saves once. */
export const pause: Scenario = {
  prepared: 'running',
  act: (world, subject) => setRunState(world, subject, 'Paused'),
  finished: (world, subject) => until(world, 'stubDomains', subject, isReady),
  verify: async (world, subject) => {
    expect(await observe(world, subject)).toEqual({
      ...running,
      deviceModels: [{ phase: 'paused', commands: { save: 1 }, guestDevices: [] }],
      state: 'paused',
      stubDomain: stubDomainPaused,
    });
  },
};

/** The paused stub domain shall run again: it is told once. */
export const resume: Scenario = {
  prepared: 'paused',
  act: (world, subject) => setRunState(world, subject, 'Running'),
  finished: (world, subject) => until(world, 'stubDomains', subject, isReady),
  verify: async (world, subject) => {
    expect(await observe(world, subject)).toEqual({
      ...running,
      deviceModels: [{ phase: 'running', commands: { save: 1, continue: 1 }, guestDevices: [] }],
    });
  },
};

/** The StubDomain is deleted with a device in its guest: the device leaves first, and nothing of the stub domain stays. */
export const takeDown: Scenario = {
  prepared: 'attached',
  act: (world, subject) => remove(world, stubDomains, subject),
  finished: async (world, subject) => {
    await until(world, 'stubDomains', subject, isGone);
    await until(world, 'attachments', subject, (shown) => says(shown, 'Inserted', 'False'));
  },
  verify: async (world, subject) => {
    expect(await observe(world, subject)).toEqual({
      ...running,
      stubDomains: 0,
      servedBy: 'none',
      noted: undefined,
      deviceModels: [{ phase: 'dead', commands: { 'pci-ins': 1, 'pci-rem': 1 }, guestDevices: [] }],
      state: undefined,
      stubDomain: undefined,
      attachment: 'Ready=False Claimed=True BackendReady=False Inserted=False Removing=False Stalled=False',
    });
  },
};
