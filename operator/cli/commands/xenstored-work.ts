import { rmdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { startXenstored } from '../../embedded/xenstored/server.ts';
import type { CommandContext } from '../context.ts';
import { createLogger } from '../../runtime/logger.ts';
import { requireFreeSocket } from '../sockets.ts';
import type { XenstoredOptions } from './embedded.ts';

/** Runs the embedded XenStore daemon until it is told to stop. */
export async function runXenstored({ terminal, shutdown }: CommandContext, options: XenstoredOptions): Promise<void> {
  const socketPath = resolve(options.socket);
  await requireFreeSocket(socketPath, '--socket');
  const logger = await createLogger({ level: options.logLevel, format: 'auto' });
  const daemon = await startXenstored({
    socketPath,
    logger,
    ...(options.guestDir === undefined ? {} : { guestDir: resolve(options.guestDir) }),
  });
  terminal.out(`xenstored ready socket=${daemon.socketPath} guests=${daemon.guestDir}`);
  await shutdown.requested;
  await daemon.close();
  // The folder of our own choice goes, too, unless something else lies in it.
  if (options.guestDir === undefined) await rmdir(daemon.guestDir).catch(() => {});
}
