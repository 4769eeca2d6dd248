/**
 * What the list of domains costs the driver `xl`, by hypercall and by `xl list -v`. To be run as root in dom0 of a host or of the lab,
 * from the sources: `node test/bench/real-host/list-domains.ts [TIMES]` (docs/real-host.md). It changes nothing.
 */
import { HypervisorError } from '../../../operator/hypervisor/hypervisor.ts';
import { createXlHypervisor } from '../../../operator/hypervisor/xl/xl.ts';
import { systemClock } from '../../../operator/runtime/ports.ts';
import { openXenStore } from '../../../operator/xenstore/client.ts';

const times = Number(process.argv[2] ?? 20);
const xenstore = openXenStore({ transport: { kind: 'socket', path: '/run/xenstored/socket' } });
await xenstore.connected();
const noCalls = (): never => {
  throw new HypervisorError('NotSupported', 'Left out for the comparison.');
};
for (const [name, extra] of [
  ['hypercall', {}],
  ['xl list -v', { openCalls: noCalls }],
] as const) {
  const hypervisor = createXlHypervisor({ xenstore, clock: systemClock, timeouts: { list: 60_000 }, ...extra });
  const { length } = await hypervisor.listDomains();
  const durations: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const began = performance.now();
    await hypervisor.listDomains();
    durations.push(performance.now() - began);
  }
  durations.sort((a, b) => a - b);
  const [least, median, most] = [0, Math.floor(times / 2), times - 1].map((at) => (durations[at] ?? 0).toFixed(0));
  console.log(`${name}: ${length} domains, ${times} lists, median ${median} ms, least ${least}, most ${most}`);
  await hypervisor.close();
}
await xenstore.close();
