import { join } from 'node:path';
import type { Logger } from '../../runtime/ports.ts';
import { isXenStoreError } from '../../xenstore/errors.ts';
import { openXenStore } from '../../xenstore/client.ts';
import type { DomainFabric } from './fabric.ts';

/**
 * The embedded daemon opens `<guestDir>/<domid>.sock` at INTRODUCE and closes it at RELEASE. There is no hypervisor
 * that would have to know the domain before.
 */
export function createEmbeddedFabric(options: {
  readonly xenstoreSocket: string;
  readonly guestDir: string;
  readonly logger?: Logger;
}): DomainFabric {
  const { xenstoreSocket, guestDir, logger } = options;
  const store = openXenStore({
    transport: { kind: 'socket', path: xenstoreSocket },
    ...(logger === undefined ? {} : { logger }),
  });
  return {
    create: async () => {},
    introduce: async (domid) => {
      await store.introduce(domid, BigInt(0), 1);
      return { guestSocket: join(guestDir, `${domid}.sock`) };
    },
    release: async (domid) => {
      try {
        await store.release(domid);
      } catch (error) {
        // It was never introduced, or is released already.
        if (!isXenStoreError(error, 'ENOENT', 'EINVAL')) throw error;
      }
    },
    close: async () => store.close(),
  };
}
