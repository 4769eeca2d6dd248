import { describe, expect, test } from '@jest/globals';
import { XenstoredCore } from '../../../../operator/embedded/xenstored/core.ts';
import type { Limits } from '../../../../operator/embedded/xenstored/limits.ts';
import type { Session } from '../../../../operator/embedded/xenstored/session.ts';
import { MessageType } from '../../../../operator/xenstore/wire.ts';

/** A client of the core without a socket: what it is sent, as text. */
class Client {
  readonly #core: XenstoredCore;
  readonly #session: Session;
  readonly seen: string[] = [];

  constructor(core: XenstoredCore, domid = 0) {
    this.#core = core;
    const session = core.open(domid, {
      reply: (type, _reqId, _txId, body) => this.seen.push(`${type === MessageType.ERROR ? '!' : ''}${text(body)}`),
      event: (path, token) => this.seen.push(`* ${path} ${token}`),
    });
    if (session === undefined) throw new Error(`domain ${String(domid)} is not introduced`);
    this.#session = session;
  }

  /** Sends a request; gives all that came since the last one. */
  ask(type: keyof typeof MessageType, payload: string, txId = 0): string[] {
    this.#core.handle(this.#session, MessageType[type], 1, txId, payload);
    return this.seen.splice(0);
  }

  close(): void {
    this.#core.close(this.#session);
  }
}

const text = (body: string): string => body.replace(/\0$/, '').replaceAll('\0', ' ');

function daemon(limits: Partial<Limits> = {}, ...guests: number[]): { core: XenstoredCore; dom0: Client } {
  const core = new XenstoredCore({ limits });
  const dom0 = new Client(core);
  for (const domid of guests) dom0.ask('INTRODUCE', `${String(domid)}\x001\x001\0`);
  return { core, dom0 };
}

describe('releasing a domain', () => {
  test('its entries in others’ permissions are void, also for whoever gets its number next', () => {
    const { core, dom0 } = daemon({}, 5);
    dom0.ask('WRITE', '/secret\0x');
    dom0.ask('SET_PERMS', '/secret\0n0\0r5\0');
    expect(new Client(core, 5).ask('READ', '/secret\0')).toEqual(['x']);
    dom0.ask('RELEASE', '5\0');
    dom0.ask('INTRODUCE', '5\x001\x001\0');
    expect(new Client(core, 5).ask('READ', '/secret\0')).toEqual(['!EACCES']);
  });

  test('void entries do not come back by a write, nor are they inherited', () => {
    const { core, dom0 } = daemon({}, 5);
    dom0.ask('WRITE', '/secret\0x');
    dom0.ask('SET_PERMS', '/secret\0n0\0r5\0r6\0');
    dom0.ask('RELEASE', '5\0');
    dom0.ask('INTRODUCE', '5\x001\x001\0');
    const guest = new Client(core, 5);
    dom0.ask('WRITE', '/secret\0y');
    dom0.ask('WRITE', '/secret/below\0y');
    expect(guest.ask('READ', '/secret\0')).toEqual(['!EACCES']);
    expect(guest.ask('READ', '/secret/below\0')).toEqual(['!EACCES']);
    expect(dom0.ask('GET_PERMS', '/secret/below\0')).toEqual(['n0 r6']);
  });

  test('entries given after the release are good before the domain is introduced', () => {
    const { core, dom0 } = daemon({}, 5);
    dom0.ask('RELEASE', '5\0');
    dom0.ask('WRITE', '/open\0x');
    dom0.ask('SET_PERMS', '/open\0n0\0r5\0');
    dom0.ask('WRITE', '/open/below\0y');
    dom0.ask('INTRODUCE', '5\x001\x001\0');
    expect(new Client(core, 5).ask('READ', '/open/below\0')).toEqual(['y']);
  });

  test('an entry set and inherited in a transaction is good, one of a domain released before the commit is not', () => {
    const { core, dom0 } = daemon({}, 5, 6);
    dom0.ask('RELEASE', '5\0');
    dom0.ask('INTRODUCE', '5\x001\x001\0');
    dom0.ask('TRANSACTION_START', '\0');
    dom0.ask('WRITE', '/a\0x', 1);
    dom0.ask('SET_PERMS', '/a\0n0\0r5\0r6\0', 1);
    dom0.ask('WRITE', '/a/b\0x', 1);
    dom0.ask('RELEASE', '6\0');
    expect(dom0.ask('TRANSACTION_END', 'T\0', 1)).toEqual(['OK']);
    dom0.ask('INTRODUCE', '6\x001\x001\0');
    expect(new Client(core, 5).ask('READ', '/a/b\0')).toEqual(['x']);
    expect(new Client(core, 6).ask('READ', '/a/b\0')).toEqual(['!EACCES']);
  });

  test('its target is nobody’s any more', () => {
    const { core, dom0 } = daemon({}, 5, 6);
    dom0.ask('WRITE', '/five\0x');
    dom0.ask('SET_PERMS', '/five\0n5\0');
    dom0.ask('SET_TARGET', '6\x005\0');
    const stub = new Client(core, 6);
    expect(stub.ask('READ', '/five\0')).toEqual(['x']);
    dom0.ask('RELEASE', '5\0');
    dom0.ask('INTRODUCE', '5\x001\x001\0');
    dom0.ask('WRITE', '/five\0x');
    dom0.ask('SET_PERMS', '/five\0n5\0');
    expect(stub.ask('READ', '/five\0')).toEqual(['!EACCES']);
  });

  test('nodes of its own go, below others’ nodes too, and the count of the others’ stays', () => {
    const { core, dom0 } = daemon({ nodes: 3 }, 5, 6);
    dom0.ask('MKDIR', '/shared\0');
    dom0.ask('SET_PERMS', '/shared\0b0\0');
    const five = new Client(core, 5);
    const six = new Client(core, 6);
    five.ask('WRITE', '/shared/five/a\x001');
    six.ask('WRITE', '/shared/six\x001');
    const before = core.counts.nodes;
    dom0.ask('RELEASE', '5\0');
    expect(core.counts.nodes).toBe(before - 2);
    expect(dom0.ask('DIRECTORY', '/shared\0')).toEqual(['six']);
    expect(six.ask('WRITE', '/shared/a/b\x001')).toEqual(['OK']);
    expect(six.ask('WRITE', '/shared/c\x001')).toEqual(['!ENOSPC']);
  });
});

