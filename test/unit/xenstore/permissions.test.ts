import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodePermissions, encodePermissions } from '../../../operator/xenstore/permissions.ts';

const access = fc.constantFrom('none' as const, 'read' as const, 'write' as const, 'both' as const);
const domid = fc.integer({ min: 0, max: 0x7ff0 });

test('permissions: decode after encode gives the same', () => {
  const entries = fc.array(fc.record({ domid, access }));
  fc.assert(
    fc.property(fc.record({ owner: domid, others: access, entries }), (permissions) => {
      expect(decodePermissions(encodePermissions(permissions))).toEqual(permissions);
    }),
  );
});

test('the letters of the wire', () => {
  const entries = [
    { domid: 1, access: 'read' as const },
    { domid: 2, access: 'write' as const },
    { domid: 3, access: 'both' as const },
  ];
  expect(encodePermissions({ owner: 0, others: 'none', entries })).toEqual(['n0', 'r1', 'w2', 'b3']);
});

test.each([[[]], [['x0']], [['n']], [['n-1']], [['n0x']], [['n99999']], [['']], [['n0', 'r']]])(
  '%j is EINVAL',
  (list) => {
    expect(() => decodePermissions(list)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  },
);

test.each([-1, 1.5, 0x10000, Number.NaN])('a domid of %d is refused', (owner) => {
  expect(() => encodePermissions({ owner, others: 'none', entries: [] })).toThrow(
    expect.objectContaining({ code: 'EINVAL' }),
  );
});
