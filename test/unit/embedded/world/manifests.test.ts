import { describe, expect, test } from '@jest/globals';
import { validatePciAttachmentSpec, validateStubDomainSpec } from '../../../../operator/api/generated/validators.ts';
import { defaultTopology } from '../../../../operator/embedded/simulated-host/topology.ts';
import {
  loadCustomResourceDefinitions,
  loadSamples,
  parseManifests,
} from '../../../../operator/embedded/world/manifests.ts';
import { packageRoot } from '../../../support/stubdom.ts';

test('the definitions are those of the three kinds', async () => {
  const names = (await loadCustomResourceDefinitions(packageRoot)).map(({ metadata }) => metadata.name);
  expect(names).toEqual(['pciattachments.stubdom.io', 'stubdomains.stubdom.io', 'xenhosts.stubdom.io']);
});

describe('the samples', () => {
  test('are valid', async () => {
    for (const { kind, spec } of await loadSamples(packageRoot)) {
      const validate = kind === 'StubDomain' ? validateStubDomainSpec : validatePciAttachmentSpec;
      expect({ kind, valid: validate(structuredClone(spec)), errors: validate.errors ?? [] }).toMatchObject({
        valid: true,
        errors: [],
      });
    }
  });

  test('name devices that the default machine has, ready to be given away', async () => {
    const devices = defaultTopology().devices.filter(({ driver }) => driver === 'pciback');
    const attachments = (await loadSamples(packageRoot)).filter(({ kind }) => kind === 'PciAttachment');
    expect(attachments.length).toBeGreaterThan(0);
    for (const { spec } of attachments) {
      const { device } = spec as { device: { address?: string; selector?: { vendorID: string; classID: string } } };
      const fitting = devices.filter(
        ({ address, vendorID, classID }) =>
          address === device.address ||
          (vendorID === device.selector?.vendorID && classID.startsWith(device.selector.classID)),
      );
      expect(fitting).not.toEqual([]);
    }
  });

  test('have a stub domain with everything that Setup lays out', async () => {
    const web = (await loadSamples(packageRoot)).find(
      ({ kind, metadata }) => kind === 'StubDomain' && metadata.name === 'web',
    );
    const spec = web?.spec as Record<string, readonly unknown[] | undefined>;
    expect([spec['disks']?.length, spec['nics']?.length, spec['serials']?.length]).toEqual([2, 2, 2]);
    expect(spec['graphics']).toBeDefined();
  });
});

describe('parseManifests', () => {
  test('leaves out empty documents', () => {
    const yaml = '---\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n';
    expect(parseManifests(yaml, 'x').map(({ kind }) => kind)).toEqual(['Namespace']);
  });

  test.each(['just words', '[1, 2]', 'kind: X\nmetadata: {name: a}', 'apiVersion: v1\nkind: X\nmetadata: {}'])(
    'refuses %j, saying which document',
    (yaml) => {
      expect(() => parseManifests(yaml, 'file.yaml')).toThrow('file.yaml: document 1 has no');
    },
  );
});
