import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { type AgentMetrics, createAgentMetrics } from '../../../operator/agent/agent-metrics.ts';
import { CommandMeter, type RawChannel } from '../../../operator/agent/observe/command-meter.ts';
import { createCentralMetrics } from '../../../operator/controllers/central-metrics.ts';
import type { ChannelView } from '../../../operator/domain/command-channel/channel.ts';
import type { InflightNote, LastCommandNote } from '../../../operator/domain/notes.ts';
import type { Snapshot } from '../../../operator/domain/snapshot.ts';
import { silentLogger } from '../../../operator/runtime/ports.ts';
import { createKubeMetrics } from '../../../operator/kube/metrics.ts';
import { createControllerMetrics } from '../../../operator/runtime/metrics.ts';
import { startProbes } from '../../../operator/runtime/probes.ts';
import { aPciNote, aSnapshot, theAddress, theStub, theTarget } from '../../support/builders.ts';

const key = 'default/web';

interface Bench {
  readonly metrics: AgentMetrics;
  readonly look: (seen: Partial<Snapshot>, raw?: RawChannel) => void;
  /** The series that are not 0, as `/metrics` shows them. */
  readonly counted: (name: string) => Promise<string[]>;
}

function bench(): Bench {
  const registry = new Registry();
  const metrics = createAgentMetrics(registry);
  const meter = new CommandMeter(metrics);
  return {
    metrics,
    look: (seen, raw) => {
      meter.look(key, aSnapshot(seen), raw);
    },
    counted: async (name) => {
      const text = await registry.getSingleMetricAsString(name);
      return text.split('\n').filter((line) => !line.startsWith('#') && !line.endsWith(' 0'));
    },
  };
}

const insert: InflightNote = {
  id: 'c-1',
  command: 'pci-ins',
  parameter: `${theAddress},msitranslate=0,power_mgmt=0`,
  owner: 'pa-1',
  address: theAddress,
  target: theTarget,
  stub: theStub,
  sentAt: 1_000_000,
};
const removal: InflightNote = { ...insert, id: 'c-2', command: 'pci-rem', parameter: theAddress };

const idle: ChannelView = {
  inflight: undefined,
  samePins: true,
  linked: true,
  state: 'running',
  command: 'absent',
  parameter: { kind: 'absent' },
};
const sent = (inflight: InflightNote): ChannelView => ({
  ...idle,
  inflight,
  command: 'ours',
  parameter: { kind: 'request' },
});
const taken = (inflight: InflightNote): ChannelView => ({ ...sent(inflight), command: 'absent' });

function concluded(
  note: InflightNote,
  outcome: LastCommandNote['outcome'],
  reason: string,
  at: number,
): Partial<Snapshot> {
  const { id, command, owner, sentAt } = note;
  return { now: at, channel: idle, last: { id, command, owner, outcome, reason, sentAt, finishedAt: at } };
}

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

test('a command is timed by phase and counted once, whatever number of looks it took', async () => {
  const { look, counted } = bench();
  look({ now: 999_000 });
  look({ now: 1_000_001, channel: sent(insert) });
  look({ now: 1_000_030, channel: taken(insert) });
  look({ now: 1_000_050, channel: taken(insert) });
  look(concluded(insert, 'Applied', 'Inserted', 1_002_030));
  look(concluded(insert, 'Applied', 'Inserted', 1_003_000));
  expect(await counted('stubdom_command_outcomes_total')).toEqual([
    'stubdom_command_outcomes_total{command="pci-ins",outcome="Applied"} 1',
  ]);
  const times = await counted('stubdom_command_seconds');
  expect(times).toContain('stubdom_command_seconds_sum{command="pci-ins",phase="consumption"} 0.03');
  expect(times).toContain('stubdom_command_seconds_sum{command="pci-ins",phase="completion"} 2');
  expect(times).toContain('stubdom_command_seconds_count{command="pci-ins",phase="completion"} 1');
  expect(await counted('stubdom_commands_withdrawn_total')).toEqual([]);
});

