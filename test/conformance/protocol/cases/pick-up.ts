import {
  attached,
  counters,
  devices,
  guestHas,
  idle,
  madeReady,
  ready,
  says,
  type Scenario,
  untouched,
} from '../scenario.ts';
import { xlAttaches, xlSends } from '../xl.ts';

const { ended, late, withdrawn } = counters;

/** How the device model takes a command, and where it keeps silent: cases 1, 2 and 7. */
/**
 * Where the agent has seen somebody else's command, it waits a minute for its answer. Its clock goes four times as fast, and
 * not at all while the process stands still. Milliseconds.
 */
const foreignAnswerMs = 45_000;

export const pickUp: readonly Scenario[] = [
  {
    case: 1,
    title: 'The model deletes `command`, reads `parameter` and answers.',
    act: async (stage) => {
      await stage.start();
      await stage.insert('nic');
    },
    ends: {
      condition: says('nic', 'Inserted', 'True', 'Inserted'),
      also: [attached('nic'), idle],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: guestHas('nic'),
    },
  },
  {
    case: 1,
    title: 'The model does not take the command within 10 s: it is withdrawn, `parameter` with it.',
    quirks: ['ignore-commands'],
    act: async (stage) => {
      await stage.start();
      await stage.insert('nic');
      await stage.node('command', 'pci-ins');
      stage.skip(10_000);
      await stage.node('command', undefined);
      await stage.node('parameter', undefined);
    },
    ends: {
      condition: says('nic', 'Inserted', 'False', 'NotDelivered'),
      warnings: ['NotDelivered'],
      metrics: { [ended('pci-ins', 'NotApplied')]: 1, [withdrawn]: 1 },
      commands: [],
      world: madeReady('nic'),
    },
  },
  {
    case: 1,
    title: 'A command was withdrawn; the model comes to itself, and takes the one that is sent after it.',
    quirks: ['ignore-commands'],
    act: async (stage) => {
      await stage.start();
      await stage.insert('nic');
      await stage.node('command', 'pci-ins');
      stage.skip(10_000);
      await stage.condition('nic', 'Inserted', { reason: 'NotDelivered' });
      await stage.noQuirks();
      stage.skip(5000);
    },
    ends: {
      condition: attached('nic'),
      also: [idle],
      warnings: ['NotDelivered'],
      metrics: { [ended('pci-ins', 'NotApplied')]: 1, [withdrawn]: 1, [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: guestHas('nic'),
    },
  },
  {
    case: 2,
    title: 'Any prefix is a command: each of ours is sent as the whole word, once.',
    act: async (stage) => {
      await stage.attached('nic');
      await stage.pause();
      await stage.condition('web', 'Paused', { status: 'True' });
      await stage.resume();
      await stage.condition('web', 'Paused', { status: 'False' });
      await stage.detached('nic');
    },
    ends: {
      condition: ready,
      also: [idle],
      warnings: [],
      metrics: {
        [ended('pci-ins', 'Applied')]: 1,
        [ended('save', 'Applied')]: 1,
        [ended('continue', 'Applied')]: 1,
        [ended('pci-rem', 'Applied')]: 1,
      },
      commands: [{ 'pci-ins': 1, save: 1, continue: 1, 'pci-rem': 1 }],
      world: untouched,
    },
  },
  {
    case: 2,
    title: 'Somebody sends the empty word, which is `save`: the pause is left alone for 2 min, then the model goes on.',
    act: async (stage) => {
      await stage.start();
      await stage.write('command', '');
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
    case: 7,
    title: 'Somebody takes `parameter` away before the model reads it: no answer, and no second insert.',
    quirks: ['ignore-commands'],
    act: async (stage) => {
      await stage.start();
      await stage.insert('nic');
      await stage.node('command', 'pci-ins');
      await stage.store.remove(`${await stage.channel()}/parameter`);
      await stage.noQuirks();
      await stage.write('command', 'pci-ins');
      await stage.taken('pci-ins');
      await stage.node('command', undefined);
      stage.skip(60_000);
    },
    ends: {
      condition: says('nic', 'Inserted', 'Unknown', 'InsertUnknown'),
      warnings: ['InsertUnknown'],
      metrics: { [ended('pci-ins', 'Unknown')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: madeReady('nic'),
    },
  },
  {
    case: 7,
    title: 'Somebody sends a word that the model does not know: it takes it and says nothing; ours follow.',
    act: async (stage) => {
      await stage.start();
      await xlSends(stage, 'flush-cache', '');
      await stage.taken('unknown');
      await stage.insert('nic');
    },
    ends: {
      condition: attached('nic'),
      also: [idle],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ unknown: 1, 'pci-ins': 1 }],
      world: guestHas('nic'),
    },
  },
  {
    case: 7,
    title:
      'Somebody asks for the removal of a function other than 0: the model says nothing, the channel stays usable.',
    act: async (stage) => {
      await stage.attached('nic', 'nic2');
      await stage.detached('nic2');
      await xlAttaches(stage, 'nic2', '29');
      await xlSends(stage, 'pci-rem', devices.nic2);
      await stage.taken('pci-rem', 2);
      await stage.detached('nic', foreignAnswerMs);
    },
    ends: {
      condition: ready,
      also: [idle],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 2, [ended('pci-rem', 'Applied')]: 2 },
      commands: [{ 'pci-ins': 3, 'pci-rem': 3 }],
      world: untouched,
    },
  },
  {
    case: 7,
    title: 'The model does not know the device that shall leave: it says nothing, and only Force ends the wait.',
    act: async (stage) => {
      await stage.attached('nic');
      await xlSends(stage, 'pci-rem', devices.nic);
      await stage.node('state', 'pci-removed');
      await stage.write('state', 'running');
      await stage.detach('nic');
      await stage.taken('pci-rem', 2, foreignAnswerMs);
      stage.skip(3_600_000);
    },
    ends: {
      condition: says('nic', 'Removing', 'True', 'WaitingForGuest'),
      also: [says('web', 'ChannelIdle', 'False', 'WaitingForGuest')],
      warnings: [],
      metrics: { [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ 'pci-ins': 1, 'pci-rem': 2 }],
      world: madeReady('nic'),
    },
  },
  {
    case: 7,
    title: 'The model carries the insert out and never answers: after 60 s nobody knows, and it is not sent again.',
    quirks: ['drop-replies'],
    act: async (stage) => {
      await stage.start();
      await stage.insert('nic');
      await stage.taken('pci-ins');
      stage.skip(60_000);
      await stage.condition('nic', 'Inserted', { reason: 'InsertUnknown' });
      stage.skip(3_600_000);
    },
    ends: {
      condition: says('nic', 'Ready', 'Unknown', 'InsertUnknown'),
      warnings: ['InsertUnknown'],
      metrics: { [ended('pci-ins', 'Unknown')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: guestHas('nic'),
    },
  },
  {
    case: 7,
    title: 'The model answers after we gave it up: the late answer is taken, and nothing was sent in between.',
    quirks: ['reply-delay=1500'],
    act: async (stage) => {
      await stage.begin();
      await stage.insert('nic');
      await stage.taken('pci-ins');
      stage.skip(60_000);
    },
    ends: {
      condition: attached('nic'),
      also: [idle],
      warnings: ['InsertUnknown'],
      metrics: { [ended('pci-ins', 'Unknown')]: 1, [late('pci-ins')]: 1 },
      commands: [{ 'pci-ins': 1 }],
      world: guestHas('nic'),
    },
  },
];
