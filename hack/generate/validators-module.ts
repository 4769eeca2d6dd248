import { Ajv } from 'ajv';
import standaloneCodeImport from 'ajv/dist/standalone/index.js';
import { type Crd, partOf, toJsonSchema } from './crd.ts';

type Standalone = (ajv: Ajv, refs: Record<string, string>) => string;
const imported: unknown = standaloneCodeImport;
const standaloneCode = (
  typeof imported === 'function' ? imported : (imported as { default: unknown }).default
) as Standalone;

function withoutDescriptions(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutDescriptions);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, child]) => !(key === 'description' && typeof child === 'string'))
      .map(([key, child]) => [key, withoutDescriptions(child)]),
  );
}

/**
 * Validators of the three specs, compiled to code that needs no library at run time. They fill in defaults, as the API
 * server does, so that an object that came another way has them too.
 */
export function validatorsModule(crds: readonly Crd[]): string {
  const ajv = new Ajv({
    strict: false,
    logger: false,
    allErrors: true,
    useDefaults: true,
    // Without it the code would need a function of the library at run time.
    unicode: false,
    code: { source: true, esm: true, lines: true },
    formats: { int32: true, int64: true },
  });
  const refs: Record<string, string> = {};
  for (const crd of crds) {
    const id = `${crd.spec.names.kind}Spec`;
    const schema = toJsonSchema(partOf(crd, 'spec'), { defaultsAreRequired: false });
    ajv.addSchema({ $id: id, ...(withoutDescriptions(schema) as object) });
    refs[`validate${id}`] = id;
  }
  const code = standaloneCode(ajv, refs)
    .replace('"use strict";\n', '')
    .replaceAll(/^export const (validate(\w+)) = (\w+);$/gm, 'export const $1: Validator<$2> = $3 as never;');
  const imports = crds.map(({ spec: { names } }) => {
    const file = names.kind.replace(/(?<=[a-z])(?=[A-Z])/g, '-').toLowerCase();
    return `import type { ${names.kind}Spec } from './${file}.ts';\n`;
  });
  return [
    '// @ts-nocheck\n/* Generated from crds/ by `npm run generate`. Do not edit. */\n',
    ...imports,
    '\ninterface Validator<T> {\n  (data: unknown): data is T;\n',
    '  errors?: readonly { readonly instancePath: string; readonly message?: string }[] | null;\n}\n\n',
    code,
    '\n',
  ].join('');
}
