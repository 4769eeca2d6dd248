import { type Case, condition, configMap, it, pciAttachment, type Step, stubDomain } from '../case.ts';

const NOT_CHECKED =
  '<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation';

const refuse = (spec: object, ...causes: string[]): Step => ({
  do: 'POST {sd}',
  send: stubDomain('vm', spec),
  status: 422,
  reason: 'Invalid',
  causes,
});
const refusePci = (spec: object, ...causes: string[]): Step => ({
  do: 'POST {pci}',
  send: pciAttachment('p', spec),
  status: 422,
  reason: 'Invalid',
  causes,
});
const change = (path: string, spec: object, ...causes: string[]): Step => ({
  do: `PATCH ${path}`,
  as: 'merge',
  send: { spec },
  status: 422,
  reason: 'Invalid',
  causes,
});
const literal = (text: string): RegExp => new RegExp(text.replaceAll(/[.*[\]]/g, '\\$&'));
const vm: Step = { do: 'POST {sd}', send: stubDomain('vm') };
const serials = (count: number): object[] => Array.from({ length: count }, (_, i) => ({ name: `s${String(i)}` }));

export const validationCases: readonly Case[] = [
  it('a message tells kind, name and every field', {
    do: 'POST {sd}',
    send: { apiVersion: 'stubdom.io/v1alpha1', kind: 'StubDomain', metadata: { name: 'vm' } },
    status: 422,
    reason: 'Invalid',
    message: `StubDomain.stubdom.io "vm" is invalid: [spec: Required value, ${NOT_CHECKED}]`,
    has: { details: { name: 'vm', group: 'stubdom.io', kind: 'StubDomain' } },
  }),
  it('one error stands without brackets', {
    do: 'POST {sd}',
    send: stubDomain('vm', { memoryMiB: 3 }),
    status: 422,
    message:
      'StubDomain.stubdom.io "vm" is invalid: spec.memoryMiB: Invalid value: 3: spec.memoryMiB in body should be greater than or equal to 16',
  }),
  it(
    'required fields',
    refuse({ target: {} }, 'spec.target.uuid: Required value', NOT_CHECKED),
    refuse({ disks: [{ name: 'a' }] }, 'spec.disks[0].source: Required value', NOT_CHECKED),
  ),
  it(
    'enums',
    refuse(
      { flavor: 'BSD' },
      'spec.flavor: Unsupported value: "BSD": supported values: "MiniOS", "Linux"',
      NOT_CHECKED,
    ),
  ),
  it(
    'patterns',
    refuse(
      { kernel: 'nope' },
      `spec.kernel: Invalid value: "nope": spec.kernel in body should match '^/[A-Za-z0-9._/+-]+$'`,
    ),
    refuse(
      { deviceModelArgs: ['a b'] },
      `spec.deviceModelArgs[0]: Invalid value: "a b": spec.deviceModelArgs[0] in body should match '^[!#-&(-~]+$'`,
    ),
  ),
  it(
    'lengths',
    refuse({ nodeName: '' }, 'spec.nodeName: Invalid value: "": spec.nodeName in body should be at least 1 chars long'),
    refuse({ nodeName: 'x'.repeat(254) }, 'spec.nodeName: Too long: may not be more than 253 bytes', NOT_CHECKED),
  ),
  it(
    'numbers',
    refuse(
      { memoryMiB: 65537 },
      'spec.memoryMiB: Invalid value: 65537: spec.memoryMiB in body should be less than or equal to 65536',
    ),
    refuse(
      { memoryMiB: 99999999999 },
      '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.memoryMiB',
      'spec.memoryMiB: Invalid value: 99999999999: spec.memoryMiB in body should be less than or equal to 65536',
    ),
  ),
  it(
    'a fraction where an integer must be',
    refuse(
      { memoryMiB: 17.5 },
      'spec.memoryMiB: Invalid value: "float64": spec.memoryMiB in body must be of type int32: "float64"',
      '<nil>: Invalid value: "": Checked value must be of type integer with format int32 in spec.memoryMiB',
      NOT_CHECKED,
    ),
  ),
  it(
    'types',
    refuse(
      { nics: {} },
      'spec.nics: Invalid value: "object": spec.nics in body must be of type array: "object"',
      NOT_CHECKED,
    ),
    refuse(
      { memoryMiB: '32' },
      'spec.memoryMiB: Invalid value: "string": spec.memoryMiB in body must be of type integer: "string"',
      NOT_CHECKED,
    ),
    refuse(
      { nodeSelector: { a: 5 } },
      'spec.nodeSelector.a: Invalid value: "integer": spec.nodeSelector.a in body must be of type string: "integer"',
      NOT_CHECKED,
    ),
    refuse(
      { kernel: [] },
      'spec.kernel: Invalid value: "array": spec.kernel in body must be of type string: "array"',
      NOT_CHECKED,
    ),
    refuse(
      { kernel: true },
      'spec.kernel: Invalid value: "boolean": spec.kernel in body must be of type string: "boolean"',
      NOT_CHECKED,
    ),
  ),
  it(
    'a wrong type of an enum is told twice',
    refuse(
      { runState: 7 },
      'spec.runState: Invalid value: "integer": spec.runState in body must be of type string: "integer"',
      'spec.runState: Unsupported value: 7: supported values: "Running", "Paused"',
      NOT_CHECKED,
    ),
  ),
  it(
    'too many items',
    refuse({ serials: serials(9) }, 'spec.serials: Too many: 9: must have at most 8 items', NOT_CHECKED),
  ),
  it(
    'too few properties',
    refusePci(
      { device: { selector: {} } },
      'spec.device.selector: Invalid value: 0: spec.device.selector in body should have at least 1 properties',
    ),
  ),
  it(
    'too many properties',
    refuse(
      { nodeSelector: Object.fromEntries(serials(33).map((_, i) => [`k${String(i)}`, 'v'])) },
      'spec.nodeSelector: Too many: 33: must have at most 32 items',
      NOT_CHECKED,
    ),
  ),
  it(
    'items of a map list with the same key',
    refuse(
      {
        disks: [
          { name: 'a', source: '/a' },
          { name: 'a', source: '/b' },
        ],
      },
      'spec.disks[1]: Duplicate value: {"name":"a"}',
    ),
  ),
  it('items of a set that are the same', {
    do: 'POST {xh}',
    send: {
      apiVersion: 'stubdom.io/v1alpha1',
      kind: 'XenHost',
      metadata: { name: '{ns}' },
      spec: { pci: { allow: ['0000:00:00.0', '0000:00:00.0'] } },
    },
    status: 422,
    causes: ['spec.pci.allow[1]: Duplicate value: "0000:00:00.0"'],
  }),
  it(
    'several errors at once',
    refuse(
      { target: { uuid: 'xx' }, flavor: 'BSD', memoryMiB: 3 },
      `spec.target.uuid: Invalid value: "xx": spec.target.uuid in body should match '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'`,
      'spec.flavor: Unsupported value: "BSD": supported values: "MiniOS", "Linux"',
      'spec.memoryMiB: Invalid value: 3: spec.memoryMiB in body should be greater than or equal to 16',
      NOT_CHECKED,
    ),
  ),
  it('in status, fields are named below it in the text', vm, {
    do: 'PATCH {sd}/vm/status',
    as: 'merge',
    send: { status: { conditions: [{ ...condition('Ready', 'Maybe'), lastTransitionTime: 'yesterday' }] } },
    status: 422,
    reason: 'Invalid',
    causes: [
      'status.conditions[0].status: Unsupported value: "Maybe": supported values: "True", "False", "Unknown"',
      'status.conditions[0].lastTransitionTime: Invalid value: "yesterday": conditions[0].lastTransitionTime in body must be of type date-time: "yesterday"',
      NOT_CHECKED,
    ],
  }),
  it('a condition that comes twice', vm, {
    do: 'PATCH {sd}/vm/status',
    as: 'merge',
    send: { status: { conditions: [condition('Ready', 'True'), condition('Ready', 'False')] } },
    status: 422,
    causes: ['status.conditions[1]: Duplicate value: {"type":"Ready"}'],
  }),
  it(
    'a rule over several fields',
    refuse(
      { provisioning: 'Adopt', restoreFrom: { path: '/a' } },
      'spec: Invalid value: restoreFrom needs provisioning Create: an adopted stub domain was already started by somebody else',
    ),
  ),
  it(
    'a rule over a sum',
    refuse(
      { deviceModelArgs: Array.from({ length: 8 }, () => 'x'.repeat(500)) },
      'spec: Invalid value: deviceModelArgs must fit in 3072 characters together: they travel in one XenStore value',
    ),
  ),
  it(
    'a rule of exactly one',
    refusePci({ device: {} }, 'spec.device: Invalid value: give exactly one of address and selector'),
    refusePci(
      { device: { address: '0000:03:00.0', selector: { vendorID: '8086' } } },
      'spec.device: Invalid value: give exactly one of address and selector',
    ),
  ),
  it(
    'rules are checked next to values that are out of range',
    refusePci(
      { device: { address: '0', selector: { vendorID: 'ABCD' } }, virtualSlot: 32 },
      'spec.virtualSlot: Invalid value: 32: spec.virtualSlot in body should be less than or equal to 31',
      `spec.device.address: Invalid value: "0": spec.device.address in body should match '^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\\.[0-7]$'`,
      `spec.device.selector.vendorID: Invalid value: "ABCD": spec.device.selector.vendorID in body should match '^[0-9a-f]{4}$'`,
      'spec.device: Invalid value: give exactly one of address and selector',
    ),
  ),
  it(
    'the flavor cannot be changed',
    vm,
    change(
      '{sd}/vm',
      { flavor: 'Linux' },
      'spec.flavor: Invalid value: "Linux": flavor cannot be changed: delete the StubDomain and create it again',
    ),
  ),
  it(
    'the target cannot be changed',
    vm,
    change(
      '{sd}/vm',
      { target: { uuid: '00000000-0000-4000-8000-000000000002' } },
      'spec.target: Invalid value: target.uuid cannot be changed: a stub domain serves one guest for life',
    ),
  ),
  it('a name of the target may be added', vm, {
    do: 'PATCH {sd}/vm',
    as: 'merge',
    send: { spec: { target: { name: 'guest' } } },
  }),
  it(
    'nodeName can be set once',
    vm,
    { do: 'PATCH {sd}/vm', as: 'merge', send: { spec: { nodeName: 'a' } } },
    change(
      '{sd}/vm',
      { nodeName: 'b' },
      'spec: Invalid value: nodeName cannot be changed once set: delete the StubDomain and create it again on the other host',
    ),
    change(
      '{sd}/vm',
      { nodeName: null },
      'spec: Invalid value: nodeName cannot be changed once set: delete the StubDomain and create it again on the other host',
    ),
  ),
  it(
    'a device cannot be changed, nor its options, nor its slot',
    { do: 'POST {pci}', send: pciAttachment('p', { virtualSlot: 3 }) },
    change(
      '{pci}/p',
      { virtualSlot: 4, device: { address: '0000:04:00.0' }, options: { permissive: 'Enabled' } },
      'spec.virtualSlot: Invalid value: 4: virtualSlot cannot be changed: delete the PciAttachment and create it again',
      'spec.device: Invalid value: device cannot be changed: delete the PciAttachment and create it again',
      'spec.options: Invalid value: options cannot be changed: delete the PciAttachment and create it again',
    ),
  ),
  it(
    'restoreFrom may be added or taken away, not changed',
    vm,
    { do: 'PATCH {sd}/vm', as: 'merge', send: { spec: { restoreFrom: { path: '/a' } } } },
    change(
      '{sd}/vm',
      { restoreFrom: { path: '/b' } },
      'spec.restoreFrom: Invalid value: restoreFrom cannot be changed: it only counts at the start',
    ),
    { do: 'PATCH {sd}/vm', as: 'merge', send: { spec: { restoreFrom: null } } },
  ),
  it('names, labels and annotations', {
    do: 'POST {sd}',
    send: stubDomain('A_b', {}, {}, { labels: { a: 'b c' }, annotations: { 'x y': 'z' } }),
    status: 422,
    reason: 'Invalid',
    causes: [
      `metadata.name: Invalid value: "A_b": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
      `metadata.labels: Invalid value: "b c": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
      `metadata.annotations: Invalid value: "x y": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
    ],
  }),
  it('a label that is no string', {
    do: 'POST {sd}',
    send: stubDomain('vm', {}, {}, { labels: { a: 5 } }),
    status: 400,
    reason: 'BadRequest',
    message: /cannot unmarshal number into Go struct field ObjectMeta.labels of type string/,
  }),
  ...(
    [
      ['labels that are no map', { labels: ['a'] }, 'array', 'ObjectMeta.labels', 'map[string]string'],
      ['an annotation that is no string', { annotations: { a: {} } }, 'object', 'ObjectMeta.annotations', 'string'],
      ['finalizers that are no list', { finalizers: 'a' }, 'string', 'ObjectMeta.finalizers', '[]string'],
      ['a finalizer that is no string', { finalizers: [true] }, 'bool', 'ObjectMeta.finalizers', 'string'],
      ['a generation that is no number', { generation: 'x' }, 'string', 'ObjectMeta.generation', 'int64'],
      [
        'owners that are no list',
        { ownerReferences: {} },
        'object',
        'ObjectMeta.ownerReferences',
        '[]v1.OwnerReference',
      ],
    ] as const
  ).flatMap(([what, metadata, given, field, type]) => {
    const text = (path: string): RegExp =>
      literal(`json: cannot unmarshal ${given} into Go struct field ${path} of type ${type}`);
    const refused = { status: 400, reason: 'BadRequest' };
    return [
      it(what, {
        do: 'POST {sd}',
        send: stubDomain('vm', {}, {}, metadata),
        ...refused,
        message: text(field),
      }),
      it(`${what}, of a built-in kind`, {
        do: 'POST {core}/configmaps',
        send: configMap('c', {}, metadata),
        ...refused,
        message: text(field.replace('.', '.metadata.')),
      }),
    ];
  }),
  it(
    'a patch that leaves a label that is no string',
    { do: 'POST {sd}', send: stubDomain('vm') },
    { do: 'POST {core}/configmaps', send: configMap('c') },
    {
      do: 'PATCH {sd}/vm',
      as: 'merge',
      send: { metadata: { labels: { a: 5 } } },
      status: 422,
      reason: 'Invalid',
      message: /patch: Invalid value: .*cannot unmarshal number/,
    },
    {
      do: 'PATCH {core}/configmaps/c',
      as: 'merge',
      send: { metadata: { labels: { a: 5 } } },
      status: 422,
      reason: 'Invalid',
      message: /patch: Invalid value: .*cannot unmarshal number/,
    },
  ),
  it('a CRD whose rules do not compile is refused', {
    do: 'POST {crds}',
    send: {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'ts.x.io' },
      spec: {
        group: 'x.io',
        scope: 'Cluster',
        names: { kind: 'T', plural: 'ts' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: {
                  spec: {
                    type: 'object',
                    'x-kubernetes-validations': [{ rule: 'self.a == 5', message: 'x' }],
                    properties: { b: { type: 'string' } },
                  },
                },
              },
            },
          },
        ],
      },
    },
    status: 422,
    reason: 'Invalid',
    causes: [
      `spec.validation.openAPIV3Schema.properties[spec].x-kubernetes-validations[0].rule: Invalid value: {"Rule":"self.a == 5","Message":"x","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}: compilation failed: ERROR: <input>:1:5: undefined field 'a'\n | self.a == 5\n | ....^`,
    ],
  }),
];
