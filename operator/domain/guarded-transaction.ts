import { formatNote, type NoteKind, type Notes, parseNote } from './notes.ts';
import type { PlanNode } from './plan-node.ts';
import { parseParameterReply } from './untrusted.ts';

/**
 * What a node must hold for a transaction to be committed. `text`: exactly this; undefined: the node is absent. `noNote`:
 * nothing that can be read as a note of that kind, which is as good as none. `noRequestBut`: no parameter of a command but
 * this one. `otherwise` says what has changed then.
 */
export type Expectation = { readonly path: string; readonly otherwise: string } & (
  { readonly text: string | undefined } | { readonly noNote: NoteKind } | { readonly noRequestBut: string }
);

/**
 * A change of XenStore as data: committed as a whole if everything is as expected, else not at all. What is decided on a
 * snapshot holds only as long as the snapshot does; the expectations are the part of it that matters.
 */
export interface GuardedTransaction {
  readonly expect: readonly Expectation[];
  /** In this order. */
  readonly write: readonly PlanNode[];
  readonly remove: readonly string[];
}

/** The node holds exactly this note, or nothing that can be read as one. */
export function expectNote<K extends NoteKind>(
  kind: K,
  path: string,
  note: Notes[K] | undefined,
  otherwise: string,
): Expectation {
  return note === undefined ? { path, noNote: kind, otherwise } : { path, text: formatNote(kind, note), otherwise };
}

/** Whether what a node holds is as expected; `value` undefined: it is absent. */
export function holds(expectation: Expectation, value: Uint8Array | undefined): boolean {
  if ('noNote' in expectation) return parseNote(expectation.noNote, value) === undefined;
  if ('noRequestBut' in expectation) {
    return parseParameterReply(value, expectation.noRequestBut).kind !== 'foreign';
  }
  const { text } = expectation;
  return text === undefined ? value === undefined : value !== undefined && Buffer.from(text).equals(value);
}
