import { createRequire } from 'node:module';
import type * as koffiModule from 'koffi';
import { HypervisorError } from '../hypervisor.ts';
import type { InterfaceVersion } from './interface-versions.ts';

type Koffi = typeof koffiModule;

/** `xc_interface *`. */
export type Handle = bigint;

/** What a call gave: an int, and what errno was then. */
export interface CallResult {
  readonly value: number;
  readonly errno: number;
}

/** Parameters of a call after the handle. A buffer, or an array of one number, is written to. */
export type Argument = number | boolean | Buffer | number[] | null;

/** The functions that take a handle first and give an int. */
export type CallName =
  | 'xc_interface_close'
  | 'xc_version'
  | 'xc_domain_getinfolist'
  | 'xc_physinfo'
  | 'xc_domain_set_target'
  | 'xc_domain_ioport_permission'
  | 'xc_domain_iomem_permission'
  | 'xc_domain_irq_permission'
  | 'xc_physdev_map_pirq'
  | 'xc_physdev_unmap_pirq'
  | 'xc_test_assign_device'
  | 'xc_assign_device'
  | 'xc_deassign_device';

/** The library as loaded: nothing here knows what the calls mean. */
export interface NativeLibrary {
  /** A new handle, or the errno. */
  open(): { readonly handle: Handle } | { readonly errno: number };
  /** Calls on this thread: for what is a matter of microseconds and happens at the start and the end alone. */
  callNow(name: CallName, handle: Handle, ...args: Argument[]): CallResult;
  /** Calls on a thread of the pool, so that a long hypercall holds nothing up. */
  call(name: CallName, handle: Handle, ...args: Argument[]): Promise<CallResult>;
}

type SyncCall = (...args: unknown[]) => unknown;
type AsyncCall = (...args: unknown[]) => void;

/** The parameters of each call after the handle, as xenctrl.h declares them. */
function parametersOf(version: InterfaceVersion): Readonly<Record<CallName, string>> {
  return {
    xc_interface_close: '',
    xc_version: ', int cmd, void *arg',
    xc_domain_getinfolist: ', uint32_t first_domain, unsigned int max_domains, void *info',
    xc_physinfo: ', void *info',
    xc_domain_set_target: ', uint32_t domid, uint32_t target',
    xc_domain_ioport_permission: ', uint32_t domid, uint32_t first_port, uint32_t nr_ports, uint32_t allow_access',
    xc_domain_iomem_permission:
      ', uint32_t domid, unsigned long first_mfn, unsigned long nr_mfns, uint8_t allow_access',
    xc_domain_irq_permission: `, uint32_t domid, ${version.irqPermissionPirq} pirq, ${version.irqPermissionAllow} allow_access`,
    xc_physdev_map_pirq: ', uint32_t domid, int index, _Inout_ int *pirq',
    xc_physdev_unmap_pirq: ', uint32_t domid, int pirq',
    xc_test_assign_device: ', uint32_t domid, uint32_t machine_sbdf',
    xc_assign_device: ', uint32_t domid, uint32_t machine_sbdf, uint32_t flag',
    xc_deassign_device: ', uint32_t domid, uint32_t machine_sbdf',
  };
}

/** The file that a release's library is installed as. */
export function soname(release: string): string {
  return `libxenctrl.so.${release}`;
}

/**
 * Loads `file` for the release. Throws `Unavailable` if it, or koffi, is not there, and `NotSupported` if it lacks one of
 * the functions. koffi is not loaded before: only hosts that make hypercalls need it.
 */
export function loadLibrary(file: string, version: InterfaceVersion): NativeLibrary {
  const koffi = loadKoffi();
  let library: ReturnType<Koffi['load']>;
  try {
    library = koffi.load(file);
  } catch (error) {
    throw new HypervisorError(
      'Unavailable',
      `Xen ${version.release} runs, and its library ${soname(version.release)} cannot be loaded. Install Xen's tools of this very release in dom0 (Debian: libxenmisc${version.release}).`,
      { cause: error },
    );
  }
  const declare = (name: string, prototype: string): ReturnType<typeof library.func> => {
    try {
      return library.func(prototype);
    } catch (error) {
      throw new HypervisorError(
        'NotSupported',
        `${soname(version.release)} has no ${name}, so that it is not the library of Xen ${version.release}. Install Xen's tools of the release that runs.`,
        { cause: error },
      );
    }
  };
  const open = declare(
    'xc_interface_open',
    'uintptr_t xc_interface_open(void *logger, void *dombuild_logger, unsigned int open_flags)',
  ) as SyncCall;
  const calls = new Map(
    Object.entries(parametersOf(version)).map(([name, parameters]) => [
      name,
      declare(name, `int ${name}(uintptr_t xch${parameters})`),
    ]),
  );
  const named = (name: CallName): ReturnType<typeof library.func> => {
    const call = calls.get(name);
    if (call === undefined) throw new TypeError(`${name} is not declared`);
    return call;
  };
  return {
    open: () => {
      const handle = BigInt(open(null, null, 0) as number | bigint);
      return handle === 0n ? { errno: koffi.errno() } : { handle };
    },
    callNow: (name, handle, ...args) => {
      const value = (named(name) as SyncCall)(handle, ...args) as number;
      return { value, errno: koffi.errno() };
    },
    call: (name, handle, ...args) =>
      new Promise((resolve, reject) => {
        (named(name).async as AsyncCall)(handle, ...args, (error: unknown, value: number) => {
          // In here, and only in here, errno is that of the thread that made the call.
          const errno = koffi.errno();
          if (error instanceof Error) reject(error);
          else resolve({ value, errno });
        });
      }),
  };
}

function loadKoffi(): Koffi {
  try {
    return createRequire(import.meta.url)('koffi') as Koffi;
  } catch (error) {
    throw new HypervisorError(
      'Unavailable',
      'Hypercalls cannot be made: the native module koffi cannot be loaded. Install the agent with its node_modules for this machine (linux, x64), or drive the host with xl alone.',
      { cause: error },
    );
  }
}
