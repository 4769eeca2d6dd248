import { type CommandName } from './dispatch.ts';

/** What a device model did, for tests and for people: nobody in the product reads it. Kept after the domain is gone. */
export interface DeviceModelReport {
  readonly domid: number;
  readonly uuid: string;
  readonly targetDomid: number | undefined;
  readonly guest: string | undefined;
  readonly phase: 'starting' | 'running' | 'paused' | 'dead';
  /** Why it died, or why it never came up. */
  readonly failure: string | undefined;
  /** How often each word was picked up. */
  readonly commands: Readonly<Partial<Record<CommandName | 'unknown', number>>>;
  readonly replies: number;
  /** The inserts that were answered with success, in order. */
  readonly inserted: readonly { readonly device: string; readonly devfn: number }[];
  /** What the guest sees on its bus: the truth that a `pci-inserted` only claims. */
  readonly guestDevices: readonly { readonly device: string; readonly devfn: number }[];
  readonly slotsInUse: number;
  readonly saves: readonly SavedFile[];
  readonly restoredFrom: string | undefined;
}

/** A save file that was written: where the toolstack wanted it (a path in dom0), and when. */
export interface SavedFile {
  readonly path: string;
  readonly bytes: number;
  /** Wall clock, milliseconds. */
  readonly time: number;
}
