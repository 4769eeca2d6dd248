import { xenHosts } from '../../operator/kube/resources.ts';
import type { XenHost } from '../../operator/api/generated/xen-host.ts';
import { eventually } from '../support/eventually.ts';
import type { FaultWorld, Shown } from '../support/world-parts.ts';
import { guestDevices, isUp, type State } from './state.ts';
import {
  applyAttachment,
  applyStubDomain,
  isGone,
  isReady,
  patienceMs,
  removeAttachment,
  removeStubDomain,
  says,
  setRunState,
  untilAttachment,
  untilStubDomain,
  type Subject,
} from './subject.ts';

/** Something the agent does, to be disturbed at every request that changes something. */
export interface Operation {
  readonly name: string;
  /** Whether it can begin here. */
  readonly fits: (state: State) => boolean;
  /** What leads to where it begins, from nothing, one after another. */
  readonly before: readonly Operation[];
  /** Asks for it. */
  readonly act: (world: FaultWorld, subject: Subject) => Promise<void>;
  /** What is true when it is done. */
  readonly to: (state: State) => State;
  /** Waits for more than the objects of the subject. */
  readonly also?: (world: FaultWorld, subject: Subject) => Promise<void>;
}

const tell = (told: State['told'], command: string, times = 1): State['told'] => ({
  ...told,
  [command]: (told[command] ?? 0) + times,
});

/** A StubDomain is applied: one stub domain comes up, whatever happens meanwhile. */
export const create: Operation = {
  name: 'create',
  fits: ({ stubDomain }) => stubDomain === 'never made',
  before: [],
  act: applyStubDomain,
  to: (state) => ({ ...state, stubDomain: 'running' }),
};

const runsBare = ({ stubDomain, attachments }: State): boolean =>
  stubDomain === 'running' && !attachments[0] && !attachments[1];

/** A PciAttachment is applied, the first of its stub domain: the device model takes one pci-ins, and lists its devices. */
export const attach: Operation = {
  name: 'attach',
  fits: (state) => runsBare(state) && state.told['pci-ins'] === undefined,
  before: [create],
  act: (world, subject) => applyAttachment(world, subject, 0),
  to: (state) => ({ ...state, attachments: [true, false], told: tell(state.told, 'pci-ins') }),
};

/** Two PciAttachments are applied at the same time: one pci-ins each. */
export const attachTwo: Operation = {
  name: 'attach two',
  fits: attach.fits,
  before: [create],
  act: async (world, subject) => {
    await Promise.all([applyAttachment(world, subject, 0), applyAttachment(world, subject, 1)]);
  },
  to: (state) => ({ ...state, attachments: [true, true], told: tell(state.told, 'pci-ins', 2) }),
};

/** One of two PciAttachments is deleted: its device is back with its driver, and the other one stays where it is. */
export const detach: Operation = {
  name: 'detach',
  fits: ({ stubDomain, attachments }) => stubDomain === 'running' && attachments[0] && attachments[1],
  before: [create, attachTwo],
  act: (world, subject) => removeAttachment(world, subject, 0),
  to: (state) => ({ ...state, attachments: [false, true], told: tell(state.told, 'pci-rem') }),
};

/** The stub domain shall pause: it saves once. */
export const pause: Operation = {
  name: 'pause',
  fits: ({ stubDomain }) => stubDomain === 'running',
  before: [create],
  act: (world, subject) => setRunState(world, subject, 'Paused'),
  to: (state) => ({ ...state, stubDomain: 'paused', told: tell(state.told, 'save') }),
};

/** The paused stub domain shall run again: it is told once. */
export const resume: Operation = {
  name: 'continue',
  fits: ({ stubDomain }) => stubDomain === 'paused',
  before: [create, pause],
  act: (world, subject) => setRunState(world, subject, 'Running'),
  to: (state) => ({ ...state, stubDomain: 'running', told: tell(state.told, 'continue') }),
};

/** The StubDomain is deleted with devices in its guest: they leave first, and nothing of the stub domain stays. */
export const takeDown: Operation = {
  name: 'delete',
  fits: detach.fits,
  before: [create, attachTwo],
  act: removeStubDomain,
  to: (state) => ({ ...state, stubDomain: 'deleted', told: tell(state.told, 'pci-rem', 2) }),
};

/** As `attach`, and the host's own object says who has the device. */
export const attachShown: Operation = {
  ...attach,
  name: 'attach, as XenHost says',
  also: async ({ kube }, { host, uuid, addresses }) => {
    await eventually(async () => {
      const shown = await kube.get<XenHost>(xenHosts, { name: host.name });
      const device = shown.status?.pciDevices?.find(({ address }) => address === addresses[0]);
      if (device?.owner !== uuid) throw new Error(`${host.name} does not say who has ${addresses[0]}`);
    }, patienceMs);
  },
};

/** Waits until the subject's objects say that `goal` is reached, and that nothing is under way any more. */
export async function arrive(world: FaultWorld, subject: Subject, operation: Operation, goal: State): Promise<void> {
  for (const which of [0, 1] as const) {
    if (!goal.attachments[which]) await untilAttachment(world, subject, which, isGone);
    else if (isUp(goal)) await untilAttachment(world, subject, which, isReady);
    else await untilAttachment(world, subject, which, isOut);
  }
  const devices = guestDevices(subject, goal).join();
  await untilStubDomain(world, subject, (shown) =>
    isUp(goal) ? isReady(shown) && has(shown, devices) : isGone(shown),
  );
  await operation.also?.(world, subject);
}

/** Whether an attachment says that the guest does not have the device, and that nothing is left to be undone. */
function isOut(shown: Shown | undefined): boolean {
  return ['Inserted', 'Removing'].every((type) => says(shown, type, 'False'));
}

/** Whether a StubDomain says that it has these devices, and that no command is under way. */
function has(shown: Shown | undefined, devices: string): boolean {
  const listed = (shown?.status?.['pciDevices'] ?? []) as readonly { readonly address: string }[];
  return (
    says(shown, 'ChannelIdle', 'True') &&
    listed
      .map(({ address }) => address)
      .sort()
      .join() === devices
  );
}
