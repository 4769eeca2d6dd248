import type { Conclusion } from '../../domain/command-channel/channel.ts';
import { lookAtChannel } from '../../domain/command-channel/look.ts';
import { type ChannelCommit, step as stepChannel } from '../../domain/command-channel/machine.ts';
import { type ChannelFacts, channelTransaction } from '../../domain/command-channel/transactions.ts';
import type { InflightNote } from '../../domain/notes.ts';
import type { Step } from '../../domain/step.ts';
import { HypervisorError } from '../../hypervisor/hypervisor.ts';
import { type ActContext, StaleSnapshotError, pinOf, randomUuid, stubOf, targetOf } from './context.ts';
import { commandHappening } from './command-happening.ts';
import { grantTo, ownerOf } from './grant-options.ts';

type Ended = Extract<ChannelCommit, { do: 'conclude' | 'adopt' }>;

/** Sends a command, if the channel takes it. A crash leaves all of it or nothing. */
export async function send(context: ActContext, step: Extract<Step, { do: 'send' }>): Promise<void> {
  const { clock, snapshot } = context;
  const { command, parameter, owner, address } = step;
  const note: InflightNote = {
    id: randomUuid(context.random),
    command,
    parameter,
    owner,
    target: pinOf(targetOf(context)),
    stub: pinOf(stubOf(context)),
    sentAt: clock.now(),
    ...(address === undefined ? {} : { address }),
  };
  const channel = lookAtChannel(snapshot)?.state;
  const request = { kind: 'request', note, now: snapshot.now } as const;
  const effect = channel === undefined ? undefined : stepChannel(channel, request).effects[0];
  if (effect?.do !== 'submit') throw new StaleSnapshotError('the channel is not free');
  await carryOut(context, effect);
}

/** Carries out what the channel asks for, remembers it, and tells of it. */
export async function carryOut(context: ActContext, effect: ChannelCommit): Promise<void> {
  const { memory, snapshot } = context;
  const granted = effect.do === 'conclude' && (await grantInserted(context, effect));
  await context.commit(channelTransaction(effect, factsOf(context, effect, granted)));
  memory.committed(effect, snapshot.now);
  switch (effect.do) {
    case 'submit':
    case 'noteListing':
      return;
    case 'withdraw':
      memory.failed(effect.note.owner, 'NotDelivered', snapshot.now);
      break;
    case 'conclude':
      settle(context, effect.note.owner, effect.conclusion);
      break;
    case 'adopt':
      settle(context, effect.last.owner, effect.conclusion);
      context.metrics?.late(effect.last.command);
      break;
    case 'repair':
      context.metrics?.repaired();
  }
  context.happened(commandHappening(effect, snapshot.object?.metadata.uid ?? ''));
}

function settle({ memory, snapshot }: ActContext, owner: string, { outcome, reason }: Conclusion): void {
  if (outcome === 'Applied') memory.succeeded(owner);
  else memory.failed(owner, reason, snapshot.now);
}

/**
 * The guest's grants, before the insert is acknowledged: between the insert and the grants the guest's accesses fault
 * (reference §12.6). Where they are refused the device is in the guest all the same, and they are tried again.
 */
async function grantInserted(context: ActContext, { note, conclusion }: Ended & { note: InflightNote }) {
  if (note.command !== 'pci-ins' || conclusion.outcome !== 'Applied' || note.address === undefined) return false;
  try {
    await context.hypervisor.grant(note.address, note.target, grantTo('guest', ownerOf(context, note)));
    return true;
  } catch (error) {
    if (error instanceof HypervisorError) return false;
    throw error;
  }
}

function pinsOf(context: ActContext, effect: ChannelCommit): Pick<ChannelFacts, 'stub' | 'target'> {
  if ('note' in effect) return effect.note;
  return { stub: pinOf(stubOf(context)), target: pinOf(targetOf(context)) };
}

function factsOf(context: ActContext, effect: ChannelCommit, granted: boolean): ChannelFacts {
  const { snapshot, clock } = context;
  const { stub, target } = pinsOf(context, effect);
  return {
    stub,
    target,
    enumerated: snapshot.enumerated,
    listed: snapshot.pciBackend.entries.map((entry) => entry.address),
    pciNotes: snapshot.pciNotes,
    granted,
    time: clock.now(),
    now: snapshot.now,
  };
}
