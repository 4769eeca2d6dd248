import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

/** A host in a few lines, of which `sysfsTree` makes the files that the kernel shows. */
export interface HostDescription {
  readonly pci?: readonly PciDescription[];
  readonly blocks?: readonly BlockDescription[];
  /** Mounted at, and from: a block device of `blocks`, or `type source` on no single device. */
  readonly mounts?: Readonly<Record<string, string>>;
  /** Swap devices by their path. */
  readonly swaps?: readonly string[];
  /** Block devices that the back end serves to guests. */
  readonly served?: readonly string[];
  readonly nics?: readonly NicDescription[];
  /** Interface and what it has. */
  readonly routes?: readonly (readonly [string, 'default' | 'net' | 'default6' | 'net6' | 'address6' | 'link6'])[];
  /** Serial consoles of the kernel, with their PCI device if they have one. */
  readonly consoles?: Readonly<Record<string, string | undefined>>;
  readonly frameBuffers?: Readonly<Record<string, string>>;
  /** Drivers that are loaded and have no device. */
  readonly drivers?: readonly string[];
  /** Further files, by path. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface PciDescription {
  readonly at: string;
  /** The bridge that it is behind. */
  readonly behind?: string;
  /** `8086:10d3`, and with the subsystem `8086:10d3 8086:a01f`. */
  readonly ids: string;
  readonly class: string;
  readonly driver?: string;
  readonly group?: number;
  readonly numa?: number;
  readonly irq?: number;
  readonly resource?: readonly string[];
  readonly bootVga?: boolean;
  /** SR-IOV functions; described by themselves too. */
  readonly functions?: readonly string[];
  readonly canReset?: boolean;
  /** Bridges: PCI Express if nothing is said. */
  readonly legacy?: boolean;
}

export interface BlockDescription {
  readonly name: string;
  readonly number: string;
  /** PCI device that it hangs on; else it is virtual. */
  readonly on?: string;
  /** Between the PCI device and `block`, e.g. `ata1/host0/target0:0:0/0:0:0:0`. */
  readonly through?: string;
  /** `sda1 8:1`. */
  readonly parts?: readonly string[];
  readonly slaves?: readonly string[];
  /** uuid and name of the device mapper. */
  readonly dm?: readonly [string, string];
  /** PCI devices of an NVMe disk with several ways. */
  readonly ways?: readonly string[];
}

export interface NicDescription {
  readonly name: string;
  readonly on?: string;
  readonly through?: string;
  readonly uppers?: readonly string[];
  readonly kind?: string;
}

/** A tree in a folder of its own. */
export interface SysfsTree {
  readonly root: string;
  remove(): Promise<void>;
}

class Writer {
  readonly root: string;
  constructor(root: string) {
    this.root = root;
  }
  async file(path: string, content: string): Promise<void> {
    await mkdir(dirname(join(this.root, path)), { recursive: true });
    await writeFile(join(this.root, path), content, 'latin1');
  }
  async folder(path: string): Promise<void> {
    await mkdir(join(this.root, path), { recursive: true });
  }
  /** A link as the kernel makes it: relative. */
  async link(path: string, target: string): Promise<void> {
    await mkdir(dirname(join(this.root, path)), { recursive: true });
    await symlink(relative(dirname(path), target), join(this.root, path));
  }
}

/** Configuration of a bridge: capabilities at 40, and there PCI Express of the given port type, or power management. */
export function bridgeConfig(legacy: boolean): string {
  const bytes = new Uint8Array(256);
  bytes[0x06] = 0x10;
  bytes[0x34] = 0x40;
  // Power management first, as most have it.
  bytes.set([0x01, 0x60], 0x40);
  bytes.set([0x10, 0x00, legacy ? 0x72 : 0x42, 0x00], 0x60);
  return Buffer.from(bytes).toString('latin1');
}

/** Canonical path of a PCI device. */
function devicePath(host: HostDescription, at: string): string {
  const behind = host.pci?.find((one) => one.at === at)?.behind;
  return behind === undefined ? `sys/devices/pci${at.slice(0, 7)}/${at}` : `${devicePath(host, behind)}/${at}`;
}

