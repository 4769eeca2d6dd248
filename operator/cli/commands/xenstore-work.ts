import { openXenStore } from '../../xenstore/client.ts';
import { isAbsolutePath } from '../../xenstore/paths.ts';
import type { XenStore, XenStoreReader } from '../../xenstore/xenstore.ts';
import type { CommandContext } from '../context.ts';
import { CliError, usageError } from '../failure.ts';
import { isXenbusDevice, requireLiveSocket, xenbusDevice } from '../sockets.ts';
import { escapeValue, formatPermissions, unescapeValue } from '../xenstore-text.ts';
import type { XenstoreOptions } from './xenstore.ts';

const defaultSockets = ['/run/xenstored/socket', '/var/run/xenstored/socket', xenbusDevice];
/** Directories whose children are read at once, by `ls`. */
const listBatch = 64;

/** `ls`: the tree below `root`, indented by one blank a level, or with full paths. */
export async function list(
  context: CommandContext,
  options: XenstoreOptions & { permissions?: true; full?: true },
  root: string,
): Promise<void> {
  await withStore(context, options, async (store) => {
    const children = await store.tryList(checkPath(root));
    if (children === undefined) throw missing(root);
    const prefix = root === '/' ? '' : root;
    await listBelow(store, prefix, children, 0, async (path, name, depth, value) => {
      const label = options.full === true ? path : `${' '.repeat(depth)}${name}`;
      const permissions = options.permissions === true ? `  ${await permissionsOf(store, path)}` : '';
      context.terminal.out(`${label} = "${escapeValue(value)}"${permissions}`);
    });
  });
}

type Visit = (path: string, name: string, depth: number, value: Uint8Array) => Promise<void>;

/** Reads siblings in batches, so that a deep tree takes a round trip a directory and not one a node. */
async function listBelow(
  store: XenStoreReader,
  parent: string,
  names: readonly string[],
  depth: number,
  visit: Visit,
): Promise<void> {
  for (let start = 0; start < names.length; start += listBatch) {
    const batch = await Promise.all(
      names.slice(start, start + listBatch).map(async (name) => {
        const path = `${parent}/${name}`;
        const [value, children] = await Promise.all([store.tryRead(path), store.tryList(path)]);
        return { path, name, value, children };
      }),
    );
    for (const { path, name, value, children } of batch) {
      // Gone since its parent was listed.
      if (value === undefined) continue;
      await visit(path, name, depth, value);
      if (children !== undefined && children.length > 0) await listBelow(store, path, children, depth + 1, visit);
    }
  }
}

/** `read`: one value a line, or bytes. */
export async function read(
  context: CommandContext,
  options: XenstoreOptions & { permissions?: true; raw?: true },
  paths: readonly string[],
): Promise<void> {
  await withStore(context, options, async (store) => {
    for (const path of paths) {
      const value = await store.tryRead(checkPath(path));
      if (value === undefined) throw missing(path);
      if (options.raw === true) {
        context.terminal.raw(value);
        continue;
      }
      const permissions = options.permissions === true ? `  ${await permissionsOf(store, path)}` : '';
      const label = paths.length > 1 ? `${path} = ` : '';
      context.terminal.out(`${label}${escapeValue(value)}${permissions}`);
    }
  });
}

/** `write`: pairs of path and value, all in one transaction. */
export async function write(
  context: CommandContext,
  options: XenstoreOptions & { raw?: true },
  pairs: readonly string[],
): Promise<void> {
  if (pairs.length % 2 !== 0) throw usageError(`'xenstore write' needs a value for ${pairs.at(-1) ?? 'each path'}`);
  const values: [string, Uint8Array][] = [];
  for (let index = 0; index < pairs.length; index += 2) {
    const [path = '', text = ''] = pairs.slice(index, index + 2);
    const value = options.raw === true ? Buffer.from(text) : unescapeValue(text);
    if (value === undefined)
      throw usageError(`the value for ${path} has an unknown escape. Use \\n \\t \\r \\\\ \\xHH \\NNN, or --raw`);
    values.push([checkPath(path), value]);
  }
  await withStore(context, options, async (store) => {
    const [first, ...others] = values;
    if (first !== undefined && others.length === 0) await store.write(first[0], first[1]);
    else await store.transaction((tx) => Promise.all(values.map(([path, value]) => tx.write(path, value))));
  });
}

/** `rm`: nodes with everything below. One that is not there is a failure, as with xenstore-rm. */
export async function remove(
  context: CommandContext,
  options: XenstoreOptions,
  paths: readonly string[],
): Promise<void> {
  await withStore(context, options, async (store) => {
    for (const path of paths) {
      if (path === '/') throw usageError("'xenstore rm' never removes /");
      if ((await store.tryRead(checkPath(path))) === undefined) throw missing(path);
      await store.remove(path);
    }
  });
}

/** `watch`: the path of each event on a line, until interrupted or `count` events were seen. */
export async function watch(
  context: CommandContext,
  options: XenstoreOptions & { count?: number },
  paths: readonly string[],
): Promise<void> {
  await withStore(context, options, async (store) => {
    const { promise: enough, resolve } = Promise.withResolvers<undefined>();
    let left = options.count ?? Infinity;
    for (const path of paths) {
      store.watch(path.startsWith('@') ? path : checkPath(path), (event) => {
        if (left <= 0) return;
        context.terminal.out(event.path);
        left -= 1;
        if (left <= 0) resolve(undefined);
      });
    }
    await Promise.race([enough, context.shutdown.requested]);
  });
}

async function withStore(
  { terminal, shutdown }: CommandContext,
  options: XenstoreOptions,
  work: (store: XenStore) => Promise<void>,
): Promise<void> {
  const path = await findDaemon(options.socket ?? terminal.env['XENSTORED_PATH']);
  const kind = (await isXenbusDevice(path)) ? 'xenbus' : 'socket';
  if (kind === 'socket') {
    await requireLiveSocket(
      path,
      'XenStore daemon',
      'Start one (stubdom up shows its sockets), or name another with --socket',
    );
  }
  const store = openXenStore({ transport: { kind, path }, reconnect: false });
  try {
    await store.connected(shutdown.signal);
    await Promise.race([work(store), shutdown.requested]);
  } finally {
    await store.close();
  }
}

/** Where the host's XenStore is: `given`, or the first of the usual places that is there. */
export async function findDaemon(given: string | undefined): Promise<string> {
  if (given !== undefined) return given;
  const { existsSync } = await import('node:fs');
  return defaultSockets.find((path) => existsSync(path)) ?? '/run/xenstored/socket';
}

async function permissionsOf(store: XenStoreReader, path: string): Promise<string> {
  return `(${formatPermissions(await store.getPermissions(path))})`;
}

function missing(path: string): CliError {
  return new CliError(`there is no node ${path}`);
}

function checkPath(path: string): string {
  if (isAbsolutePath(path)) return path;
  if (!path.startsWith('/')) throw usageError(`the path ${path} must begin with /`);
  throw usageError(`${path} is no XenStore path: names of letters, digits, - _ @ between single slashes`);
}
