import { parseRequest, renderEvent, renderReply, substitute, type Case, type Request } from './case.ts';
import type { Daemon } from './daemons.ts';
import { RawConnection, header, type Packet } from './raw-connection.ts';

/** What came for one row. */
export interface Observation {
  readonly connection: string;
  readonly request: string;
  readonly expected: readonly string[];
  readonly seen: readonly string[];
}

const GET_DOMAIN_PATH = 10;
const WATCH_EVENT = 15;
const RM = 13;

/**
 * Runs a case against a daemon; gives what was seen for each row, with domids put back to their names. Everything that a
 * request causes on its connection is told, because a second request follows whose answer marks the end. After the
 * last row each connection is asked for events that no row accounts for.
 */
export async function runCase(daemon: Daemon, test: Case): Promise<Observation[]> {
  const world = new World(daemon);
  try {
    await world.prepare(test);
    const observations: Observation[] = [];
    for (const [connection, request, expected] of test.rows) {
      const seen = await world.step(connection, request);
      const list = typeof expected === 'string' ? [expected] : expected;
      observations.push({ connection, request, expected: list, seen: seen.map((text) => world.nameDomids(text)) });
    }
    for (const connection of world.open()) {
      const seen = await world.step(connection, 'EVENTS');
      if (seen.length > 0) {
        observations.push({
          connection,
          request: 'nothing more',
          expected: [],
          seen: seen.map((t) => world.nameDomids(t)),
        });
      }
    }
    return observations;
  } finally {
    await world.end();
  }
}

