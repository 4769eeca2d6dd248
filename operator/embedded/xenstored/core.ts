import { MessageType } from '../../xenstore/wire.ts';
import * as domain from './domain-requests.ts';
import { Domains } from './domains.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { dom0Only } from './node.ts';
import * as node from './node-requests.ts';
import { refused, type Answer } from './node-requests.ts';
import { Session, type Host, type Output, type Shared } from './session.ts';
import { transactionEnd, transactionStart, unwatch, watch } from './session-requests.ts';
import { tooManyTouched } from './nodes.ts';
import { Tree, type View } from './tree.ts';
import { Watches } from './watches.ts';

/**
 * The daemon without its sockets: give it requests, and it answers into the sessions' outputs. It follows C xenstored of
 * Xen 4.20 (docs/xenstore-conformance.md has the differences); types that came with 4.22 are ENOSYS, as there.
 */
export class XenstoredCore {
  readonly #shared: Shared;

  constructor(options: { readonly limits?: Partial<Limits>; readonly host?: Host } = {}) {
    this.#shared = {
      tree: new Tree(),
      domains: new Domains(),
      watches: new Watches(),
      special: new Map([
        ['@introduceDomain', dom0Only],
        ['@releaseDomain', dom0Only],
      ]),
      limits: { ...defaultLimits, ...options.limits },
      host: options.host ?? { introduced: () => true, released: () => {} },
    };
  }

  get limits(): Limits {
    return this.#shared.limits;
  }

  /** How many nodes and watches there are. */
  get counts(): { readonly nodes: number; readonly watches: number } {
    return { nodes: this.#shared.tree.size, watches: this.#shared.watches.size };
  }

  /** A connection of an introduced domain; undefined if it is none. */
  open(domid: number, output: Output): Session | undefined {
    const found = this.#shared.domains.get(domid);
    return found === undefined ? undefined : new Session(this.#shared, found, output);
  }

  /** The end of a connection: its watches and transactions go. */
  close(session: Session): void {
    session.reset();
  }

  /** Does one request. Events that it causes are in the outputs before its reply is, those of its own session too. */
  handle(session: Session, type: number, reqId: number, txId: number, payload: string): void {
    const reply = (answer: Answer): void => {
      if ('body' in answer) session.output.reply(type, reqId, txId, answer.body);
      else session.output.reply(MessageType.ERROR, reqId, txId, `${answer.error}\0`);
    };
    if (!isKnown(type)) {
      reply(refused('ENOSYS'));
    } else if (isPrivileged(type) && !session.privileged) {
      reply(refused('EACCES'));
    } else if (type === MessageType.WATCH) {
      const { answer, first } = watch(session, payload);
      reply(answer);
      if (first !== undefined) session.event(first.path, first.token);
    } else if (type === MessageType.RELEASE) {
      const { answer, after } = domain.release(session, payload);
      reply(answer);
      after?.();
    } else if (type === MessageType.UNWATCH) {
      reply(unwatch(session, payload));
    } else {
      const transaction = txId === 0 ? undefined : session.transaction(txId);
      if (txId !== 0 && transaction === undefined) reply(refused('ENOENT'));
      else reply(this.#inTransaction(session, transaction ?? this.#shared.tree, type, txId, payload));
    }
  }

  #inTransaction(session: Session, view: View, type: number, txId: number, payload: string): Answer {
    const answer = this.#answer(session, view, type, txId, payload);
    return type !== MessageType.TRANSACTION_END && tooManyTouched(session, view) ? refused('ENOSPC') : answer;
  }

  #answer(session: Session, view: View, type: number, txId: number, payload: string): Answer {
    switch (type) {
      case MessageType.READ:
        return node.read(session, view, payload);
      case MessageType.WRITE:
        return node.write(session, view, payload);
      case MessageType.DIRECTORY:
        return node.directory(session, view, payload);
      case MessageType.DIRECTORY_PART:
        return node.directoryPart(session, view, payload);
      case MessageType.MKDIR:
        return node.mkdir(session, view, payload);
      case MessageType.RM:
        return node.rm(session, view, payload);
      case MessageType.GET_PERMS:
        return node.getPermissions(session, view, payload);
      case MessageType.SET_PERMS:
        return node.setPermissions(session, view, payload);
      case MessageType.TRANSACTION_START:
        return transactionStart(session, txId);
      case MessageType.TRANSACTION_END:
        return transactionEnd(session, txId, payload);
      case MessageType.INTRODUCE:
        return domain.introduce(session, payload);
      case MessageType.IS_DOMAIN_INTRODUCED:
        return domain.isDomainIntroduced(session, payload);
      case MessageType.GET_DOMAIN_PATH:
        return domain.getDomainPath(payload);
      case MessageType.RESUME:
        return domain.resume(session, payload);
      case MessageType.SET_TARGET:
        return domain.setTarget(session, payload);
      case MessageType.CONTROL:
        return domain.control(session, payload);
      case MessageType.RESET_WATCHES:
        session.reset();
        return node.ok;
      default:
        return refused('ENOSYS');
    }
  }
}

/** Types that Xen 4.20 has requests for. 15 and 16 only ever come from the daemon; 20 was RESTRICT. */
function isKnown(type: number): boolean {
  return type <= MessageType.DIRECTORY_PART && type !== 15 && type !== 16 && type !== 20;
}

function isPrivileged(type: number): boolean {
  switch (type) {
    case MessageType.CONTROL:
    case MessageType.INTRODUCE:
    case MessageType.RELEASE:
    case MessageType.IS_DOMAIN_INTRODUCED:
    case MessageType.RESUME:
    case MessageType.SET_TARGET:
      return true;
    default:
      return false;
  }
}
