import type { XenHost } from '../../api/generated/xen-host.ts';
import { fencedAnnotation } from '../../api/names.ts';

const uuidsOf = (host: XenHost | undefined): Set<string> => new Set(host?.status?.guests?.map(({ uuid }) => uuid));

/** UUIDs of guests that the host reports now and did not before, or the reverse. */
export function guestsThatMoved(before: XenHost | undefined, after: XenHost | undefined): string[] {
  const [old, now] = [uuidsOf(before), uuidsOf(after)];
  return [...[...old].filter((uuid) => !now.has(uuid)), ...[...now].filter((uuid) => !old.has(uuid))];
}

/** Whether people said something else of the host: what is bound to it may be concerned. */
export function isPolicyChange(before: XenHost | undefined, after: XenHost | undefined): boolean {
  const [old, now] = [before, after].map((host) => host?.metadata.annotations?.[fencedAnnotation]);
  return old !== now;
}
