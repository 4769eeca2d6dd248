import { uuidOf } from '../../../../operator/embedded/world/fleet.ts';
import { attached, counters, guestHas, idle, ready, says, type Scenario } from '../scenario.ts';
import { guestName } from '../guest.ts';

const { ended } = counters;

/** The stub domain dies there, once, and the next one is well. */
function diesAt(point: string, title: string, taken: number): Scenario {
  return {
    case: 15,
    title,
    quirks: [`dies-at=${point}`],
    act: async (stage) => {
      await stage.begin();
      await stage.insert('nic');
      await stage.dead();
      await stage.noQuirks();
      await stage.inserted(2);
    },
    ends: {
      condition: attached('nic'),
      also: [ready, idle],
      warnings: ['StubDomainDied'],
      metrics: { [ended('pci-ins', 'Gone')]: 1, [ended('pci-ins', 'Applied')]: 1 },
      commands: [...(taken === 0 ? [] : [{ 'pci-ins': taken }]), { 'pci-ins': 1 }],
      world: guestHas('nic'),
    },
  };
}

/** Domains that end, and domids that come back: cases 15 and 16. */
export const deaths: readonly Scenario[] = [
  {
    case: 15,
    title: 'The stub domain dies while it boots: another one is made, until one lives.',
    quirks: ['dies-at=boot'],
    act: async (stage) => {
      await stage.begin();
      await stage.attach('nic');
      await stage.dead();
      await stage.noQuirks();
      stage.skip(60_000);
      await stage.inserted(1);
    },
    ends: {
      condition: attached('nic'),
      also: [ready],
      warnings: ['StubDomainDied'],
      metrics: { [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: guestHas('nic'),
    },
  },
  diesAt('pick-up', 'It dies when it has taken the command.', 1),
  diesAt('parameter', 'It dies when it has read the parameter.', 1),
  diesAt('reply', 'It dies before it answers.', 1),
  {
    case: 15,
    title: 'It dies while the guest is asked to let the device go: the device is free, and a new one serves the guest.',
    quirks: ['no-eject'],
    act: async (stage) => {
      await stage.attached('nic');
      await stage.detach('nic');
      await stage.taken('pci-rem');
      await stage.admin.killDomain((await stage.model())?.domid ?? 0);
      await stage.dead();
    },
    ends: {
      condition: { object: 'nic', gone: true },
      also: [ready, idle],
      warnings: ['StubDomainDied'],
      metrics: { [ended('pci-ins', 'Applied')]: 1, [ended('pci-rem', 'Gone')]: 1 },
      commands: [{ 'pci-ins': 1, 'pci-rem': 1 }],
      world: { state: 'running', claims: [], backend: [], guest: [] },
    },
  },
  {
    case: 16,
    title:
      "The guest's domid comes back with another uuid while a command is under way: the newcomer gets nothing of it.",
    quirks: ['ignore-commands'],
    act: async (stage) => {
      await stage.host.addGuest('other');
      await stage.start();
      await stage.insert('nic');
      await stage.node('command', 'pci-ins');
      const domid = (await stage.model())?.targetDomid ?? 0;
      await stage.admin.removeGuest(uuidOf(guestName));
      await stage.admin.restartGuest(uuidOf('other'), domid);
      await stage.noQuirks();
    },
    ends: {
      condition: says('web', 'TargetFound', 'False', 'TargetNotFound'),
      also: [says('nic', 'Inserted', 'False', 'TargetNotFound')],
      warnings: [],
      metrics: { [ended('pci-ins', 'Gone')]: 1 },
      commands: [],
      world: { claims: [], backend: [], guest: [] },
    },
  },
  {
    case: 16,
    title:
      'The guest starts again under another domid, and its old one belongs to somebody else: the device follows the uuid.',
    act: async (stage) => {
      await stage.host.addGuest('other');
      await stage.attached('nic');
      const domid = (await stage.model())?.targetDomid ?? 0;
      await stage.admin.restartGuest(uuidOf(guestName));
      await stage.admin.restartGuest(uuidOf('other'), domid);
      await stage.inserted(2);
    },
    ends: {
      condition: attached('nic'),
      also: [ready, idle],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 2 },
      commands: [{ 'pci-ins': 1 }, { 'pci-ins': 1 }],
      world: guestHas('nic'),
    },
  },
];
