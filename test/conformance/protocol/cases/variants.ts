import { counters, guestHas, says, type Scenario, untouched } from '../scenario.ts';

const { ended } = counters;

/** Device models of other times: cases 19 and 20. */
export const variants: readonly Scenario[] = [
  {
    case: 19,
    title:
      'The Qubes 4.0 shim answers an insert without deleting `command`: that is seen, and nothing more is sent to it.',
    quirks: ['shim'],
    act: async (stage) => {
      await stage.start();
      await stage.insert('nic');
      await stage.taken('pci-ins');
      await stage.node('state', 'pci-inserted');
      stage.skip(10_000);
      await stage.condition('web', 'Stalled', { reason: 'CommandNotDeleted' });
      await stage.detach('nic');
      await stage.condition('nic', 'Removing', { status: 'True' });
      stage.skip(3_600_000);
    },
    ends: {
      condition: says('web', 'Stalled', 'True', 'CommandNotDeleted'),
      also: [
        says('web', 'ChannelIdle', 'Unknown', 'CommandNotDeleted'),
        says('nic', 'Inserted', 'Unknown', 'InsertUnknown'),
      ],
      warnings: ['CommandNotDeleted'],
      metrics: { [ended('pci-ins', 'Unknown')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: { ...guestHas('nic'), state: 'pci-inserted' },
    },
  },
  {
    case: 19,
    title: 'The shim and a `save` that it never heard of: the answer does not come, and the word is withdrawn.',
    quirks: ['shim', 'ignore-commands'],
    act: async (stage) => {
      await stage.start();
      await stage.pause();
      await stage.node('command', 'save');
      stage.skip(10_000);
      await stage.node('command', undefined);
    },
    ends: {
      condition: says('web', 'Paused', 'False', 'NotDelivered'),
      warnings: ['NotDelivered'],
      metrics: { [ended('save', 'NotApplied')]: 1, [counters.withdrawn]: 1 },
      commands: [],
      world: untouched,
    },
  },
  {
    case: 20,
    title: 'The model has its channel below domain 0, as before Xen 4.6: that is reported, and nothing is sent.',
    quirks: ['legacy-layout', 'boot-delay=600'],
    act: async (stage) => {
      await stage.begin();
      await stage.attach('nic');
      const { domid, targetDomid } = await stage.domids();
      const channel = `/local/domain/0/device-model/${targetDomid}`;
      await stage.store.write(channel, '');
      await stage.store.setPermissions(channel, {
        owner: domid,
        others: 'none',
        entries: [{ domid: targetDomid, access: 'read' }],
      });
      await stage.value(`${channel}/state`, 'running');
      stage.skip(5000);
    },
    ends: {
      condition: says('web', 'Stalled', 'True', 'LegacyLayout'),
      also: [
        says('web', 'DeviceModelRunning', 'False', 'LegacyLayout'),
        says('web', 'ChannelIdle', 'Unknown', 'LegacyLayout'),
      ],
      warnings: [],
      metrics: {},
      commands: [],
      world: { claims: ['nic'], backend: ['nic'], guest: [] },
    },
  },
];
