/**
 * How fast the XenStore client is: `node test/bench/xenstore.ts [SOCKET…]`. Side by side on the same daemon: libxenstore
 * one request at a time, a bare pipelined C client, and ours. Without arguments on the embedded daemon and on the real
 * C xenstored where that can be had. All take turns for some rounds and the medians are shown: on a busy machine take
 * the ratios, not the figures.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setUpRealXenstored, startRealXenstored } from '../support/real-xenstored.ts';
import { buildPeers } from './peers/build.ts';

interface Figures {
  readonly rate: number;
  readonly cpuMicros: number;
  readonly p50Micros?: number;
  readonly p99Micros?: number;
}

interface Daemon {
  readonly name: string;
  readonly socket: string;
  stop(): Promise<void>;
}

interface Subject {
  readonly name: string;
  readonly program: 'libxenstore' | 'pipelined' | 'ours';
  readonly args: readonly string[];
}

interface Target {
  readonly text: string;
  /** From the figures by subject; undefined where a peer is missing. */
  readonly ratio: (figures: ReadonlyMap<string, Figures>) => number | undefined;
  readonly holds: (ratio: number) => boolean;
}

const ROUNDS = 5;
/** Milliseconds of each measurement, after half of that to warm up. */
const MILLIS = '600';
const WINDOW = '64';

const subjects: readonly Subject[] = [
  { name: 'libxenstore READ', program: 'libxenstore', args: ['read', MILLIS] },
  { name: 'ours READ, one at a time', program: 'ours', args: ['read', '1', MILLIS] },
  { name: 'bare C READ, 64 in flight', program: 'pipelined', args: ['read', WINDOW, MILLIS] },
  { name: 'ours READ, 64 in flight', program: 'ours', args: ['read', WINDOW, MILLIS] },
  { name: 'libxenstore WRITE', program: 'libxenstore', args: ['write', MILLIS] },
  { name: 'ours WRITE, one at a time', program: 'ours', args: ['write', '1', MILLIS] },
  { name: 'bare C WRITE, 64 in flight', program: 'pipelined', args: ['write', WINDOW, MILLIS] },
  { name: 'ours WRITE, 64 in flight', program: 'ours', args: ['write', WINDOW, MILLIS] },
  { name: 'libxenstore write→event', program: 'libxenstore', args: ['event', MILLIS] },
  { name: 'ours write→event', program: 'ours', args: ['event', '1', MILLIS] },
];

const targets: readonly Target[] = [
  ...['READ', 'WRITE'].flatMap((kind): Target[] => [
    {
      text: `${kind}: rate, 64 in flight / libxenstore      ≥ 2.2`,
      ratio: ratioOf('rate', `ours ${kind}, 64 in flight`, `libxenstore ${kind}`),
      holds: (ratio) => ratio >= 2.2,
    },
    {
      text: `${kind}: rate, 64 in flight / bare C           ≥ 0.75`,
      ratio: ratioOf('rate', `ours ${kind}, 64 in flight`, `bare C ${kind}, 64 in flight`),
      holds: (ratio) => ratio >= 0.75,
    },
    {
      text: `${kind}: CPU per request, 64 in flight / bare C ≤ 1.4`,
      ratio: ratioOf('cpuMicros', `ours ${kind}, 64 in flight`, `bare C ${kind}, 64 in flight`),
      holds: (ratio) => ratio <= 1.4,
    },
    {
      text: `${kind}: p50, one at a time / libxenstore      ≤ 2`,
      ratio: ratioOf('p50Micros', `ours ${kind}, one at a time`, `libxenstore ${kind}`),
      holds: (ratio) => ratio <= 2,
    },
  ]),
];

