import type { StubDomain } from '../../api/generated/stub-domain.ts';
import type { StubNote } from '../notes.ts';

/**
 * The object as it counts now: spec.restoreFrom is for one start. It belongs to a guest whose memory was restored as well,
 * and when that guest boots anew, a device model with the state of another day would crash it. What was laid out for the
 * stub domain that lives stays as it is.
 */
export function withoutSpentRestore(object: StubDomain, note: StubNote | undefined): StubDomain {
  const { restoreFrom, ...spec } = object.spec;
  if (restoreFrom === undefined) return object;
  const counts =
    note === undefined || note.stage === 'intended'
      ? object.status?.restoredFrom === undefined
      : note.restores === true;
  return counts ? object : { ...object, spec };
}
