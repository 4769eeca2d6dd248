import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseDockerfile } from '../../../hack/image/dockerfile.ts';
import { isIgnored, lintDockerfile, type Rule } from '../../../hack/image/lint.ts';
import { packageRoot } from '../../support/stubdom.ts';

const read = (...path: string[]) => readFileSync(join(packageRoot, ...path), 'utf8');
const dockerfile = read('Dockerfile');
const dockerignore = read('.dockerignore');

describe('the Dockerfile', () => {
  test('has no findings', () => {
    expect(lintDockerfile(dockerfile)).toEqual([]);
  });

  test('begins with the Node.js that the tests run on', () => {
    const { devDependencies } = JSON.parse(read('package.json')) as { devDependencies: { node: string } };
    expect(parseDockerfile(dockerfile).stages[0]?.base).toBe(
      `docker.io/library/node:${devDependencies.node}-bookworm-slim`,
    );
  });

  test('takes a digest', () => {
    const digest = `@sha256:${'0'.repeat(64)}`;
    const { stages } = parseDockerfile(dockerfile, { NODE_DIGEST: digest });
    expect(stages[0]?.base.endsWith(digest)).toBe(true);
  });

  test('runs as the user that the chart names', () => {
    const user = parseDockerfile(dockerfile)
      .stages.at(-1)
      ?.instructions.find(({ name }) => name === 'USER')?.text;
    const chart = read('charts', 'stubdom-operator', 'templates', 'controller.yaml');
    expect(user).toBe(`${String(/runAsUser: (\d+)/.exec(chart)?.[1])}:${String(/runAsGroup: (\d+)/.exec(chart)?.[1])}`);
  });

  test('is a user only once, in the stage that is shipped, which has no shell to run anything', () => {
    const last = parseDockerfile(dockerfile).stages.at(-1);
    expect(last?.base).toBe('scratch');
    expect(last?.instructions.filter(({ name }) => name === 'RUN')).toEqual([]);
  });
});

describe('the builder gets', () => {
  test.each([
    '.git',
    '.git/config',
    'node_modules',
    'node_modules/koffi/index.js',
    'test',
    'test/unit',
    'dist',
    'docs',
  ])('no %s', (path) => {
    expect(isIgnored(dockerignore, path)).toBe(true);
  });
  test.each(['.stubdom/kubeconfig', '.env', 'hack/dom0/agent.env', 'charts', 'kubeconfig'])('no %s', (path) => {
    expect(isIgnored(dockerignore, path)).toBe(true);
  });

  test('everything that is copied from the checkout', () => {
    const copied = parseDockerfile(dockerfile)
      .stages.flatMap(({ instructions }) => instructions)
      .filter(({ name, flags }) => name === 'COPY' && flags['from'] === undefined)
      .flatMap(({ text }) => text.split(/\s+/).slice(0, -1));
    expect(copied).toContain('operator');
    for (const path of copied) {
      expect([path, isIgnored(dockerignore, path), existsSync(join(packageRoot, path))]).toEqual([path, false, true]);
    }
  });
});

const good = [
  'FROM docker.io/library/node:24.21.0-slim AS build',
  'COPY . .',
  'FROM scratch',
  'COPY --from=build --chown=0:0 /src /src',
  'USER 65532:65532',
  'ENTRYPOINT ["/node", "main.js"]',
];
const without = (start: string) => good.filter((line) => !line.startsWith(start));
const instead = (start: string, line: string) => good.map((old) => (old.startsWith(start) ? line : old));
const rulesOf = (lines: readonly string[]) => lintDockerfile(lines.join('\n')).map(({ rule }) => rule);

describe('the checks', () => {
  test('have nothing against a good one', () => {
    expect(rulesOf(good)).toEqual([]);
  });

  test.each<[Rule, string, readonly string[]]>([
    ['pinned-base', 'no tag', instead('FROM d', 'FROM node AS build')],
    ['pinned-base', 'latest', instead('FROM d', 'FROM node:latest AS build')],
    ['pinned-base', 'a tag that moves', instead('FROM d', 'FROM node:24-slim AS build')],
    ['pinned-base', 'an argument without a value', ['ARG BASE', ...instead('FROM d', 'FROM ${BASE} AS build')]],
    ['pinned-base', 'half a digest', instead('FROM d', 'FROM node@sha256:0123 AS build')],
    ['numeric-user', 'no user', without('USER')],
    ['numeric-user', 'root', instead('USER', 'USER 0')],
    ['numeric-user', 'a name', instead('USER', 'USER stubdom')],
    ['numeric-user', 'root in the end', [...good, 'USER 0:0']],
    ['no-add', 'a URL', instead('COPY .', 'ADD https://example.org/a.tar.gz /src')],
    ['no-add', 'a file', instead('COPY .', 'ADD a.tar.gz /src')],
    ['exec-form', 'a shell', instead('ENTRYPOINT', 'ENTRYPOINT node main.js')],
    ['exec-form', 'no entry point', without('ENTRYPOINT')],
    ['exec-form', 'a command in a shell', [...good, 'CMD --help']],
    ['owned-by-root', 'the owner not said', instead('COPY --from', 'COPY --from=build /src /src')],
    ['owned-by-root', 'its own', instead('COPY --from', 'COPY --from=build --chown=65532:65532 /src /src')],
    ['no-secrets', 'a token as an argument', ['FROM node:24.21.0 AS a', 'ARG NPM_TOKEN', ...good]],
    ['no-secrets', 'a password in the environment', [...good, 'ENV DB_PASSWORD=x']],
    ['strict-shell', 'failures that are not seen', instead('COPY .', 'RUN false; true')],
    ['multi-stage', 'the checkout shipped', [...good, 'COPY --chown=0:0 . /src']],
  ])('%s: %s', (rule, _, lines) => {
    expect(rulesOf(lines)).toEqual([rule]);
  });

  test('a digest is as good as a version, and a stage may begin with another', () => {
    const pinned = instead('FROM d', `FROM node@sha256:${'a'.repeat(64)} AS build`);
    expect(rulesOf(pinned)).toEqual([]);
    expect(rulesOf(['FROM node:24.21.0 AS deps', ...instead('FROM d', 'FROM deps AS build')])).toEqual([]);
  });

  test('continued lines are one instruction, with comments between them', () => {
    const { stages } = parseDockerfile('FROM scratch\nRUN set -e; \\\n# why\n  a; \\\n  b\nUSER 1\n');
    expect(stages[0]?.instructions.map(({ name, line }) => [name, line])).toEqual([
      ['RUN', 2],
      ['USER', 6],
    ]);
    expect(stages[0]?.instructions[0]?.text.replace(/\s+/g, ' ')).toBe('set -e; a; b');
  });

  test('the last pattern of .dockerignore that matches decides, and folders take what is in them along', () => {
    expect(isIgnored('node_modules\n', 'node_modules/a/b.js')).toBe(true);
    expect(isIgnored('node_modules\n', 'operator/node_modules')).toBe(false);
    expect(isIgnored('**/node_modules\n', 'operator/node_modules')).toBe(true);
    expect(isIgnored('*\n!operator\n', 'operator/main.ts')).toBe(false);
    expect(isIgnored('!operator\n*\n', 'operator/main.ts')).toBe(true);
    expect(isIgnored('# a\n*.log\n', 'up.log')).toBe(true);
  });
});
