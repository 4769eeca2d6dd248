import type { XenLab } from '../support/xen-lab.ts';

/** The guest of the scenarios, which `xl` makes with a stub domain. */
export const guestName = 'hvm1';
export const guestUuid = '0f9b6e0a-5c1e-4a57-9d7e-3f1c2b7a8d01';
/** Devices of the lab that can be given to guests. */
export const [firstDevice, secondDevice] = ['0000:00:10.0', '0000:00:11.0'] as const;

/** Of the guest and of its stub domain. */
export interface Domids {
  readonly guest: number;
  readonly stub: number;
}

/** What the device model was told, by the lines that it writes for each command that it takes. */
export type Consumed = Readonly<Record<string, number>>;

const console = `/var/log/xen/qemu-dm-${guestName}.log`;

/** `xl create`: libxl makes guest and stub domain, and waits until the device model says `running`. */
export async function createGuest(lab: XenLab): Promise<Domids> {
  await lab.run(`xl create -q -p /lab/hvmpt.cfg 'uuid="${guestUuid}"'`, 240);
  return domids(lab);
}

export async function domids(lab: XenLab): Promise<Domids> {
  const [guest, stub] = (await lab.run(`xl domid ${guestName} && xl domid ${guestName}-dm`)).trim().split('\n');
  return { guest: Number(guest), stub: Number(stub) };
}

/** Commands that the device model consumed, in all its lives: libxl gives each a console log of its own, or appends. */
export async function consumed(lab: XenLab): Promise<Consumed> {
  const text = await lab.run(`cat ${console} ${console}.* 2>/dev/null || true`);
  const counts: Record<string, number> = {};
  for (const [, command = ''] of text.matchAll(/STUBDM \[[\d.]+\] command '([^']*)'/g)) {
    counts[command] = (counts[command] ?? 0) + 1;
  }
  return counts;
}

/** Has the fake device model misbehave from its next command on; without words, behave again. */
export async function misbehave(lab: XenLab, stub: number, quirks: string): Promise<void> {
  const node = `/local/domain/${String(stub)}/stubdm`;
  await lab.run(quirks === '' ? `xenstore-rm ${node}` : `xenstore-write ${node} '${quirks}'`);
}

/** The state of the device model, as XenStore has it. */
export async function modelState(lab: XenLab, { stub, guest }: Domids): Promise<string> {
  return (await lab.run(`xenstore-read /local/domain/${String(stub)}/device-model/${String(guest)}/state`)).trim();
}

/** Devices that `xl` says the domain has. */
export async function pciList(lab: XenLab, domain: string): Promise<string[]> {
  return (await lab.run(`xl pci-list ${domain}`)).match(/[\da-f]{4}:[\da-f]{2}:[\da-f]{2}\.\d/g) ?? [];
}

/** Devices that `xl` would give to a guest. */
export async function assignable(lab: XenLab): Promise<string[]> {
  return (await lab.run('xl pci-assignable-list')).match(/[\da-f]{4}:[\da-f]{2}:[\da-f]{2}\.\d/g) ?? [];
}

/** The driver of dom0 that has the device; empty if none. */
export async function driverOf(lab: XenLab, device: string): Promise<string> {
  return (await lab.run(`basename "$(readlink /sys/bus/pci/devices/${device}/driver)"`)).trim();
}