test('an agent that was restarted counts the end of what it finds under way, and does not guess when it was taken', async () => {
  const { look, counted } = bench();
  look({ now: 1_030_000, channel: taken(insert) });
  look(concluded(insert, 'NotApplied', 'SlotBusy', 1_031_000));
  expect(await counted('stubdom_command_outcomes_total')).toEqual([
    'stubdom_command_outcomes_total{command="pci-ins",outcome="NotApplied"} 1',
  ]);
  expect((await counted('stubdom_command_seconds')).filter((line) => line.includes('consumption'))).toEqual([]);
});

test('a withdrawn command is NotApplied, and has no times', async () => {
  const { look, counted } = bench();
  look({ now: 1_000_001, channel: sent(insert) });
  look(concluded(insert, 'NotApplied', 'NotDelivered', 1_010_000));
  expect(await counted('stubdom_commands_withdrawn_total')).toEqual(['stubdom_commands_withdrawn_total 1']);
  expect(await counted('stubdom_command_outcomes_total')).toEqual([
    'stubdom_command_outcomes_total{command="pci-ins",outcome="NotApplied"} 1',
  ]);
  expect(await counted('stubdom_command_seconds')).toEqual([]);
});

test('a removal that Force ended is Abandoned, one whose domain went away is Gone', async () => {
  const forced = bench();
  forced.look({ channel: taken(removal) });
  forced.look({ channel: idle, pciNotes: new Map([[theAddress, aPciNote({ stage: 'removed', unconfirmed: true })]]) });
  expect(await forced.counted('stubdom_command_outcomes_total')).toEqual([
    'stubdom_command_outcomes_total{command="pci-rem",outcome="Abandoned"} 1',
  ]);
  const died = bench();
  died.look({ channel: taken(removal) });
  died.look({ channel: undefined, stub: undefined });
  died.look({ channel: undefined, stub: undefined });
  expect(await died.counted('stubdom_command_outcomes_total')).toEqual([
    'stubdom_command_outcomes_total{command="pci-rem",outcome="Gone"} 1',
  ]);
});

test('a clock that was set back gives no negative time', async () => {
  const { look, counted } = bench();
  look({ now: 1_000_000, channel: sent(insert) });
  look({ now: 400_000, channel: taken(insert) });
  expect(await counted('stubdom_command_seconds')).toContain(
    'stubdom_command_seconds_count{command="pci-ins",phase="consumption"} 1',
  );
  expect((await counted('stubdom_command_seconds')).filter((line) => line.includes('_sum'))).toEqual([]);
});

test.each([
  ['forward', -3_600_000],
  ['back', 3_600_000],
])('the time of day was set %s by an hour: no command takes longer for that, or no time at all', async (_, ahead) => {
  const { look, counted } = bench();
  look({ now: 999_990 + ahead });
  look({ now: 1_000_001 + ahead, channel: sent(insert) });
  look({ now: 1_000_030 + ahead, channel: taken(insert) });
  expect(await counted('stubdom_command_seconds')).toContain(
    'stubdom_command_seconds_sum{command="pci-ins",phase="consumption"} 0.04',
  );
});

test('what is not understood is counted when it changes, not when it is read', async () => {
  const { look, counted } = bench();
  const odd: ChannelView = { ...idle, state: 'Unrecognised' };
  look({ channel: odd }, { state: bytes('\x1b[2J'), parameter: undefined });
  look({ channel: odd }, { state: bytes('\x1b[2J'), parameter: undefined });
  look({ channel: odd }, { state: bytes('\x1b[3J'), parameter: undefined });
  look({ channel: idle }, { state: bytes('running'), parameter: bytes('left over') });
  look({ channel: odd }, { state: bytes('\x1b[3J'), parameter: undefined });
  expect(await counted('stubdom_rejected_values_total')).toEqual(['stubdom_rejected_values_total{node="state"} 3']);
});

