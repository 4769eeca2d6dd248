/**
 * Our client as the C peers are: `client.ts SOCKET read|write|event WINDOW MILLISECONDS`, one JSON document. WINDOW
 * callers each ask for the next thing when they have the answer to the one before.
 */
import { openXenStore } from '../../../operator/xenstore/client.ts';

const [socket = '', mode = '', windowText = '', millisText = ''] = process.argv.slice(2);
const window = Number(windowText);
const millis = Number(millisText);
const path = '/bench/client';
const value = Buffer.from('16 bytes of data');

const client = openXenStore({ transport: { kind: 'socket', path: socket } });
await client.connected();
await client.write(path, value);
const watcher = mode === 'event' ? openXenStore({ transport: { kind: 'socket', path: socket } }) : undefined;
const request = await requester();

await run(millis / 2, []);
const times: number[] = [];
const cpu = process.cpuUsage();
const start = performance.now();
const count = await run(millis, times);
const wallMillis = performance.now() - start;
const used = process.cpuUsage(cpu);
times.sort((a, b) => a - b);
process.stdout.write(
  `${JSON.stringify({
    rate: count / (wallMillis / 1000),
    cpuMicros: (used.user + used.system) / count,
    p50Micros: times[Math.floor(times.length / 2)],
    p99Micros: times[Math.floor(times.length * 0.99)],
  })}\n`,
);
await Promise.all([client.close(), watcher?.close()]);

/** Asks for so long; gives back how often. The latencies are taken where there is one caller. */
async function run(forMillis: number, latencies: number[]): Promise<number> {
  let over = false;
  let done = 0;
  setTimeout(() => {
    over = true;
  }, forMillis);
  const caller = async (): Promise<void> => {
    while (!over) {
      await request();
      done++;
    }
  };
  const timedCaller = async (): Promise<void> => {
    for (let last = performance.now(); !over; done++) {
      await request();
      const now = performance.now();
      latencies.push((now - last) * 1000);
      last = now;
    }
  };
  await (window === 1 ? timedCaller() : Promise.all(Array.from({ length: window }, caller)));
  return done;
}

async function requester(): Promise<() => Promise<unknown>> {
  if (mode === 'read') return () => client.read(path);
  if (mode === 'write') return () => client.write(path, value);
  let heard: () => void = () => undefined;
  await watcher?.watch(path, () => {
    heard();
  }).ready;
  return () =>
    new Promise((resolve) => {
      heard = () => {
        resolve(undefined);
      };
      void client.write(path, value);
    });
}
