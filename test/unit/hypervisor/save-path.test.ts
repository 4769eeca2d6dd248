import { expect, test } from '@jest/globals';
import { isSavePath } from '../../../operator/hypervisor/save-path.ts';

test.each(['/var/lib/xen/qemu-save.5', '/var/lib/xen/save/web', '/var/lib/xen/web-2026.01.state'])(
  '%s is a saved state',
  (path) => expect(isSavePath(path)).toBe(true),
);

test.each([
  '',
  '/etc/passwd',
  '/var/lib/xen',
  '/var/lib/xen/',
  '/var/lib/xenstored/tdb',
  '/var/lib/xen/../../../etc/passwd',
  '/var/lib/xen/save/../../x',
  '/var/lib/xen//x',
  '/var/lib/xen/.hidden',
  '/var/lib/xen/a b',
  '/var/lib/xen/a\0b',
  'var/lib/xen/x',
  `/var/lib/xen/${'x'.repeat(1024)}`,
])('%j is none', (path) => expect(isSavePath(path)).toBe(false));
