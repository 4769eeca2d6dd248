// Runs in dom0, with the Node.js of the artifact: our XenStore client against the daemon there.
//   node xen-lab-client-check.ts FOLDER-OF-THE-PROGRAM xenstored|oxenstored SOCKET DEVICE
// Prints `ok KIND: NAME` or `not ok KIND: NAME: WHY` for each check over the socket and over the kernel's device, then figures of both.
import { join } from 'node:path';
import type * as Client from '../../operator/xenstore/client.ts';

const [program = '', daemon = '', socket = '', device = ''] = process.argv.slice(2);
const { openXenStore } = (await import(join(program, 'xenstore', 'client.js'))) as typeof Client;
let failed = 0;

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

const names = Array.from({ length: 300 }, (_, index) => `child-${String(index)}-${'x'.repeat(12)}`);

async function checkAll(kind: 'socket' | 'xenbus', path: string): Promise<void> {
  const store = openXenStore({ transport: { kind, path } });
  const root = `/tool/stubdom-check-${kind}`;
  const check = async (name: string, work: () => Promise<unknown>, expected: unknown): Promise<void> => {
    const got = await work().catch(
      (error: unknown) => `failed: ${String((error as { code?: unknown }).code ?? error)}`,
    );
    const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
    if (a !== b) failed += 1;
    say(a === b ? `ok ${kind}: ${name}` : `not ok ${kind}: ${name}: ${a.slice(0, 300)}, not ${b.slice(0, 300)}`);
  };

  await store.connected();
  await store.remove(root);
  await check('the name of dom0', () => store.readString('/local/domain/0/name'), 'Domain-0');
  await check(
    'what is missing is undefined',
    () => store.tryRead(`${root}/none`).then((found) => typeof found),
    'undefined',
  );
  await check('reading what is missing is ENOENT', () => store.read(`${root}/none`), 'failed: ENOENT');
  await check(
    'write, read, list, remove',
    async () => {
      await store.write(`${root}/a/b`, 'value');
      const seen = [await store.readString(`${root}/a/b`), await store.list(root), await store.list(`${root}/a`)];
      await store.remove(`${root}/a`);
      return [...seen, (await store.tryList(`${root}/a`)) === undefined];
    },
    ['value', ['a'], ['b'], true],
  );
  await check(
    'bytes that are no text',
    async () => {
      await store.write(`${root}/bytes`, Uint8Array.from([0, 255, 1, 10]));
      return [...(await store.read(`${root}/bytes`))];
    },
    [0, 255, 1, 10],
  );
  await check(
    'permissions',
    async () => {
      await store.setPermissions(`${root}/bytes`, { owner: 0, others: 'read', entries: [] });
      return store.getPermissions(`${root}/bytes`);
    },
    { owner: 0, others: 'read', entries: [] },
  );
  await check(
    'what a transaction writes is seen together, and by others only then',
    async () => {
      const before = await store.transaction(async (tx) => {
        await tx.write(`${root}/one`, '1');
        await tx.write(`${root}/two`, '2');
        return [await tx.readString(`${root}/one`), (await store.tryRead(`${root}/one`)) === undefined];
      });
      return [before, await store.readString(`${root}/two`)];
    },
    [['1', true], '2'],
  );
  await check(
    'a transaction that conflicts is done again',
    async () => {
      let runs = 0;
      await store.transaction(async (tx) => {
        runs += 1;
        const seen = await tx.readString(`${root}/one`);
        if (runs === 1) await store.write(`${root}/one`, 'other');
        await tx.write(`${root}/two`, `after ${seen}`);
      });
      return [runs, await store.readString(`${root}/two`)];
    },
    [2, 'after other'],
  );
  await check(
    'a watch fires at once, and for a change below',
    async () => {
      const seen: string[] = [];
      const done = new Promise<void>((resolve) => {
        const watch = store.watch(root, (event) => {
          seen.push(event.path);
          if (seen.length === 1) void store.write(`${root}/watched/deep`, 'x');
          if (event.path.endsWith('/deep')) void watch.close().then(resolve);
        });
      });
      await done;
      return [seen[0], seen.includes(`${root}/watched/deep`)];
    },
    [root, true],
  );
  await check(
    'waiting for a state',
    async () => {
      const waited = store.wait(async (tree) =>
        (await tree.tryReadString(`${root}/state`)) === 'running' ? 'running' : undefined,
      );
      await store.write(`${root}/state`, 'running');
      return waited;
    },
    'running',
  );
  await check(
    'a list that is larger than a message',
    async () => {
      await store.transaction(async (tx) => {
        await Promise.all(names.map((name) => tx.write(`${root}/many/${name}`, '')));
      });
      return (await store.list(`${root}/many`)).toSorted();
    },
    // oxenstored has no DIRECTORY_PART, and over a ring no longer answers: such a host is driven over the socket.
    daemon === 'oxenstored' && kind === 'xenbus' ? 'failed: E2BIG' : names.toSorted(),
  );
  const reads = 200;
  const began = performance.now();
  await Promise.all(Array.from({ length: reads }, () => store.read('/local/domain/0/name')));
  const each = (performance.now() - began) / reads;
  await store.remove(root);
  await check('nothing is left', () => store.tryList(root).then((found) => found === undefined), true);
  await store.close();
  say(`figures: ${kind} ${each.toFixed(1)} ms a read with all in flight, ${JSON.stringify(store.stats)}`);
}

await checkAll('socket', socket);
await checkAll('xenbus', device);
process.exitCode = failed;
