#!/usr/bin/env node
/** The entry of the `stubdom` program, and the only place that ends the process. */
import { run } from './cli/run.ts';

process.exit(await run(process.argv.slice(2)));
