import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A program in the place of xl: for each verb, lines of a shell script. */
export interface FakeXl {
  readonly path: string;
  /** A folder of ours alone, for what the driver writes. */
  readonly runDir: string;
  /** What the verb does from now on. `$@` is what follows the verb. Without a script a verb fails. */
  on(verb: string, script: string): Promise<void>;
  /** Each call as one line: the words between `|`. */
  calls(): Promise<string[]>;
  remove(): Promise<void>;
}

export const dom0Line =
  'Domain-0                                     0  1024     2     r-----     108.8 00000000-0000-0000-0000-000000000000        -                -';
export const listHeader =
  'Name                                        ID   Mem VCPUs\tState\tTime(s)   UUID                            Reason-Code\tSecurity Label';

/** A line of `xl list -v` as Xen 4.17 prints it. */
export function listLine(name: string, domid: number, uuid: string, state = '-b----', reason = '-'): string {
  const columns = `${String(domid).padStart(5)} ${'64'.padStart(5)} ${'1'.padStart(5)}     ${state}  ${'6.5'.padStart(8)}`;
  return `${name.padEnd(40)} ${columns} ${uuid} ${reason.padStart(8)} ${'-'.padStart(16)}`;
}

/** A script that prints the list with these lines, dom0's first. */
export function listScript(...lines: readonly string[]): string {
  return `cat <<'END'\n${[listHeader, dom0Line, ...lines].join('\n')}\nEND\n`;
}

/** What `xl info` of Xen 4.17 in the lab says, as far as anybody looks. */
export function infoScript(abilities = 'pv hvm hvm_directio pv_directio hap'): string {
  return `cat <<'END'
host                   : dom0
release                : 6.1.0-56-amd64
version                : #1 SMP PREEMPT_DYNAMIC Debian 6.1.192-2 (2026-11-16)
virt_caps              : ${abilities}
total_memory           : 3071
free_memory            : 2014
xen_version            : 4.17.7
xen_caps               : xen-3.0-x86_64 hvm-3.0-x86_32 hvm-3.0-x86_32p hvm-3.0-x86_64${' '}
xen_changeset          :${' '}
xen_commandline        : console=com1 com1=115200,8n1 dom0_mem=1024M
END
`;
}

/** Makes the program. It knows no verb yet. */
export async function fakeXl(): Promise<FakeXl> {
  const folder = await mkdtemp(join(tmpdir(), 'fake-xl-'));
  const path = join(folder, 'xl');
  const calls = join(folder, 'calls');
  const program = `#!/bin/sh
{ printf '%s' "$1"; for word in "$@"; do [ "$word" = "$1" ] || printf '|%s' "$word"; done; echo; } >>'${calls}'
verb="$1"; shift
[ -e '${folder}/verb-'"$verb" ] || { echo "unknown command" >&2; exit 1; }
. '${folder}/verb-'"$verb"
`;
  await writeFile(path, program);
  await chmod(path, 0o755);
  return {
    path,
    runDir: join(folder, 'run'),
    on: async (verb, script) => writeFile(join(folder, `verb-${verb}`), script),
    calls: async () => (await readFile(calls, 'utf8').catch(() => '')).split('\n').filter((line) => line !== ''),
    remove: async () => rm(folder, { recursive: true, force: true }),
  };
}
