import { xenstoreBdf } from './pci/bdf.ts';

/** Where things are in XenStore. `S` is the stub domain's domid, `T` its target's. */

export const domainPath = (domid: number): string => `/local/domain/${domid}`;
export const vmPath = (uuid: string): string => `/vm/${uuid}`;
export const libxlPath = (domid: number): string => `/libxl/${domid}`;

/** The command channel's directory, since Xen 4.6 below the stub domain (libxl_internal.h). */
export const deviceModelPath = (stub: number, target: number): string => `/local/domain/${stub}/device-model/${target}`;

export type BackendKind = 'vbd' | 'vif' | 'vfb' | 'vkbd' | 'console' | 'pci';
export const backendPath = (kind: BackendKind, stub: number, device: number): string =>
  `/local/domain/0/backend/${kind}/${stub}/${device}`;
export const frontendPath = (kind: BackendKind, stub: number, device: number): string =>
  kind === 'console' && device === 0
    ? `/local/domain/${stub}/console`
    : `/local/domain/${stub}/device/${kind}/${device}`;

/** Who has a PCI device, across all toolstacks of the host (libxl_pci.c). */
export const pciClaimPath = (address: string): string => `/libxl/pci/${xenstoreBdf(address)}/domid`;

/** Which driver of dom0 a device was taken from, for `xl pci-assignable-remove -r` (libxl_pci.c). */
export const pciDriverPath = (address: string): string => `/libxl/pci/${xenstoreBdf(address)}/driver_path`;

/** Our own notes about the stub domain of a guest: for dom0 alone. They outlive the agent. */
export const notesPath = (targetUuid: string): string => `/tool/stubdom/${targetUuid}`;
export const stubNotePath = (targetUuid: string): string => `${notesPath(targetUuid)}/stub`;
export const guestNotePath = (targetUuid: string): string => `${notesPath(targetUuid)}/guest`;
export const inflightPath = (targetUuid: string): string => `${notesPath(targetUuid)}/inflight`;
export const enumeratedPath = (targetUuid: string): string => `${notesPath(targetUuid)}/enumerated`;
export const savedPath = (targetUuid: string): string => `${notesPath(targetUuid)}/saved`;
export const lastCommandPath = (targetUuid: string): string => `${notesPath(targetUuid)}/last`;
export const pciNotesPath = (targetUuid: string): string => `${notesPath(targetUuid)}/pci`;
export const pciNotePath = (targetUuid: string, address: string): string =>
  `${pciNotesPath(targetUuid)}/${xenstoreBdf(address)}`;

/** Where the device model saves its state: console 1 leads there (libxl_dm.c). */
export const saveFile = (targetDomid: number): string => `/var/lib/xen/qemu-save.${targetDomid}`;
export const resumeFile = (targetDomid: number): string => `/var/lib/xen/qemu-resume.${targetDomid}`;
