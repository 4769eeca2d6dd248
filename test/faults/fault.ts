import { isDeepStrictEqual } from 'node:util';
import type { Link, MutatingRequest } from '../support/fault-line.ts';
import { eventually } from '../support/eventually.ts';
import type { FaultHost, FaultWorld } from '../support/world-parts.ts';
import { observeHost } from './observe.ts';
import { expectedHost, type State } from './state.ts';
import { patienceMs, type Subject } from './subject.ts';

/** What can happen at a point. */
export interface Fault {
  readonly name: string;
  /** Whether a request at the point is lost: before the server has it, or with its answer. */
  readonly breaks: (link: Link) => boolean;
  /** Makes it happen, at once. */
  readonly strike: (world: FaultWorld, host: FaultHost, link: Link) => void;
  /** What comes afterwards, before the end is looked at. */
  readonly recover: (world: FaultWorld, struck: Struck) => Promise<void>;
  /** Undoes what it leaves in memories, before the next point: watches wait longer after each of many outages in a row. */
  readonly forget?: (world: FaultWorld, host: FaultHost) => Promise<void>;
}

/** Where it happened. */
export interface Struck {
  readonly subject: Subject;
  /** What is to come of it. */
  readonly goal: State;
  readonly request: MutatingRequest;
}

/** The agent's process gets a SIGKILL, and another is started. */
export const kill: Fault = {
  name: 'agent killed',
  breaks: () => true,
  strike: (_, { agent }) => {
    agent.kill();
  },
  recover: async (_, { subject }) => startAgain(subject.host),
};

async function startAgain({ agent }: FaultHost): Promise<void> {
  await agent.restart();
  await agent.ready();
}

async function renewAgent(host: FaultHost): Promise<void> {
  host.agent.kill();
  await startAgain(host);
}

/** The agent's connection to XenStore ends, or the one to the hypervisor where that is what the request is for. */
export const cut: Fault = {
  name: 'socket cut',
  breaks: (link) => link === 'XenStore' || link === 'hypervisor',
  strike: (_, { store }, link) => {
    if (link !== 'hypervisor') store.cut();
  },
  recover: async () => {},
};

const isApi = (link: Link): boolean => link === 'API' || link === 'host object';

/** The API server is away from the point on until the agent has done all that it can do without it. */
export const apiGone: Fault = {
  name: 'API gone',
  breaks: isApi,
  strike: (_, { api }) => {
    api.leave();
  },
  recover: async (_, struck) => {
    await asFarAsItCan(struck).finally(() => {
      struck.subject.host.api.comeBack();
    });
  },
  forget: async (_, host) => renewAgent(host),
};

/** The API server's process gets a SIGKILL, and another is started on its data when the agent can do no more without it. */
export const apiKilled: Fault = {
  name: 'API server killed',
  breaks: isApi,
  strike: ({ apiServer }) => {
    apiServer?.kill();
  },
  recover: async ({ apiServer }, struck) => {
    await asFarAsItCan(struck).finally(() => apiServer?.start());
  },
  forget: async (world, host) => {
    await world.renew();
    await renewAgent(host);
  },
};

/** As often as this the agent looks for the API server, before it is taken that it cannot go on without it. */
const enoughRefusals = 4;

/**
 * Waits until the host is as it is to be in the end. Once XenStore was written, nothing more is needed from the API server
 * for that. If what was lost is a write to the API, the agent may have to wait for it with all else, as for its finalizer:
 * then no command may be under way, and the agent must ask for the API server again.
 */
async function asFarAsItCan({ subject, goal, request }: Struck): Promise<void> {
  const { api } = subject.host;
  const before = api.refusals;
  const expected = expectedHost(subject, goal);
  await eventually(async () => {
    const seen = await observeHost(subject);
    if (isDeepStrictEqual(seen, expected)) return;
    const waits = isApi(request.link) && api.refusals >= before + enoughRefusals;
    if (waits && seen.inflight === undefined && seen.command === undefined) return;
    throw new Error(`without the API server it gets no further than ${JSON.stringify(seen)}`);
  }, patienceMs);
}