async function writePci(write: Writer, host: HostDescription, device: PciDescription): Promise<void> {
  const path = devicePath(host, device.at);
  const [main = '', subsystem = '0000:0000'] = device.ids.split(' ');
  const attributes: Record<string, string> = {
    vendor: `0x${main.slice(0, 4)}\n`,
    device: `0x${main.slice(5)}\n`,
    subsystem_vendor: `0x${subsystem.slice(0, 4)}\n`,
    subsystem_device: `0x${subsystem.slice(5)}\n`,
    class: `0x${device.class}\n`,
    numa_node: `${device.numa ?? -1}\n`,
    irq: `${device.irq ?? 0}\n`,
    driver_override: '(null)\n',
    resource: `${(device.resource ?? []).join('\n')}\n`,
    ...(device.class.startsWith('03') ? { boot_vga: device.bootVga === true ? '1\n' : '0\n' } : {}),
    ...(device.canReset === false || device.class.startsWith('06') ? {} : { reset: '' }),
    ...(device.class.startsWith('06') ? { config: bridgeConfig(device.legacy === true) } : {}),
  };
  for (const [name, content] of Object.entries(attributes)) await write.file(`${path}/${name}`, content);
  await write.link(`sys/bus/pci/devices/${device.at}`, path);
  if (device.driver !== undefined) {
    await write.link(`${path}/driver`, `sys/bus/pci/drivers/${device.driver}`);
    await write.link(`sys/bus/pci/drivers/${device.driver}/${device.at}`, path);
  }
  if (device.group !== undefined) {
    await write.folder(`sys/kernel/iommu_groups/${device.group}`);
    await write.link(`${path}/iommu_group`, `sys/kernel/iommu_groups/${device.group}`);
  }
  for (const [index, fn] of (device.functions ?? []).entries()) {
    await write.link(`${path}/virtfn${index}`, devicePath(host, fn));
    await write.link(`${devicePath(host, fn)}/physfn`, path);
  }
}

async function writeBlock(write: Writer, host: HostDescription, block: BlockDescription): Promise<void> {
  const { name, number, on, through, parts = [], slaves = [], dm, ways } = block;
  let path = `sys/devices/virtual/block/${name}`;
  if (on !== undefined) {
    path = `${devicePath(host, on)}${through === undefined ? '' : `/${through}`}/block/${name}`;
  } else if (ways !== undefined) {
    const subsystem = 'sys/devices/virtual/nvme-subsystem/nvme-subsys0';
    path = `${subsystem}/${name}`;
    for (const [index, way] of ways.entries()) {
      await write.folder(`${devicePath(host, way)}/nvme/nvme${index}`);
      await write.link(`${subsystem}/nvme${index}`, `${devicePath(host, way)}/nvme/nvme${index}`);
    }
  }
  await write.file(`${path}/dev`, `${number}\n`);
  await write.link(`sys/class/block/${name}`, path);
  await write.folder(`${path}/slaves`);
  for (const slave of slaves) await write.file(`${path}/slaves/${slave}`, '');
  if (dm !== undefined) {
    await write.file(`${path}/dm/uuid`, `${dm[0]}\n`);
    await write.file(`${path}/dm/name`, `${dm[1]}\n`);
  }
  for (const part of parts) {
    const [partName = '', partNumber = ''] = part.split(' ');
    await write.file(`${path}/${partName}/dev`, `${partNumber}\n`);
    await write.link(`sys/class/block/${partName}`, `${path}/${partName}`);
  }
}

/** `major:minor` of a block device or partition. */
function numberOf(host: HostDescription, name: string): string | undefined {
  for (const block of host.blocks ?? []) {
    if (block.name === name) return block.number;
    for (const part of block.parts ?? []) if (part.split(' ')[0] === name) return part.split(' ')[1];
  }
  return undefined;
}

