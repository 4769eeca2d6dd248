import type { XenHost } from '../../api/generated/xen-host.ts';
import { fencedAnnotation } from '../../api/names.ts';
import { type AnnotationRequest, annotationRequest } from '../annotation-request.ts';

/** Whether an administrator says that the host is dead, and why. A XenHost that is gone says nothing. */
export function fenceRequest(host: XenHost | undefined): AnnotationRequest {
  return host === undefined ? { kind: 'none' } : annotationRequest(host, fencedAnnotation);
}

/** Whether nothing may be placed on the host because it is said to be dead, whatever its Lease says. */
export const isSaidDead = (host: XenHost | undefined): boolean => fenceRequest(host).kind === 'asked';