test('an answer that is not understood counts; what is left in parameter from before does not', async () => {
  const { look, counted } = bench();
  const text = { kind: 'unrecognised', bytes: 4 } as const;
  look({ channel: { ...idle, parameter: text } }, { state: undefined, parameter: bytes('left') });
  look({ channel: { ...sent(insert), parameter: text } }, { state: undefined, parameter: bytes('left') });
  look({ channel: { ...taken(insert), parameter: text } }, { state: undefined, parameter: bytes('nope') });
  look({ channel: { ...taken(insert), parameter: text } }, { state: undefined, parameter: bytes('nope') });
  expect(await counted('stubdom_rejected_values_total')).toEqual(['stubdom_rejected_values_total{node="parameter"} 1']);
});

test('/metrics shows every series from the start, XenStore’s counters and the objects as they are when asked', async () => {
  const registry = new Registry();
  const metrics = createAgentMetrics(registry);
  let requests = 41;
  metrics.observeXenStore(() => ({
    requests,
    roundTrips: 7,
    events: 3,
    lateEvents: 1,
    reconnects: 2,
    conflicts: 5,
  }));
  metrics.observeObjects(() => [
    { kind: 'StubDomain', ready: 'True' },
    { kind: 'StubDomain', ready: 'True' },
    { kind: 'PciAttachment', ready: 'Unknown' },
  ]);
  const readiness = () => ({ ready: true, reasons: [] });
  const probes = await startProbes({ port: 0, host: '127.0.0.1', readiness, metrics: registry, logger: silentLogger });
  try {
    const get = async () => (await fetch(`http://127.0.0.1:${String(probes.port)}/metrics`)).text();
    const first = (await get()).split('\n');
    requests = 42;
    expect(first).toContain('stubdom_xenstore_requests_total 41');
    expect((await get()).split('\n')).toContain('stubdom_xenstore_requests_total 42');
    for (const line of [
      'stubdom_xenstore_round_trips_total 7',
      'stubdom_xenstore_events_total 3',
      'stubdom_xenstore_late_events_total 1',
      'stubdom_xenstore_reconnects_total 2',
      'stubdom_xenstore_transaction_conflicts_total 5',
      'stubdom_objects{kind="StubDomain",ready="True"} 2',
      'stubdom_objects{kind="StubDomain",ready="False"} 0',
      'stubdom_objects{kind="PciAttachment",ready="Unknown"} 1',
      'stubdom_command_outcomes_total{command="pci-rem",outcome="Unknown"} 0',
      'stubdom_command_seconds_count{command="save",phase="consumption"} 0',
      'stubdom_commands_withdrawn_total 0',
      'stubdom_stale_state_repairs_total 0',
      'stubdom_rejected_values_total{node="parameter"} 0',
    ]) {
      expect(first).toContain(line);
    }
  } finally {
    await probes.close();
  }
});

test('docs/metrics.md has every metric with its labels, and no other', async () => {
  const registry = new Registry();
  createAgentMetrics(registry);
  createCentralMetrics(registry);
  createControllerMetrics(registry);
  createKubeMetrics(registry);
  const made = registry.getMetricsAsArray().map((metric) => {
    const { name, labelNames = [] } = metric as unknown as { name: string; labelNames?: readonly string[] };
    return `${name} ${[...labelNames].sort().join(' ')}`.trim();
  });
  const page = await readFile(join(import.meta.dirname, '..', '..', '..', 'docs', 'metrics.md'), 'utf8');
  const rows = page.split('\n').filter((line) => /^\| `/.test(line));
  const documented = rows.map((row) => {
    const [, name = '', labels = ''] = row.split('|').map((cell) => cell.trim());
    const words = [...labels.matchAll(/`([a-z]+)`/g)].map(([, word]) => word);
    return `${name.replaceAll('`', '')} ${words.sort().join(' ')}`.trim();
  });
  expect(documented.sort()).toEqual(made.sort());
});
