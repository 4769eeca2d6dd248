import fc from 'fast-check';
import type { QuirkSettings } from '../../../operator/embedded/simulated-host/quirks.ts';
import type { ForeignDeed } from './foreign-toolstack.ts';

/** Ways in which the stub domains of a guest behave. */
export const behaviours = {
  honest: {},
  slow: { replyDelayMs: 15_000 },
  'too slow': { replyDelayMs: 90_000 },
  'taking no commands': { ignoresCommands: true },
  'dropping replies': { dropsReplies: true },
  'failing with one of the known texts': { insertFailure: 'no free hotplug devfn' },
  'failing with a text': { insertFailure: 'libpci: \u001b[31mno' },
  'lying about success': { falseSuccess: true },
  'never ejecting': { neverEjects: true },
  'ejecting late': { ejectDelayMs: 200_000 },
  'writing garbage': { hostile: 'garbage' },
  'deleting nodes': { hostile: 'deletes-nodes' },
  'forging removals': { hostile: 'forges-removed' },
  'forging inserts': { hostile: 'forges-inserted' },
  'dying at boot': { diesAt: 'boot' },
  'dying at pick-up': { diesAt: 'pick-up' },
  'dying at the parameter': { diesAt: 'parameter' },
  'dying at the reply': { diesAt: 'reply' },
  'behind slow back ends': { backendDelayMs: 3000 },
  'with a late pcifront': { pcifrontDelayMs: 5000 },
} as const satisfies Readonly<Record<string, Partial<QuirkSettings>>>;

export type Behaviour = keyof typeof behaviours;

/** One thing that happens. Guests and attachments are named by their place in the world's lists. */
export type Deed =
  | { readonly do: 'attach'; readonly which: 0 | 1 | 2; readonly force: boolean }
  | { readonly do: 'detach'; readonly which: 0 | 1 | 2 }
  | { readonly do: 'pause' | 'resume' | 'create' | 'delete'; readonly guest: 0 | 1 }
  | { readonly do: 'restart'; readonly guest: 0 | 1; readonly domid: 'new' | 'same' | 'of a stub domain' }
  | { readonly do: 'kill'; readonly guest: 0 | 1 }
  | { readonly do: 'behave'; readonly guest: 0 | 1; readonly as: Behaviour }
  | { readonly do: 'xl'; readonly guest: 0 | 1; readonly deed: ForeignDeed }
  | { readonly do: 'claim'; readonly address: string }
  | { readonly do: 'crash'; readonly carriedOut: number }
  | { readonly do: 'cut' }
  | { readonly do: 'spurious'; readonly watch: number }
  | { readonly do: 'wait' | 'stall'; readonly ms: number };

/**
 * A deed and what goes on before the next: so many steps, in an order that `salt` decides; 0 is the order of asking.
 */
export interface Action {
  readonly deed: Deed;
  readonly steps: number;
  readonly salt: number;
}

const guest = fc.constantFrom(0 as const, 0 as const, 0 as const, 1 as const);
const which = fc.constantFrom(0 as const, 0 as const, 1 as const, 2 as const);

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('attach' as const), which, force: fc.boolean() }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('detach' as const), which }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'resume' as const), guest }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('create' as const, 'create' as const, 'delete' as const), guest }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('restart' as const),
      guest,
      domid: fc.constantFrom('new' as const, 'same' as const, 'of a stub domain' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const), guest }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('behave' as const),
      guest,
      as: fc.constantFrom(...(Object.keys(behaviours) as Behaviour[])),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('xl' as const),
      guest,
      deed: fc.constantFrom('pci-ins' as const, 'save' as const, 'continue' as const, 'restore' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('claim' as const),
      address: fc.constantFrom('0000:03:00.0', '0000:04:00.0'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('crash' as const), carriedOut: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cut' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('spurious' as const), watch: fc.nat(8) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('wait' as const, 'wait' as const, 'stall' as const),
      ms: fc.constantFrom(100, 1100, 5000, 11_000, 35_000, 61_000, 250_000),
    }),
  },
);

const steps = fc.oneof(fc.nat(12), fc.nat(80), fc.constant(1000));
const salt = fc.oneof(fc.constant(0), fc.nat());

/** What a run of the property does, one action after another. */
export const actions: fc.Arbitrary<Action[]> = fc.array(fc.record({ deed, steps, salt }), {
  minLength: 1,
  maxLength: 20,
  size: 'max',
});

/** An action as a line for people. */
export function formatAction({ deed: { do: verb, ...rest }, steps: count, salt: order }: Action): string {
  const facts = Object.values(rest).map(String).join(' ');
  return `${verb} ${facts}`.padEnd(44) + `then ${count} steps${order === 0 ? '' : ` in the order of ${order}`}`;
}
