import { HypervisorError } from '../hypervisor.ts';
import { noDomid } from './arguments.ts';
import { callFailure, errnoName } from './errno.ts';
import { type InterfaceVersion, interfaceVersion, interfaceVersions } from './interface-versions.ts';
import { type Handle, type NativeLibrary, loadLibrary, soname } from './native.ts';
import { requirePrivcmd, runningRelease } from './xen-host.ts';

/** A library and a handle of which it is known that they speak as the hypervisor does. */
export interface CheckedLibrary {
  readonly library: NativeLibrary;
  readonly handle: Handle;
  readonly interfaceVersion: InterfaceVersion;
  /** Of the hypervisor, as `4.17.7`. */
  readonly version: string;
}

/** `XENVER_version` and `XENVER_extraversion` of Xen's public/version.h. */
const versionCommand = 0;
const extraVersionCommand = 1;
const extraVersionBytes = 16;

/** Finds, loads and opens the library of the running release, and has it prove itself. Throws as `openLibxenctrl` does. */
export function openChecked(options: {
  readonly root: string;
  readonly architecture: string;
  readonly library: string | undefined;
}): CheckedLibrary {
  if (options.architecture !== 'x64') {
    throw new HypervisorError(
      'NotSupported',
      'Hypercalls are made on x86-64 only: elsewhere the structures of Xen differ. Drive this host with xl alone.',
    );
  }
  const release = runningRelease(options.root);
  const known = interfaceVersion(release);
  if (known === undefined) {
    const releases = interfaceVersions.map((version) => version.release).join(', ');
    throw new HypervisorError(
      'NotSupported',
      `Xen ${release} runs, and its hypercalls are not known here; those of ${releases} are. Use a newer agent, or one of these releases of Xen; nothing is guessed.`,
    );
  }
  requirePrivcmd(options.root);
  const library = loadLibrary(options.library ?? soname(release), known);
  const opened = library.open();
  if ('errno' in opened) {
    throw new HypervisorError(
      'Unavailable',
      `Hypercalls cannot be made: ${soname(release)} does not open the hypervisor (${errnoName(opened.errno)}). Run the agent as root in dom0; in a pod, with privileged: true and /dev of the host.`,
    );
  }
  const { handle } = opened;
  try {
    requireRelease(library, handle, release);
    requireDomctls(library, handle, known);
    requireSizes(library, handle, known);
    return { library, handle, interfaceVersion: known, version: `${release}${extraVersion(library, handle)}` };
  } catch (error) {
    library.callNow('xc_interface_close', handle);
    throw error;
  }
}

function requireRelease(library: NativeLibrary, handle: Handle, release: string): void {
  const { value, errno } = library.callNow('xc_version', handle, versionCommand, null);
  if (value < 0) throw callFailure('ask Xen for its release', errno);
  const answered = `${String(value >>> 16)}.${String(value & 0xffff)}`;
  if (answered === release) return;
  throw new HypervisorError(
    'NotSupported',
    `The hypervisor says that it is Xen ${answered}, and /sys/hypervisor/version that it is ${release}. Mount /sys of this very host.`,
  );
}

function extraVersion(library: NativeLibrary, handle: Handle): string {
  const bytes = Buffer.alloc(extraVersionBytes);
  const { value } = library.callNow('xc_version', handle, extraVersionCommand, bytes);
  const [text = ''] = bytes.toString('latin1').split('\0');
  return value === 0 && /^[\w.+~-]*$/.test(text) ? text : '';
}

/**
 * The hypervisor refuses domctls of another release with EACCES, and looks at that first. So one that changes nothing tells:
 * whether any domain has the first device of the host, and whatever else the answer is. (Lists of domains do not tell: they
 * are sysctls, which may be the same in several releases.)
 */
function requireDomctls(library: NativeLibrary, handle: Handle, version: InterfaceVersion): void {
  const firstDevice = 0;
  const { value, errno } = library.callNow('xc_test_assign_device', handle, noDomid, firstDevice);
  if (value < 0 && errnoName(errno) === 'EACCES') throw refusedFirstCall(version, errno);
}

/** A structure that the library fills is followed by so many bytes that it must leave alone. */
const margin = 4096;
/** What the buffer is filled with before; two, because the last byte of a structure may be one of them. */
const patterns = [0xa5, 0x5a] as const;

/**
 * Has the library fill one of each structure and measures how far it wrote: a vendor's Xen may have other structures under
 * a known release.
 */
function requireSizes(library: NativeLibrary, handle: Handle, version: InterfaceVersion): void {
  const measure = (size: number, fill: (bytes: Buffer) => { value: number; errno: number }): void => {
    const written = patterns.map((pattern) => {
      const bytes = Buffer.alloc(size + margin, pattern);
      const { value, errno } = fill(bytes);
      if (value < 0) throw refusedFirstCall(version, errno);
      return bytes.findLastIndex((byte) => byte !== pattern) + 1;
    });
    if (Math.max(...written) !== size) throw otherLibrary(version);
  };
  measure(version.domainInfo.size, (bytes) => library.callNow('xc_domain_getinfolist', handle, 0, 1, bytes));
  measure(version.physicalInfo.size, (bytes) => library.callNow('xc_physinfo', handle, bytes));
}

function refusedFirstCall(version: InterfaceVersion, errno: number): HypervisorError {
  const name = errnoName(errno);
  if (name !== 'EACCES') return callFailure('read what the host has', errno);
  return new HypervisorError(
    'Unavailable',
    `The hypervisor refuses ${soname(version.release)} (EACCES): it was built for another Xen, or the XSM policy (xl getenforce) forbids it. Install Xen's tools of the release that runs.`,
  );
}

function otherLibrary(version: InterfaceVersion): HypervisorError {
  return new HypervisorError(
    'NotSupported',
    `${soname(version.release)} has other structures than Xen ${version.release} (a vendor's changes, most likely), so that it is not used. Install Xen's own tools of this release, or drive this host with xl alone.`,
  );
}
