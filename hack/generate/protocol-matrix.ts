import { type Ends, type EndWorld, type Scenario } from '../../test/conformance/protocol/scenario.ts';
import { caseTitles } from '../../test/conformance/protocol/case-titles.ts';
import { scenarios } from '../../test/conformance/protocol/scenarios.ts';

/** The protocol conformance matrix, as one Markdown page: every scenario with what it ends in. */
export function protocolMatrix(): string {
  const out = [
    '# Protocol conformance matrix',
    '',
    'Generated from `test/conformance/protocol` by `npm run generate`. What a device model, a guest, a XenStore daemon and a second toolstack can do',
    'to the [command channel](../command-channel.md), and how the operator ends it. Each scenario is a test: the whole controller and agent against a',
    'simulated host, over real sockets. `npm test` plays all of them on the embedded XenStore daemon, `npm run test:real` on C xenstored and on',
    'oxenstored.',
    '',
    '- **Ends in**: conditions of the StubDomain `web` and of PciAttachments named after their devices.',
    '- **Warnings**: reasons of Warning events; there are no others. `?`: it depends on whether the agent looked in between.',
    "- **Metrics**: how the protocol's counters changed (without the prefix `stubdom_`); no other did. `≥1`: what was not applied is tried again with",
    '  back-off. `any`: it depends on whether the agent looked in between.',
    '- **Taken**: what each device model took from the channel, by its own record.',
    '- **Host**: `state` in the channel; devices that are claimed in `/libxl/pci`; devices in the PV back end; devices that the guest sees, with',
    '  their slot. `–`: none.',
    '',
    `${String(scenarios.length)} scenarios for ${String(Object.keys(caseTitles).length)} cases.`,
    '',
  ];
  for (const [number, title] of Object.entries(caseTitles)) {
    const rows = scenarios.filter((scenario) => String(scenario.case) === number);
    out.push(`## ${number}. ${title}`, '');
    out.push('| What happens | Ends in | Warnings | Metrics | Taken | Host |', '|---|---|---|---|---|---|');
    for (const scenario of rows) out.push(row(scenario));
    out.push('');
  }
  return out.join('\n');
}

const none = '–';
const lines = (parts: readonly string[]): string => (parts.length === 0 ? none : parts.join('<br>'));

function row({ title, quirks = [], ends }: Scenario): string {
  const quirk = quirks.length === 0 ? '' : `<br>Quirks: ${quirks.map((one) => `\`${one}\``).join(', ')}`;
  const cells = [
    `${title}${quirk}`,
    lines(conditionsOf(ends)),
    lines(ends.warnings),
    lines(countsOf(ends.metrics).map((one) => `\`${one}\``)),
    ends.commands.length === 0 ? none : ends.commands.map((one) => countsOf(one).join(', ')).join('; then '),
    worldOf(ends.world),
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function conditionsOf({ condition, also = [] }: Ends): string[] {
  const first = 'gone' in condition ? [`${condition.object}: gone`] : [condition];
  return [...first, ...also].map((one) =>
    typeof one === 'string' ? one : `${one.object}: ${one.type}=${one.status} ${one.reason}`,
  );
}

function countsOf(counts: Readonly<Record<string, number | string | undefined>>): string[] {
  return Object.entries(counts).map(([name, count]) => `${name} ${count === 'some' ? '≥1' : String(count)}`);
}

function worldOf({ state, claims, backend, guest }: EndWorld): string {
  const list = (names: readonly string[]): string => (names.length === 0 ? none : names.join(', '));
  return lines([
    `state: ${state ?? none}`,
    `claimed: ${list(claims)}`,
    `back end: ${list(backend)}`,
    `guest: ${list(guest)}`,
  ]);
}
