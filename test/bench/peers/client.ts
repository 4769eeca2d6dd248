/**
 * Our client as the C peers are: `client.ts SOCKET read|write|event WINDOW N`, one JSON document. WINDOW callers each ask
 * for the next thing when they have the answer to the one before.
 */
import { openXenStore } from '../../../operator/xenstore/client.ts';

const [socket = '', mode = '', windowText = '', countText = ''] = process.argv.slice(2);
const window = Number(windowText);
const count = Number(countText);
const path = '/bench/client';
const value = Buffer.from('16 bytes of data');

const client = openXenStore({ transport: { kind: 'socket', path: socket } });
await client.connected();
await client.write(path, value);
const watcher = mode === 'event' ? openXenStore({ transport: { kind: 'socket', path: socket } }) : undefined;
const request = await requester();

await run(Math.max(20_000, count / 10), undefined);
const times = window === 1 ? new Float64Array(count) : undefined;
const cpu = process.cpuUsage();
const start = performance.now();
await run(count, times);
const wallMillis = performance.now() - start;
const used = process.cpuUsage(cpu);
times?.sort();
process.stdout.write(
  `${JSON.stringify({
    rate: count / (wallMillis / 1000),
    cpuMicros: (used.user + used.system) / count,
    p50Micros: times?.[Math.floor(count / 2)],
    p99Micros: times?.[Math.floor(count * 0.99)],
  })}\n`,
);
await Promise.all([client.close(), watcher?.close()]);

async function run(total: number, latencies: Float64Array | undefined): Promise<void> {
  let started = 0;
  const caller = async (): Promise<void> => {
    let last = performance.now();
    while (started < total) {
      const index = started++;
      await request();
      if (latencies === undefined) continue;
      const now = performance.now();
      latencies[index] = (now - last) * 1000;
      last = now;
    }
  };
  await Promise.all(Array.from({ length: window }, caller));
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
