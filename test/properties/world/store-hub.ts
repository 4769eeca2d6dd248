import { XenstoredCore } from '../../../operator/embedded/xenstored/core.ts';
import type { Session } from '../../../operator/embedded/xenstored/session.ts';
import { PacketParser } from '../../../operator/xenstore/parser.ts';
import type { Transport, TransportEvents } from '../../../operator/xenstore/transport.ts';
import { MessageType, PAYLOAD_MAX, encodePacket } from '../../../operator/xenstore/wire.ts';
import type { Scheduler } from './scheduler.ts';

/** One change of a node that a client asked for. */
export interface Change {
  readonly kind: 'write' | 'remove';
  readonly path: string;
  /** Of a write. */
  readonly value: string;
}

/** Changes that become true together: one request outside transactions, or all of a transaction. */
export interface Commit {
  /** Who made them. */
  readonly actor: string;
  readonly changes: readonly Change[];
}

export interface HubEvents {
  /** Called before the changes are made; what it gives back is called after, unless the daemon refused them. */
  committing(commit: Commit): () => void;
  /** A domain's nodes go. */
  released(domid: number): void;
}

/** A way to the daemon that the world can cut. */
export interface HubLine {
  readonly transport: Transport;
  /** Ends it as a process does that dies: of what it asked, the first `carriedOut` requests are still served. */
  kill(carriedOut: number): void;
  /** Ends it as a daemon does that closes a connection: the client hears of it. */
  cut(): void;
  /** Sends an event that nothing caused, for one of its watches. */
  spurious(choice: number): void;
}

/**
 * The embedded XenStore daemon's core without sockets. Clients are the production client; their requests and the messages
 * to them are jobs of the scheduler: each connection keeps its order, and nothing else is sure.
 */
export class StoreHub {
  readonly #core: XenstoredCore;
  readonly #scheduler: Scheduler;
  readonly #events: HubEvents;
  readonly #observer: Session;
  #answer: string | undefined;
  #lines = 0;

  constructor(scheduler: Scheduler, events: HubEvents) {
    this.#scheduler = scheduler;
    this.#events = events;
    this.#core = new XenstoredCore();
    const observer = this.#core.open(0, {
      reply: (type, _reqId, _txId, body) => {
        this.#answer = type === MessageType.ERROR ? undefined : body;
      },
      event: () => {},
    });
    if (observer === undefined) throw new Error('domain 0 is always there');
    this.#observer = observer;
  }

  /** The value of a node now, as latin1; undefined if there is none. */
  read(path: string): string | undefined {
    return this.#ask(MessageType.READ, path);
  }

  /** Names of the children. */
  list(path: string): string[] {
    const names = this.#ask(MessageType.DIRECTORY, path);
    return names === undefined || names === '' ? [] : names.slice(0, -1).split('\0');
  }

  #ask(type: number, path: string): string | undefined {
    this.#answer = undefined;
    this.#core.handle(this.#observer, type, 1, 0, `${path}\0`);
    return this.#answer;
  }

  /** A line for `actor` as domain `domid`. */
  line(actor: string, domid: number): HubLine {
    this.#lines += 1;
    const name = `${actor} line ${this.#lines}`;
    let current: Connection | undefined;
    return {
      transport: {
        name,
        payloadMax: PAYLOAD_MAX,
        throughKernel: false,
        open: (events) => {
          const connection = new Connection(this.#core, this.#scheduler, this.#events, { actor, name, domid, events });
          current = connection;
          return { send: (messages) => connection.take(messages), destroy: () => connection.end(0) };
        },
      },
      kill: (carriedOut) => current?.end(carriedOut),
      cut: () => current?.cut(),
      spurious: (choice) => current?.spurious(choice),
    };
  }
}

interface ConnectionFacts {
  readonly actor: string;
  readonly name: string;
  readonly domid: number;
  readonly events: TransportEvents;
}

class Connection {
  readonly #core: XenstoredCore;
  readonly #scheduler: Scheduler;
  readonly #hub: HubEvents;
  readonly #facts: ConnectionFacts;
  readonly #parser: PacketParser;
  readonly #changes = new Map<number, Change[]>();
  readonly #watches = new Map<string, string>();
  /** Events that wait to be delivered: the daemon drops one that is the same as one of these. */
  readonly #waiting = new Set<string>();
  #session: Session | undefined;
  #refused = false;
  #over = false;

