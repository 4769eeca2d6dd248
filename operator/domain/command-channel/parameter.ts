/** How a device is passed through, as the device model and pciback need it. */
export interface PciOptions {
  readonly msiTranslate: boolean;
  readonly powerManagement: boolean;
  readonly permissive: boolean;
  readonly rdmPolicy: 'strict' | 'relaxed';
}

/**
 * The parameter of pci-ins: `BDF[@VV],msitranslate=D,power_mgmt=D`. `VV` is slot and function in the guest, in hexadecimal;
 * without it the device model takes function 0 of its first free slot. `permissive` is never sent: the device model takes `permissive=0` for yes (pass-through.c, XSA-131).
 */
export function insertParameter(address: string, vdevfn: number | undefined, options: PciOptions): string {
  const slot = vdevfn === undefined ? '' : `@${vdevfn.toString(16).padStart(2, '0')}`;
  const flag = (on: boolean): string => (on ? '1' : '0');
  return `${address}${slot},msitranslate=${flag(options.msiTranslate)},power_mgmt=${flag(options.powerManagement)}`;
}

/** Slot and function that the parameter of a pci-ins asks for, if it does. */
export function requestedVdevfn(parameter: string): number | undefined {
  const [, digits] = /^[^,]*@([0-9a-f]{2}),/.exec(parameter) ?? [];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

/** The parameter of pci-rem: the bare BDF. */
export function removeParameter(address: string): string {
  return address;
}

/** `opts-N` of the PV back end (libxl_pci.c). */
export function backendOptions(options: PciOptions): string {
  const flag = (on: boolean): string => (on ? '1' : '0');
  return [
    `msitranslate=${flag(options.msiTranslate)}`,
    `power_mgmt=${flag(options.powerManagement)}`,
    `permissive=${flag(options.permissive)}`,
    `rdm_policy=${options.rdmPolicy}`,
  ].join(',');
}