class World {
  readonly #daemon: Daemon;
  readonly #connections = new Map<string, RawConnection>();
  readonly #domids = new Map<string, number>();
  readonly #guests = new Map<string, string>();
  readonly #transactions = new Map<string, number>();
  #generation: string | undefined;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
  }

  /** Gives out domids and starts the guests that the case's rows use as connections. */
  async prepare(test: Case): Promise<void> {
    for (const name of new Set(JSON.stringify(test.rows).match(/\b[gd][1-9](?=[}"])/g) ?? [])) {
      this.#domids.set(name, this.#daemon.nextDomid());
    }
    for (const [name, domid] of this.#domids) {
      if (name.startsWith('g')) this.#guests.set(name, await this.#daemon.startGuest(domid));
    }
  }

  open(): string[] {
    return [...this.#connections.keys()];
  }

  /** Domids of this run as the names that the case has for them. */
  nameDomids(text: string): string {
    let result = text;
    for (const [name, domid] of this.#domids) {
      result = result.replace(new RegExp(`(?<![0-9])${String(domid)}(?![0-9])`, 'g'), `{${name}}`);
    }
    return result;
  }

  async step(connection: string, text: string): Promise<string[]> {
    const request = substitute(text, this.#domids);
    if (connection === 'host') return await this.#host(request);
    const raw = await this.#connection(connection);
    if (request === 'CLOSE') {
      this.#connections.delete(connection);
      await raw.close();
      return ['closed'];
    }
    const seen: string[] = [];
    if (request.startsWith('BYTES ')) {
      raw.sendBytes(Buffer.from(request.slice(6).replaceAll(' ', ''), 'hex'));
      seen.push(...(await firstReply(raw)));
    } else if (request.startsWith('OVERSIZE ')) {
      const length = Number(request.slice('OVERSIZE '.length));
      raw.sendBytes(Buffer.concat([header(2, 1, 0, length), Buffer.alloc(length, 'x')]));
      const seen = await firstReply(raw);
      // Whoever answers and does not close is out of step with the frames: no more can be asked on this connection.
      this.#connections.delete(connection);
      await raw.close();
      return seen;
    } else if (request.startsWith('SPLIT ')) {
      const part = parseRequest(request.slice('SPLIT '.length));
      const bytes = Buffer.concat([header(part.type, 7, 0, part.payload.length), Buffer.from(part.payload, 'latin1')]);
      for (const byte of bytes) await raw.sendByte(byte);
      const { events, reply } = await raw.reply(7);
      seen.push(...events.map((event) => renderEvent(event.payload)), render(reply, part));
    } else if (request.startsWith('REPEAT ')) {
      seen.push(...(await this.#repeat(raw, connection, request)));
    } else if (request.startsWith('GENERATION ')) {
      seen.push(...(await this.#generationOf(raw, request)));
    } else if (request !== 'EVENTS') {
      const parts = request.split(' | ').map(parseRequest);
      seen.push(...(await this.#send(raw, connection, parts)));
    }
    if (seen.at(-1) === 'CLOSED') this.#connections.delete(connection);
    else seen.push(...(await rest(raw)));
    return seen;
  }

  /** Sends requests in one write and tells what comes until the last one's reply. */
  async #send(raw: RawConnection, connection: string, requests: readonly Request[]): Promise<string[]> {
    const first = requests.map(({ type, payload, transaction, op }, index) => {
      const name = `${connection}@${transaction ?? ''}`;
      const txId =
        transaction === undefined || op === 'START' ? 0 : (this.#transactions.get(name) ?? Number(transaction));
      const bytes = Buffer.from(payload, 'latin1');
      return Buffer.concat([header(type, 1000 + index, txId, bytes.length), bytes]);
    });
    raw.sendBytes(Buffer.concat(first));
    const seen: string[] = [];
    for (const request of requests) {
      for (;;) {
        const packet = await raw.next();
        seen.push(render(packet, request));
        if (packet?.type === WATCH_EVENT) continue;
        if (packet === undefined) return seen;
        if (request.op === 'START' && packet.type === request.type) {
          this.#transactions.set(`${connection}@${request.transaction ?? ''}`, parseInt(packet.payload, 10));
        }
        break;
      }
    }
    return seen;
  }

  /** The replies to a request sent many times, `#` standing for its number, as counts. Its events are left out. */
  async #repeat(raw: RawConnection, connection: string, request: string): Promise<string[]> {
    const [, times = '0', text = ''] = /^REPEAT ([0-9]+) (.*)$/s.exec(request) ?? [];
    const runs: { what: string; count: number }[] = [];
    for (let index = 1; index <= Number(times); index++) {
      const seen = await this.#send(raw, connection, [parseRequest(text.replaceAll('#', String(index)))]);
      const what = seen.at(-1) ?? '';
      const last = runs.at(-1);
      if (last?.what === what) last.count++;
      else runs.push({ what, count: 1 });
    }
    await rest(raw);
    return runs.map(({ what, count }) => `${String(count)} times ${what}`);
  }

  async #generationOf(raw: RawConnection, request: string): Promise<string[]> {
    const path = request.slice('GENERATION '.length);
    const { reply } = await raw.request(22, `${path}\x000\0`);
    if (reply?.type !== 22)
      return [render(reply, { op: 'DIRECTORY_PART', type: 22, payload: '', transaction: undefined })];
    const before = this.#generation;
    this.#generation = reply.payload.slice(0, reply.payload.indexOf('\0'));
    return [before === undefined ? 'first' : before === this.#generation ? 'same' : 'changed'];
  }

  async #host(request: string): Promise<string[]> {
    const [command = '', domid = ''] = request.split(' ');
    await this.#daemon.host(command, Number(domid));
    return ['done'];
  }

  async #connection(name: string): Promise<RawConnection> {
    let raw = this.#connections.get(name);
    if (raw === undefined) {
      raw = await RawConnection.open(this.#guests.get(name) ?? this.#daemon.socket);
      this.#connections.set(name, raw);
    }
    return raw;
  }

  /** Closes what is open and removes what the case left. */
  async end(): Promise<void> {
    for (const raw of this.#connections.values()) await raw.close();
    const raw = await RawConnection.open(this.#daemon.socket);
    await raw.request(RM, '/t\0');
    await raw.close();
    // A stub domain before its target: C xenstored can die when a target ends first.
    for (const name of [...this.#guests.keys()].sort().reverse())
      await this.#daemon.stopGuest(this.#domids.get(name) ?? 0);
  }
}

/** What is still to come on a connection: the answer to one more request marks the end. */
async function rest(raw: RawConnection): Promise<string[]> {
  const { events, reply } = await raw.request(GET_DOMAIN_PATH, '0\0');
  return [...events.map((event) => renderEvent(event.payload)), ...(reply === undefined ? ['CLOSED'] : [])];
}

async function firstReply(raw: RawConnection): Promise<string[]> {
  const seen: string[] = [];
  for (;;) {
    const packet = await raw.next();
    if (packet === undefined) return [...seen, 'CLOSED'];
    seen.push(
      packet.type === WATCH_EVENT ? renderEvent(packet.payload) : renderReply('', packet.type, -1, packet.payload),
    );
    if (packet.type !== WATCH_EVENT) return seen;
  }
}

function render(packet: Packet | undefined, request: Request): string {
  if (packet === undefined) return 'CLOSED';
  if (packet.type === WATCH_EVENT) return renderEvent(packet.payload);
  return renderReply(request.op, packet.type, request.type, packet.payload);
}
