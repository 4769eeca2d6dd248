import type { Step } from '../../domain/step.ts';
import { carryOut, send } from './command.ts';
import type { ActContext } from './context.ts';
import { adoptDomain } from './adopt-domain.ts';
import { claim, dropBackend, enlist, grant, ready } from './attach.ts';
import { abandonRemoval, closeLast, rearm, release, revoke } from './device.ts';
import { tellForced } from './tell-forced.ts';
import { createGuest, endGuest, startGuest } from './guest.ts';
import { canRestore } from './restore-file.ts';
import { changeRunState } from './run-state.ts';
import { checkSaved, notePauseOver } from './saved-state.ts';
import { build, forget, intend, rewire, start, sweep } from './stub-domain.ts';
import { handOver, takeOver } from './take-over.ts';
import { teardown } from './teardown.ts';

/** Carries out a step on the host. Those on the API server are the reconciler's own. */
export async function perform(
  step: Exclude<Step, { do: 'addFinalizer' | 'removeFinalizer' }>,
  context: ActContext,
): Promise<void> {
  switch (step.do) {
    case 'intend':
      return (await canRestore(context)) ? intend(context) : undefined;
    case 'build':
      return build(context);
    case 'start':
      return start(context);
    case 'createGuest':
      return createGuest(context);
    case 'startGuest':
      return startGuest(context);
    case 'endGuest':
      return endGuest(context);
    case 'adoptDomain':
      return adoptDomain(context);
    case 'rewire':
      return rewire(context, step.paths);
    case 'teardown':
      return teardown(context, step.because);
    case 'takeOver':
      return takeOver(context);
    case 'handOver':
      return handOver(context, step.uid, step.address);
    case 'sweep':
      return sweep(context);
    case 'forget':
      return forget(context);
    case 'send':
      return step.command === 'save' || step.command === 'continue'
        ? changeRunState(context, step)
        : send(context, step);
    case 'checkSaved':
      return checkSaved(context, step.by);
    case 'pauseOver':
      return notePauseOver(context, step.by);
    case 'conclude':
    case 'withdraw':
    case 'adopt':
    case 'repair':
    case 'noteListing':
      return carryOut(context, step);
    case 'abandonRemoval':
      return abandonRemoval(context, step.address, step.forced);
    case 'claim':
      return claim(context, step.devices);
    case 'ready':
      return ready(context, step.uid, step.address);
    case 'dropBackend':
      return dropBackend(context);
    case 'enlist':
      return enlist(context, step.devices);
    case 'grant':
      return grant(context, step.address);
    case 'rearm':
      return rearm(context, step.address);
    case 'revoke':
      return revoke(context, step.address);
    case 'closeBackend':
      return closeLast(context, step.address);
    case 'release':
      await release(context, step.address, step.quarantine);
      if (step.forced !== undefined) tellForced(context, step.address, step.forced);
      return;
  }
}
