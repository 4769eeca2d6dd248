import type { StubDomainSpec } from '../../api/generated/stub-domain.ts';
import { restoreArguments } from './consoles.ts';
import { nicInterface } from './nics.ts';

function graphicsArguments(graphics: StubDomainSpec['graphics']): string[] {
  if (graphics === undefined) return ['-nographic'];
  const keymap = graphics.keymap === undefined ? [] : ['-k', graphics.keymap];
  return graphics.type === 'VNC' ? ['-vnc', `${graphics.listen}:0`, '-vncunused', ...keymap] : keymap;
}

/**
 * The device model's command line (libxl_dm.c, for qemu-traditional). The disks are not in it: in a stub domain the
 * device model finds them as its PV disks. Each serial is `pty`, which MiniOS turns into its next console.
 */
export function deviceModelArguments(spec: StubDomainSpec, target: { domid: number; name: string }): string[] {
  const nics = (spec.nics ?? []).flatMap((nic, i) => [
    '-net',
    `nic,vlan=${i},macaddr=${nic.mac},model=${nic.model}`,
    '-net',
    `tap,vlan=${i},ifname=${nicInterface(target.domid, i)},bridge=${nic.bridge},script=no,downscript=no`,
  ]);
  return [
    '-d',
    String(target.domid),
    '-domain-name',
    target.name,
    ...graphicsArguments(spec.graphics),
    ...(spec.serials ?? []).flatMap(() => ['-serial', 'pty']),
    ...(nics.length === 0 ? ['-net', 'none'] : nics),
    ...restoreArguments(spec, target.domid),
    ...(spec.deviceModelArgs ?? []),
  ];
}
