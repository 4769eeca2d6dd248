import type { StoredObject } from '../store/stored-object.ts';

interface Snapshot {
  readonly revision: number;
  readonly objects: readonly StoredObject[];
}

const tokenForm = /^s(\d{1,12})-(\d{1,12})-(\d{1,16})$/;

/**
 * Lists that clients read page by page: each holds the objects as they were at its first page, so that the pages together
 * are one consistent list. The oldest is forgotten when there are too many; its token is then too old, as after a
 * compaction.
 */
export class Continuations {
  readonly #snapshots = new Map<number, Snapshot>();
  readonly #capacity: number;
  #next = 1;

  constructor(capacity = 64) {
    this.#capacity = capacity;
  }

  /** Keeps `objects` and gives back the token for the page that starts at `offset`. */
  open(objects: readonly StoredObject[], revision: number, offset: number): string {
    const id = this.#next++;
    this.#snapshots.set(id, { objects, revision });
    const oldest = this.#snapshots.keys().next();
    if (this.#snapshots.size > this.#capacity && oldest.done !== true) this.#snapshots.delete(oldest.value);
    return this.#token(id, offset, revision);
  }

  /** The list a token belongs to; 'invalid' if it is no token of ours, 'expired' if the list is forgotten. */
  resume(token: string): { id: number; offset: number; snapshot: Snapshot } | 'invalid' | 'expired' {
    const match = tokenForm.exec(Buffer.from(token, 'base64url').toString('latin1'));
    if (match === null) return 'invalid';
    const id = Number(match[1]);
    const snapshot = this.#snapshots.get(id);
    if (snapshot === undefined || snapshot.revision !== Number(match[3])) return 'expired';
    return { id, offset: Number(match[2]), snapshot };
  }

  /** The token for a later page; without one the list is over and forgotten. */
  advance(id: number, offset: number | undefined): string {
    const snapshot = this.#snapshots.get(id);
    if (snapshot === undefined || offset === undefined) {
      this.#snapshots.delete(id);
      return '';
    }
    return this.#token(id, offset, snapshot.revision);
  }

  #token(id: number, offset: number, revision: number): string {
    return Buffer.from(`s${String(id)}-${String(offset)}-${String(revision)}`, 'latin1').toString('base64url');
  }
}
