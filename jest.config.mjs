// Tests run from the TypeScript source: Node's own type stripping is the only transform, so that there is no build to
// wait for and line numbers are those of the source.
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  transform: { '\\.ts$': '<rootDir>/test/support/strip-types.cjs' },
  testTimeout: 30_000,
  testSequencer: '<rootDir>/test/support/longest-first.cjs',
  maxWorkers: 2,
  watchman: false,
};
