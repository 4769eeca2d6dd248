import { attached, counters, guestHas, idle, ready, says, type Scenario, untouched } from '../scenario.ts';
import { xlAttaches } from '../xl.ts';

const { ended, rejected, repaired } = counters;

/** Removals, and inserts that meet them: cases 8 and 10. */
export const removal: readonly Scenario[] = [
  {
    case: 8,
    title: 'The guest lets the device go after a while.',
    quirks: ['eject-delay=300'],
    act: async (stage) => {
      await stage.attached('nic');
      await stage.detach('nic');
    },
    ends: {
      condition: { object: 'nic', gone: true },
      also: [ready, idle],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 1, [ended('pci-rem', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1, 'pci-rem': 1 }],
      world: untouched,
    },
  },
  {
    case: 8,
    title: 'The guest never lets it go: the removal waits, and keeps claim and back end.',
    quirks: ['no-eject'],
    act: async (stage) => {
      await stage.attached('nic');
      await stage.detach('nic');
      await stage.taken('pci-rem');
      stage.skip(3_600_000);
    },
    ends: {
      condition: says('nic', 'Removing', 'True', 'WaitingForGuest'),
      also: [says('web', 'ChannelIdle', 'False', 'WaitingForGuest'), ready],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1, 'pci-rem': 1 }],
      world: guestHas('nic'),
    },
  },
  {
    case: 8,
    title: 'It was taken by Force, and the guest lets it go after that: the late reply is cleared.',
    quirks: ['no-eject'],
    act: async (stage) => {
      await stage.attached('nic');
      await stage.objects.patchSpec('PciAttachment', 'nic', { removalPolicy: 'Force', removalTimeoutSeconds: 60 });
      await stage.detach('nic');
      await stage.condition('nic', 'Removing', { reason: 'WaitingForGuest' });
      stage.skip(60_000);
      await stage.objects.gone('PciAttachment', 'nic');
      await stage.write('state', 'pci-removed');
      await stage.condition('web', 'ChannelIdle', { status: 'False', reason: 'StaleState' });
      stage.skip(5000);
    },
    ends: {
      condition: idle,
      also: [ready],
      warnings: ['RemovalForced', 'StaleStateCleared'],
      metrics: {
        [ended('pci-ins', 'Applied')]: 1,
        [ended('pci-rem', 'Abandoned')]: 1,
        [counters.forced('policy')]: 1,
        [repaired]: 1,
      },
      commands: [{ 'pci-ins': 1, 'pci-rem': 1 }],
      world: { ...untouched, guest: ['nic@0x20'] },
    },
  },
  {
    case: 10,
    title: 'While a removal waits for the guest, no insert is sent that would make the model forget it.',
    quirks: ['no-eject'],
    act: async (stage) => {
      await stage.attached('nic');
      await stage.detach('nic');
      await stage.condition('nic', 'Removing', { reason: 'WaitingForGuest' });
      await stage.attach('nic2');
      await stage.condition('nic2', 'Claimed', { status: 'True' });
      stage.skip(60_000);
    },
    ends: {
      condition: says('nic', 'Removing', 'True', 'WaitingForGuest'),
      also: [says('nic2', 'Ready', 'False', 'EnumerationStale')],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1, 'pci-rem': 1 }],
      world: guestHas('nic'),
    },
  },
  {
    case: 10,
    title: 'An insert that waited for a removal is sent when the guest has let the other device go.',
    act: async (stage) => {
      await stage.attached('nic', 'nic2');
      await stage.detached('nic2');
      await stage.quirk('eject-delay=2500');
      await stage.detach('nic');
      await stage.taken('pci-rem', 2);
      await stage.attach('nic2');
      await stage.condition('nic2', 'Inserted', { status: 'False', reason: 'WaitingForOther' });
      await stage.objects.gone('PciAttachment', 'nic');
      await stage.inserted(3);
    },
    ends: {
      condition: attached('nic2'),
      also: [idle],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 3, [ended('pci-rem', 'Applied')]: 2 },
      commands: [{ 'pci-ins': 3, 'pci-rem': 2 }],
      world: guestHas('nic2'),
    },
  },
  {
    case: 10,
    title: 'Somebody else inserts during our removal, and the model forgets it: ours waits, and is not sent again.',
    quirks: ['eject-delay=400'],
    act: async (stage) => {
      await stage.attached('nic', 'nic2');
      await stage.detach('nic');
      await stage.taken('pci-rem');
      await xlAttaches(stage, 'nic2');
      stage.skip(60_000);
    },
    ends: {
      condition: says('nic', 'Removing', 'True', 'WaitingForGuest'),
      also: [attached('nic2')],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 2, [rejected('parameter')]: 'any' },
      commands: [{ 'pci-ins': 3, 'pci-rem': 1 }],
      world: { ...guestHas('nic', 'nic2'), guest: ['nic@0x20', 'nic2@0x28', 'nic2@0x30'] },
    },
  },
];
