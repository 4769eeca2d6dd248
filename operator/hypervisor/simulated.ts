import {
  type Domain,
  type DomainIdentity,
  type FileFacts,
  type HostInfo,
  type Hypervisor,
  HypervisorError,
  type PciDevice,
} from './hypervisor.ts';
import { openSimulatedLink, type SimulatedLinkOptions } from './simulated-link.ts';

/**
 * The `simulated` driver: a hypervisor that another process plays (`stubdom embedded host`), behind a unix socket. Our
 * own program is at the other end, so that the shape of results is trusted; size, garbage and silence are not.
 */
export function connectSimulatedHypervisor(socketPath: string, options: SimulatedLinkOptions = {}): Hypervisor {
  const link = openSimulatedLink(socketPath, options);
  const nothing = async (verb: string, ...args: unknown[]): Promise<void> => {
    await link.call(verb, args);
  };
  return {
    stubDomainsMadeBy: 'agent',
    info: async () => (await link.call('info', [])) as HostInfo,
    listDomains: async () => (await link.call('listDomains', [])) as Domain[],
    createDomain: async (request) => (await link.call('createDomain', [request])) as DomainIdentity,
    setTarget: async (stub, target) => nothing('setTarget', stub, target),
    unpauseDomain: async (domain) => nothing('unpauseDomain', domain),
    createGuest: () =>
      Promise.reject(new HypervisorError('NotSupported', 'The simulated host starts no guests: add them to its list.')),
    destroyDomain: async (domain) => nothing('destroyDomain', domain),
    listPciDevices: async () => (await link.call('listPciDevices', [])) as PciDevice[],
    makeAssignable: async (address) => {
      const { originalDriver } = (await link.call('makeAssignable', [address])) as { originalDriver?: string };
      return { originalDriver };
    },
    releaseAssignable: async (address, driver) => nothing('releaseAssignable', address, driver ?? null),
    reset: async (address) => nothing('reset', address),
    grant: async (address, domain, grantOptions) => nothing('grant', address, domain, grantOptions),
    revoke: async (address, domain, revokeOptions) => nothing('revoke', address, domain, revokeOptions),
    inspectFile: async (path) => ((await link.call('inspectFile', [path])) as FileFacts | null) ?? undefined,
    close: async () => link.close(),
  };
}
