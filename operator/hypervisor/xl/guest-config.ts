import type { GuestRequest } from '../hypervisor.ts';
import { configNumber, configString, configWord } from './config-value.ts';

const patterns = {
  uuid: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  name: /^[A-Za-z0-9][A-Za-z0-9_.+-]{0,63}$/,
  path: /^\/[A-Za-z0-9._/+-]+$/,
  // What comes after target= is the path up to its end, commas included; none is let in all the same.
  disk: /^\/[A-Za-z0-9._/:+@-]+$/,
  argument: /^[!#-&(-~]{1,512}$/,
  boot: /^[cdn]{1,3}$/,
  mac: /^[0-9a-f][02468ace](?::[0-9a-f]{2}){5}$/,
  bridge: /^[A-Za-z0-9._-]{1,15}$/,
  model: /^[a-z0-9_-]{1,32}$/,
  listen: /^[0-9a-f:.]{2,45}$/,
  keymap: /^[a-z]{2}(?:-[a-z]{2})?$/,
  serial: /^(?:pty|null|(?:file|pipe):\/[A-Za-z0-9._/+-]+)$/,
} as const;

const maxMiB = 16_777_216;
const maxVcpus = 512;
/** xvda to xvdz. */
const maxDisks = 26;

type Disk = GuestRequest['disks'][number];
type Nic = GuestRequest['nics'][number];

/** Name of the disk at that place, as the plan for stub domains of our own has it. */
function diskName(index: number): string {
  return `xvd${String.fromCharCode(97 + index)}`;
}

function diskText(disk: Disk, index: number): string {
  const access = configWord(disk.access, ['ReadWrite', 'ReadOnly'], 'disk access');
  const parts = [
    'format=raw',
    `vdev=${diskName(index)}`,
    ...(configWord(disk.device, ['Disk', 'CDROM'], 'disk device') === 'CDROM' ? ['devtype=cdrom'] : []),
    `access=${access === 'ReadOnly' || disk.device === 'CDROM' ? 'ro' : 'rw'}`,
    ...(configWord(disk.backend, ['Block', 'File'], 'disk backend') === 'Block' ? ['backendtype=phy'] : []),
  ];
  // The path is judged by itself: it ends the specification.
  const path = configString(disk.source, patterns.disk, 'disk path').slice(1, -1);
  return `"${parts.join(',')},target=${path}"`;
}

function nicText({ mac, bridge, model }: Nic): string {
  const parts = [
    `mac=${configString(mac, patterns.mac, 'MAC address').slice(1, -1)}`,
    `bridge=${configString(bridge, patterns.bridge, 'bridge').slice(1, -1)}`,
    `model=${configString(model, patterns.model, 'network card').slice(1, -1)}`,
  ];
  return `"type=ioemu,${parts.join(',')}"`;
}

function graphicsLines(graphics: GuestRequest['graphics']): string[] {
  if (graphics === undefined) return ['vnc=0', 'sdl=0', 'spice=0'];
  const isVnc = configWord(graphics.type, ['VNC', 'SDL'], 'kind of graphics') === 'VNC';
  return [
    `vnc=${isVnc ? 1 : 0}`,
    `sdl=${isVnc ? 0 : 1}`,
    'spice=0',
    ...(isVnc ? [`vnclisten=${configString(graphics.listen, patterns.listen, 'graphics address')}`] : []),
    ...(graphics.keymap === undefined ? [] : [`keymap=${configString(graphics.keymap, patterns.keymap, 'keymap')}`]),
  ];
}

const list = (items: readonly string[]): string => `[${items.join(', ')}]`;

/**
 * The xl configuration of a guest with a stub domain of the traditional device model. Pure; each value is checked against
 * what the API allows once more. Every setting that the request decides is there, also when it is empty, so that none of a
 * defaults file is left standing: of two settings of a name xl takes the later. Throws `InvalidArgument`.
 */
export function guestConfig(request: GuestRequest): string {
  const { disks, nics, serials, deviceModelArgs } = request;
  const memory = configNumber(request.memoryMiB, 1, maxMiB, 'memory');
  configNumber(disks.length, 0, maxDisks, 'number of disks');
  const lines = [
    'type="hvm"',
    `name=${configString(request.name, patterns.name, 'name')}`,
    `uuid=${configString(request.uuid, patterns.uuid, 'uuid')}`,
    `memory=${memory}`,
    `maxmem=${memory}`,
    `vcpus=${configNumber(request.vcpus, 1, maxVcpus, 'number of processors')}`,
    `maxvcpus=${request.vcpus}`,
    // One program starts the guest again: not xl's monitor and the agent both.
    ...['poweroff', 'reboot', 'crash', 'watchdog', 'soft_reset'].map((end) => `on_${end}="destroy"`),
    `boot=${configString(request.bootOrder, patterns.boot, 'boot order')}`,
    `passthrough="${request.passthrough ? 'enabled' : 'disabled'}"`,
    'device_model_version="qemu-xen-traditional"',
    'device_model_stubdomain_override=1',
    ...(request.stubMemoryMiB === undefined
      ? []
      : [`stubdomain_memory=${configNumber(request.stubMemoryMiB, 1, maxMiB, 'stub domain memory')}`]),
    ...(request.stubKernel === undefined
      ? []
      : [`stubdomain_kernel=${configString(request.stubKernel, patterns.path, 'stub domain kernel')}`]),
    `device_model_args_hvm=${list(deviceModelArgs.map((arg) => configString(arg, patterns.argument, 'device model argument')))}`,
    `disk=${list(disks.map(diskText))}`,
    `vif=${list(nics.map(nicText))}`,
    ...graphicsLines(request.graphics),
    `serial=${list(serials.map((serial) => configString(serial, patterns.serial, 'serial port')))}`,
  ];
  return `${lines.join('\n')}\n`;
}
