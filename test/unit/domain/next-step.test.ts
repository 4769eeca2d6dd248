import { describe, expect, test } from '@jest/globals';
import { agentFinalizer } from '../../../operator/api/names.ts';
import { nextStep } from '../../../operator/domain/next-step.ts';
import type { InflightNote, LastCommandNote } from '../../../operator/domain/notes.ts';
import type { Snapshot } from '../../../operator/domain/snapshot.ts';
import {
  aBackend,
  aDevice,
  aPciNote,
  aSave,
  aSnapshot,
  aStubDomain,
  anAttachment,
  hostDevices,
  theAddress,
  theStub,
  theTarget,
} from '../../support/builders.ts';

const step = (change: Partial<Snapshot>) => nextStep(aSnapshot(change), agentFinalizer);
const none = (wakeAt?: number) => ({ step: undefined, wakeAt });
const deleting = { deletionTimestamp: '2026-01-01T00:00:00Z' };
const note = aSnapshot().note;
const channel = aSnapshot().channel;
const staleSince = (since: number): Snapshot['memory'] => ({
  attempts: new Map(),
  channel: { phase: { kind: 'unseen' }, stale: { word: 'pci-removed', since } },
});

describe('making a stub domain', () => {
  test.each<[string, Partial<Snapshot>, object]>([
    [
      'the finalizer comes before anything is done',
      { object: aStubDomain({}, { finalizers: [] }), note: undefined },
      { step: { do: 'addFinalizer' } },
    ],
    ['its uuid is noted first', { note: undefined, stub: undefined, channel: undefined }, { step: { do: 'intend' } }],
    [
      'noted, it is built',
      { note: { ...note!, stage: 'intended' }, stub: undefined, channel: undefined },
      { step: { do: 'build' } },
    ],
    ['built, it is started', { note: { ...note!, stage: 'wired' }, channel: undefined }, { step: { do: 'start' } }],
    ['running, there is nothing to do', {}, none()],
    [
      'the guest is not there: nothing',
      { target: undefined, note: undefined, stub: undefined, channel: undefined },
      none(),
    ],
    [
      'somebody else made a stub domain: nothing',
      { note: undefined, stub: undefined, channel: undefined, foreignStub: 9 },
      none(),
    ],
    [
      'flavor Linux is refused',
      { object: aStubDomain({ flavor: 'Linux' }), note: undefined, stub: undefined, channel: undefined },
      none(),
    ],
    [
      'the guest has another name: nothing',
      {
        object: aStubDomain({ target: { uuid: theTarget.uuid, name: 'db' } }),
        note: undefined,
        stub: undefined,
        channel: undefined,
      },
      none(),
    ],
  ])('%s', (_, change, expected) => {
    expect(step(change)).toMatchObject(expected);
  });
});

test.each([
  ['every five seconds: no watch tells of one below domain 0, as before Xen 4.6', 990_000, 1_005_000],
  ['when it is overdue', 974_000, 1_004_000],
  ['no more when it is overdue', 970_000, undefined],
])('a device model that says nothing yet is looked for %s', (_, startedAt, wakeAt) => {
  const silent = { channel: { ...channel!, state: 'Absent' }, note: { ...note!, startedAt } } as const;
  expect(step(silent)).toEqual(none(wakeAt));
});

describe('incarnations', () => {
  test.each<[string, Partial<Snapshot>, string]>([
    ['the guest is gone', { target: undefined }, 'targetGone'],
    ['the guest was started anew', { target: { domid: 12, uuid: theTarget.uuid, name: 'web' } }, 'targetRestarted'],
    ['the stub domain died', { stub: undefined, channel: undefined }, 'domainDied'],
    ['an object that is gone left it', { note: { ...note!, owner: 'other' }, noteOwnerExists: false }, 'orphanNote'],
  ])('%s: the old one is taken down', (_, change, because) => {
    expect(step(change)).toEqual({ step: { do: 'teardown', because } });
  });

  test('a guest that another StubDomain serves is left alone', () => {
    expect(step({ note: { ...note!, owner: 'other' }, noteOwnerExists: true })).toEqual(none());
  });
});

