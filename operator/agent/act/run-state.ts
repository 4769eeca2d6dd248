import type { Step } from '../../domain/step.ts';
import { send } from './command.ts';
import { type ActContext, targetOf } from './context.ts';

/**
 * Sends `save` or `continue`, unless a toolstack has suspended the guest: it saves or migrates it, and a device model that
 * went on meanwhile would write to disks that another host may use already. libxl suspends the guest before it has the
 * device model save, and has the device model go on before it resumes the guest (reference §3.5).
 */
export async function changeRunState(context: ActContext, step: Extract<Step, { do: 'send' }>): Promise<void> {
  const { domains, memory, snapshot } = context;
  // No event tells of it.
  await domains.refresh();
  if (domains.error !== undefined) throw domains.error;
  if (domains.byUuid(targetOf(context).uuid)?.suspended !== true) return send(context, step);
  const known = snapshot.memory.attempts.get(step.owner)?.reason === 'GuestSuspended';
  memory.failed(step.owner, 'GuestSuspended', snapshot.now);
  if (known) return;
  context.happened({
    uid: step.owner,
    type: 'Warning',
    reason: 'GuestSuspended',
    message: `Another program saves or migrates the guest; ${step.command} is not sent meanwhile`,
  });
}
