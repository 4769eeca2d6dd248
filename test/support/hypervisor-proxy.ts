import { LineSplitter, parseRequest } from '../../operator/hypervisor/simulated-protocol.ts';
import { startBreakingProxy, type BreakingProxy, type RequestSplitter } from './breaking-proxy.ts';
import type { FaultLine } from './fault-line.ts';

const reading: ReadonlySet<string> = new Set(['info', 'listDomains', 'listPciDevices']);

/** Starts a proxy at `socketPath` before the simulated hypervisor at `upstreamPath`. */
export async function startHypervisorProxy(
  socketPath: string,
  upstreamPath: string,
  line: FaultLine,
): Promise<BreakingProxy> {
  return startBreakingProxy(socketPath, upstreamPath, line, calls);
}

/** The protocol is one JSON document a line, in ASCII as far as the agent speaks it. */
const calls: RequestSplitter = (onRequest) => {
  const splitter = new LineSplitter();
  return (chunk) => {
    for (const text of splitter.push(chunk.toString('latin1'))) {
      const { verb, args } = parseRequest(text);
      const bytes = Buffer.from(`${text}\n`, 'latin1');
      const change = { link: 'hypervisor', text: `${verb} ${JSON.stringify(args)}`, effective: true } as const;
      onRequest(bytes, reading.has(verb) ? undefined : change);
    }
  };
};
