import { attached, counters, guestHas, idle, ready, says, type Scenario, untouched } from '../scenario.ts';
import { xlSends } from '../xl.ts';

const { ended } = counters;

/** The start of a device model: cases 3 and 13. */
export const start: readonly Scenario[] = [
  {
    case: 3,
    title: 'The model says `running` late: nothing is sent before, and the device follows by itself.',
    quirks: ['boot-delay=600'],
    act: async (stage) => {
      await stage.begin();
      await stage.insert('nic');
    },
    ends: {
      condition: says('web', 'DeviceModelRunning', 'True', 'Running'),
      also: [ready, attached('nic')],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: guestHas('nic'),
    },
  },
  {
    case: 3,
    title: 'The model never says `running`: after 30 s that is said, and nothing is sent.',
    quirks: ['no-boot'],
    act: async (stage) => {
      await stage.begin();
      await stage.attach('nic');
      await stage.condition('web', 'DeviceModelRunning', { status: 'False', reason: 'Starting' });
      stage.skip(30_000);
    },
    ends: {
      condition: says('web', 'Ready', 'False', 'StartTimeout'),
      also: [says('nic', 'Inserted', 'False', 'StubDomainNotReady')],
      warnings: [],
      metrics: {},
      commands: [],
      world: { claims: ['nic'], backend: ['nic'], guest: [] },
    },
  },
  {
    case: 13,
    title:
      'Somebody leaves `save` in the channel of a model that starts: the pause is left alone for 2 min, then it goes on.',
    quirks: ['boot-delay=600'],
    act: async (stage) => {
      await stage.begin();
      await xlSends(stage, 'save', '');
      await stage.condition('web', 'Paused', { status: 'True', reason: 'PausedByOther' });
      stage.skip(120_000);
      await stage.taken('continue');
    },
    ends: {
      condition: ready,
      also: [idle],
      warnings: [],
      metrics: { [ended('continue', 'Applied')]: 1 },
      commands: [{ save: 1, continue: 1 }],
      world: untouched,
    },
  },
  {
    case: 13,
    title: 'The stub domain dies before it takes our command: the next one finds an empty channel, and gets it once.',
    quirks: ['ignore-commands'],
    act: async (stage) => {
      await stage.start();
      await stage.insert('nic');
      await stage.node('command', 'pci-ins');
      await stage.noQuirks();
      await stage.admin.killDomain((await stage.model())?.domid ?? 0);
      await stage.dead();
      await stage.inserted(2);
    },
    ends: {
      condition: attached('nic'),
      also: [ready],
      warnings: ['StubDomainDied'],
      metrics: { [ended('pci-ins', 'Gone')]: 1, [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: guestHas('nic'),
    },
  },
];
