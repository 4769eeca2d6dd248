import type { Conclusion } from '../../domain/command-channel/channel.ts';
import type { ChannelCommit } from '../../domain/command-channel/machine.ts';
import type { CommandName, InflightNote } from '../../domain/notes.ts';
import { formatVdevfn } from '../../domain/untrusted.ts';
import type { Happening } from './context.ts';

type About = Pick<InflightNote, 'command' | 'address' | 'owner'>;

function ended({ command, address = '', owner: uid }: About, conclusion: Conclusion, late: boolean): Happening {
  const after = late ? ', long after it was given up' : '';
  if (conclusion.outcome !== 'Applied') {
    const subject = `${command}${address === '' ? '' : ` of ${address}`}`;
    const message = `${subject} ended with outcome ${conclusion.outcome}: ${conclusion.reason}${after}`;
    return { uid, type: 'Warning', reason: conclusion.reason, message };
  }
  const at = conclusion.vdevfn === undefined ? '' : ` at ${formatVdevfn(conclusion.vdevfn)}`;
  const messages: Readonly<Record<CommandName, readonly [string, string]>> = {
    'pci-ins': ['Inserted', `Inserted ${address} into the guest${at}${after}`],
    'pci-rem': ['Removed', `The guest let ${address} go`],
    save: ['Paused', 'The device model saved its state and paused'],
    continue: ['Resumed', 'The device model goes on'],
  };
  const [reason, message] = messages[command];
  return { uid, type: 'Normal', reason, message };
}

type Told = Exclude<ChannelCommit, { do: 'submit' | 'noteListing' }>;

/** What people are told of a change in the command channel. `object`: UID of the StubDomain. */
export function commandHappening(effect: Told, object: string): Happening {
  switch (effect.do) {
    case 'conclude':
      return ended(effect.note, effect.conclusion, false);
    case 'adopt':
      return ended(effect.last, effect.conclusion, true);
    case 'withdraw':
      return {
        uid: effect.note.owner,
        type: 'Warning',
        reason: 'NotDelivered',
        message: `The device model did not take ${effect.note.command} in time; it was withdrawn`,
      };
    case 'repair':
      return {
        uid: object,
        type: 'Warning',
        reason: 'StaleStateCleared',
        message: 'An old reply stood in the command channel; it was cleared',
      };
  }
}
