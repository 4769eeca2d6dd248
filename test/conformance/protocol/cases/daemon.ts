import { attached, counters, guestHas, idle, ready, says, type Scenario } from '../scenario.ts';
import type { Stage } from '../stage.ts';

const { ended } = counters;

/** A whole life under such a daemon: attached, paused, resumed, detached, attached again. */
async function live(stage: Stage): Promise<void> {
  await stage.attached('nic');
  await stage.pause();
  await stage.condition('web', 'Paused', { status: 'True' });
  await stage.resume();
  await stage.condition('web', 'Paused', { status: 'False' });
  await stage.detached('nic');
  await stage.insert('nic');
}

/** Whether it came to pass at all. */
function came(stage: Stage, what: keyof Stage['proxy']['happened']): void {
  if (stage.proxy.happened[what] === 0) throw new Error(`not once: ${what}`);
}

const onceEach = {
  condition: attached('nic'),
  also: [ready, idle],
  warnings: [],
  metrics: {
    [ended('pci-ins', 'Applied')]: 2,
    [ended('save', 'Applied')]: 1,
    [ended('continue', 'Applied')]: 1,
    [ended('pci-rem', 'Applied')]: 1,
  },
  commands: [{ 'pci-ins': 2, save: 1, continue: 1, 'pci-rem': 1 }],
  world: guestHas('nic'),
} as const;

/** What a XenStore daemon may do: case 18. */
export const daemon: readonly Scenario[] = [
  {
    case: 18,
    title: 'Every commit fails with EAGAIN three times: each command is sent once all the same.',
    act: async (stage) => {
      stage.proxy.unruly.conflictsEach = 3;
      await live(stage);
      came(stage, 'conflicts');
    },
    ends: onceEach,
  },
  {
    case: 18,
    title: 'Events are held for 50 ms, and those of one path become one.',
    act: async (stage) => {
      stage.proxy.unruly.coalesceMs = 50;
      await live(stage);
      came(stage, 'coalesced');
    },
    ends: onceEach,
  },
  {
    case: 18,
    title: 'Every event comes three times; nothing has changed at the second and the third.',
    act: async (stage) => {
      stage.proxy.unruly.spurious = 2;
      await live(stage);
      came(stage, 'spurious');
    },
    ends: onceEach,
  },
  {
    case: 18,
    title: 'The first event of a watch comes before the OK of its request.',
    act: async (stage) => {
      stage.proxy.unruly.eventBeforeOk = true;
      await stage.host.stopAgent();
      await stage.host.startAgent();
      await live(stage);
      came(stage, 'eventBeforeOk');
    },
    ends: onceEach,
  },
  {
    case: 18,
    title:
      'The link breaks while a command is under way: the agent comes back, waits for the answer and sends nothing again.',
    act: async (stage) => {
      await stage.start();
      await stage.quirk('reply-delay=600');
      await stage.insert('nic');
      await stage.taken('pci-ins');
      stage.proxy.cut();
    },
    ends: {
      condition: attached('nic'),
      also: [ready, idle],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: guestHas('nic'),
    },
  },
  {
    case: 18,
    title: 'The daemon comes back with an empty store: that is said, nothing is invented, and nothing is sent.',
    act: async (stage) => {
      await stage.attached('nic');
      await stage.host.stopDaemon();
      await stage.objects.condition('XenHost', 'xen-1', 'Ready', { status: 'False', reason: 'XenStoreDisconnected' });
      await stage.host.startDaemonEmpty();
    },
    ends: {
      condition: says('web', 'Stalled', 'True', 'XenStoreEmpty'),
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: { claims: [], backend: [], guest: ['nic@0x20'] },
    },
  },
];