const peers = fileURLToPath(new URL('peers/', import.meta.url));
const folder = await mkdtemp(join(tmpdir(), 'xsb-'));
try {
  const built = await buildPeers(folder, ['libxenstore', 'pipelined']);
  const sockets = process.argv.slice(2);
  if (sockets.length > 0) {
    for (const socket of sockets) await compare({ name: socket, socket, stop: () => Promise.resolve() }, built);
  } else {
    await compare(await startEmbedded(), built);
    if ((await setUpRealXenstored()).available) {
      const real = await startRealXenstored({ flavor: 'c', version: '4.17', dir: join(folder, 'c') });
      await compare({ name: 'C xenstored 4.17', socket: real.socket, stop: () => real.stop() }, built);
    }
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}

/** Measures every subject on a daemon, in turns, prints the tables, and stops the daemon. */
async function compare(daemon: Daemon, built: boolean): Promise<void> {
  const rounds = new Map<string, Figures[]>();
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const { name, program, args } of subjects) {
        if (program !== 'ours' && !built) continue;
        const command = program === 'ours' ? process.execPath : join(folder, program);
        const all = program === 'ours' ? [join(peers, 'client.ts'), daemon.socket, ...args] : [daemon.socket, ...args];
        const figures = JSON.parse(await output(command, all)) as Figures;
        rounds.set(name, [...(rounds.get(name) ?? []), figures]);
      }
    }
  } finally {
    await daemon.stop();
  }
  print(daemon.name, rounds);
}

function print(name: string, rounds: ReadonlyMap<string, readonly Figures[]>): void {
  const lines = [
    `\n${name} (median of ${String(ROUNDS)} rounds)`,
    row('', 'requests/s', 'CPU µs each', 'p50 µs', 'p99 µs'),
  ];
  for (const [subject, all] of rounds) {
    const [rate, cpu, p50, p99] = (['rate', 'cpuMicros', 'p50Micros', 'p99Micros'] as const).map((key) =>
      median(all, key),
    );
    lines.push(row(subject, shown(rate, 0), shown(cpu, 1), shown(p50, 1), shown(p99, 1)));
  }
  lines.push('');
  for (const kind of ['READ', 'WRITE']) {
    // What the daemon and the machine allow now: no client gets far beyond it.
    const possible = ratioOf('rate', `bare C ${kind}, 64 in flight`, `libxenstore ${kind}`);
    const ratio = middle(Array.from({ length: ROUNDS }, (_, round) => possible(pick(rounds, round))));
    lines.push(`${`${kind}: rate, bare C, 64 in flight / libxenstore`.padEnd(52)}${shown(ratio, 2).padStart(8)}`);
  }
  for (const target of targets) {
    // Compared within a round, where the machine was equally busy; then the median.
    const ratios = Array.from({ length: ROUNDS }, (_, round) => target.ratio(pick(rounds, round)));
    const ratio = middle(ratios);
    const verdict = ratio === undefined ? 'no peer' : target.holds(ratio) ? 'ok' : 'MISSED';
    lines.push(`${target.text.padEnd(52)}${shown(ratio, 2).padStart(8)}  ${verdict}`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

function pick(rounds: ReadonlyMap<string, readonly Figures[]>, round: number): ReadonlyMap<string, Figures> {
  const picked = new Map<string, Figures>();
  for (const [name, all] of rounds) {
    const figures = all[round];
    if (figures !== undefined) picked.set(name, figures);
  }
  return picked;
}

function ratioOf(key: keyof Figures, one: string, other: string): Target['ratio'] {
  return (figures) => {
    const above = figures.get(one)?.[key];
    const below = figures.get(other)?.[key];
    return above === undefined || below === undefined ? undefined : above / below;
  };
}

function median(all: readonly Figures[], key: keyof Figures): number | undefined {
  return middle(all.map((figures) => figures[key]));
}

function middle(values: readonly (number | undefined)[]): number | undefined {
  const known = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return known[Math.floor(known.length / 2)];
}

function row(name: string, ...cells: readonly string[]): string {
  return name.padEnd(30) + cells.map((cell) => cell.padStart(13)).join('');
}

function shown(value: number | undefined, digits: number): string {
  return value === undefined ? '-' : value.toFixed(digits);
}

async function startEmbedded(): Promise<Daemon> {
  const socket = join(folder, 'embedded');
  const child = spawn(process.execPath, [join(peers, 'embedded.ts'), socket], { stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => {
      resolve();
    });
  });
  const ready = new Promise<void>((resolve) => {
    child.stdout.once('data', () => {
      resolve();
    });
  });
  await Promise.race([
    ready,
    ended.then(() => {
      throw new Error('the embedded daemon did not start');
    }),
  ]);
  return {
    name: 'embedded daemon',
    socket,
    stop: () => {
      child.stdin.end();
      return ended;
    },
  };
}

/** What a program prints. Throws when it fails. */
function output(command: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'], timeout: 60_000 });
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(text);
      else reject(new Error(`${command} ended with ${String(code)}`));
    });
  });
}
