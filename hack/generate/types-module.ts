import { compile } from 'json-schema-to-typescript';
import { type Crd, type Schema, partOf, toJsonSchema } from './crd.ts';

const banner = '/* Generated from crds/ by `npm run generate`. Do not edit. */\n';

/** Limits are for validators: as types they would become unreadable tuples and comments. */
function withoutLimits(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutLimits);
  if (typeof value !== 'object' || value === null) return value;
  const dropped = new Set([
    'maxItems',
    'minItems',
    'pattern',
    'maxLength',
    'minLength',
    'minimum',
    'maximum',
    'format',
  ]);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => !dropped.has(key))
      .map(([key, child]) => [key, withoutLimits(child)]),
  );
}

async function part(schema: Schema, name: string): Promise<string> {
  const jsonSchema = withoutLimits(toJsonSchema(schema, { defaultsAreRequired: true }));
  const text = await compile(jsonSchema as object, name, {
    bannerComment: '',
    additionalProperties: false,
    format: true,
    style: { printWidth: 120, singleQuote: true, trailingComma: 'all' },
  });
  return text.replace(/^(\s+)([A-Za-z]+\??:)/gm, '$1readonly $2');
}

/** The TypeScript module of one kind: its spec (as it is after defaulting), its status, and the object. */
export async function typesModule(crd: Crd): Promise<string> {
  const kind = crd.spec.names.kind;
  const version = crd.spec.versions[0]?.name ?? '';
  return [
    banner,
    `import type { ObjectMeta } from '../../kube/types.ts';\n\n`,
    await part(partOf(crd, 'spec'), `${kind}Spec`),
    '\n',
    await part(partOf(crd, 'status'), `${kind}Status`),
    `\n/** The object, as the API server gives it after defaulting. */\nexport interface ${kind} {\n`,
    `  readonly apiVersion: '${crd.spec.group}/${version}';\n  readonly kind: '${kind}';\n`,
    `  readonly metadata: ObjectMeta;\n  readonly spec: ${kind}Spec;\n  readonly status?: ${kind}Status;\n}\n`,
  ].join('');
}
