import { afterEach, expect, test } from '@jest/globals';
import type { ActContext } from '../../../../operator/agent/act/context.ts';
import { createGuest } from '../../../../operator/agent/act/guest.ts';
import { takeOver } from '../../../../operator/agent/act/take-over.ts';
import { Turns } from '../../../../operator/agent/act/turns.ts';
import { guestNotePath, stubNotePath } from '../../../../operator/domain/locations.ts';
import { formatNote, parseNote } from '../../../../operator/domain/notes.ts';
import type { DomainIdentity } from '../../../../operator/hypervisor/hypervisor.ts';
import { type ActWorld, startActWorld } from '../../../support/act-world.ts';
import { aSnapshot, aStubDomain, targetUuid } from '../../../support/builders.ts';

const small = { memoryMiB: 64, vcpus: 1, bootOrder: 'c', passthrough: 'Disabled' } as const;

let world: ActWorld;
afterEach(() => world.close());

test('guests that are made leave passes to others: one more than so many waits for its turn, without holding one', async () => {
  world = await startActWorld({ devices: [] });
  const asked: string[] = [];
  const made = Promise.withResolvers<DomainIdentity>();
  const creations = new Turns(1);
  const contextOf = (name: string): ActContext => {
    const object = aStubDomain(
      {
        target: { uuid: targetUuid, name },
        guest: { memoryMiB: 64, vcpus: 1, bootOrder: 'c', passthrough: 'Disabled' },
      },
      { uid: name },
    );
    const context = world.context({ object, memory: world.memory.view() });
    const makeGuest: ActContext['hypervisor']['createGuest'] = async (request) => {
      asked.push(request.name);
      return made.promise;
    };
    return { ...context, creations, hypervisor: { ...context.hypervisor, createGuest: makeGuest } };
  };
  const first = createGuest(contextOf('a'));
  const second = contextOf('b');
  await createGuest(second);
  await createGuest(second);
  const now = second.snapshot.now;
  expect(world.memory.view().attempts.get('b')).toMatchObject({ reason: 'Queued', retryAt: now + 1000 });
  made.resolve({ domid: 7, uuid: targetUuid });
  await first;
  expect(asked).toEqual(['a']);
  await createGuest(second);
  expect(asked).toEqual(['a', 'b']);
  expect(world.memory.view().attempts.has('b')).toBe(false);
});

test.each([
  ['Create', 'takes over the guest that was made with it, and ends it when it is deleted', 'sd-1'],
  ['Adopt', 'leaves the guest whose it was', 'gone'],
] as const)('who takes over a stub domain with provisioning %s %s', async (provisioning, _, owner) => {
  world = await startActWorld({ devices: [] });
  const note = { ...aSnapshot().note!, owner: 'gone', adopted: true };
  const guestNote = { owner: 'gone', stage: 'started' } as const;
  await world.xenstore.write(stubNotePath(targetUuid), formatNote('stub', note));
  await world.xenstore.write(guestNotePath(targetUuid), formatNote('guest', guestNote));
  const object = aStubDomain({ provisioning, ...(provisioning === 'Create' ? { guest: small } : {}) });
  await takeOver(world.context({ object, note, guestNote, stubDomainsMadeBy: 'toolstack' }));
  expect(parseNote('stub', await world.xenstore.tryRead(stubNotePath(targetUuid)))?.owner).toBe('sd-1');
  const kept = parseNote('guest', await world.xenstore.tryRead(guestNotePath(targetUuid)));
  expect(kept).toEqual({ owner, stage: 'started' });
});