async function writeTables(write: Writer, host: HostDescription): Promise<void> {
  const mounts = Object.entries(host.mounts ?? {}).map(([point, from], index) => {
    const escaped = point.replaceAll(' ', '\\040');
    const number = numberOf(host, from);
    const [type = '', source = ''] = number === undefined ? from.split(' ') : ['ext4', `/dev/${from}`];
    return `${30 + index} 1 ${number ?? `0:${index + 40}`} / ${escaped} rw,relatime shared:1 - ${type} ${source} rw\n`;
  });
  await write.file('proc/1/mountinfo', `22 1 0:21 / /proc rw - proc proc rw\n${mounts.join('')}`);
  const swaps = (host.swaps ?? []).map((path) => `${path}                partition\t8388604\t0\t-2\n`);
  await write.file('proc/swaps', `Filename\t\t\t\tType\t\tSize\tUsed\tPriority\n${swaps.join('')}`);
  for (const [index, name] of (host.served ?? []).entries()) {
    const [major = '0', minor = '0'] = (numberOf(host, name) ?? '').split(':');
    const hex = `${Number(major).toString(16)}:${Number(minor).toString(16)}`;
    await write.file(`sys/bus/xen-backend/devices/vbd-${index + 1}-51712/physical_device`, `${hex}\n`);
  }
  const routes = ['Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT'];
  const six: string[] = [];
  const own: string[] = [];
  for (const [name, what] of host.routes ?? []) {
    if (what === 'default') routes.push(`${name}\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0`);
    if (what === 'net') routes.push(`${name}\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0`);
    const zero = '0'.repeat(32);
    if (what === 'default6') six.push(`${zero} 00 ${zero} 00 ${zero} 00000400 00000001 00000000 00000003 ${name}`);
    if (what === 'net6') {
      six.push(`fd00${zero.slice(4)} 40 ${zero} 00 ${zero} 00000100 00000001 00000000 00000001 ${name}`);
    }
    if (what === 'link6')
      six.push(`fe80${zero.slice(4)} 40 ${zero} 00 ${zero} 00000100 00000001 00000000 00000001 ${name}`);
    if (what === 'link6') own.push(`fe80${zero.slice(5)}1 02 40 20 80     ${name}`);
    if (what === 'address6') own.push(`fd00${zero.slice(5)}1 02 40 00 80     ${name}`);
  }
  await write.file('proc/1/net/route', `${routes.join('\n')}\n`);
  await write.file('proc/1/net/ipv6_route', six.map((line) => `${line}\n`).join(''));
  await write.file('proc/1/net/if_inet6', own.map((line) => `${line}\n`).join(''));
}

async function writeNic(write: Writer, host: HostDescription, nic: NicDescription): Promise<void> {
  const { name, on, through, uppers = [], kind } = nic;
  const path =
    on === undefined
      ? `sys/devices/virtual/net/${name}`
      : `${devicePath(host, on)}${through === undefined ? '' : `/${through}`}/net/${name}`;
  await write.file(`${path}/uevent`, `${kind === undefined ? '' : `DEVTYPE=${kind}\n`}INTERFACE=${name}\nIFINDEX=2\n`);
  await write.link(`sys/class/net/${name}`, path);
  for (const upper of uppers) await write.link(`${path}/upper_${upper}`, `sys/devices/virtual/net/${upper}`);
}

/** Makes the files of a host in a new folder. */
export async function sysfsTree(host: HostDescription): Promise<SysfsTree> {
  const root = await mkdtemp(join(tmpdir(), 'sdsys-'));
  const write = new Writer(root);
  for (const folder of ['sys/bus/pci/devices', 'sys/bus/pci/drivers', 'sys/class/block', 'sys/class/net']) {
    await write.folder(folder);
  }
  for (const device of host.pci ?? []) await writePci(write, host, device);
  for (const block of host.blocks ?? []) await writeBlock(write, host, block);
  for (const nic of host.nics ?? []) await writeNic(write, host, nic);
  await writeTables(write, host);
  await write.file('sys/class/tty/console/active', `${['tty0', ...Object.keys(host.consoles ?? {})].join(' ')}\n`);
  for (const [name, on] of Object.entries(host.consoles ?? {})) {
    const parent = on === undefined ? 'sys/devices/platform/serial8250' : devicePath(host, on);
    await write.folder(`${parent}/tty/${name}`);
    await write.link(`sys/class/tty/${name}`, `${parent}/tty/${name}`);
  }
  for (const [name, on] of Object.entries(host.frameBuffers ?? {})) {
    await write.folder(`${devicePath(host, on)}/graphics/${name}`);
    await write.link(`sys/class/graphics/${name}`, `${devicePath(host, on)}/graphics/${name}`);
  }
  for (const driver of host.drivers ?? []) await write.folder(`sys/bus/pci/drivers/${driver}`);
  for (const [path, content] of Object.entries(host.files ?? {})) await write.file(path, content);
  return { root, remove: async () => rm(root, { recursive: true, force: true }) };
}
