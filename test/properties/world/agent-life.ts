import { createAgent } from '../../../operator/agent/agent.ts';
import type { Hypervisor } from '../../../operator/hypervisor/hypervisor.ts';
import { silentLogger } from '../../../operator/runtime/ports.ts';
import { openXenStore } from '../../../operator/xenstore/client.ts';
import { type KubeMemory, kubeLink } from './kube-memory.ts';
import { randomFrom, type Scheduler } from './scheduler.ts';
import type { HubLine, StoreHub } from './store-hub.ts';
import type { WorldTime } from './time.ts';

export const nodeName = 'xen-1';

export interface AgentLifeOptions {
  readonly scheduler: Scheduler;
  readonly time: WorldTime;
  readonly hub: StoreHub;
  readonly memory: KubeMemory;
  readonly hypervisor: Hypervisor;
  /** Told of each call to the hypervisor just before it is carried out. */
  readonly calling: (actor: string, verb: string, args: readonly unknown[]) => void;
}

/** One life of the agent's process. */
export interface AgentLife {
  readonly actor: string;
  readonly line: HubLine;
  /** The process dies: of what it asked of each of its peers, the first `carriedOut` requests are still carried out. */
  crash(carriedOut: number): void;
}

/** Starts the production agent in a life of its own. */
export function startAgentLife(number: number, options: AgentLifeOptions): AgentLife {
  const { scheduler, time, hub, memory } = options;
  const actor = `agent ${number}`;
  const life = time.life();
  const line = hub.line(actor, 0);
  const api = kubeLink(memory, scheduler, actor);
  const random = randomFrom(number);
  const calls = `${actor} hypervisor`;
  let alive = true;
  const hypervisor = new Proxy(options.hypervisor, {
    get: (core, verb) => {
      const method = Reflect.get(core, verb) as ((...args: unknown[]) => Promise<unknown>) | undefined;
      // A verb that the driver does not have.
      if (method === undefined) return undefined;
      return (...args: unknown[]) =>
        new Promise((resolve, reject) => {
          scheduler.post(calls, () => {
            options.calling(actor, String(verb), args);
            method(...args).then(
              (value) => {
                if (alive) resolve(value);
              },
              (error: unknown) => {
                if (alive) reject(error instanceof Error ? error : new Error(String(error)));
              },
            );
          });
        });
    },
  });
  const xenstore = openXenStore({
    transport: { kind: 'custom', transport: line.transport },
    clock: life.clock,
    random,
  });
  const agent = createAgent({
    nodeName,
    kube: api.kube,
    xenstore,
    hypervisor,
    clock: life.clock,
    random,
    logger: silentLogger,
    version: 'test',
  });
  const stopListening = xenstore.onStateChange((state) => {
    if (state !== 'connected') return;
    stopListening();
    void agent.start();
  });
  return {
    actor,
    line,
    crash: (carriedOut) => {
      alive = false;
      life.end();
      line.kill(carriedOut);
      scheduler.end(calls, carriedOut);
      api.end(carriedOut);
    },
  };
}
