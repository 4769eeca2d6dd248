import type { StubDomainSpec } from '../../api/generated/stub-domain.ts';
import { backendPath, frontendPath, libxlPath, resumeFile, saveFile } from '../locations.ts';
import { type PlanNode, nodesBelow, ownedBy } from '../plan-node.ts';
import { xenbusState } from '../xenbus.ts';

/** The device model's log in dom0. */
export const logFile = (targetName: string): string => `/var/log/xen/qemu-dm-${targetName}.log`;

export interface Console {
  readonly index: number;
  readonly role: 'Log' | 'Save' | 'Restore' | 'Serial';
  /** Where it goes in dom0; absent for a console that is there but leads nowhere. */
  readonly output?: string;
}

/**
 * The stub domain's consoles (libxl_dm.c): 0 the log, 1 the file that the device model saves to, 2 the file that it
 * restores from (it is always there, and leads somewhere only when restoring), 3… the guest's serial ports in order.
 */
export function consoles(spec: StubDomainSpec, targetName: string, target: number): Console[] {
  const restore = spec.restoreFrom === undefined ? {} : { output: `pipe:${spec.restoreFrom.path}` };
  return [
    { index: 0, role: 'Log', output: `file:${logFile(targetName)}` },
    { index: 1, role: 'Save', output: `file:${saveFile(target)}` },
    { index: 2, role: 'Restore', ...restore },
    ...(spec.serials ?? []).map((serial, i) => ({ index: 3 + i, role: 'Serial' as const, output: serial.output })),
  ];
}

/** The argument that makes the device model load what console 2 brings. MiniOS maps any file there to the console. */
export function restoreArguments(spec: StubDomainSpec, target: number): string[] {
  return spec.restoreFrom === undefined ? [] : ['-loadvm', resumeFile(target)];
}

const limit = '1048576';

/** Both ends of a console. What dom0's server goes by (output, type, limit, tty) the stub domain may read, not write. */
export function consoleNodes(stub: number, console: Console): PlanNode[] {
  const { index, output } = console;
  const front = frontendPath('console', stub, index);
  const back = backendPath('console', stub, index);
  const readOnly = { output: output ?? '', tty: '', type: 'ioemu', limit };
  const note = `${libxlPath(stub)}/device/console/${index}`;
  // Console 0 is in a directory of dom0's: its ring is the hypervisor's, and the front end has nothing to say there.
  const ends: PlanNode[] =
    index === 0
      ? [
          { path: front, permissions: ownedBy(0, stub) },
          { path: `${front}/backend`, value: back },
          { path: `${front}/backend-id`, value: '0', permissions: ownedBy(stub, 0) },
        ]
      : [
          { path: front, permissions: ownedBy(stub, 0) },
          ...nodesBelow(
            front,
            { backend: back, 'backend-id': '0', protocol: 'vt100' },
            { state: String(xenbusState.initialising) },
          ),
        ];
  return [
    ...ends,
    ...Object.entries(readOnly)
      .filter(([name]) => name !== 'output' || output !== undefined)
      .map(([name, value]) => ({
        path: `${front}/${name}`,
        value,
        permissions: ownedBy(0, stub),
        ...(name === 'tty' ? { volatile: true as const } : {}),
      })),
    { path: back, permissions: ownedBy(0, stub) },
    ...nodesBelow(
      back,
      { frontend: front, 'frontend-id': String(stub), protocol: 'vt100' },
      { online: '1', state: String(xenbusState.initialising) },
    ),
    ...nodesBelow(note, { backend: back, frontend: front }),
  ];
}
