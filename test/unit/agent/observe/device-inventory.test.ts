import { expect, test } from '@jest/globals';
import { DeviceInventory } from '../../../../operator/agent/observe/device-inventory.ts';
import type { Hypervisor, PciDevice } from '../../../../operator/hypervisor/hypervisor.ts';
import { silentLogger } from '../../../../operator/runtime/ports.ts';
import { manualClock } from '../../../support/manual-clock.ts';

const card = (driver: string): PciDevice => ({
  address: '0000:03:00.0',
  vendorID: '8086',
  deviceID: '10fb',
  classID: '020000',
  driver,
});

test('who asks for the devices as they are now is not given a list that was begun before', async () => {
  let driver = 'pciback';
  const began = Promise.withResolvers<undefined>();
  const goOn = Promise.withResolvers<undefined>();
  const listPciDevices = async (): Promise<PciDevice[]> => {
    const seen = [card(driver)];
    began.resolve(undefined);
    await goOn.promise;
    return seen;
  };
  const inventory = new DeviceInventory({ listPciDevices } as unknown as Hypervisor, manualClock(), silentLogger);
  const first = inventory.refresh();
  await began.promise;
  driver = 'ixgbe';
  const second = inventory.refresh();
  goOn.resolve(undefined);
  await second;
  expect(inventory.devices.get('0000:03:00.0')?.driver).toBe('ixgbe');
  await first;
});
