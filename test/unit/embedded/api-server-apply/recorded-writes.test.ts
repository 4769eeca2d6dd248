/**
 * Sequences of random writes with the answers that kube-apiserver 1.36.3 gave, recorded: the same writes must lead to the
 * same objects and the same owners here.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  ApplyConflictError,
  serverSideApply,
  trackUpdate,
} from '../../../../operator/embedded/api-server/apply/apply.ts';
import { applyPatch } from '../../../../operator/embedded/api-server/patch/patch.ts';
import { compileSchema } from '../../../../operator/embedded/api-server/schema/schema.ts';

type Json = Record<string, unknown>;

interface Write {
  readonly do: 'create' | 'apply' | 'sapply' | 'merge' | 'smerge' | 'reset';
  readonly manager: string;
  readonly force?: boolean;
  readonly body: Json;
  readonly conflict?: string;
  readonly labels?: Json;
  readonly annotations?: Json;
  readonly finalizers?: readonly string[];
  readonly spec?: Json;
  readonly status?: Json | null;
  readonly owners?: Json;
}

const recorded = JSON.parse(readFileSync(new URL('recorded-writes.json', import.meta.url), 'utf8')) as {
  readonly schema: Json;
  readonly sequences: readonly (readonly Write[])[];
};
const { schema } = recorded;
const compiled = compileSchema(schema);
const common = { apiVersion: 'f.io/v1', now: '2026-01-01T00:00:00Z', schema };

/** What a server puts back: status on the main endpoint, everything else on the status endpoint. */
function settled(live: Json | undefined, next: Json, status: boolean): Json {
  const object = compiled.applyDefaults(compiled.prune(next).object);
  const { status: sent, ...main } = object;
  if (live === undefined) return main;
  const { status: kept, ...rest } = live;
  if (!status) return kept === undefined ? main : { ...main, status: kept };
  const metadata: Json = { ...(live['metadata'] as Json) };
  const { managedFields } = object['metadata'] as Json;
  delete metadata['managedFields'];
  if (managedFields !== undefined) metadata['managedFields'] = managedFields;
  return { ...rest, metadata, ...(sent === undefined ? {} : { status: sent }) };
}

function write(live: Json | undefined, { do: what, manager, force, body }: Write): Json {
  const status = what === 'sapply' || what === 'smerge';
  const subresource = status ? 'status' : '';
  if (what === 'apply' || what === 'sapply') {
    const applied = serverSideApply({ ...common, live, applied: body, manager, force: force === true, subresource });
    return applied.changed ? settled(live, applied.object, status) : (live ?? {});
  }
  const next = what === 'create' ? body : applyPatch('application/merge-patch+json', live ?? {}, body);
  return trackUpdate({ ...common, before: live, after: settled(live, next, status), manager, subresource });
}

function outcome(object: Json): Json {
  const { labels = {}, annotations = {}, finalizers = [], managedFields = [] } = object['metadata'] as Json;
  const owners: Json = {};
  for (const entry of managedFields as Json[]) {
    const subresource = entry['subresource'] === undefined ? '' : `/${entry['subresource'] as string}`;
    owners[`${String(entry['manager'])} ${String(entry['operation'])}${subresource}`] = entry['fieldsV1'];
  }
  return { labels, annotations, finalizers, spec: object['spec'], status: object['status'] ?? null, owners };
}

describe('writes whose outcome on a real kube-apiserver was recorded', () => {
  test('there are enough of them', () => {
    expect(recorded.sequences.flat().length).toBeGreaterThan(100);
    expect(recorded.sequences.flat().filter((one) => one.conflict !== undefined).length).toBeGreaterThan(3);
  });

  test.each(recorded.sequences.map((writes, i) => [i, writes] as const))('sequence %i', (_, writes) => {
    let live: Json | undefined;
    for (const one of writes) {
      const { do: __, manager: ___, force: ____, body: _____, conflict, ...expected } = one;
      try {
        const next = write(live, one);
        expect(conflict).toBeUndefined();
        expect(outcome(next)).toEqual(expected);
        live = next;
      } catch (error) {
        if (!(error instanceof ApplyConflictError)) throw error;
        expect(error.message).toBe(conflict);
      }
    }
  });
});