describe('run state', () => {
  test('Paused is asked for', () => {
    expect(step({ object: aStubDomain({ runState: 'Paused' }) })).toMatchObject({
      step: { do: 'send', command: 'save', parameter: '' },
    });
  });

  const saved = { id: 'save-1', path: '/var/lib/xen/qemu-save.5', time: 901_000, size: 1 };

  test('Running again is asked for', () => {
    expect(step({ channel: { ...channel!, state: 'paused' }, last: aSave(), saved })).toMatchObject({
      step: { do: 'send', command: 'continue' },
    });
  });

  test('paused on purpose: nothing', () => {
    expect(step({ object: aStubDomain({ runState: 'Paused' }), channel: { ...channel!, state: 'paused' } })).toEqual(
      none(),
    );
  });

  test('after a failure it waits for its turn', () => {
    const attempts = new Map([['sd-1', { reason: 'PauseFailed', count: 1, retryAt: 1_001_000 }]]);
    expect(step({ object: aStubDomain({ runState: 'Paused' }), memory: { attempts } })).toEqual(none(1_001_000));
  });
});

const claims = new Map([[theAddress, theTarget.domid]]);
const givenUp = (finishedAt: number): LastCommandNote => ({
  id: 'insert-0',
  command: 'pci-ins',
  owner: 'pa-0',
  address: '0000:07:00.0',
  outcome: 'Unknown',
  reason: 'InsertUnknown',
  sentAt: finishedAt - 60_000,
  finishedAt,
});
const anInsert = (): InflightNote => ({
  id: 'insert-1',
  command: 'pci-ins',
  parameter: theAddress,
  owner: 'pa-1',
  address: theAddress,
  stub: theStub,
  target: theTarget,
  sentAt: 990_000,
});
const pciNotes = new Map([[theAddress, aPciNote()]]);
const readied = new Map([
  [theAddress, theStub.uuid],
  ['0000:04:00.0', theStub.uuid],
]);
const held = { attempts: new Map(), readied, frontendConnectedSince: 998_000 };
const prepared = { attachments: [anAttachment()], claims, pciNotes, pciBackend: aBackend(theAddress), memory: held };

