import type { PropertyWorld } from './world.ts';
import { type Action, behaviours, type Deed, formatAction } from './action.ts';
import { randomFrom } from './scheduler.ts';

/** Within an action, idle time that is worth waiting for: the gate of an insert takes a second. */
const patienceMs = 2500;

/** Does an action and what goes on after it. */
export async function perform(world: PropertyWorld, action: Action): Promise<void> {
  world.trace.note('────', formatAction(action));
  await begin(world, action.deed);
  const random = action.salt === 0 ? undefined : randomFrom(action.salt);
  await world.run({ steps: action.steps, random, patienceMs });
}

async function begin(world: PropertyWorld, deed: Deed): Promise<void> {
  switch (deed.do) {
    case 'attach': {
      world.wantAttachment(deed.which, true, deed.force);
      return;
    }
    case 'detach': {
      world.wantAttachment(deed.which, false, false);
      return;
    }
    case 'pause':
    case 'resume': {
      world.pause(deed.guest, deed.do === 'pause');
      return;
    }
    case 'create':
    case 'delete': {
      world.wantStubDomain(deed.guest, deed.do === 'create');
      return;
    }
    case 'restart': {
      world.restartGuest(deed.guest, deed.domid);
      return;
    }
    case 'kill': {
      world.killStub(deed.guest);
      return;
    }
    case 'behave': {
      world.behave(world.guests[deed.guest], deed.as, behaviours[deed.as]);
      return;
    }
    case 'xl': {
      world.foreignDeed(deed.guest, deed.deed);
      return;
    }
    case 'claim':
      void world.foreignClaim(deed.address).catch(() => {});
      return;
    case 'crash':
      world.agent.crash(deed.carriedOut);
      {
        world.startAgent();
        return;
      }
    case 'cut': {
      world.agent.line.cut();
      return;
    }
    case 'spurious': {
      world.agent.line.spurious(deed.watch);
      return;
    }
    case 'wait':
      return world.run({ steps: 5000, patienceMs: deed.ms });
    case 'stall': {
      world.time.pass(world.time.elapsed + deed.ms);
      return;
    }
  }
}
