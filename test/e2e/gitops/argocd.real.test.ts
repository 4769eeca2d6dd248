import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { debianTool, type Tool } from '../../support/debian-tool.ts';
import { type ArgoHealth, collectOutcomes } from '../../support/gitops-outcomes.ts';
import { packageRoot } from '../../support/stubdom.ts';
import type { AnyObject } from '../../support/world-objects.ts';

const scripts = join(packageRoot, 'charts/stubdom-operator/files/argocd');

let lua: Tool | undefined;
let folder: string;
beforeAll(async () => {
  lua = await debianTool('lua5.4');
  folder = await mkdtemp(join(tmpdir(), 'argo-'));
}, 120_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** JSON as a table of Lua's. */
function luaValue(value: unknown): string {
  if (value === null || value === undefined) return 'nil';
  // Bytes as escapes: no text of an object can end the string.
  if (typeof value === 'string')
    return `"${[...Buffer.from(value)].map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')}"`;
  if (Array.isArray(value)) return `{${value.map(luaValue).join(',')}}`;
  if (typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.entries(value)
    .map(([key, one]) => `[${luaValue(key)}]=${luaValue(one)}`)
    .join(',')}}`;
}

/** What Argo CD gets: it gives a script `obj`, and of the libraries what has no effect outside. */
async function healthOf(
  run: Tool,
  object: Pick<AnyObject, 'kind'> & object,
): Promise<{ status: string; message: string }> {
  const file = join(folder, 'run.lua');
  await writeFile(
    file,
    `local sandbox = { ipairs = ipairs, pairs = pairs, string = string, table = table, tostring = tostring, obj = ${luaValue(object)} }
local script = assert(loadfile(${luaValue(join(scripts, `${object.kind}.lua`))}, "t", sandbox))
local hs = script()
io.write(hs.status, "\\n", hs.message)
`,
  );
  const { code, stdout, stderr } = await run(file);
  expect([code, stderr]).toEqual([0, '']);
  const [status = '', ...message] = stdout.split('\n');
  return { status, message: message.join('\n') };
}

test('there is a script for each kind', async () => {
  expect((await readdir(scripts)).sort()).toEqual(['PciAttachment.lua', 'StubDomain.lua', 'XenHost.lua']);
});

test('what the operator leaves has the right health, with a message', async () => {
  if (lua === undefined) return;
  const outcomes = await collectOutcomes();
  const judged: string[] = [];
  for (const { what, object } of outcomes) {
    const { status, message } = await healthOf(lua, object);
    expect([what, message]).toEqual([what, expect.stringMatching(/\.$/)]);
    judged.push(`${what}: ${status}`);
  }
  expect(judged).toEqual(outcomes.map(({ what, argo }) => `${what}: ${argo}`));
}, 60_000);

const host = (ready: string, more: readonly (readonly [string, string, string])[] = []) => ({
  kind: 'XenHost',
  metadata: { generation: 1 },
  status: {
    conditions: [['Ready', ready, 'Why'] as const, ...more].map(([type, status, reason]) => ({
      type,
      status,
      reason,
      message: `${type} says so.`,
    })),
  },
});

test.each<[string, ReturnType<typeof host> | object, ArgoHealth]>([
  ['that no agent has registered', { kind: 'XenHost', metadata: {} }, 'Progressing'],
  ['whose agent cannot work', host('False'), 'Degraded'],
  ['that is fenced', host('Unknown', [['Fenced', 'True', 'Fenced']]), 'Degraded'],
  ['that is being drained', host('True', [['Drained', 'False', 'StubDomainsRemain']]), 'Suspended'],
  ['that is not drained', host('True', [['Drained', 'False', 'NotDraining']]), 'Healthy'],
])('a host %s', async (_, object, health) => {
  if (lua === undefined) return;
  expect((await healthOf(lua, object as { kind: 'XenHost' })).status).toBe(health);
});
