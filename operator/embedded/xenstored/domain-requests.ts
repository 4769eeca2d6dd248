import { FIRST_RESERVED_DOMID, SELF_DOMID } from './domains.ts';
import { ok, refused, type Answer } from './node-requests.ts';
import { remove } from './nodes.ts';
import { oneString, strings, toNumber } from './payload.ts';
import { fireSpecial, type Session } from './session.ts';

/** The requests on domains. All but GET_DOMAIN_PATH are dom0's alone, which dispatch sees to. */

/**
 * INTRODUCE `domid gfn port`: the domain's socket is there when the OK goes out. A domain that is introduced already keeps
 * what it has; this is how a toolstack renews an event channel. There is no hypervisor below: every domid exists.
 */
export function introduce(session: Session, payload: string): Answer {
  const [domid, gfn, port] = strings(payload);
  if (domid === undefined || gfn === undefined || port === undefined) return refused('EINVAL');
  const number = toNumber(domid);
  if (toNumber(port) === 0 || toNumber(port) > 0x7fffffff || number >= FIRST_RESERVED_DOMID) return refused('EINVAL');
  const { domains, host } = session.shared;
  if (domains.get(number) !== undefined) return ok;
  domains.introduce(number);
  if (!host.introduced(number)) {
    domains.release(number, session.shared.tree.nextGeneration());
    return refused('EINVAL');
  }
  fireSpecial(session.shared, '@introduceDomain');
  return ok;
}

/** RELEASE: `after` is to be called when the OK is out: the domain's nodes go, then `@releaseDomain` fires. */
export function release(session: Session, payload: string): { readonly answer: Answer; readonly after?: () => void } {
  const domid = toNumber(oneString(payload) ?? '');
  if (domid === 0) return { answer: refused('EINVAL') };
  const { domains, tree, host } = session.shared;
  if (domains.get(domid) === undefined) return { answer: refused('ENOENT') };
  const after = (): void => {
    host.released(domid);
    for (const path of tree.pathsOwnedBy(domid).sort())
      if (tree.get(path)?.owner === domid) remove(session, tree, path);
    domains.release(domid, tree.nextGeneration());
    fireSpecial(session.shared, '@releaseDomain');
  };
  return { answer: ok, after };
}

/** IS_DOMAIN_INTRODUCED: `T` or `F`. */
export function isDomainIntroduced(session: Session, payload: string): Answer {
  const text = oneString(payload);
  if (text === undefined) return refused('EINVAL');
  const domid = toNumber(text);
  return { body: domid === SELF_DOMID || session.shared.domains.get(domid) !== undefined ? 'T\0' : 'F\0' };
}

/** GET_DOMAIN_PATH: for any number, introduced or not. */
export function getDomainPath(payload: string): Answer {
  const text = oneString(payload);
  return text === undefined ? refused('EINVAL') : { body: `/local/domain/${String(toNumber(text))}\0` };
}

/** RESUME: the domain runs again after a shutdown, which this daemon does not look at. */
export function resume(session: Session, payload: string): Answer {
  const domid = toNumber(oneString(payload) ?? '');
  if (domid === 0) return refused('EINVAL');
  return session.shared.domains.get(domid) === undefined ? refused('ENOENT') : ok;
}

/** SET_TARGET `domid target`: the domain gets the target's rights. */
export function setTarget(session: Session, payload: string): Answer {
  const [domid, target] = strings(payload);
  if (domid === undefined || target === undefined) return refused('EINVAL');
  const { domains } = session.shared;
  const domain = domains.get(toNumber(domid));
  if (domain === undefined || domains.get(toNumber(target)) === undefined) return refused('ENOENT');
  domain.target = toNumber(target);
  return ok;
}

/** CONTROL: `help`, `check`, `print` and `quota`, of what C xenstored has. */
export function control(session: Session, payload: string): Answer {
  const [command, ...args] = strings(payload);
  switch (command) {
    case 'help':
      return { body: 'check\nprint\t<string>\nquota\nhelp\n\0' };
    case 'check':
      return args.length === 0 ? ok : refused('EINVAL');
    case 'print':
      return args.length === 1 ? ok : refused('EINVAL');
    case 'quota': {
      if (args.length > 0) return refused('EINVAL');
      const { nodes, watches, transactions, transactionNodes, permissions, pathLength, nodeSize } =
        session.shared.limits;
      const rows: [string, number][] = [
        ['nodes', nodes],
        ['watches', watches],
        ['transactions', transactions],
        ['transaction-nodes', transactionNodes],
        ['node-permissions', permissions],
        ['path-max', pathLength],
        ['node-size', nodeSize],
      ];
      const lines = rows.map(([name, value]) => `${name.padEnd(17)}: ${String(value).padStart(8)}\n`);
      return { body: `Quota settings:\n${lines.join('')}\0` };
    }
    default:
      return refused('EINVAL');
  }
}
