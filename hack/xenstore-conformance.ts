import { writeFile } from 'node:fs/promises';
import { report } from '../test/conformance/xenstore/report.ts';

await writeFile(new URL('../docs/xenstore-conformance.md', import.meta.url), report());
