/** Whether a CRD's schema is structural and its rules compile (apiextensions-apiserver, validation and schema). */
import { ruleChecker } from './cel-types.ts';
import { childPath, type FieldError, forbiddenField, invalid, notSupported, required } from './field-error.ts';
import { isObject, own, type JsonObject } from './json.ts';
import { compilePattern, readRules, readSchema } from './schema-node.ts';
import { validateValue } from './validate.ts';

const TYPES = ['array', 'boolean', 'integer', 'number', 'object', 'string'];
const MAX_DEPTH = 64;
const FORBIDDEN = [
  '$ref',
  'definitions',
  'dependencies',
  'deprecated',
  'discriminator',
  'id',
  'patternProperties',
  'readOnly',
  'writeOnly',
  'xml',
];

function checkType(schema: JsonObject, path: string, errors: FieldError[]): void {
  const type = own(schema, 'type');
  if (type === undefined || type === '') {
    const open =
      schema['x-kubernetes-int-or-string'] === true || schema['x-kubernetes-preserve-unknown-fields'] === true;
    if (open) return;
    const what = path.endsWith('.items') ? 'array items' : path.endsWith(']') ? 'object fields' : 'the root';
    errors.push(
      what === 'the root'
        ? required(childPath(path, 'type'), 'must not be empty at the root')
        : required(childPath(path, 'type'), `must not be empty for specified ${what}`),
    );
    return;
  }
  if (!TYPES.includes(type as string)) errors.push(notSupported(childPath(path, 'type'), type, TYPES));
}

function checkList(schema: JsonObject, path: string, errors: FieldError[]): void {
  const items = own(schema, 'items');
  if (!isObject(items)) {
    errors.push(required(`${path}.items`, 'must be specified'));
    return;
  }
  const listType = schema['x-kubernetes-list-type'];
  if (listType !== undefined && !['atomic', 'set', 'map'].includes(listType as string)) {
    errors.push(notSupported(`${path}.x-kubernetes-list-type`, listType, ['atomic', 'map', 'set']));
  }
  if (listType === 'map') checkMapKeys(schema, items, path, errors);
  if (schema['uniqueItems'] === true) {
    errors.push(
      forbiddenField(
        `${path}.uniqueItems`,
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  }
}

function checkMapKeys(schema: JsonObject, items: JsonObject, path: string, errors: FieldError[]): void {
  const keys = schema['x-kubernetes-list-map-keys'];
  const keysPath = `${path}.x-kubernetes-list-map-keys`;
  if (!Array.isArray(keys) || keys.length === 0) {
    errors.push(required(keysPath, 'must not be empty if x-kubernetes-list-type is map'));
  }
  if (items['type'] !== 'object') {
    errors.push(
      invalid(
        `${path}.items.type`,
        items['type'] ?? '',
        "must be object if parent array's x-kubernetes-list-type is map",
      ),
    );
    return;
  }
  const properties = isObject(items['properties']) ? items['properties'] : {};
  for (const [i, key] of (Array.isArray(keys) ? (keys as unknown[]) : []).entries()) {
    if (typeof key === 'string' && Object.hasOwn(properties, key)) continue;
    errors.push(invalid(`${keysPath}[${String(i)}]`, key, 'entries must all be names of item properties'));
  }
}

function checkValues(schema: JsonObject, path: string, errors: FieldError[]): void {
  const pattern = own(schema, 'pattern');
  if (typeof pattern === 'string' && compilePattern(pattern) === undefined) {
    errors.push(invalid(`${path}.pattern`, pattern, 'must be a valid regular expression'));
  }
  const preset = own(schema, 'default');
  if (preset !== undefined) validateValue(readSchema(schema), preset, undefined, `${path}.default`, errors);
  for (const key of FORBIDDEN) {
    if (own(schema, key) !== undefined) errors.push(forbiddenField(`${path}.${key}`, `${key} is not supported`));
  }
  if (own(schema, 'properties') !== undefined && own(schema, 'additionalProperties') !== undefined) {
    errors.push(
      forbiddenField(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'),
    );
  }
}

function checkRules(schema: JsonObject, path: string, errors: FieldError[]): void {
  const rules = readRules(schema);
  if (rules.length === 0) return;
  const check = ruleChecker(readSchema(schema));
  for (const [i, raw] of rules.entries()) {
    const at = `${path}.x-kubernetes-validations[${String(i)}]`;
    if (raw.rule.trim() === '') {
      errors.push(required(`${at}.rule`, 'rule is not specified'));
      continue;
    }
    const shownRule = {
      Rule: raw.rule,
      Message: raw.message ?? '',
      MessageExpression: raw.messageExpression ?? '',
      Reason: raw.reason ?? null,
      FieldPath: raw.fieldPath ?? '',
      OptionalOldSelf: raw.optionalOldSelf ? true : null,
    };
    const result = check(raw.rule, raw.optionalOldSelf);
    if ('error' in result) errors.push(invalid(`${at}.rule`, shownRule, result.error));
    else if (result.type !== 'bool' && result.type !== 'dyn') {
      errors.push(invalid(`${at}.rule`, shownRule, 'cel expression must evaluate to a bool'));
    }
    if (raw.messageExpression === undefined) continue;
    const message = check(raw.messageExpression, raw.optionalOldSelf);
    if ('error' in message)
      errors.push(invalid(`${at}.messageExpression`, shownRule, `messageExpression ${message.error}`));
    else if (message.type !== 'string' && message.type !== 'dyn') {
      errors.push(invalid(`${at}.messageExpression`, shownRule, 'messageExpression must evaluate to a string'));
    }
  }
}

function walk(schema: JsonObject, path: string, depth: number, errors: FieldError[]): void {
  if (depth > MAX_DEPTH) {
    errors.push(forbiddenField(path, 'the schema is nested too deeply'));
    return;
  }
  checkType(schema, path, errors);
  if (schema['type'] === 'array') checkList(schema, path, errors);
  checkValues(schema, path, errors);
  const properties = own(schema, 'properties');
  if (isObject(properties)) {
    for (const [key, property] of Object.entries(properties)) {
      if (isObject(property)) walk(property, `${path}.properties[${key}]`, depth + 1, errors);
    }
  }
  const additional = own(schema, 'additionalProperties');
  if (isObject(additional)) walk(additional, `${path}.additionalProperties`, depth + 1, errors);
  const items = own(schema, 'items');
  if (isObject(items)) walk(items, `${path}.items`, depth + 1, errors);
  checkRules(schema, path, errors);
}

/**
 * What is wrong with an `openAPIV3Schema`, in kube-apiserver's words. `path` is where the schema is: kube-apiserver
 * says `spec.validation.openAPIV3Schema` when all versions share one, else `spec.versions[0].schema.openAPIV3Schema`.
 */
export function checkSchema(schema: JsonObject, path = 'spec.validation.openAPIV3Schema'): FieldError[] {
  const errors: FieldError[] = [];
  if (schema['type'] !== 'object') {
    const type = own(schema, 'type') ?? '';
    errors.push(
      type === ''
        ? required(`${path}.type`, 'must not be empty at the root')
        : invalid(`${path}.type`, type, 'must be object at the root'),
    );
    if (type === '') return errors;
  }
  walk(schema, path, 0, errors);
  return errors;
}
