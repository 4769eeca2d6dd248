import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { createRedactor } from '../../../operator/cli/commands/support-bundle-redact.ts';
import { tarOf } from '../../../operator/cli/commands/support-bundle-tar.ts';

const redactor = () => createRedactor(Buffer.from('salt'));

describe('texts', () => {
  test.each([
    ['Authorization: Bearer abc.def', 'abc.def'],
    ['headers={"authorization":"Bearer abc123"}', 'abc123'],
    ['{"level":"info","password":"pass w\\"ord","a":1}', 'pass w'],
    ['token=hunter2 and more', 'hunter2'],
    ["client-key-data: 'LS0tLS1'", 'LS0tLS1'],
    ['https://user:hunter2@proxy.example.com/', 'hunter2'],
    ['eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl', 'eyJhbGci'],
    ['-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----', 'MIIEow'],
    ['a key -----BEGIN EC PRIVATE KEY-----\nMIIEow, and cut off', 'MIIEow'],
    ['blob QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY3ODkw', 'QUJDREVG'],
    ['opened /srv/customers/acme/disk.img for reading', 'acme'],
    ['path="/home/eve/.kube/config"', 'eve'],
  ])('%j loses its secret', (text, secret) => {
    expect(redactor().text(text)).not.toContain(secret);
  });

  test.each([
    '0b5ac2f4-9d0e-4c38-8e0f-1d4c2a4f9b1e on xen-1: 0000:03:00.0',
    'read /local/domain/5/device-model/4/state and /tool/stubdom/0b5ac2f4-9d0e-4c38-8e0f-1d4c2a4f9b1e/stub',
    'GET /apis/stubdom.io/v1alpha1/stubdomains?watch=true 200',
    'a reconcile pass failed {"key":"default/web","reconcileID":"k3j2-1a","retryMs":20}',
  ])('%j stays', (text) => {
    expect(redactor().text(text)).toBe(text);
  });
});

describe('objects', () => {
  const object = {
    kind: 'StubDomain',
    metadata: {
      name: 'web',
      labels: { 'app.kubernetes.io/name': 'web-shop', team: 'team-of-eve' },
      annotations: { 'stubdom.io/paused': 'ticket 42: eve looks', name: 'also-hidden' },
      managedFields: [{ manager: 'm' }],
    },
    spec: {
      target: { uuid: '0b5ac2f4-9d0e-4c38-8e0f-1d4c2a4f9b1e' },
      memoryMiB: 32,
      deviceModelArgs: ['-secret', 'id=sec0,data=hunter2'],
      disks: [{ name: 'root', source: '/srv/eve/root.img', backend: 'phy' }],
      device: { address: '0000:03:00.0' },
      somethingNew: 'unknown-to-us',
    },
    status: {
      conditions: [
        { type: 'Ready', status: 'False', reason: 'ReconcilePaused', message: 'It says "ticket 42: eve looks".' },
      ],
    },
  };

  test('keep what is needed to understand, and hash the rest', () => {
    const seen = redactor().object(object);
    expect(seen).toMatchObject({
      metadata: { name: 'web', labels: { 'app.kubernetes.io/name': 'web-shop' } },
      spec: {
        target: { uuid: '0b5ac2f4-9d0e-4c38-8e0f-1d4c2a4f9b1e' },
        memoryMiB: 32,
        deviceModelArgs: [expect.stringMatching(/^<[0-9a-f]{10}>$/), expect.any(String)],
        disks: [{ name: 'root', source: expect.stringMatching(/^<[0-9a-f]{10}>$/), backend: 'phy' }],
        device: { address: '0000:03:00.0' },
      },
    });
    const text = JSON.stringify(seen);
    for (const secret of ['hunter2', '/srv', 'eve', 'ticket', 'unknown-to-us', 'also-hidden', 'managedFields'])
      expect([secret, text.includes(secret)]).toEqual([secret, false]);
  });

  test('what is hashed in an object is hashed in every text after it, by the same hash', () => {
    const one = redactor();
    one.object(object);
    expect(one.text('argument id=sec0,data=hunter2 of team-of-eve')).toBe(
      `argument ${one.hash('id=sec0,data=hunter2')} of ${one.hash('team-of-eve')}`,
    );
    expect(createRedactor(Buffer.from('other')).hash('x')).not.toBe(one.hash('x'));
  });

  test('the longest of two values that begin alike is found', () => {
    const one = redactor();
    one.remember('secret-a');
    one.remember('secret-a-and-more');
    expect(one.text('x secret-a-and-more y secret-a z')).toBe(
      `x ${one.hash('secret-a-and-more')} y ${one.hash('secret-a')} z`,
    );
  });
});

test('a tar that tar reads, for the owner alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tar-'));
  try {
    const files = [
      { name: 'top/a.txt', content: Buffer.from('hello\n') },
      { name: 'top/empty', content: Buffer.alloc(0) },
      { name: 'top/block', content: Buffer.alloc(512, 'b') },
      { name: 'top/more', content: Buffer.alloc(1500, 'm') },
    ];
    await writeFile(join(folder, 'x.tar'), tarOf(files, 1_700_000_000));
    await promisify(execFile)('tar', ['-xf', 'x.tar'], { cwd: folder });
    for (const { name, content } of files) {
      expect(await readFile(join(folder, name))).toEqual(content);
      const { mode, mtimeMs } = await stat(join(folder, name));
      expect([mode & 0o777, mtimeMs]).toEqual([0o600, 1_700_000_000_000]);
    }
    expect(() => tarOf([{ name: 'x'.repeat(101), content: Buffer.alloc(0) }], 0)).toThrow(/too long/);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
