/**
 * All benchmarks, or those that are named: `npm run bench [-- NAME…]`. Each runs in a process of its own, one after the
 * other, and prints figures and ratios.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

const folder = import.meta.dirname;
const available = (await readdir(folder))
  .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
  .map((file) => file.slice(0, -'.ts'.length))
  .sort();
const named = process.argv.slice(2);
const unknown = named.filter((name) => !available.includes(name));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are: ${available.join(', ')}`);
  process.exit(2);
}

let failures = 0;
for (const name of named.length > 0 ? named : available) {
  console.log(`\n=== ${name}`);
  const child = spawn(process.execPath, [join(folder, `${name}.ts`)], { stdio: ['ignore', 'inherit', 'inherit'] });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) {
    failures += 1;
    console.log(`=== ${name} ended with ${String(code)}`);
  }
}
process.exit(failures === 0 ? 0 : 1);
