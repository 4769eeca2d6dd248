import type { StubDomainSpec } from '../../api/generated/stub-domain.ts';

const defaultMiB = { MiniOS: 28, Linux: 128 } as const;

/** Memory that the stub domain gets. */
export function stubMemoryMiB({ memoryMiB, flavor }: StubDomainSpec): number {
  return memoryMiB ?? defaultMiB[flavor];
}

/** What a host must have free for it, in MiB: with spec.guest the guest comes along. */
export function hostMemoryMiB(spec: StubDomainSpec): number {
  return stubMemoryMiB(spec) + (spec.guest?.memoryMiB ?? 0);
}
