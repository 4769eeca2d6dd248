import { groups } from './cases/all.ts';
import { daemonNames } from './daemons.ts';
import { differences } from './differences.ts';

/** `docs/xenstore-conformance.md`, made of the suite's tables: what the suite asserts is what the document says. */
export function report(): string {
  const cases = groups.flatMap((group) => group.cases);
  const rows = cases.reduce((sum, entry) => sum + entry.rows.length, 0);
  const deviating = (daemon: (typeof daemonNames)[number], names: ReadonlySet<string>): number =>
    new Set(differences.filter((d) => d.daemons.includes(daemon) && names.has(d.case)).map((d) => d.case)).size;
  const line = (name: string, entries: readonly { readonly name: string }[]): string => {
    const names = new Set(entries.map((entry) => entry.name));
    const cells = daemonNames.map((daemon) => {
      const other = deviating(daemon, names);
      return other === 0 ? 'all' : `${String(names.size - other)}, ${String(other)} differ`;
    });
    return `| ${name} | ${String(names.size)} | ${cells.join(' | ')} |`;
  };
  const reasons = new Map<string, { daemons: string; cases: string[] }>();
  for (const difference of differences) {
    const daemons = difference.daemons.join(', ').replace('oxenstored 4.17, oxenstored 4.20', 'oxenstored');
    const key = `${daemons}\0${difference.reason}`;
    const entry = reasons.get(key) ?? { daemons, cases: [] };
    entry.cases.push(difference.case);
    reasons.set(key, entry);
  }
  return [
    '# XenStore conformance',
    '',
    '<!-- Made from the tables in test/conformance/xenstore by `node hack/xenstore-conformance.ts`. Do not edit. -->',
    '',
    '<!-- prettier-ignore-start -->',
    '',
    `One suite of ${String(cases.length)} cases (${String(rows)} requests) runs against five daemons: the embedded one, and Debian’s C xenstored and`,
    'oxenstored of Xen 4.17 and 4.20, with guests on real rings (`hack/real-xenstored`). A case compares every byte of',
    'every reply and event, and their order. The cases say what C xenstored 4.20 does; where another daemon does',
    'otherwise, the suite asserts what it does instead, and fails when it no longer does. Nothing is skipped.',
    '',
    '    NODE_OPTIONS=--experimental-vm-modules npx jest test/conformance/xenstore',
    '',
    'Requests that came with Xen 4.22 (GET_FEATURE, SET_FEATURE, GET_QUOTA, SET_QUOTA) are ENOSYS, as in all of these.',
    '',
    `| | cases | ${daemonNames.join(' | ')} |`,
    `|---|---|${daemonNames.map(() => '---|').join('')}`,
    ...groups.map((group) => line(group.name, group.cases)),
    line('**all**', cases),
    '',
    '## Differences from C xenstored 4.20',
    '',
    '| daemon | does | cases |',
    '|---|---|---|',
    ...[...reasons].map(([key, { daemons, cases: names }]) => {
      const reason = key.slice(key.indexOf('\0') + 1);
      return `| ${daemons} | ${reason} | ${names.join('; ')} |`;
    }),
    '',
    '<!-- prettier-ignore-end -->',
    '',
  ].join('\n');
}
