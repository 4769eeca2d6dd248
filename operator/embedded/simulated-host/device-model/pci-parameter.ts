/** What a pci-ins or pci-rem names (stubdom-protocol §4.4, steps 1 and 2). */
export interface PciParameter {
  /** `bb:dd.f`. The segment is parsed and then ignored, as the device model does. */
  readonly device: string;
  /** The wished device and function number; absent means the first free slot. */
  readonly vdevfn?: number;
  readonly options: PciOptions;
}

export interface PciOptions {
  readonly msiTranslate: boolean;
  readonly powerManagement: boolean;
  readonly permissive: boolean;
}

const bdf = /^(?:[0-9a-f]{1,4}:)?([0-9a-f]{1,2}):([0-9a-f]{1,2})\.([0-7])(?:@([0-9a-f]{1,3}))?$/i;

/** Parses `[SSSS:]BB:DD.F[@VV][,option=value…]`; undefined if the device cannot be read. */
export function parsePciParameter(text: string): PciParameter | undefined {
  const [address = '', ...words] = text.split(',');
  const match = bdf.exec(address);
  if (match === null) return undefined;
  const [, bus = '', slot = '', fn = '', wish] = match;
  const slotNumber = Number.parseInt(slot, 16);
  if (slotNumber > 0x1f) return undefined;
  const device = `${bus.toLowerCase().padStart(2, '0')}:${slotNumber.toString(16).padStart(2, '0')}.${fn}`;
  const options = parseOptions(words);
  return wish === undefined ? { device, options } : { device, vdevfn: Number.parseInt(wish, 16), options };
}

function parseOptions(words: readonly string[]): PciOptions {
  let options: PciOptions = { msiTranslate: false, powerManagement: false, permissive: false };
  for (const word of words) {
    const equals = word.indexOf('=');
    // A bare word ends option parsing; the insert goes on with what was understood so far.
    if (equals < 0) break;
    const value = word.slice(equals + 1);
    const on = value === '1' || value === 'yes';
    switch (word.slice(0, equals)) {
      case 'msitranslate':
        options = { ...options, msiTranslate: on };
        break;
      case 'power_mgmt':
        options = { ...options, powerManagement: value === '1' };
        break;
      case 'permissive':
        // Whatever the value: also permissive=0 enables it.
        options = { ...options, permissive: true };
        break;
      default:
        break;
    }
  }
  return options;
}

/** `bb:dd.f` of a full BDF, for comparing with what the device model keeps. */
export function withoutSegment(address: string): string {
  const parts = address.split(':');
  return parts.slice(-2).join(':').toLowerCase();
}