describe('transactions', () => {
  test('the nodes that one may touch are limited for guests', () => {
    const { core, dom0 } = daemon({ transactionNodes: 8 }, 5);
    dom0.ask('MKDIR', '/g\0');
    dom0.ask('SET_PERMS', '/g\0n5\0');
    const guest = new Client(core, 5);
    guest.ask('TRANSACTION_START', '\0');
    const answers = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map((n) => guest.ask('WRITE', `/g/n${String(n)}\x001`, 1)[0]);
    expect(answers[0]).toBe('OK');
    expect(answers.at(-1)).toBe('!ENOSPC');
  });

  test('nodes made in several transactions count together at the commit', () => {
    const { core, dom0 } = daemon({ nodes: 4 }, 5);
    dom0.ask('MKDIR', '/g/a\0');
    dom0.ask('MKDIR', '/g/b\0');
    for (const path of ['/g/a', '/g/b']) dom0.ask('SET_PERMS', `${path}\0n5\0`);
    const guest = new Client(core, 5);
    guest.ask('TRANSACTION_START', '\0');
    guest.ask('TRANSACTION_START', '\0');
    expect(guest.ask('WRITE', '/g/a/x/y\x001', 1)).toEqual(['OK']);
    expect(guest.ask('WRITE', '/g/b/x/y\x001', 2)).toEqual(['OK']);
    expect(guest.ask('TRANSACTION_END', 'T\0', 1)).toEqual(['OK']);
    expect(guest.ask('TRANSACTION_END', 'T\0', 2)).toEqual(['!ENOSPC']);
    expect(dom0.ask('DIRECTORY', '/g/b\0')).toEqual(['']);
  });

  test('a connection that closes takes its transactions and watches along', () => {
    const { core, dom0 } = daemon({ transactions: 0, watches: 0 }, 5);
    const first = new Client(core, 5);
    expect(first.ask('TRANSACTION_START', '\0')).toEqual(['1']);
    expect(first.ask('WATCH', 'a\0t\0')).toEqual(['OK', '* a t']);
    const second = new Client(core, 5);
    expect(second.ask('TRANSACTION_START', '\0')).toEqual(['!ENOSPC']);
    expect(second.ask('WATCH', 'a\0t\0')).toEqual(['!E2BIG']);
    first.close();
    expect(core.counts.watches).toBe(0);
    expect(second.ask('TRANSACTION_START', '\0')).toEqual(['1']);
    expect(second.ask('WATCH', 'a\0t\0')).toEqual(['OK', '* a t']);
    expect(dom0.seen).toEqual([]);
  });
});

describe('the host', () => {
  test('a domain whose socket cannot be had is not introduced', () => {
    const core = new XenstoredCore({ host: { introduced: () => false, released: () => {} } });
    const dom0 = new Client(core);
    expect(dom0.ask('INTRODUCE', '5\x001\x001\0')).toEqual(['!EINVAL']);
    expect(dom0.ask('IS_DOMAIN_INTRODUCED', '5\0')).toEqual(['F']);
  });

  test('a session is for introduced domains only', () => {
    const { core } = daemon({}, 5);
    expect(core.open(6, { reply: () => {}, event: () => {} })).toBeUndefined();
    expect(core.open(5, { reply: () => {}, event: () => {} })?.privileged).toBe(false);
  });
});

describe('many watches', () => {
  test('a change reaches the watches on its way alone, in order of registration', () => {
    const { core, dom0 } = daemon();
    const watcher = new Client(core);
    for (let index = 0; index < 1000; index++) watcher.ask('WATCH', `/w/${String(index)}\0t\0`);
    watcher.ask('WATCH', '/\0root\0');
    watcher.ask('WATCH', '/w/500/a\0deep\0');
    watcher.ask('WATCH', '/w\0mid\0');
    dom0.ask('WRITE', '/w/500/a/b\0x');
    expect(watcher.seen).toEqual(['* /w/500/a/b t', '* /w/500/a/b root', '* /w/500/a/b deep', '* /w/500/a/b mid']);
  });
});
