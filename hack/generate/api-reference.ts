import { type Crd, type Schema, partOf } from './crd.ts';

function describeType(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${word}\``).join(' \\| ');
  if (schema.type === 'array') return `list of ${schema.items === undefined ? 'anything' : describeType(schema.items)}`;
  if (schema.additionalProperties !== undefined) return 'map of string';
  return schema.type ?? 'anything';
}

function rows(schema: Schema, path: string, out: string[]): void {
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const here = `${path}.${name}`;
    const required = schema.required?.includes(name) === true ? 'yes' : '';
    const fallback = child.default === undefined ? '' : `\`${JSON.stringify(child.default)}\``;
    const text = (child.description ?? '').replaceAll('|', '\\|');
    out.push(`| \`${here}\` | ${describeType(child)} | ${required} | ${fallback} | ${text} |`);
    rows(child, here, out);
    if (child.items !== undefined) rows(child.items, `${here}[]`, out);
  }
}

/** The reference of all fields, as one Markdown page. */
export function apiReference(crds: readonly Crd[]): string {
  const out = [
    '# API reference',
    '',
    'Generated from `crds/` by `npm run generate`. Group `stubdom.io`, version `v1alpha1`.',
    '',
  ];
  for (const crd of crds) {
    const { kind, shortNames } = crd.spec.names;
    const scope = crd.spec.scope === 'Cluster' ? 'cluster-scoped' : 'namespaced';
    out.push(`## ${kind}`, '', crd.spec.versions[0]?.schema.openAPIV3Schema.description ?? '', '');
    out.push(`Short name \`${shortNames?.join('`, `') ?? ''}\`, ${scope}.`, '');
    for (const part of ['spec', 'status'] as const) {
      out.push(`### ${kind} ${part}`, '', '| field | type | required | default | meaning |', '|---|---|---|---|---|');
      rows(partOf(crd, part), `.${part}`, out);
      out.push('');
    }
  }
  return out.join('\n');
}
