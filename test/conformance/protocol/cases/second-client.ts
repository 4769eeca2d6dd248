import { attached, counters, devices, guestHas, idle, madeReady, ready, says, type Scenario } from '../scenario.ts';
import { xlAttaches, xlSends } from '../xl.ts';

const { ended, repaired } = counters;

/** Another toolstack on the same channel, without transactions and with a memory: case 17. */
export const secondClient: readonly Scenario[] = [
  {
    case: 17,
    title: 'Its command stands in the channel: nothing of ours is sent beside it, and it is left alone.',
    quirks: ['ignore-commands'],
    act: async (stage) => {
      await stage.start();
      await xlSends(stage, 'pci-rem', devices.disk);
      await stage.condition('web', 'ChannelIdle', { status: 'False', reason: 'ForeignCommand' });
      await stage.attach('nic');
      await stage.condition('nic', 'Inserted', { status: 'False' });
      stage.skip(3_600_000);
      await stage.node('command', 'pci-rem');
      await stage.node('parameter', devices.disk);
    },
    ends: {
      condition: says('web', 'ChannelIdle', 'False', 'ForeignCommand'),
      also: [says('nic', 'Inserted', 'False', 'ForeignCommand'), ready],
      warnings: [],
      metrics: {},
      commands: [],
      world: madeReady('nic'),
    },
  },
  {
    case: 17,
    title: 'It attaches a device of its own, and restores `running`: ours comes after it, into the next slot.',
    act: async (stage) => {
      await stage.attached('nic');
      await stage.detached('nic');
      await xlAttaches(stage, 'disk');
      await stage.insert('nic');
    },
    ends: {
      condition: attached('nic'),
      also: [idle],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 2, [ended('pci-rem', 'Applied')]: 1, [repaired]: 'any' },
      commands: [{ 'pci-ins': 3, 'pci-rem': 1 }],
      world: { ...madeReady('nic'), guest: ['nic@0x28'] },
    },
  },
  {
    case: 17,
    title:
      'It writes `running` over our reply before we see it: the slot in `parameter` counts when it has stood for a second.',
    act: async (stage) => {
      await stage.start();
      await stage.quirk('reply-delay=300');
      await stage.insert('nic');
      await stage.host.stopAgent();
      await stage.node('state', 'pci-inserted');
      await stage.write('state', 'running');
      await stage.host.startAgent();
    },
    ends: {
      condition: attached('nic'),
      also: [idle],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: guestHas('nic'),
    },
  },
  {
    case: 17,
    title: 'It remembers our `pci-inserted` and writes it back later: after 5 s `running` is written over it.',
    act: async (stage) => {
      await stage.attached('nic');
      await stage.write('state', 'pci-inserted');
      await stage.condition('web', 'ChannelIdle', { status: 'False', reason: 'StaleState' });
      stage.skip(5000);
    },
    ends: {
      condition: idle,
      also: [ready, attached('nic')],
      warnings: ['StaleStateCleared'],
      metrics: { [ended('pci-ins', 'Applied')]: 1, [repaired]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: guestHas('nic'),
    },
  },
  {
    case: 17,
    title: 'It gives a command up and leaves it; somebody takes it back: ours goes on.',
    quirks: ['ignore-commands'],
    act: async (stage) => {
      await stage.start();
      await xlSends(stage, 'pci-rem', devices.disk);
      await stage.attach('nic');
      await stage.condition('nic', 'Inserted', { reason: 'ForeignCommand' });
      await stage.noQuirks();
      // With its parameter: otherwise nobody knows that it was not taken, and its answer is waited for.
      for (const node of ['parameter', 'command']) await stage.store.remove(`${await stage.channel()}/${node}`);
      await stage.inserted(1);
    },
    ends: {
      condition: attached('nic'),
      also: [idle],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1, unknown: 'any' }],
      world: guestHas('nic'),
    },
  },
  {
    case: 17,
    title: 'It writes its request over ours before the model reads it: nobody can tell whose answer comes.',
    quirks: ['ignore-commands'],
    act: async (stage) => {
      await stage.start();
      await stage.insert('nic');
      await stage.node('command', 'pci-ins');
      await xlSends(stage, 'pci-ins', `${devices.disk},msitranslate=0,power_mgmt=0`);
      await stage.condition('web', 'ChannelIdle', { status: 'False', reason: 'CommandContested' });
      await stage.noQuirks();
      await stage.write('command', 'pci-ins');
      await stage.taken('pci-ins');
    },
    ends: {
      condition: says('nic', 'Inserted', 'Unknown', 'InsertUnknown'),
      warnings: ['CommandContested', 'StaleStateCleared'],
      metrics: { [ended('pci-ins', 'Unknown')]: 1, [repaired]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: madeReady('nic'),
    },
  },
];
