import { counters, devices, guestHas, idle, madeReady, ready, says, type Scenario } from '../scenario.ts';

const { ended, rejected } = counters;

/** A reply that is no reply: the command was taken, so that it is never sent again, and nothing of the bytes is shown. */
function answersWith(behaviour: string, title: string): Scenario {
  return {
    case: 14,
    title,
    quirks: [`hostile=${behaviour}`],
    act: async (stage) => {
      await stage.start();
      await stage.insert('nic');
      await stage.taken('pci-ins');
      stage.skip(60_000);
      await stage.condition('nic', 'Inserted', { reason: 'InsertUnknown' });
      stage.skip(3_600_000);
    },
    ends: {
      condition: says('nic', 'Inserted', 'Unknown', 'InsertUnknown'),
      also: [says('web', 'Ready', 'Unknown', 'UnrecognisedState')],
      warnings: ['InsertUnknown'],
      metrics: { [ended('pci-ins', 'Unknown')]: 1, [rejected('state')]: 1, [rejected('parameter')]: 'any' },
      commands: [{ 'pci-ins': 1 }],
      world: { ...guestHas('nic'), state: 'unrecognised' },
    },
  };
}

/** A stub domain that lies: case 14. */
export const hostile: readonly Scenario[] = [
  answersWith('garbage', 'It answers with terminal escapes, and with a known word that has more behind it.'),
  answersWith('huge', 'It answers with two kilobytes.'),
  answersWith('binary', 'It answers with bytes that are no text.'),
  {
    case: 14,
    title: '`state` flaps by itself while the device is inserted and after: one insert is sent, whatever it says.',
    quirks: ['hostile=flapping'],
    act: async (stage) => {
      await stage.begin();
      await stage.insert('nic');
      await stage.taken('pci-ins');
      stage.skip(60_000);
      await stage.noQuirks();
      await stage.settled();
      await stage.write('state', 'running');
    },
    ends: {
      condition: idle,
      also: [ready],
      warnings: ['InsertUnknown?', 'ResumeFailed?', 'StaleStateCleared?'],
      metrics: {
        [ended('pci-ins', 'Applied')]: 'any',
        [ended('pci-ins', 'Unknown')]: 'any',
        [ended('continue', 'Applied')]: 'any',
        [ended('continue', 'Unknown')]: 'any',
        [counters.late('pci-ins')]: 'any',
        [counters.repaired]: 'any',
      },
      commands: [{ 'pci-ins': 1, continue: 'any' }],
      world: guestHas('nic'),
    },
  },
  {
    case: 14,
    title: 'It deletes all nodes of the channel instead of an answer: nobody knows, and nothing is sent again.',
    quirks: ['hostile=deletes-nodes'],
    act: async (stage) => {
      await stage.start();
      await stage.insert('nic');
      await stage.taken('pci-ins');
      await stage.node('state', undefined);
      stage.skip(60_000);
    },
    ends: {
      condition: says('nic', 'Inserted', 'Unknown', 'InsertUnknown'),
      warnings: ['InsertUnknown'],
      metrics: { [ended('pci-ins', 'Unknown')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: { claims: ['nic'], backend: ['nic'], guest: ['nic@0x20'] },
    },
  },
  {
    case: 14,
    title: 'It claims a removal that the guest knows nothing of: the hypervisor takes the device before it is free.',
    quirks: ['no-eject', 'hostile=forges-removed'],
    act: async (stage) => {
      await stage.attached('nic');
      await stage.detached('nic');
      const grants = await stage.admin.grants();
      if (grants.length > 0) throw new Error(`still granted: ${JSON.stringify(grants)}`);
    },
    ends: {
      condition: { object: 'nic', gone: true },
      also: [ready, idle],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 1, [ended('pci-rem', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1, 'pci-rem': 1 }],
      world: { state: 'running', claims: [], backend: [], guest: ['nic@0x20'] },
    },
  },
  {
    case: 14,
    title: 'It claims success before it takes the command: that counts for nothing until it has taken it.',
    quirks: ['ignore-commands'],
    act: async (stage) => {
      await stage.start();
      await stage.insert('nic');
      await stage.node('command', 'pci-ins');
      await stage.write('parameter', '0xf8');
      await stage.write('state', 'pci-inserted');
      await stage.condition('nic', 'Inserted', { status: 'False' });
      await stage.write('state', 'running');
      await stage.write('parameter', `${devices.nic},msitranslate=0,power_mgmt=0`);
      await stage.noQuirks();
      await stage.write('command', 'pci-ins');
    },
    ends: {
      condition: says('nic', 'Inserted', 'True', 'Inserted'),
      also: [idle],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: guestHas('nic'),
    },
  },
  {
    case: 14,
    title: 'It claims success and never takes the command: nobody knows, and nothing more is sent to such a model.',
    quirks: ['ignore-commands'],
    act: async (stage) => {
      await stage.start();
      await stage.insert('nic');
      await stage.node('command', 'pci-ins');
      await stage.write('parameter', '0x20');
      await stage.write('state', 'pci-inserted');
      stage.skip(10_000);
    },
    ends: {
      condition: says('nic', 'Inserted', 'Unknown', 'InsertUnknown'),
      also: [says('web', 'Stalled', 'True', 'CommandNotDeleted')],
      warnings: ['CommandNotDeleted'],
      metrics: { [ended('pci-ins', 'Unknown')]: 1 },
      commands: [],
      world: { ...madeReady('nic'), state: 'pci-inserted' },
    },
  },
];
