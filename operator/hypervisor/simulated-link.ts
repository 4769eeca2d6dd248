import { createConnection, type Socket } from 'node:net';
import { systemClock, type Clock } from '../runtime/ports.ts';
import { HypervisorError } from './hypervisor.ts';
import { encodeLine, LineSplitter, maximumLine, parseResponse } from './simulated-protocol.ts';

export interface SimulatedLinkOptions {
  /** How long a call may take, connecting included, in milliseconds. Default 30 s. */
  readonly timeoutMs?: number;
  readonly clock?: Clock;
  /** Longest answer in characters. */
  readonly maximumLine?: number;
}

/** Calls over one unix socket. It connects when there is something to say, and anew after a loss. */
export interface SimulatedLink {
  /** Rejects with `HypervisorError`; `Unavailable` when there is no answer, and then nobody knows whether it was done. */
  call(verb: string, args: readonly unknown[]): Promise<unknown>;
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly cancelTimer: () => void;
}

const defaultTimeoutMs = 30_000;

export function openSimulatedLink(socketPath: string, options: SimulatedLinkOptions = {}): SimulatedLink {
  const clock = options.clock ?? systemClock;
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  const waiting = new Map<number, Waiting>();
  let socket: Socket | undefined;
  let closed = false;
  let nextID = 1;

  const settle = (id: number): Waiting | undefined => {
    const one = waiting.get(id);
    waiting.delete(id);
    one?.cancelTimer();
    // An idle link does not keep the process alive.
    if (waiting.size === 0) socket?.unref();
    return one;
  };

  const lose = (lost: Socket, reason: string): void => {
    if (socket !== lost) return;
    socket = undefined;
    lost.destroy();
    for (const id of [...waiting.keys()]) settle(id)?.reject(new HypervisorError('Unavailable', reason));
  };

  const receive = (from: Socket, lines: readonly string[]): void => {
    for (const line of lines) {
      const response = parseResponse(line);
      const one = socket === from ? settle(response.id) : undefined;
      if (one === undefined) continue;
      if ('error' in response) one.reject(new HypervisorError(response.error.code, response.error.message));
      else one.resolve(response.result);
    }
  };

  const connect = (): Socket => {
    const connection = createConnection(socketPath);
    const splitter = new LineSplitter(options.maximumLine ?? maximumLine);
    connection.setEncoding('utf8');
    connection.on('data', (chunk: string) => {
      try {
        receive(connection, splitter.push(chunk));
      } catch {
        lose(connection, 'the simulated hypervisor does not speak the protocol');
      }
    });
    connection.on('error', () => lose(connection, 'the simulated hypervisor cannot be reached'));
    connection.on('close', () => lose(connection, 'the simulated hypervisor went away'));
    return connection;
  };

  return {
    call: async (verb, args) => {
      if (closed) throw new HypervisorError('Unavailable', 'the link to the simulated hypervisor is closed');
      const id = nextID;
      nextID += 1;
      socket ??= connect();
      const connection = socket;
      connection.ref();
      return new Promise((resolve, reject) => {
        const cancelTimer = clock.setTimer(timeoutMs, () => {
          settle(id)?.reject(new HypervisorError('Unavailable', 'the simulated hypervisor did not answer in time'));
        });
        waiting.set(id, { resolve, reject, cancelTimer });
        connection.write(encodeLine({ id, verb, args }));
      });
    },
    close: async () => {
      closed = true;
      if (socket !== undefined) lose(socket, 'the link to the simulated hypervisor was closed');
    },
  };
}
