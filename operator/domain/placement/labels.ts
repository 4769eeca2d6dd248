import type { StubDomainSpec } from '../../api/generated/stub-domain.ts';
import type { XenHost } from '../../api/generated/xen-host.ts';

type Selector = StubDomainSpec['nodeSelector'];

/** Whether the host has all labels of the selector. */
export function hasLabels(host: XenHost, selector: Selector): boolean {
  return Object.entries(selector ?? {}).every(([key, value]) => host.metadata.labels?.[key] === value);
}

/** `key=value,…`, in the order of the keys. */
export function selectorText(selector: Selector): string {
  return Object.entries(selector ?? {})
    .map(([key, value]) => `${key}=${value}`)
    .sort()
    .join(',');
}
