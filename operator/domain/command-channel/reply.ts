import type { Reason } from '../../api/reasons.ts';
import type { CommandName } from '../notes.ts';
import type { DeviceModelWord } from '../untrusted.ts';
import type { ChannelView, Conclusion } from './channel.ts';
import { requestedVdevfn } from './parameter.ts';

/** What the device model answered. `terminal`: the word in `state` that only its acknowledgement clears. */
export interface Reply {
  readonly conclusion: Conclusion;
  readonly terminal?: DeviceModelWord;
  /** It may be half of another reply: `parameter` is written before `state` (piix4acpi.c:716-721). */
  readonly unsettled?: true;
}

type Words = Pick<ChannelView, 'state' | 'parameter'> & Partial<Pick<ChannelView, 'inflight' | 'undecided'>>;

/** Who asked for a place gets that one or none (§4.4, 3): another is the late answer to an earlier insert. */
function isElsewhere({ inflight, undecided }: Words, vdevfn: number): boolean {
  const asked = requestedVdevfn((inflight ?? undecided)?.parameter ?? '');
  return asked !== undefined && asked !== vdevfn;
}

const applied = (reason: Reason, vdevfn?: number): Conclusion =>
  vdevfn === undefined ? { outcome: 'Applied', reason } : { outcome: 'Applied', reason, vdevfn };

/** `state` alone is not enough: with our own request still in `parameter`, `pci-inserted` is stale or forged (§2.5). */
function inserted(words: Words): Reply | undefined {
  const { state, parameter } = words;
  return state === 'pci-inserted' && parameter.kind === 'vdevfn' && !isElsewhere(words, parameter.vdevfn)
    ? { conclusion: applied('Inserted', parameter.vdevfn), terminal: state }
    : undefined;
}

/**
 * The slot alone: `pci-inserted` did not come, or somebody wrote a remembered `running` over it, as libxl does after each
 * command (libxl_pci.c). The model writes the slot only when it has inserted the device.
 */
function insertedAlone({ state, parameter }: Words): Reply | undefined {
  return state === 'running' && parameter.kind === 'vdevfn'
    ? { conclusion: applied('Inserted', parameter.vdevfn), unsettled: true }
    : undefined;
}

/** The real failure: a known sentence in `parameter`, and `state` untouched (qemu-traditional, hw/piix4acpi.c). */
function refused({ state, parameter }: Words): Reply | undefined {
  return state === 'running' && parameter.kind === 'failure'
    ? { conclusion: { outcome: 'NotApplied', reason: parameter.reason } }
    : undefined;
}

function insertReply(words: Words): Reply | undefined {
  const { state, parameter } = words;
  if (state === 'pci-insert-failed') {
    return { conclusion: { outcome: 'NotApplied', reason: 'InsertRefused' }, terminal: state };
  }
  if (state === 'running' && parameter.kind === 'unrecognised') {
    return { conclusion: { outcome: 'NotApplied', reason: 'InsertFailed' }, unsettled: true };
  }
  return inserted(words) ?? refused(words) ?? insertedAlone(words);
}

/** The reply to our command, if it is there. */
export function replyTo(command: CommandName, words: Words): Reply | undefined {
  switch (command) {
    case 'pci-ins':
      return insertReply(words);
    case 'pci-rem':
      return words.state === 'pci-removed' ? { conclusion: applied('Gone'), terminal: words.state } : undefined;
    case 'save':
      return words.state === 'paused' ? { conclusion: applied('Paused') } : undefined;
    case 'continue':
      return words.state === 'running' ? { conclusion: applied('Running') } : undefined;
  }
}

/** The reply to an insert that nobody waits for any more: only what is beyond doubt. */
export function lateReply(words: Words): Reply | undefined {
  return inserted(words) ?? refused(words);
}

/** What a command has come to that was taken and not answered in time. */
export function overdue(command: CommandName): Conclusion {
  switch (command) {
    case 'pci-ins':
      return { outcome: 'Unknown', reason: 'InsertUnknown' };
    case 'pci-rem':
      return { outcome: 'Unknown', reason: 'WaitingForGuest' };
    case 'save':
      return { outcome: 'Unknown', reason: 'PauseFailed' };
    case 'continue':
      return { outcome: 'Unknown', reason: 'ResumeFailed' };
  }
}
