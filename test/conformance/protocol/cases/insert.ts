import {
  attached,
  counters,
  type DeviceName,
  guestHas,
  idle,
  madeReady,
  ready,
  says,
  type Scenario,
} from '../scenario.ts';
import { xlAttaches } from '../xl.ts';

const { ended } = counters;

/** A refusal is tried again with back-off, so that a slow machine sees more than one. */
function refused(
  title: string,
  quirks: readonly string[],
  spec: object,
  reason: 'NoFreeSlot' | 'SlotBusy' | 'InsertFailed',
): Scenario {
  return {
    case: 5,
    title,
    quirks,
    act: async (stage) => {
      await stage.start();
      await stage.insert('nic', spec);
    },
    ends: {
      condition: says('nic', 'Inserted', 'False', reason),
      also: [idle],
      warnings: [reason],
      metrics: {
        [ended('pci-ins', 'NotApplied')]: 'some',
        ...(reason === 'InsertFailed' ? { [counters.rejected('parameter')]: 'some' } : {}),
      },
      commands: [{ 'pci-ins': 'some' }],
      world: madeReady('nic'),
    },
  };
}

const nics: readonly DeviceName[] = ['nic', 'nic2'];

/** Inserts: cases 4, 5, 6, 9 and 21. */
export const insert: readonly Scenario[] = [
  {
    case: 4,
    title: 'Two devices take the first two free slots, one after the other.',
    act: async (stage) => stage.attached(...nics),
    ends: {
      condition: attached('nic'),
      also: [attached('nic2'), idle],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 2 },
      commands: [{ 'pci-ins': 2 }],
      world: guestHas(...nics),
    },
  },
  {
    case: 4,
    title: 'With ten slots in use the device comes into the eleventh.',
    quirks: ['slots-used=10'],
    act: async (stage) => stage.attached('nic'),
    ends: {
      condition: attached('nic'),
      also: [idle],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: { ...guestHas('nic'), guest: ['nic@0x50'] },
    },
  },
  refused('`no free hotplug devfn`: all slots are in use.', ['slots-used=32'], {}, 'NoFreeSlot'),
  refused('`wrong bdf or vdevfn`: the slot that was asked for is taken.', [], { virtualSlot: 1 }, 'SlotBusy'),
  refused(
    'A sentence that nobody knows: a failure as well, and quoted nowhere.',
    ['insert-error=other'],
    {},
    'InsertFailed',
  ),
  {
    case: 6,
    title: 'Success is claimed and the guest has nothing: on the channel that looks like success.',
    quirks: ['false-success'],
    act: async (stage) => stage.attached('nic'),
    ends: {
      condition: attached('nic'),
      also: [idle],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: madeReady('nic'),
    },
  },
  {
    case: 6,
    title: 'What the guest never had it never lets go: the removal waits, and Force ends it.',
    quirks: ['false-success'],
    act: async (stage) => {
      await stage.attached('nic');
      await stage.detach('nic');
      await stage.condition('nic', 'Removing', { reason: 'WaitingForGuest' });
      await stage.objects.patchSpec('PciAttachment', 'nic', { removalPolicy: 'Force', removalTimeoutSeconds: 60 });
      await stage.condition('nic', 'Removing', { reason: 'WaitingForGuest' });
      stage.skip(60_000);
    },
    ends: {
      condition: { object: 'nic', gone: true },
      also: [ready, idle],
      warnings: ['RemovalForced'],
      metrics: { [ended('pci-ins', 'Applied')]: 1, [ended('pci-rem', 'Abandoned')]: 1, [counters.forced('policy')]: 1 },
      commands: [{ 'pci-ins': 1, 'pci-rem': 1 }],
      world: { state: 'running', claims: [], backend: [], guest: [] },
    },
  },
  {
    case: 9,
    title: 'The insert came true and nobody knows: neither time nor another agent sends it again.',
    quirks: ['drop-replies'],
    act: async (stage) => {
      await stage.start();
      await stage.insert('nic');
      await stage.taken('pci-ins');
      await stage.host.stopAgent();
      await stage.host.startAgent();
      stage.skip(60_000);
      await stage.condition('nic', 'Inserted', { reason: 'InsertUnknown' });
      await stage.noQuirks();
      await stage.host.stopAgent();
      await stage.host.startAgent();
      stage.skip(3_600_000);
    },
    ends: {
      condition: says('nic', 'Inserted', 'Unknown', 'InsertUnknown'),
      warnings: ['InsertUnknown'],
      metrics: { [ended('pci-ins', 'Unknown')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: guestHas('nic'),
    },
  },
  {
    case: 9,
    title: 'Somebody else inserts the device a second time: it takes a second slot, and nothing of ours is sent.',
    act: async (stage) => {
      await stage.attached('nic');
      await xlAttaches(stage, 'nic');
    },
    ends: {
      condition: attached('nic'),
      also: [idle],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 2 }],
      world: { ...guestHas('nic'), guest: ['nic@0x20', 'nic@0x28'] },
    },
  },
  {
    case: 21,
    title: 'The front end connects late: the insert waits for it, and the model finds the device.',
    quirks: ['pcifront-delay=600'],
    act: async (stage) => {
      await stage.start();
      await stage.insert('nic');
    },
    ends: {
      condition: attached('nic'),
      also: [says('nic', 'BackendReady', 'True', 'BackendReady')],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: guestHas('nic'),
    },
  },
  {
    case: 21,
    title: 'A device joins after the first insert: it would be a false success, so it is not sent.',
    act: async (stage) => {
      await stage.attached('nic');
      await stage.attach('nic2');
    },
    ends: {
      condition: says('nic2', 'Ready', 'False', 'EnumerationStale'),
      also: [says('nic2', 'Stalled', 'True', 'EnumerationStale'), attached('nic')],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: guestHas('nic'),
    },
  },
  {
    case: 21,
    title: 'pciback never writes `vdev-N`: the guest would get a blank device, so nothing is sent.',
    quirks: ['missing-vdev'],
    act: async (stage) => {
      await stage.start();
      await stage.attach('nic');
      await stage.condition('nic', 'BackendReady', { status: 'False', reason: 'BackendPending' });
      stage.skip(60_000);
    },
    ends: {
      condition: says('nic', 'BackendReady', 'False', 'BackendPending'),
      also: [says('nic', 'Inserted', 'False', 'BackendPending')],
      warnings: [],
      metrics: {},
      commands: [],
      world: madeReady('nic'),
    },
  },
];
