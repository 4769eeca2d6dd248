import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { EarlyTransaction } from '../../../../operator/agent/act/early-transaction.ts';
import { type ActWorld, startActWorld } from '../../../support/act-world.ts';

let world: ActWorld;
beforeEach(async () => {
  world = await startActWorld({ devices: [] });
});
afterEach(() => world.close());

test('its start and the look share a round trip', async () => {
  const { xenstore } = world;
  const before = xenstore.stats.roundTrips;
  const early = new EarlyTransaction(xenstore);
  early.begin();
  await xenstore.tryRead('/a');
  await early.run((tx) => tx.write('/a', '1'));
  expect(xenstore.stats.roundTrips - before).toBe(3);
  expect(await xenstore.tryReadString('/a')).toBe('1');
});

test('is run again when what it read was changed since', async () => {
  const { xenstore } = world;
  await xenstore.write('/a', '1');
  const early = new EarlyTransaction(xenstore);
  early.begin();
  let runs = 0;
  await early.run(async (tx) => {
    runs += 1;
    const value = await tx.readString('/a');
    if (runs === 1) await xenstore.write('/a', '2');
    await tx.write('/b', value);
  });
  expect([runs, await xenstore.tryReadString('/b')]).toEqual([2, '2']);
});

test('abandoned, it changes nothing and is no longer used', async () => {
  const { xenstore } = world;
  const early = new EarlyTransaction(xenstore);
  early.begin();
  early.abandon();
  await early.run((tx) => tx.write('/a', '1'));
  expect(await xenstore.tryReadString('/a')).toBe('1');
});

test('that was not begun is as any other, and serves once', async () => {
  const { xenstore } = world;
  const early = new EarlyTransaction(xenstore);
  await early.run((tx) => tx.write('/a', '1'));
  early.abandon();
  expect(await xenstore.tryReadString('/a')).toBe('1');
});

test('what its job throws is thrown to whoever gave it', async () => {
  const early = new EarlyTransaction(world.xenstore);
  early.begin();
  await expect(early.run(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
});
