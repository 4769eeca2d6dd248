import { RELATIVE_PATH_MAX } from '../../xenstore/wire.ts';
import { ok, refused, type Answer } from './node-requests.ts';
import { nodePath } from './nodes.ts';
import { oneString, strings } from './payload.ts';
import { fire, type Session } from './session.ts';

/** The requests on watches and transactions. */

/** WATCH: the answer, and the first event, which follows it. */
export function watch(
  session: Session,
  payload: string,
): { readonly answer: Answer; readonly first?: { readonly path: string; readonly token: string } } {
  const [path, token, ...more] = strings(payload);
  if (path === undefined || token === undefined || more.length > 0) return { answer: refused('EINVAL') };
  const special = path.startsWith('@');
  if (special ? path.length > RELATIVE_PATH_MAX : nodePath(session, path) === undefined) {
    return { answer: refused('EINVAL') };
  }
  const hidden = special || path.startsWith('/') ? 0 : session.home.length + 1;
  const error = session.addWatch(session.absolute(path), token, hidden);
  return error === undefined ? { answer: ok, first: { path, token } } : { answer: refused(error) };
}

/** UNWATCH */
export function unwatch(session: Session, payload: string): Answer {
  const [path, token, ...more] = strings(payload);
  if (path === undefined || token === undefined || more.length > 0) return refused('EINVAL');
  return session.removeWatch(session.absolute(path), token) ? ok : refused('ENOENT');
}

/** TRANSACTION_START: the id in decimal. */
export function transactionStart(session: Session, txId: number): Answer {
  if (txId !== 0) return refused('EBUSY');
  const id = session.begin();
  return typeof id === 'number' ? { body: `${String(id)}\0` } : refused(id);
}

/** TRANSACTION_END: `T` commits, `F` aborts; in either case the transaction is gone. */
export function transactionEnd(session: Session, txId: number, payload: string): Answer {
  const commit = oneString(payload);
  if (commit !== 'T' && commit !== 'F') return refused('EINVAL');
  const transaction = session.transaction(txId);
  if (transaction === undefined) return refused('ENOENT');
  session.end(txId);
  if (commit === 'F') return ok;
  const { shared } = session;
  if (transaction.conflicts) return refused('EAGAIN');
  if (!session.privileged) {
    for (const { nodes } of transaction.growth()) if (nodes > shared.limits.nodes) return refused('ENOSPC');
  }
  for (const { path, node, exact, oldPermissions } of transaction.commit((changed) => shared.domains.valid(changed))) {
    fire(shared, path, node, exact, oldPermissions);
  }
  return ok;
}