  constructor(core: XenstoredCore, scheduler: Scheduler, hub: HubEvents, facts: ConnectionFacts) {
    this.#core = core;
    this.#scheduler = scheduler;
    this.#hub = hub;
    this.#facts = facts;
    this.#parser = new PacketParser(
      {
        onPacket: (type, reqId, txId, buffer, start, end) => {
          const payload = buffer.toString('latin1', start, end);
          scheduler.post(this.#inbound, () => {
            if (!this.#over) this.#serve(type, reqId, txId, payload);
          });
        },
      },
      PAYLOAD_MAX,
    );
    scheduler.post(this.#outbound, () => {
      this.#open();
    });
  }

  take(messages: Buffer): boolean {
    if (!this.#over) this.#parser.push(messages);
    return true;
  }

  end(carriedOut: number): void {
    if (this.#over) return;
    this.#scheduler.end(this.#inbound, carriedOut);
    this.#over = true;
    this.#scheduler.end(this.#outbound);
    if (this.#session !== undefined) this.#core.close(this.#session);
  }

  cut(): void {
    if (this.#over) return;
    this.end(0);
    this.#facts.events.onClose(new Error('the property cut it'));
  }

  spurious(choice: number): void {
    const watches = [...this.#watches];
    const [token, path] = watches[choice % Math.max(1, watches.length)] ?? [];
    if (token !== undefined && path !== undefined) this.#event(path, token);
  }

  get #inbound(): string {
    return `${this.#facts.name} <`;
  }

  get #outbound(): string {
    return `${this.#facts.name} >`;
  }

  #open(): void {
    const { domid, events } = this.#facts;
    this.#session = this.#core.open(domid, {
      reply: (type, reqId, txId, body) => {
        this.#refused = type === MessageType.ERROR;
        if (type === MessageType.TRANSACTION_START && !this.#refused) this.#changes.set(Number.parseInt(body, 10), []);
        this.#send(type, reqId, txId, body);
      },
      event: (path, token) => {
        this.#event(path, token);
      },
    });
    if (this.#session === undefined) this.cut();
    else events.onOpen();
  }

  #event(path: string, token: string): void {
    const body = `${path}\0${token}\0`;
    if (this.#waiting.has(body)) return;
    if (!path.startsWith('@')) this.#waiting.add(body);
    this.#send(MessageType.WATCH_EVENT, 0, 0, body);
  }

  #send(type: number, reqId: number, txId: number, body: string): void {
    this.#scheduler.post(this.#outbound, () => {
      if (this.#over) return;
      if (type === MessageType.WATCH_EVENT) this.#waiting.delete(body);
      const packet = encodePacket(type, reqId, txId, Buffer.from(body, 'latin1'));
      this.#facts.events.onData(packet, 0, packet.length);
    });
  }

  #serve(type: number, reqId: number, txId: number, payload: string): void {
    const session = this.#session;
    if (session === undefined) return;
    const finish = this.#noting(session, type, txId, payload);
    this.#refused = false;
    this.#core.handle(session, type, reqId, txId, payload);
    if (!(this.#refused as boolean)) finish?.();
  }

  /** Notes what a request changes; tells of it when that becomes true. */
  #noting(session: Session, type: number, txId: number, payload: string): (() => void) | undefined {
    const end = payload.indexOf('\0');
    const text = payload.slice(0, end);
    switch (type) {
      case MessageType.WRITE:
        return this.#change(txId, { kind: 'write', path: session.absolute(text), value: payload.slice(end + 1) });
      case MessageType.RM:
        return this.#change(txId, { kind: 'remove', path: session.absolute(text), value: '' });
      case MessageType.TRANSACTION_END: {
        const changes = this.#changes.get(txId) ?? [];
        this.#changes.delete(txId);
        return text === 'T' ? this.#hub.committing({ actor: this.#facts.actor, changes }) : undefined;
      }
      case MessageType.WATCH:
        return () => {
          this.#watches.set(payload.split('\0')[1] ?? '', text);
        };
      case MessageType.UNWATCH:
        return () => {
          this.#watches.delete(payload.split('\0')[1] ?? '');
        };
      case MessageType.RELEASE:
        return () => {
          this.#hub.released(Number(text));
        };
      default:
        return undefined;
    }
  }

  #change(txId: number, change: Change): (() => void) | undefined {
    if (txId === 0) return this.#hub.committing({ actor: this.#facts.actor, changes: [change] });
    return () => {
      this.#changes.get(txId)?.push(change);
    };
  }
}