describe('attaching a device', () => {
  test.each<[string, Partial<Snapshot>, object]>([
    [
      'it is claimed on the host first',
      { attachments: [anAttachment()] },
      { step: { do: 'claim', devices: [{ uid: 'pa-1', address: theAddress }] } },
    ],
    [
      'then it is readied',
      { attachments: [anAttachment()], claims, pciNotes },
      { step: { do: 'ready', address: theAddress } },
    ],
    [
      'not while it is being inserted, which an earlier life of the agent asked for',
      {
        attachments: [anAttachment()],
        claims,
        pciNotes,
        channel: { ...channel!, inflight: anInsert(), parameter: { kind: 'request' } },
      },
      none(1_050_000),
    ],
    [
      'and put into the back end, if it was not from the start',
      { attachments: [anAttachment()], claims, pciNotes, memory: { attempts: new Map(), readied } },
      { step: { do: 'enlist', devices: [{ uid: 'pa-1', address: theAddress }] } },
    ],
    [
      'a front end that is connected for less than a second is waited for',
      { ...prepared, memory: { ...held, frontendConnectedSince: 999_500 } },
      none(1_000_500),
    ],
    [
      'then it is inserted',
      prepared,
      { step: { do: 'send', command: 'pci-ins', parameter: `${theAddress},msitranslate=0,power_mgmt=0` } },
    ],
    [
      'not while paused',
      { ...prepared, object: aStubDomain({ runState: 'Paused' }), channel: { ...channel!, state: 'paused' } },
      none(),
    ],
    [
      'not while something else is in the channel',
      { ...prepared, channel: { ...channel!, command: 'foreign' } },
      none(),
    ],
    [
      'not while the late answer to another insert would be taken for its own',
      { ...prepared, channel: { ...channel!, undecided: givenUp(990_000) } },
      none(1_290_000),
    ],
    [
      'but five minutes later',
      { ...prepared, channel: { ...channel!, undecided: givenUp(700_000) } },
      { step: { do: 'send', command: 'pci-ins' } },
    ],
    [
      'inserted, the guest gets its grants',
      { ...prepared, pciNotes: new Map([[theAddress, aPciNote({ stage: 'inserted', vdevfn: 0x20 })]]) },
      { step: { do: 'grant', address: theAddress } },
    ],
    [
      'attached, there is nothing to do',
      { ...prepared, pciNotes: new Map([[theAddress, aPciNote({ stage: 'attached' })]]) },
      none(),
    ],
    [
      'an insert without an answer is never sent again',
      { ...prepared, pciNotes: new Map([[theAddress, aPciNote({ stage: 'unknown' })]]) },
      none(),
    ],
    [
      'without a claim of the controller nothing is touched',
      { attachments: [anAttachment({ claimed: false })] },
      none(),
    ],
    [
      'a device that came after the one listing is not offered',
      { attachments: [anAttachment()], enumerated: { stub: theStub, addresses: ['0000:04:00.0'] } },
      none(),
    ],
    [
      'a device of another incarnation is claimed anew',
      {
        ...prepared,
        pciNotes: new Map([[theAddress, aPciNote({ stage: 'attached', stub: { domid: 3, uuid: 'old' } })]]),
      },
      { step: { do: 'claim' } },
    ],
  ])('%s', (_, change, expected) => {
    expect(step(change)).toMatchObject(expected);
  });

  describe('a back end that pciback gave up', () => {
    const given = { ...prepared, pciBackend: { ...aBackend(theAddress), state: 6, frontendState: 6 } };
    test.each<[string, Partial<Snapshot>, object]>([
      ['is taken away, to be laid out again', given, { step: { do: 'dropBackend' } }],
      [
        'later, if that did not help before',
        { ...given, memory: { ...held, backendRetryAt: 1_004_000 } },
        none(1_004_000),
      ],
      [
        'not while the guest may have a device of it',
        { ...given, pciNotes: new Map([[theAddress, aPciNote({ stage: 'attached' })]]) },
        none(),
      ],
      [
        'not while a device is being inserted',
        { ...given, channel: { ...channel!, inflight: anInsert() } },
        none(1_050_000),
      ],
    ])('%s', (_, change, expected) => {
      expect(step(change)).toEqual(expected);
    });

    test('does not hold a device that leaves', () => {
      const leaving = [anAttachment({ metadata: deleting })];
      expect(step({ ...given, attachments: leaving })).toMatchObject({ step: { do: 'release', quarantine: false } });
    });
  });

  test('all planned devices are readied before the first insert', () => {
    const other = anAttachment({ metadata: { uid: 'pa-2', name: 'web-gpu' }, claimed: '0000:04:00.0' });
    const devices = hostDevices(aDevice(), aDevice({ address: '0000:04:00.0' }));
    expect(step({ ...prepared, attachments: [anAttachment(), other], hostDevices: devices })).toMatchObject({
      step: { do: 'claim', devices: [{ uid: 'pa-2', address: '0000:04:00.0' }] },
    });
  });
});

const ending = (state: number): Snapshot['pciBackend'] => ({ ...aBackend(theAddress), state });
const closingSince = (since: number): Snapshot['memory'] => ({ ...held, backendClosingSince: since });

