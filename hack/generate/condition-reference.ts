import { conditionTypes, reasons } from '../../operator/api/reasons.ts';

/** The reference of all condition types and reasons, as one Markdown page. */
export function conditionReference(): string {
  const out = [
    '# Conditions and reasons',
    '',
    'Generated from `operator/api/reasons.ts` by `npm run generate`. All conditions of a kind are present from the first',
    'visit on; `Unknown` means that nobody could look. Messages never hold raw XenStore values.',
    '',
  ];
  for (const [kind, types] of Object.entries(conditionTypes)) {
    out.push(`## ${kind}`, '', '| condition | written by | meaning |', '|---|---|---|');
    for (const [type, { writer, meaning }] of Object.entries(types)) out.push(`| ${type} | ${writer} | ${meaning} |`);
    out.push('');
  }
  out.push('## Reasons', '', '| reason | meaning |', '|---|---|');
  for (const [reason, meaning] of Object.entries(reasons)) out.push(`| ${reason} | ${meaning} |`);
  out.push('');
  return out.join('\n');
}
