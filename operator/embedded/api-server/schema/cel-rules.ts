/** CEL rules of schemas (`x-kubernetes-validations`): compiled once, run against changed values. */
import { type Environment, Optional, type ParseResult } from '@marcbachmann/cel-js';
import { celEnvironment } from './cel-library.ts';
import { celValue } from './cel-values.ts';
import { childPath, type FieldError, type FieldErrorReason, shown } from './field-error.ts';
import { deepEqual, isObject, own } from './json.ts';
import { propertyNode, type RawRule, type SchemaNode } from './schema-node.ts';
import { correlated } from './validate.ts';

interface CompiledRule {
  readonly raw: RawRule;
  /** Undefined for a rule that does not compile: such a CRD is refused, so that it is never met. */
  readonly run: ParseResult;
  readonly message: ParseResult | undefined;
  readonly transition: boolean;
}

/** Whether an expression speaks of the value before. Strings are taken out first, so that they cannot mislead. */
export function usesOldSelf(expression: string): boolean {
  return /\boldSelf\b/.test(expression.replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'/g, '""'));
}

function tryParse(environment: Environment, expression: string): ParseResult | undefined {
  try {
    return environment.parse(expression);
  } catch {
    return undefined;
  }
}

function reasonOf(raw: RawRule): FieldErrorReason {
  switch (raw.reason) {
    case 'FieldValueForbidden':
    case 'FieldValueRequired':
    case 'FieldValueDuplicate':
      return raw.reason;
    default:
      return 'FieldValueInvalid';
  }
}

function textOf(reason: FieldErrorReason, value: unknown, detail: string): string {
  const scalar = typeof value === 'object' && value !== null ? '' : `${shown(value)}: `;
  switch (reason) {
    case 'FieldValueForbidden':
      return `Forbidden: ${detail}`;
    case 'FieldValueRequired':
      return `Required value: ${detail}`;
    case 'FieldValueDuplicate':
      return `Duplicate value: ${scalar}${detail}`;
    default:
      return `Invalid value: ${scalar}${detail}`;
  }
}

function failedText(raw: RawRule): string {
  return raw.message !== undefined && raw.message.trim() !== ''
    ? raw.message.trim()
    : `failed rule: ${raw.rule.trim()}`;
}

/** All rules of one schema. */
export class CelRules {
  readonly #root: SchemaNode;
  readonly #compiled = new Map<SchemaNode, readonly CompiledRule[]>();

  constructor(root: SchemaNode) {
    this.#root = root;
    if (!root.hasRules) return;
    const environment = celEnvironment().registerVariable('self', 'dyn').registerVariable('oldSelf', 'dyn');
    this.#compile(environment, root);
  }

  #compile(environment: Environment, node: SchemaNode): void {
    if (!node.hasRules) return;
    const rules = node.rules.flatMap((raw) => {
      const run = tryParse(environment, raw.rule);
      if (run === undefined) return [];
      const message = raw.messageExpression === undefined ? undefined : tryParse(environment, raw.messageExpression);
      return [{ raw, run, message, transition: usesOldSelf(raw.rule) }];
    });
    if (rules.length > 0) this.#compiled.set(node, rules);
    for (const child of node.properties.values()) this.#compile(environment, child);
    if (typeof node.additional === 'object') this.#compile(environment, node.additional);
    if (node.items !== undefined) this.#compile(environment, node.items);
  }

  /** Whether there are any. */
  get any(): boolean {
    return this.#root.hasRules;
  }

  /** What the rules say of an object. Transition rules run where there was a value before. */
  check(object: unknown, old: unknown): FieldError[] {
    const errors: FieldError[] = [];
    if (this.any) this.#walk(this.#root, object, old, '', errors);
    return errors;
  }

  #walk(node: SchemaNode, value: unknown, old: unknown, path: string, errors: FieldError[]): void {
    if (!node.hasRules || value === undefined || value === old) return;
    if (value === null && node.nullable) return;
    const rules = this.#compiled.get(node);
    if (rules !== undefined) this.#run(rules, node, value, old, path, errors);
    if (Array.isArray(value)) {
      if (node.items === undefined) return;
      const oldItem = correlated(node, old);
      for (const [i, item] of value.entries()) {
        this.#walk(node.items, item, oldItem?.(item), `${path}[${String(i)}]`, errors);
      }
    } else if (isObject(value)) {
      const before = isObject(old) ? old : undefined;
      for (const key of Object.keys(value)) {
        const child = propertyNode(node, key);
        if (child === undefined) continue;
        const childAt = node.properties.has(key) ? childPath(path, key) : `${path}[${key}]`;
        this.#walk(child, value[key], before === undefined ? undefined : own(before, key), childAt, errors);
      }
    }
  }

  #run(
    rules: readonly CompiledRule[],
    node: SchemaNode,
    value: unknown,
    old: unknown,
    path: string,
    errors: FieldError[],
  ): void {
    const self = celValue(node, value);
    const oldSelf = old === undefined ? undefined : celValue(node, old);
    for (const rule of rules) {
      if (rule.transition && old === undefined && !rule.raw.optionalOldSelf) continue;
      const context = rule.raw.optionalOldSelf
        ? { self, oldSelf: oldSelf === undefined ? Optional.none() : Optional.of(oldSelf) }
        : { self, oldSelf };
      const detail = evaluate(rule, context);
      if (detail === undefined) continue;
      // Ratcheting: what was wrong before and did not change is let through.
      if (!rule.transition && old !== undefined && deepEqual(value, old)) continue;
      const reason = reasonOf(rule.raw);
      errors.push({ reason, field: path + (rule.raw.fieldPath ?? ''), message: textOf(reason, value, detail) });
    }
  }
}

/** Why a rule fails; undefined if it holds. */
function evaluate(
  rule: CompiledRule,
  context: { readonly self: unknown; readonly oldSelf: unknown },
): string | undefined {
  try {
    if (rule.run(context) === true) return undefined;
  } catch (error) {
    const summary = (error as { summary?: unknown }).summary;
    const why = typeof summary === 'string' ? summary : error instanceof Error ? error.message : 'failed';
    return `${why} evaluating rule: ${failedText(rule.raw)}`;
  }
  if (rule.message !== undefined) {
    try {
      const text: unknown = rule.message(context);
      if (typeof text === 'string' && text.trim() !== '' && !text.includes('\n')) return text.trim();
    } catch {
      return failedText(rule.raw);
    }
  }
  return failedText(rule.raw);
}
