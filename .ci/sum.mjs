// Adds up the reports of all test runners in a folder: `node sum.mjs FOLDER FAILED-CHECKS`. Its last line is the result;
// the exit code is 1 if anything failed, or if nothing ran.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const [folder = '.', checks = '0'] = process.argv.slice(2);
let passed = 0;
let failed = Number(checks);
let skipped = 0;
for (const name of readdirSync(folder).filter((file) => file.endsWith('.json'))) {
  const report = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  if (report === null) {
    console.log(`${name}: the runner died without a report`);
    failed += 1;
    continue;
  }
  passed += report.numPassedTests;
  // A file that cannot even be loaded has no tests to count.
  failed += report.numFailedTests + report.numRuntimeErrorTestSuites;
  skipped += report.numPendingTests + report.numTodoTests;
}
console.log(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
