import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';

/** The project's CustomResourceDefinitions, parsed. */
export function projectCrds(): object[] {
  const directory = join(import.meta.dirname, '../../crds');
  return readdirSync(directory)
    .filter((name) => name.endsWith('.yaml'))
    .sort()
    .map((name) => load(readFileSync(join(directory, name), 'utf8')) as object);
}
