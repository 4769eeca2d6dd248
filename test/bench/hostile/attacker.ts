/**
 * A compromised stub domain: it holds its guest's socket and writes what it likes. A process of its own, told on the
 * command line: SOCKET CHANNEL (`/local/domain/S/device-model/T`) PHASE SECONDS COUNT. Prints how many writes it did.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { openXenStore } from '../../../operator/xenstore/client.ts';
import { marker, type Phase } from './phases.ts';

/** As many as xenstored lets an unprivileged domain have outstanding. */
const inFlight = 16;

/** Within the 1000 nodes that the quota allows a domain, and few enough in one folder for its size. */
const nodes = 900;
const folders = 30;

const words = ['pci-inserted', 'running', 'pci-removed', 'paused', 'running', 'pci-insert-failed', 'usb-added'];

/** Close to the 2048 bytes that the quota allows a node, and beyond it. */
const hugeBytes = 1900;
const beyondQuotaBytes = 3000;
/** More than the 128 watches and the 10 open transactions that it allows. */
const watches = 200;
const openTransactions = 20;

/** A value that is meant to harm whoever prints, parses or keeps it. All hold the marker, so that a leak is found. */
function nasty(): Uint8Array | string {
  switch (randomInt(6)) {
    case 0:
      return Buffer.concat([randomBytes(randomInt(1, 200)), Buffer.from(marker), randomBytes(randomInt(1, 200))]);
    case 1:
      return marker.repeat(Math.floor(hugeBytes / marker.length));
    case 2:
      return `\u001b[2J\u001b]0;${marker}\u0007\u001b[31m`;
    case 3:
      return `0x20\0${marker}`;
    case 4:
      return `\r\nHTTP/1.1 200 OK\r\n{"${marker}": "\u202e\ufeff"}\n`;
    default:
      return `${marker}${String(randomInt(1_000_000))}`;
  }
}

const [socket = '', channel = '', phase = 'flip', seconds = '5', count = '0'] = process.argv.slice(2);
const store = openXenStore({ transport: { kind: 'socket', path: socket }, maxInFlight: inFlight, reconnect: false });
await store.connected();
const end = performance.now() + Number(seconds) * 1000;
const most = Number(count) === 0 ? Number.POSITIVE_INFINITY : Number(count);
let done = 0;
let refused = 0;
let isCommanded = false;

const acts: Readonly<Record<Phase, (turn: number) => Promise<unknown>>> = {
  flip: (turn) => store.write(`${channel}/state`, words[turn % words.length] ?? ''),
  values: (turn) => store.write(`${channel}/${turn % 2 === 0 ? 'state' : 'parameter'}`, nasty()),
  // Each event is of another path, so that no two of them are the same to the daemon.
  spread: (turn) => store.write(`${channel}/${String(turn % folders)}/${String(turn % nodes)}`, ''),
  recreate: async (turn) => {
    const node = ['state', 'parameter', 'command', `${marker}-0`][turn % 4] ?? '';
    await store.remove(`${channel}/${node}`);
    await store.write(`${channel}/${node}`, nasty());
  },
  // More nodes than it may have, values beyond the size; each is refused, at full speed.
  quota: (turn) =>
    turn % 8 === 0
      ? store.write(`${channel}/state`, marker.repeat(Math.ceil(beyondQuotaBytes / marker.length)))
      : store.write(`${channel}/q${String(turn % folders)}/${String(turn)}`, ''),
  // As if it were done, while the command stands that nobody has taken.
  forge: async (turn) => {
    if (!isCommanded) await store.write(`${channel}/state`, 'running');
    else if (turn % 2 === 0) await store.write(`${channel}/parameter`, '0x20');
    else await store.write(`${channel}/state`, 'pci-inserted');
  },
};

if (phase === 'forge') {
  const command = `${channel}/command`;
  const look = async (): Promise<void> => {
    isCommanded = (await store.tryRead(command).catch(() => undefined)) !== undefined;
  };
  await store.watch(command, () => void look()).ready;
}
let letGo = (): void => {};
if (phase === 'quota') {
  const over = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const refuse = (): void => {
    refused += 1;
  };
  for (let index = 0; index < watches; index += 1) {
    store.watch(`${channel}/${String(index)}`, () => {}).ready.catch(refuse);
  }
  for (let index = 0; index < openTransactions; index += 1) {
    store.transaction(() => over, { attempts: 1 }).catch(refuse);
  }
}

async function work(): Promise<void> {
  while (done < most && performance.now() < end) {
    const turn = done;
    done += 1;
    await acts[phase as Phase](turn).catch(() => {
      refused += 1;
    });
  }
}

await Promise.all(Array.from({ length: inFlight }, work));
letGo();
// The next phase is about something else.
if (phase === 'quota') {
  await Promise.all(Array.from({ length: folders }, (_, folder) => store.remove(`${channel}/q${String(folder)}`)));
}
// What cannot be made again: it may remove the channel, and not write above it.
if (phase === 'recreate') await store.remove(channel);
await store.close();
console.log(JSON.stringify({ done, refused }));
