import type { JsonObject } from './json.ts';

/** Reasons of `StatusCause` for a field. */
export type FieldErrorReason =
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueTooLong'
  | 'FieldValueTooMany'
  | 'FieldValueDuplicate'
  | 'FieldValueForbidden'
  | 'FieldValueTypeInvalid';

/** One thing that is wrong with one field. The message is what follows `field: ` in kube-apiserver's text. */
export interface FieldError {
  readonly reason: FieldErrorReason;
  /** `spec.disks[1].name`; `<nil>` where kube-apiserver names none. */
  readonly field: string;
  readonly message: string;
}

/** The value as it stands in messages. */
export function shown(value: unknown): string {
  return value === undefined ? 'null' : JSON.stringify(value);
}

/** `Invalid value: … : detail` */
export function invalid(field: string, value: unknown, detail: string): FieldError {
  return { reason: 'FieldValueInvalid', field, message: `Invalid value: ${shown(value)}: ${detail}` };
}

/** `Required value`, with a detail or without. */
export function required(field: string, detail = ''): FieldError {
  return { reason: 'FieldValueRequired', field, message: `Required value${detail === '' ? '' : `: ${detail}`}` };
}

/** `Forbidden: detail` */
export function forbiddenField(field: string, detail: string): FieldError {
  return { reason: 'FieldValueForbidden', field, message: `Forbidden: ${detail}` };
}

/** `Duplicate value: …` */
export function duplicate(field: string, value: unknown): FieldError {
  return { reason: 'FieldValueDuplicate', field, message: `Duplicate value: ${shown(value)}` };
}

/** `Unsupported value: …: supported values: …` */
export function notSupported(field: string, value: unknown, supported: readonly unknown[]): FieldError {
  const values = supported.map(shown).join(', ');
  return {
    reason: 'FieldValueNotSupported',
    field,
    message: `Unsupported value: ${shown(value)}: supported values: ${values}`,
  };
}

/** Whether after this error the rules of the object are not checked at all. */
export function isBlocking(error: FieldError): boolean {
  switch (error.reason) {
    case 'FieldValueRequired':
    case 'FieldValueNotSupported':
    case 'FieldValueTooLong':
    case 'FieldValueTooMany':
    case 'FieldValueTypeInvalid':
      return true;
    case 'FieldValueInvalid':
    case 'FieldValueDuplicate':
    case 'FieldValueForbidden':
      return false;
  }
}

/** `path.key`, or `key` at the root. */
export function childPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** A schema, as a plain record for the functions that read it. */
export type RawSchema = JsonObject;
