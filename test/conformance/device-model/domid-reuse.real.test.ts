import { describe, expect, test } from '@jest/globals';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createFakexenFabric } from '../../../operator/embedded/simulated-host/fakexen-fabric.ts';
import { openXenStore } from '../../../operator/xenstore/client.ts';
import { realXenstoredKinds, setUpRealXenstored, startRealXenstored } from '../../support/real-xenstored.ts';

const setup = await setUpRealXenstored();
const domid = 5;

// C xenstored of 4.20 died of a domid that was introduced while it still wound up the domain that had it before.
describe.each(realXenstoredKinds)('a domid that is used again on $flavor xenstored of Xen $version', (kind) => {
  (setup.available ? test : test.skip)(
    'waits until the daemon has let go of the domain that had it, and is a domain like any other',
    async () => {
      if (!setup.available) throw new Error(setup.reason);
      const directory = await mkdtemp(join(tmpdir(), 'du-'));
      const dir = join(directory, 'x');
      const daemon = await startRealXenstored({ ...kind, dir });
      const fabric = createFakexenFabric({ fakexen: join(setup.cache, 'bin', 'fakexen'), directory: dir });
      try {
        await fabric.create(domid);
        await fabric.introduce(domid);
        const pid = Number(await readFile(join(dir, 'pid'), 'utf8'));
        const happened: string[] = [];
        process.kill(pid, 'SIGSTOP');
        await fabric.release(domid);
        const again = fabric.create(domid).then(() => happened.push('created'));
        await setTimeout(300);
        happened.push('the daemon goes on');
        process.kill(pid, 'SIGCONT');
        await again;
        expect(happened).toEqual(['the daemon goes on', 'created']);
        const { guestSocket } = await fabric.introduce(domid);
        const guest = openXenStore({ transport: { kind: 'socket', path: guestSocket } });
        await guest.connected();
        await guest.close();
      } finally {
        await fabric.close();
        await daemon.stop();
        await rm(directory, { recursive: true, force: true });
      }
    },
  );
});
