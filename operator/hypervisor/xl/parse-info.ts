import { HypervisorError } from '../hypervisor.ts';

/** What is taken of `xl info`. */
export interface XenInfo {
  /** As `4.17.7`. */
  readonly xenVersion: string;
  readonly totalMiB: number;
  readonly freeMiB: number;
  /** Whether HVM guests can run. */
  readonly hvm: boolean;
  /** Whether the IOMMU is on for HVM guests. */
  readonly directIo: boolean;
}

/** Parses what `xl info` prints, `name : value` by line. Throws `Failed` if what is needed of it is missing or strange. */
export function parseInfo(text: string): XenInfo {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, name, value] = /^([a-z_]{1,40}) *: ?(.{0,4096})$/.exec(line) ?? [];
    if (name !== undefined && value !== undefined && !values.has(name)) values.set(name, value.trim());
  }
  const xenVersion = values.get('xen_version') ?? '';
  const abilities = values.get('virt_caps');
  if (!/^\d{1,3}\.\d{1,3}[\w.+~-]{0,32}$/.test(xenVersion) || abilities === undefined) throw noInfo();
  const words = abilities.split(/ +/);
  return {
    xenVersion,
    totalMiB: memory(values.get('total_memory')),
    freeMiB: memory(values.get('free_memory')),
    hvm: words.includes('hvm'),
    directIo: words.includes('hvm_directio'),
  };
}

function memory(text: string | undefined): number {
  if (text === undefined || !/^\d{1,12}$/.test(text)) throw noInfo();
  return Number(text);
}

function noInfo(): HypervisorError {
  return new HypervisorError(
    'Failed',
    'What xl info printed does not tell the version, the memory and the abilities of this Xen. Run it by hand; a newer xl needs a newer agent.',
  );
}
