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
import { xlSends } from '../xl.ts';

const { ended } = counters;
const isPaused = says('web', 'Paused', 'True', 'Paused');

/** Pausing and going on: cases 11 and 12. */
export const pausing: readonly Scenario[] = [
  {
    case: 11,
    title: '`save` is answered with `paused`, and the state stays.',
    act: async (stage) => {
      await stage.start();
      await stage.pause();
    },
    ends: {
      condition: isPaused,
      also: [ready, idle],
      warnings: [],
      metrics: { [ended('save', 'Applied')]: 1 },
      commands: [{ save: 1 }],
      world: { ...untouched, state: 'paused' },
    },
  },
  {
    case: 11,
    title: '`continue` is answered with `running`.',
    act: async (stage) => {
      await stage.start();
      await stage.pause();
      await stage.condition('web', 'Paused', { status: 'True' });
      await stage.resume();
    },
    ends: {
      condition: says('web', 'Paused', 'False', 'NotPaused'),
      also: [ready, idle],
      warnings: [],
      metrics: { [ended('save', 'Applied')]: 1, [ended('continue', 'Applied')]: 1 },
      commands: [{ save: 1, continue: 1 }],
      world: untouched,
    },
  },
  {
    case: 11,
    title:
      'Somebody writes `paused` for a model that runs: it does not answer our `continue`, and `paused` is left alone.',
    act: async (stage) => {
      await stage.start();
      await stage.write('state', 'paused');
      await stage.condition('web', 'Paused', { status: 'True', reason: 'PausedByOther' });
      stage.skip(120_000);
      await stage.taken('continue');
      stage.skip(60_000);
    },
    ends: {
      condition: says('web', 'Ready', 'False', 'ResumeFailed'),
      warnings: ['ResumeFailed'],
      metrics: { [ended('continue', 'Unknown')]: 1 },
      commands: [{ continue: 1 }],
      world: { ...untouched, state: 'paused' },
    },
  },
  {
    case: 11,
    title: 'Somebody else sends `continue` while our `save` is under way: the model drops it silently.',
    quirks: ['save-delay=400'],
    act: async (stage) => {
      await stage.start();
      await stage.pause();
      await stage.taken('save');
      await xlSends(stage, 'continue', '');
      await stage.taken('continue');
      stage.skip(60_000);
    },
    ends: {
      condition: says('web', 'Ready', 'False', 'PauseFailed'),
      warnings: ['PauseFailed'],
      metrics: { [ended('save', 'Unknown')]: 1 },
      commands: [{ save: 1, continue: 1 }],
      world: untouched,
    },
  },
  {
    case: 11,
    title: 'Somebody else sends `save`: for 2 min nothing is sent against it.',
    act: async (stage) => {
      await stage.start();
      await xlSends(stage, 'save', '');
      await stage.condition('web', 'Paused', { status: 'True', reason: 'PausedByOther' });
      stage.skip(60_000);
    },
    ends: {
      condition: says('web', 'Paused', 'True', 'PausedByOther'),
      warnings: [],
      metrics: {},
      commands: [{ save: 1 }],
      world: { ...untouched, state: 'paused' },
    },
  },
  {
    case: 11,
    title: '`paused` is answered and there is no file: the pause is not believed.',
    quirks: ['save-file=none'],
    act: async (stage) => {
      await stage.start();
      await stage.pause();
    },
    ends: {
      condition: says('web', 'Ready', 'False', 'SaveFileMissing'),
      warnings: ['SaveFileMissing'],
      metrics: { [ended('save', 'Applied')]: 1 },
      commands: [{ save: 1 }],
      world: { ...untouched, state: 'paused' },
    },
  },
  {
    case: 12,
    title: 'A device that comes while the model is paused waits until it runs.',
    act: async (stage) => {
      await stage.start();
      await stage.pause();
      await stage.condition('web', 'Paused', { status: 'True' });
      await stage.attach('nic');
      stage.skip(60_000);
    },
    ends: {
      condition: says('nic', 'Inserted', 'False', 'StubDomainPaused'),
      also: [isPaused],
      warnings: [],
      metrics: { [ended('save', 'Applied')]: 1 },
      commands: [{ save: 1 }],
      world: { ...madeReady('nic'), state: 'paused' },
    },
  },
  {
    case: 12,
    title: 'It runs again: the device that waited is inserted.',
    act: async (stage) => {
      await stage.start();
      await stage.pause();
      await stage.condition('web', 'Paused', { status: 'True' });
      await stage.attach('nic');
      await stage.condition('nic', 'Inserted', { reason: 'StubDomainPaused' });
      await stage.resume();
      await stage.inserted(1);
    },
    ends: {
      condition: attached('nic'),
      also: [ready, idle],
      warnings: [],
      metrics: { [ended('save', 'Applied')]: 1, [ended('continue', 'Applied')]: 1, [ended('pci-ins', 'Applied')]: 1 },
      commands: [{ save: 1, continue: 1, 'pci-ins': 1 }],
      world: guestHas('nic'),
    },
  },
  {
    case: 12,
    title:
      'Somebody else inserts while the model is paused, and restores `paused` as it remembers it: nothing of ours is sent.',
    act: async (stage) => {
      await stage.start();
      await stage.pause();
      await stage.condition('web', 'Paused', { status: 'True' });
      await xlSends(stage, 'pci-ins', `${devices.disk},msitranslate=0,power_mgmt=0`);
      await stage.node('state', 'pci-inserted');
      await stage.write('state', 'paused');
      stage.skip(60_000);
    },
    ends: {
      condition: isPaused,
      also: [ready, idle],
      warnings: [],
      metrics: { [ended('save', 'Applied')]: 1 },
      commands: [{ save: 1, 'pci-ins': 1 }],
      world: { ...untouched, state: 'paused' },
    },
  },
];