describe('detaching a device', () => {
  const going = anAttachment({ metadata: deleting });
  const inGuest = new Map([[theAddress, aPciNote({ stage: 'attached', vdevfn: 0x20 })]]);
  const removed = new Map([[theAddress, aPciNote({ stage: 'removed' })]]);
  const inflight = {
    id: 'i',
    command: 'pci-rem',
    parameter: theAddress,
    owner: 'pa-1',
    address: theAddress,
    stub: theStub,
    target: theTarget,
    sentAt: 900_000,
  } as const;
  const closing = (state: 4 | 7): Snapshot['pciBackend'] => {
    const backend = aBackend(theAddress, '0000:04:00.0');
    const entries = backend.entries.map((entry) => (entry.address === theAddress ? { ...entry, state: 5 } : entry));
    return { ...backend, state, entries };
  };
  const waiting = { ...channel!, inflight, parameter: { kind: 'request' } as const };

  test.each<[string, Partial<Snapshot>, object]>([
    [
      'the guest is asked',
      { ...prepared, attachments: [going], pciNotes: inGuest },
      { step: { do: 'send', command: 'pci-rem', parameter: theAddress } },
    ],
    ['the guest may take its time', { ...prepared, attachments: [going], pciNotes: inGuest, channel: waiting }, none()],
    [
      'with Force there is an end to it',
      {
        ...prepared,
        attachments: [
          anAttachment({ metadata: deleting, spec: { removalPolicy: 'Force', removalTimeoutSeconds: 100 } }),
        ],
        pciNotes: inGuest,
        channel: waiting,
      },
      { step: { do: 'abandonRemoval' } },
    ],
    [
      'out of the guest, the only device takes the back end with it',
      { ...prepared, attachments: [going], pciNotes: removed },
      { step: { do: 'closeBackend', address: theAddress } },
    ],
    [
      'one of two is closed in the back end first',
      { ...prepared, attachments: [going], pciNotes: removed, pciBackend: aBackend(theAddress, '0000:04:00.0') },
      { step: { do: 'revoke' } },
    ],
    [
      'while the back end is at it, nothing is done',
      { ...prepared, attachments: [going], pciNotes: removed, pciBackend: closing(7) },
      none(),
    ],
    [
      'pciback is done with it when the back end is connected again: it never says closed',
      { ...prepared, attachments: [going], pciNotes: removed, pciBackend: closing(4) },
      { step: { do: 'release', quarantine: false } },
    ],
    [
      'which closes first: pciback goes on with what it was at when the path is laid out again',
      { ...prepared, attachments: [going], pciNotes: removed, pciBackend: ending(5), memory: closingSince(995_000) },
      none(1_005_000),
    ],
    [
      'and is dropped when it has closed',
      { ...prepared, attachments: [going], pciNotes: removed, pciBackend: ending(6) },
      { step: { do: 'release', quarantine: false } },
    ],
    [
      'or when it has not within ten seconds',
      { ...prepared, attachments: [going], pciNotes: removed, pciBackend: ending(5), memory: closingSince(990_000) },
      { step: { do: 'release', quarantine: false } },
    ],
    [
      'never inserted, it is only given back',
      { ...prepared, attachments: [going], pciBackend: ending(6) },
      { step: { do: 'release', quarantine: false } },
    ],
    [
      'the stub domain died with it: given back, but kept from dom0',
      {
        ...prepared,
        attachments: [going],
        pciNotes: inGuest,
        stub: undefined,
        channel: undefined,
        object: undefined,
        note: undefined,
      },
      { step: { do: 'release', quarantine: true } },
    ],
    [
      'with nothing left the finalizer goes',
      { attachments: [going] },
      { step: { do: 'removeFinalizer', kind: 'PciAttachment' } },
    ],
  ])('%s', (_, change, expected) => {
    expect(step(change)).toMatchObject(expected);
  });

  test('a back end that never settles holds a device only as long as Force allows', () => {
    const forced = anAttachment({ metadata: deleting, spec: { removalPolicy: 'Force', removalTimeoutSeconds: 100 } });
    const stuck = { ...aBackend(theAddress, '0000:04:00.0'), state: 7 };
    const at = (since: number) => ({
      ...prepared,
      attachments: [forced],
      pciNotes: removed,
      pciBackend: stuck,
      memory: { ...held, removingSince: new Map([['pa-1', since]]) },
    });
    expect(step(at(950_000))).toEqual(none(1_050_000));
    expect(step(at(900_000))).toMatchObject({ step: { do: 'release', quarantine: true } });
  });

  test('pciback is asked for one thing at a time: what it let go is dropped before anything else', () => {
    const [first, second] = aBackend(theAddress, '0000:04:00.0').entries;
    const leaving = { ...aBackend(), entries: [first!, { ...second!, state: 5 }] };
    const notes = new Map([
      [theAddress, aPciNote({ stage: 'removed' })],
      ['0000:04:00.0', aPciNote({ owner: 'pa-2', name: 'web-gpu', stage: 'removed' })],
    ]);
    const both = { ...prepared, pciNotes: notes, pciBackend: leaving };
    const gone = [going, anAttachment({ metadata: { ...deleting, uid: 'pa-2', name: 'web-gpu' } })];
    expect(step({ ...both, attachments: gone })).toMatchObject({ step: { do: 'release', address: '0000:04:00.0' } });
    expect(
      step({ ...prepared, attachments: [anAttachment()], pciBackend: { ...leaving, entries: [leaving.entries[1]!] } }),
    ).toEqual(none());
  });

  test('nothing is inserted while another device is on its way out', () => {
    const other = anAttachment({ metadata: { uid: 'pa-2', name: 'web-gpu' }, claimed: '0000:04:00.0' });
    const both = new Map([...inGuest, ['0000:04:00.0', aPciNote({ owner: 'pa-2', name: 'web-gpu' })] as const]);
    const plan = step({
      attachments: [going, other],
      pciNotes: both,
      claims: new Map([
        [theAddress, 5],
        ['0000:04:00.0', 5],
      ]),
      hostDevices: hostDevices(aDevice(), aDevice({ address: '0000:04:00.0' })),
      pciBackend: aBackend(theAddress, '0000:04:00.0'),
      channel: waiting,
      memory: held,
    });
    expect(plan.step).toBeUndefined();
  });
});

