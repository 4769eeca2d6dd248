import { invalidOption } from '../api-status.ts';

/** What the query parameters of a write ask for. */
export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: 'Strict' | 'Warn' | 'Ignore';
  readonly force: boolean;
}

/** Reads the query of a write. `kind` is CreateOptions, UpdateOptions, PatchOptions or DeleteOptions. */
export function parseWriteOptions(
  query: URLSearchParams,
  userAgent: string,
  kind: string,
  isApply = false,
): WriteOptions {
  const dryRun = query.getAll('dryRun').filter((value) => value !== '');
  if (dryRun.some((value) => value !== 'All')) {
    const message = `Unsupported value: ${JSON.stringify(dryRun)}: supported values: "All"`;
    throw invalidOption(kind, 'dryRun', 'FieldValueNotSupported', message);
  }
  const force = query.get('force');
  if (force !== null && kind === 'PatchOptions' && !isApply) {
    throw invalidOption(kind, 'force', 'FieldValueForbidden', 'Forbidden: may not be specified for non-apply patch');
  }
  return {
    dryRun: dryRun.length > 0,
    fieldManager: managerOf(query, userAgent, kind, isApply),
    fieldValidation: validationOf(query, kind),
    force: force === 'true' || force === '1',
  };
}

function managerOf(query: URLSearchParams, userAgent: string, kind: string, isApply: boolean): string {
  const named = query.get('fieldManager') ?? '';
  if (named === '' && isApply) {
    throw invalidOption(kind, 'fieldManager', 'FieldValueRequired', 'Required value: is required for apply patch');
  }
  if (named.length > 128) {
    throw invalidOption(kind, 'fieldManager', 'FieldValueTooLong', 'Too long: may not be more than 128 bytes');
  }
  if (!/^[\x20-\x7e\u00a0-\uffff]*$/.test(named)) {
    throw invalidOption(
      kind,
      'fieldManager',
      'FieldValueInvalid',
      'Invalid value: should only contain printable characters',
    );
  }
  if (named !== '') return named;
  return (userAgent.split('/')[0] ?? '').replaceAll(/[^\x20-\x7e]/g, '').slice(0, 128) || 'unknown';
}

function validationOf(query: URLSearchParams, kind: string): WriteOptions['fieldValidation'] {
  const value = query.get('fieldValidation') ?? '';
  switch (value) {
    case '':
    case 'Warn':
      return 'Warn';
    case 'Strict':
    case 'Ignore':
      return value;
    default: {
      const shown = JSON.stringify(value.slice(0, 64));
      const message = `Unsupported value: ${shown}: supported values: "", "Ignore", "Strict", "Warn"`;
      throw invalidOption(kind, 'fieldValidation', 'FieldValueNotSupported', message);
    }
  }
}
