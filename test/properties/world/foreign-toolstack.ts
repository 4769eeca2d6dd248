import { deviceModelPath } from '../../../operator/domain/locations.ts';
import { Mutex } from '../../../operator/runtime/mutex.ts';
import { openXenStore } from '../../../operator/xenstore/client.ts';
import type { XenStore } from '../../../operator/xenstore/xenstore.ts';
import type { HubLine, StoreHub } from './store-hub.ts';
import type { WorldTime } from './time.ts';

const replyMs = 60_000;
/** A guest that the agent knows nothing of. */
const foreignDomid = '99';

/** What somebody's `xl` does to a channel beside the agent. */
export type ForeignDeed = 'pci-ins' | 'save' | 'continue' | 'restore';

/**
 * Another toolstack on the host, as careless as libxl: it waits for `running`, writes parameter and command without a
 * transaction, waits for an answer, and writes back the state that it remembers, whatever is there by then.
 */
export class ForeignToolstack {
  readonly #store: XenStore;
  readonly #line: HubLine;
  readonly #life: { end(): void };
  readonly #claiming = new Mutex();

  constructor(hub: StoreHub, time: WorldTime) {
    const life = time.life();
    this.#life = life;
    this.#line = hub.line('xl', 0);
    this.#store = openXenStore({
      transport: { kind: 'custom', transport: this.#line.transport },
      clock: life.clock,
      random: () => 0.5,
    });
  }

  /** Begins a deed; it goes on beside everything else. */
  begin(deed: ForeignDeed, stub: number, target: number): void {
    void this.#do(deed, deviceModelPath(stub, target)).catch(() => {});
  }

  /** Takes a device for domain 99, as toolstacks note it, if nobody has it; or gives that back. */
  async claim(address: string, wanted: boolean): Promise<void> {
    const path = `/libxl/pci/${address.replaceAll(/[:.]/g, '-')}/domid`;
    await this.#claiming.run(() =>
      this.#store.transaction(async (tx) => {
        const holder = await tx.tryReadString(path);
        if (holder === undefined && wanted) await tx.write(path, foreignDomid);
        else if (holder === foreignDomid && !wanted) await tx.remove(path);
      }),
    );
  }

  /** It says and does nothing more. */
  silence(): void {
    this.#life.end();
    this.#line.kill(0);
  }

  async #do(deed: ForeignDeed, channel: string): Promise<void> {
    const store = this.#store;
    const original = await store.readString(`${channel}/state`);
    if (deed === 'restore') {
      await store.write(`${channel}/state`, original);
      return;
    }
    if (deed === 'pci-ins') await store.write(`${channel}/parameter`, '0000:05:00.0,msitranslate=0,power_mgmt=0');
    await store.write(`${channel}/command`, deed);
    const answer = { 'pci-ins': 'pci-inserted', save: 'paused', continue: 'running' }[deed];
    await store.wait(async (tree) => ((await tree.tryReadString(`${channel}/state`)) === answer ? answer : undefined), {
      timeoutMs: replyMs,
    });
    if (deed === 'pci-ins') await store.write(`${channel}/state`, original);
  }
}
