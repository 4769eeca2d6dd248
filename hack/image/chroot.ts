/**
 * chroot.ts DOCKERFILE BASE WORK FOLDER: takes the steps of a Dockerfile in a chroot, for machines without a builder, and leaves
 * `rootfs` and `config.json` in the folder. BASE is the file system of the first stage, and is used up. Needs root, and no
 * rights to mount. It knows the instructions that the Dockerfile of this project uses, and refuses others.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, lstatSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { parseDockerfile, type Instruction } from './dockerfile.ts';
import { isIgnored } from './lint.ts';

const [dockerfile = '', base = '', work = '', folder = ''] = process.argv.slice(2);
const context = dirname(resolve(dockerfile));
const dockerignore = readFileSync(join(context, '.dockerignore'), 'utf8');

/** A stage under way. */
interface Building {
  readonly root: string;
  workdir: string;
  readonly env: Map<string, string>;
  user: string;
  entrypoint: readonly string[];
  cmd: readonly string[];
}

function run(building: Building, text: string): void {
  const env = { HOME: '/root', ...Object.fromEntries(building.env) };
  const script = `cd '${building.workdir}' || exit 1\n${text}`;
  const { status, signal } = spawnSync('chroot', [building.root, '/bin/sh', '-c', script], {
    env,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error(`RUN ended with ${String(status ?? signal)}: ${text.slice(0, 200)}`);
}

function copy(building: Building, { text, flags }: Instruction, stages: ReadonlyMap<string, Building>): void {
  const paths = text.split(/\s+/);
  const target = paths.pop() ?? '';
  const from = flags['from'];
  const source = from === undefined ? context : stages.get(from)?.root;
  if (source === undefined) throw new Error(`COPY --from=${String(from)}: no such stage`);
  const into = join(building.root, resolve(building.workdir, target));
  for (const path of paths) {
    const found = join(source, path);
    const whole = lstatSync(found).isDirectory();
    const to = whole || !(target.endsWith('/') || paths.length > 1) ? into : join(into, basename(path));
    mkdirSync(dirname(to), { recursive: true });
    cpSync(found, to, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (file) => from !== undefined || !isIgnored(dockerignore, relative(context, file)),
    });
  }
}

function list(text: string): readonly string[] {
  return JSON.parse(text) as string[];
}

function step(building: Building, found: Instruction, stages: ReadonlyMap<string, Building>): void {
  const { name, text } = found;
  process.stderr.write(`${name} ${text.replace(/\s+/g, ' ').slice(0, 100)}\n`);
  switch (name) {
    case 'RUN':
      run(building, text);
      break;
    case 'COPY':
      copy(building, found, stages);
      break;
    case 'WORKDIR':
      building.workdir = resolve(building.workdir, text);
      mkdirSync(join(building.root, building.workdir), { recursive: true });
      break;
    case 'ENV':
      for (const [, key = '', quoted, bare] of text.matchAll(/(\w+)=(?:"([^"]*)"|(\S+))/g)) {
        building.env.set(key, quoted ?? bare ?? '');
      }
      break;
    case 'USER':
      building.user = text;
      break;
    case 'ENTRYPOINT':
      building.entrypoint = list(text);
      break;
    case 'CMD':
      building.cmd = list(text);
      break;
    default:
      throw new Error(`Dockerfile line ${found.line}: ${name} is not known here`);
  }
}

const stages = new Map<string, Building>();
let last: Building | undefined;
for (const stage of parseDockerfile(readFileSync(dockerfile, 'utf8')).stages) {
  const scratch = stage.base === 'scratch';
  const root = scratch ? join(work, stage.name) : base;
  if (scratch) mkdirSync(root);
  else if (stages.size > 0) throw new Error('only the first stage may begin with an image');
  last = { root, workdir: '/', env: new Map(), user: '0:0', entrypoint: [], cmd: [] };
  if (!scratch) {
    last.env.set('PATH', '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin');
    const authorities = '/usr/local/authorities.pem';
    if (existsSync(join(root, authorities))) last.env.set('NODE_EXTRA_CA_CERTS', authorities);
  }
  stages.set(stage.name, last);
  for (const instruction of stage.instructions) step(last, instruction, stages);
}
if (last === undefined) throw new Error('the Dockerfile has no FROM');
renameSync(last.root, join(folder, 'rootfs'));
const config = {
  User: last.user,
  Env: [...last.env].map(([key, value]) => `${key}=${value}`),
  Entrypoint: last.entrypoint,
  Cmd: last.cmd,
  WorkingDir: last.workdir,
};
writeFileSync(join(folder, 'config.json'), `${JSON.stringify({ architecture: process.arch, os: 'linux', config })}\n`);
