import { expect, test } from '@jest/globals';
import type { PciAttachment } from '../../../../operator/api/generated/pci-attachment.ts';
import { grantTo } from '../../../../operator/agent/act/grant-options.ts';
import { anAttachment } from '../../../support/builders.ts';

const asked = (options: Partial<PciAttachment['spec']['options']>) =>
  anAttachment({ spec: { options: { ...anAttachment().spec.options, ...options } } });

test('a device comes as its attachment asks: permissive with the stub domain, reserved memory with the guest', () => {
  const loose = asked({ permissive: 'Enabled', rdmPolicy: 'Relaxed' });
  expect(grantTo('stub', loose)).toEqual({ iommu: false, permissive: true });
  expect(grantTo('guest', loose)).toEqual({ iommu: true, rdmRelaxed: true });
});

test('nothing out of the ordinary is asked for without an attachment that says so', () => {
  for (const attachment of [asked({}), undefined]) {
    expect(grantTo('stub', attachment)).toEqual({ iommu: false });
    expect(grantTo('guest', attachment)).toEqual({ iommu: true });
  }
});
