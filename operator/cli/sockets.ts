import { lstat, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { CliError, errnoOf, usageError } from './failure.ts';

/** Longest path of a unix socket on Linux, without the closing NUL. */
export const maxSocketPath = 107;

/** The device through which a XenStore client reaches the daemon where there is no socket. */
export const xenbusDevice = '/dev/xen/xenbus';

/** What is at a path where a socket may be. */
export type SocketState = 'missing' | 'live' | 'stale' | 'denied' | 'no-socket';

/** Looks at a path, by connecting to it. A daemon whose queue is full counts as live. */
export async function probeSocket(path: string): Promise<SocketState> {
  try {
    if (!(await stat(path)).isSocket()) return 'no-socket';
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'EACCES') return 'denied';
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing';
    throw error;
  }
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('live');
    });
    socket.once('error', (error) => {
      socket.destroy();
      const code = errnoOf(error);
      if (code === 'ECONNREFUSED') resolve('stale');
      else if (code === 'EAGAIN') resolve('live');
      else if (code === 'EACCES') resolve('denied');
      else if (code === 'ENOENT') resolve('missing');
      else reject(error);
    });
  });
}

/** Refuses a path at which no socket can be made, with what to do about it. `option` is how the path was given. */
export async function requireFreeSocket(path: string, option: string): Promise<void> {
  requireSocketLength(path, option);
  switch (await probeSocket(path)) {
    case 'missing':
      return;
    case 'live':
      throw new CliError(`something listens on ${path} already. Stop it, or give another ${option}`);
    case 'stale':
      throw new CliError(
        `${path} is left over from a process that is gone. Remove it (rm ${path}), or give another ${option}`,
      );
    case 'denied':
      throw new CliError(`no permission for ${path}. Run as its owner, or give another ${option}`);
    case 'no-socket':
      throw new CliError(`${path} exists and is no socket. Give another ${option}`);
  }
}

/** Refuses a socket that nobody serves. `what` names the server, `hint` says how to get one. */
export async function requireLiveSocket(path: string, what: string, hint: string): Promise<void> {
  requireSocketLength(path, 'path');
  switch (await probeSocket(path)) {
    case 'live':
      return;
    case 'missing':
      throw new CliError(`no ${what} at ${path}: there is no such socket. ${hint}`);
    case 'stale':
      throw new CliError(`no ${what} at ${path}: the socket is there, but nobody serves it any more. ${hint}`);
    case 'denied':
      throw new CliError(`no permission for ${path}. Run as its owner (root, on a Xen host)`);
    case 'no-socket':
      throw new CliError(`no ${what} at ${path}: that is no socket. ${hint}`);
  }
}

/** Whether XenStore is reached at `path` through the kernel's device rather than a socket. */
export async function isXenbusDevice(path: string): Promise<boolean> {
  if (path === xenbusDevice) return true;
  try {
    return (await lstat(path)).isCharacterDevice();
  } catch {
    return false;
  }
}

function requireSocketLength(path: string, option: string): void {
  if (Buffer.byteLength(path) > maxSocketPath) {
    throw usageError(
      `the socket path is too long (${Buffer.byteLength(path)} bytes, at most ${maxSocketPath}). Give a shorter ${option}`,
    );
  }
}
