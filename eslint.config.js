import eslint from '@eslint/js';
import tseslint from 'typescript-eslint';

/**
 * Which folders of operator/ each folder may import from, itself apart. What is not named here is refused.
 * `folder/file.ts` allows that one file.
 */
const boundaries = {
  api: [],
  domain: ['api'],
  runtime: [],
  kube: ['runtime'],
  xenstore: ['runtime'],
  hypervisor: ['runtime'],
  controllers: ['api', 'domain', 'runtime', 'kube', 'hypervisor/hypervisor.ts'],
  agent: ['api', 'domain', 'runtime', 'kube', 'xenstore', 'hypervisor'],
};

/**
 * The embedded world implements the wire contracts from the other side, so that it shares with the clients the pure core
 * alone: a mistake in a client must not be mirrored by its own server.
 */
const xenstoreCore = ['wire', 'parser', 'messages', 'paths', 'permissions', 'errors', 'xenstore'];
const embeddedPart = [
  'runtime/ports.ts',
  'kube/types.ts',
  'hypervisor/hypervisor.ts',
  ...xenstoreCore.map((file) => `xenstore/${file}.ts`),
  ...xenstoreCore.map((file) => `xenstore/core/${file}.ts`),
];

const folders = [...Object.keys(boundaries), 'embedded', 'cli'];

/** Refuses imports of the folders, except the allowed ones, from any depth below operator/. */
function boundary(name, allowed, why) {
  const whole = allowed.filter((entry) => !entry.endsWith('.ts'));
  const single = allowed.filter((entry) => entry.endsWith('.ts'));
  const refused = folders.filter((folder) => folder !== name && !whole.includes(folder));
  const files = single.map((file) => file.replace(/[./]/g, '\\$&')).join('|');
  const exceptions = files === '' ? '' : `(?!(?:${files})$)`;
  return { regex: `^(?:\\.\\./)+${exceptions}(?:${refused.join('|')})/`, message: why };
}

const clientNode = {
  regex: '^@kubernetes/client-node',
  message: 'Only kube/config.ts loads client-node: everything else speaks HTTP through kube/.',
  allowTypeImports: true,
};

function restricted(...patterns) {
  return { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] };
}

const folderRules = Object.entries(boundaries).map(([name, allowed]) => ({
  files: [`operator/${name}/**/*.ts`],
  ignores: ['operator/kube/config.ts'],
  rules: restricted(
    boundary(name, allowed, `operator/${name} may import from: ${allowed.join(', ') || 'nothing else in operator/'}.`),
    clientNode,
  ),
}));

export default tseslint.config(
  {
    ignores: ['dist/', 'coverage/', '.stubdom/', 'charts/', 'operator/api/generated/', 'test/support/strip-types.cjs'],
  },
  {
    files: ['**/*.ts'],
    extends: [eslint.configs.recommended, tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.json', tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      'max-lines': ['error', { max: 500 }],
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        { object: 'process', property: 'exit', message: 'Only operator/main.ts ends the process.' },
        { object: 'process', property: 'abort', message: 'Only operator/main.ts ends the process.' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'Program > VariableDeclaration[kind="let"]', message: 'No module-level mutable state.' },
      ],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-empty-function': 'off',
      '@typescript-eslint/no-unnecessary-type-parameters': 'off',
      '@typescript-eslint/require-await': 'off',
    },
  },
  ...folderRules,
  {
    files: ['operator/kube/config.ts'],
    rules: restricted(boundary('kube', boundaries.kube, 'operator/kube may import from runtime.')),
  },
  {
    files: ['operator/embedded/**/*.ts'],
    ignores: ['operator/embedded/world.ts', 'operator/embedded/world/**'],
    rules: restricted(
      boundary('embedded', embeddedPart, 'A part of the embedded world shares only the pure core and the ports.'),
      clientNode,
    ),
  },
  {
    // Objects of the API are maps: their keys come from the wire.
    files: ['operator/embedded/api-server/**/*.ts'],
    rules: { '@typescript-eslint/no-dynamic-delete': 'off' },
  },
  {
    // The simulated host is a client of XenStore as real hosts, back ends and device models are.
    files: ['operator/embedded/simulated-host/**/*.ts'],
    rules: restricted(
      boundary(
        'embedded',
        [...embeddedPart, 'xenstore', 'hypervisor'],
        'A simulated host knows XenStore and the hypervisor port.',
      ),
      clientNode,
    ),
  },
  {
    // The world joins the parts: servers of the embedded world on one side, the production programs on the other.
    files: ['operator/embedded/world.ts', 'operator/embedded/world/**/*.ts'],
    rules: restricted(boundary('embedded', Object.keys(boundaries), 'Nobody imports the CLI.'), clientNode),
  },
  { files: ['operator/cli/**/*.ts', 'operator/main.ts'], rules: restricted(clientNode) },
  {
    files: ['operator/cli/**/*.ts', 'hack/**/*.ts', 'test/bench/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
  { files: ['operator/main.ts'], rules: { 'no-restricted-properties': 'off' } },
  {
    files: ['test/**/*.ts', 'hack/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      'no-restricted-properties': 'off',
      'no-restricted-syntax': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    extends: [eslint.configs.recommended],
    languageOptions: { globals: { process: 'readonly', console: 'readonly', URL: 'readonly' } },
  },
);
