/**
 * A case is a script: who sends what, and everything that then comes back on that connection, in order.
 *
 * **Connections**: `dom0`, `dom0-2`, … are connections of domain 0; `g1`, `g2` are guests, created and introduced before
 * the case; `host` is the fake Xen below the daemon. Each guest gets a fresh domid: `{g1}` stands for it. `{d1}` is a
 * fresh domid that nobody has created.
 *
 * **Requests**: `OP arg arg`, each argument sent with a NUL behind it; WRITE sends its value, which may have spaces,
 * without one. `OP! bytes` sends exactly these bytes. `OP@t` is sent in transaction `t`; `START t` begins and names it. `""`
 * is the empty argument, `\0` and `\xNN` are bytes, `{x300}` is 300 times `x`. `#99 …` is a message type by number.
 * `A | B` sends both at once. `EVENTS` asks for events only. `GENERATION path` says whether the generation that
 * DIRECTORY_PART tells has changed since the last time. `BYTES 00 ff` sends bytes that are no message; `OVERSIZE n` a READ of
 * n bytes; `SPLIT …` a request byte by byte; `REPEAT n …` a request n times, `#` being the number; `CLOSE` closes.
 *
 * **Expected**: `OK`, an error's name, `= value` for READ, otherwise the strings of the reply joined by spaces; `*
 * path token` is an event, `CLOSED` the end of the connection. A list where more than one thing comes.
 */
export type Row = readonly [connection: string, request: string, expected: string | readonly string[]];

/** A case of the suite. `why` says what breaks where a daemon does otherwise, if the name does not say it. */
export interface Case {
  readonly name: string;
  readonly why?: string;
  /** Why it needs a daemon of its own: some daemon is not to be used again afterwards. */
  readonly alone?: string;
  readonly rows: readonly Row[];
}

/** The message types by name (xen/io/xs_wire.h). */
export const types: Readonly<Record<string, number>> = {
  CONTROL: 0,
  DIRECTORY: 1,
  READ: 2,
  GET_PERMS: 3,
  WATCH: 4,
  UNWATCH: 5,
  TRANSACTION_START: 6,
  TRANSACTION_END: 7,
  INTRODUCE: 8,
  RELEASE: 9,
  GET_DOMAIN_PATH: 10,
  WRITE: 11,
  MKDIR: 12,
  RM: 13,
  SET_PERMS: 14,
  WATCH_EVENT: 15,
  ERROR: 16,
  IS_DOMAIN_INTRODUCED: 17,
  RESUME: 18,
  SET_TARGET: 19,
  RESET_WATCHES: 21,
  DIRECTORY_PART: 22,
  GET_FEATURE: 23,
  SET_FEATURE: 24,
  GET_QUOTA: 25,
  SET_QUOTA: 26,
};

/** A request of a row, ready to be sent. `transaction` is the name after `@`, or the one that START gives. */
export interface Request {
  readonly op: string;
  readonly type: number;
  readonly payload: string;
  readonly transaction: string | undefined;
}

/** Puts domids and repeated letters into a row's text. */
export function substitute(text: string, domids: ReadonlyMap<string, number>): string {
  return text
    .replace(/\{([gd][0-9])\}/g, (_, name: string) => String(domids.get(name)))
    .replace(/\{([a-z])([0-9]+)\}/g, (_, letter: string, count: string) => letter.repeat(Number(count)));
}

/** Long runs of one letter as `{x300}`, so that what was seen can be read and compared. */
export function abbreviate(text: string): string {
  return text.replace(/([a-z])\1{31,}/g, (run, letter: string) => `{${letter}${String(run.length)}}`);
}

/** Reads one request (after `substitute`). */
export function parseRequest(text: string): Request {
  const match = /^(#?[A-Z0-9_]+)(!)?(?:@([a-z0-9]+))?(?: (.*))?$/s.exec(text);
  const [, op, raw, transaction, rest] = match ?? [];
  if (op === undefined) throw new Error(`not a request: ${text}`);
  if (op === 'START') return { op, type: 6, payload: '\0', transaction: rest };
  if (op === 'COMMIT' || op === 'ABORT') return { op, type: 7, payload: op === 'COMMIT' ? 'T\0' : 'F\0', transaction };
  const type = op.startsWith('#') ? Number(op.slice(1)) : types[op];
  if (type === undefined) throw new Error(`unknown operation: ${text}`);
  return { op, type, payload: body(op, raw !== undefined, rest), transaction };
}

function body(op: string, raw: boolean, rest: string | undefined): string {
  if (raw) return unescape(rest ?? '');
  if (rest === undefined) return '\0';
  if (op === 'WRITE') {
    const space = rest.indexOf(' ');
    return space < 0 ? `${unescape(rest)}\0` : `${unescape(rest.slice(0, space))}\0${unescape(rest.slice(space + 1))}`;
  }
  return rest
    .split(' ')
    .map((argument) => (argument === '""' ? '\0' : `${unescape(argument)}\0`))
    .join('');
}

function unescape(text: string): string {
  return text.replace(/\\(?:0|x([0-9a-f]{2}))/g, (_, hex: string | undefined) =>
    String.fromCharCode(hex === undefined ? 0 : parseInt(hex, 16)),
  );
}

/** A reply as rows write it. */
export function renderReply(op: string, type: number, requestType: number, payload: string): string {
  const strings = payload.replace(/\0$/, '').replaceAll('\0', ' ');
  if (type === 16) return strings;
  if (type !== requestType) return `type ${String(type)}: ${abbreviate(escape(payload))}`;
  if (op === 'READ') return abbreviate(`= ${escape(payload)}`);
  if (op === 'START') return 'ID';
  if (op === 'DIRECTORY_PART') return abbreviate(renderPart(payload));
  return abbreviate(escape(strings));
}

/** The generation as GEN, the names, and a full stop if the list ends here. */
function renderPart(payload: string): string {
  const strings = payload.split('\0').slice(1, -1);
  const last = strings.at(-1) === '';
  return ['GEN', ...(last ? [...strings.slice(0, -1), '.'] : strings)].join(' ');
}

/** An event as rows write it. */
export function renderEvent(payload: string): string {
  return abbreviate(`* ${escape(payload.replace(/\0$/, '').replaceAll('\0', ' '))}`);
}

function escape(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, (c) =>
    c === '\0' ? '\\0' : `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