describe('deleting a stub domain', () => {
  const object = aStubDomain({}, deleting);
  test.each<[string, Partial<Snapshot>, object]>([
    ['it is taken down', { object }, { step: { do: 'teardown', because: 'deleted' } }],
    [
      'its devices leave first',
      {
        ...prepared,
        object,
        memory: { attempts: new Map(), deletingSince: 701_000 },
        pciNotes: new Map([[theAddress, aPciNote({ stage: 'attached' })]]),
      },
      { step: { do: 'send', command: 'pci-rem' } },
    ],
    [
      'but not for ever',
      {
        ...prepared,
        object,
        memory: { attempts: new Map(), deletingSince: 700_000 },
        channel: { ...channel!, state: 'Unrecognised' },
        pciNotes: new Map([[theAddress, aPciNote({ stage: 'attached' })]]),
      },
      { step: { do: 'teardown', because: 'deleted' } },
    ],
    [
      'orphaned, it is only forgotten',
      { object: aStubDomain({ deletionPolicy: 'Orphan' }, deleting) },
      { step: { do: 'forget' } },
    ],
    [
      'what is noted without a stub domain goes too',
      { object, note: undefined, stub: undefined, channel: undefined, saved: { path: '/s', time: 1 } },
      { step: { do: 'sweep' } },
    ],
    [
      'then the finalizer goes',
      { object, note: undefined, stub: undefined, channel: undefined },
      { step: { do: 'removeFinalizer', kind: 'StubDomain' } },
    ],
  ])('%s', (_, change, expected) => {
    expect(step(change)).toMatchObject(expected);
  });
});

describe('an old reply in the channel', () => {
  const stale = { channel: { ...channel!, state: 'pci-removed' as const } };
  test('is left alone at first', () => {
    expect(step({ ...stale, memory: staleSince(999_000) })).toEqual(none(1_004_000));
  });
  test('is cleared after a grace', () => {
    expect(step({ ...stale, memory: staleSince(995_000) })).toEqual({
      step: { do: 'repair', stale: 'pci-removed', steady: 'running' },
    });
  });
});
