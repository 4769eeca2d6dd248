import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { XenHost } from '../../../operator/api/generated/xen-host.ts';
import { ageText } from '../../../operator/cli/commands/doctor-check.ts';
import { firstDifference } from '../../../operator/cli/commands/doctor-definitions.ts';
import { checkHosts } from '../../../operator/cli/commands/doctor-leases.ts';
import { checkObjects } from '../../../operator/cli/commands/doctor-objects.ts';
import { permissionsOf } from '../../../operator/cli/commands/doctor-permissions.ts';
import { checkLines } from '../../../operator/cli/commands/doctor-work.ts';
import type { StubDomain } from '../../../operator/api/generated/stub-domain.ts';
import type { Condition } from '../../../operator/api/conditions.ts';
import type { Lease } from '../../../operator/kube/lease.ts';
import { packageRoot } from '../../support/stubdom.ts';

const now = Date.parse('2026-11-22T12:00:00Z');
const metadata = (name: string) => ({
  name,
  namespace: 'default',
  uid: name,
  resourceVersion: '1',
  creationTimestamp: '2026-11-22T11:00:00Z',
});

const domain = (name: string, ...conditions: [string, Condition['status'], string][]): StubDomain => ({
  apiVersion: 'stubdom.io/v1alpha1',
  kind: 'StubDomain',
  metadata: metadata(name),
  spec: { target: { uuid: '00000000-0000-4000-8000-000000000001' } } as StubDomain['spec'],
  status: {
    conditions: conditions.map(([type, status, reason]) => ({
      type,
      status,
      reason,
      message: `${reason}: do this.`,
      lastTransitionTime: '2026-11-22T11:00:00Z',
    })),
  },
});

describe('the permissions that the doctor asks for', () => {
  test.each(['controller', 'agent'] as const)('are those of the chart: %s', async (role) => {
    const text = await readFile(join(packageRoot, `charts/stubdom-operator/templates/${role}-rbac.yaml`), 'utf8');
    const list = (words = '') => words.split(',').map((word) => word.trim().replaceAll("'", ''));
    const rules = [...text.matchAll(/- apiGroups: \[(.*)\]\s+resources: \[(.*)\]\s+verbs: \[(.*)\]/g)];
    const ofChart = rules.flatMap(([, groups, resources, verbs]) =>
      list(groups).flatMap((group) =>
        list(resources).flatMap((one) => list(verbs).map((verb) => `${group} ${one} ${verb}`)),
      ),
    );
    const ofDoctor = permissionsOf[role].flatMap(({ group, resources, verbs }) =>
      resources.flatMap((one) => verbs.map((verb) => `${group} ${one} ${verb}`)),
    );
    expect(ofDoctor.sort()).toEqual(ofChart.sort());
  });
});

describe('the comparison of definitions', () => {
  test.each([
    [{ a: 1, list: ['x', { y: 2 }] }, { a: 1, list: ['x', { y: 2 }], conversion: { strategy: 'None' } }, undefined],
    [{ description: 'old', message: 'old' }, { description: 'new', message: 'new' }, undefined],
    [
      { properties: { description: { type: 'string' } } },
      { properties: { description: { type: 'integer' } } },
      'properties.description.type',
    ],
    [{ spec: { properties: { a: {} } } }, { spec: { properties: { a: {}, b: {} } } }, 'spec.properties.b'],
    [{ enum: ['a', 'b'] }, { enum: ['a'] }, 'enum'],
    [{ rules: [{ rule: 'self > 0' }] }, { rules: [{ rule: 'self > 1' }] }, 'rules[0].rule'],
    [{ a: { b: 1 } }, { a: 'b' }, 'a'],
  ])('%j and %j', (ours, theirs, difference) => {
    expect(firstDifference(ours, theirs)).toBe(difference);
  });
});

describe('objects', () => {
  const check = (...stubDomains: StubDomain[]) =>
    checkObjects({ stubDomains, attachments: [], hosts: [], leases: [] }, now).map(
      ({ check: name, verdict, what }) => `${verdict} ${name}: ${what}`,
    );

  test('what nobody can say, and what will not change by itself, has failed', () => {
    expect(
      check(
        domain('well', ['Ready', 'True', 'AsDesired']),
        domain('moving', ['Ready', 'False', 'Starting'], ['Stalled', 'False', 'NotStalled']),
        domain('stuck', ['Ready', 'False', 'InvalidSpec'], ['Stalled', 'True', 'InvalidSpec']),
        domain('lost', ['Ready', 'Unknown', 'HostUnreachable']),
        domain('new'),
      ),
    ).toEqual([
      'warn objects: 5 StubDomains and 0 PciAttachments, 4 of them not as they were asked to be.',
      'fail StubDomain default/stuck: InvalidSpec: InvalidSpec: do this.',
      'fail StubDomain default/lost: HostUnreachable: HostUnreachable: do this.',
      'warn StubDomain default/moving: Starting: Starting: do this.',
      'warn StubDomain default/new: Nobody has looked at it in 60 min.',
    ]);
  });

  test('of thousands the worst are named, and the rest counted', () => {
    const many = Array.from({ length: 120 }, (_, index) => domain(`d${String(index)}`, ['Ready', 'False', 'Starting']));
    const lines = check(...many, domain('lost', ['Ready', 'Unknown', 'HostUnreachable']));
    expect(lines).toHaveLength(52);
    expect(lines[1]).toContain('lost');
    expect(lines.at(-1)).toBe('warn objects: 71 more are not shown.');
  });
});

test('of many hosts, those that are well are counted', () => {
  const hosts = Array.from({ length: 30 }, (_, index): XenHost => ({
    apiVersion: 'stubdom.io/v1alpha1',
    kind: 'XenHost',
    metadata: metadata(`h${String(index)}`),
    spec: {},
    status: {
      conditions: [{ type: 'Ready', status: 'True', reason: 'AsDesired', message: '', lastTransitionTime: '' }],
    },
  }));
  const leases = hosts.slice(0, 28).map(({ metadata: { name } }): Lease => ({
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: metadata(name),
    spec: {
      holderIdentity: name === 'h3' ? '' : name,
      leaseDurationSeconds: 40,
      renewTime: '2026-11-22T11:59:50.000000Z',
    },
  }));
  const checks = checkHosts({ hosts, leases, stubDomains: [], attachments: [] }, now);
  expect(checks.map(({ check, verdict, what }) => `${check} ${verdict}: ${what}`)).toEqual([
    'hosts ok: 27 are Ready.',
    'host h3 fail: Its agent was stopped.',
    'host h28 fail: Its agent has no Lease stubdom-system/h28.',
    'host h29 fail: Its agent has no Lease stubdom-system/h29.',
  ]);
});

test('lines: one for a check, the next step below, control characters out', () => {
  expect(
    checkLines([
      { check: 'api-server', verdict: 'ok', what: 'It answers.' },
      { check: 'leader', verdict: 'fail', what: 'Nobody\u001b[2J\nleads.', next: 'See who.' },
    ]),
  ).toEqual([
    'CHECK        RESULT   WHAT',
    'api-server   ok       It answers.',
    'leader       fail     Nobody?[2J leads.',
    '                      → See who.',
  ]);
});

test.each([
  [0, '0 s'],
  [119_000, '119 s'],
  [120_000, '2 min'],
  [7_200_000, '2 h'],
  [172_800_000, '2 d'],
])('%d ms is %s', (milliseconds, text) => {
  expect(ageText(milliseconds)).toBe(text);
});
