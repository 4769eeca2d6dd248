import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Hypervisor, HypervisorError } from '../../operator/hypervisor/hypervisor.ts';
import { createXlHypervisor } from '../../operator/hypervisor/xl/xl.ts';
import type { XlTimeouts } from '../../operator/hypervisor/xl/xl-program.ts';
import type { Clock } from '../../operator/runtime/ports.ts';
import { systemClock } from '../../operator/runtime/ports.ts';
import { type FakeXl, fakeXl, infoScript, listScript } from './fake-xl.ts';
import type { FakeXen } from './fake-xen.ts';
import { type HostDescription, sysfsTree } from './sysfs-tree.ts';

export const bootID = '80cfc9f9-33d1-4da1-99f6-010e321f6c3e';

/** The files that make a dom0 of a machine. */
export const dom0Files: Readonly<Record<string, string>> = {
  'proc/xen/capabilities': 'control_d\n',
  'sys/hypervisor/type': 'xen\n',
  'proc/sys/kernel/random/boot_id': `${bootID}\n`,
  'proc/sys/kernel/osrelease': '6.1.0-56-amd64\n',
  'run/xenstored.pid': '148\n',
  'proc/148/comm': 'xenstored\n',
  'proc/148/cmdline': '/usr/lib/xen-4.17/bin/xenstored\0--pid-file\0/run/xenstored.pid\0',
};

/** The driver of a real host over a program that plays xl, a fixture tree, a map for XenStore and a fake of the hypercalls. */
export interface XlBench {
  readonly hypervisor: Hypervisor;
  readonly fake: FakeXl;
  readonly root: string;
  /** Nodes of XenStore. */
  readonly nodes: Map<string, string>;
  readonly defaultsFile: string;
  /** XenStore's link is down. */
  readonly disconnect: () => void;
  readonly put: (path: string, text: string) => Promise<void>;
  readonly drop: (path: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface XlBenchOptions {
  readonly xen?: FakeXen;
  readonly host?: HostDescription;
  readonly timeouts?: XlTimeouts;
  readonly clock?: Clock;
}

export const unknownXen = new HypervisorError(
  'NotSupported',
  'Xen 4.99 runs, and its hypercalls are not known here. Use a newer agent.',
);

export async function xlBench({
  xen,
  host = {},
  timeouts,
  clock = systemClock,
}: XlBenchOptions = {}): Promise<XlBench> {
  const fake = await fakeXl();
  await fake.on('list', listScript());
  await fake.on('info', infoScript());
  const tree = await sysfsTree({ drivers: ['pciback'], ...host, files: { ...dom0Files, ...host.files } });
  const nodes = new Map([['/local/domain/0/name', 'Domain-0']]);
  let connected = true;
  const defaultsFile = join(fake.runDir, '../guest-defaults.cfg');
  const hypervisor = createXlHypervisor({
    xenstore: {
      tryRead: async (path) => {
        if (!connected) throw new Error('no link');
        const value = nodes.get(path);
        return value === undefined ? undefined : new TextEncoder().encode(value);
      },
    },
    clock,
    program: fake.path,
    root: tree.root,
    runDir: fake.runDir,
    guestDefaults: defaultsFile,
    ...(timeouts === undefined ? {} : { timeouts }),
    openCalls: () => {
      if (xen === undefined) throw unknownXen;
      return xen;
    },
  });
  return {
    hypervisor,
    fake,
    root: tree.root,
    nodes,
    defaultsFile,
    disconnect: () => {
      connected = false;
    },
    put: async (path, text) => {
      await mkdir(dirname(join(tree.root, path)), { recursive: true });
      await writeFile(join(tree.root, path), text);
    },
    drop: async (path) => rm(join(tree.root, path), { recursive: true, force: true }),
    close: async () => {
      await hypervisor.close();
      await fake.remove();
      await tree.remove();
    },
  };
}
