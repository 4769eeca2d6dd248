/** Type checking of rules when a CRD is created, so that a misspelt field is an error then and not at every write. */
import type { Environment } from '@marcbachmann/cel-js';
import { celEnvironment } from './cel-library.ts';
import { celName } from './cel-values.ts';
import type { SchemaNode } from './schema-node.ts';

/** What the compiler says of one expression: its type, or what is wrong and where. */
export type RuleCheck = { readonly type: string } | { readonly error: string };

class TypeNames {
  #count = 0;
  readonly #environment: Environment;

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** The CEL type of a schema, registered if it has fields. */
  of(node: SchemaNode | undefined): string {
    if (node === undefined || node.intOrString || node.embeddedResource || node.nullable) return 'dyn';
    switch (node.type) {
      case 'string':
        return node.format === 'date-time' || node.format === 'date' ? 'google.protobuf.Timestamp' : 'string';
      case 'integer':
        return 'int';
      case 'number':
        return 'double';
      case 'boolean':
        return 'bool';
      case 'array':
        return `list<${this.of(node.items)}>`;
      case 'object':
        return this.#object(node);
      default:
        return 'dyn';
    }
  }

  #object(node: SchemaNode): string {
    if (node.preserveUnknown || node.additional === true) return 'dyn';
    if (typeof node.additional === 'object') return `map<string, ${this.of(node.additional)}>`;
    const fields: Record<string, string> = {};
    for (const [key, property] of node.properties) {
      const name = celName(key);
      if (name !== undefined) fields[name] = this.of(property);
    }
    const type = `Object${String(this.#count++)}`;
    this.#environment.registerType(type, { fields }).registerOperator(`${type} == ${type}`, () => true);
    return type;
  }
}

function positionText(expression: string, column: number): string {
  return `\n | ${expression}\n | ${'.'.repeat(column)}^`;
}

/** A function that checks expressions over values of one schema. */
export function ruleChecker(node: SchemaNode): (expression: string, optionalOldSelf: boolean) => RuleCheck {
  const environment = celEnvironment();
  const type = new TypeNames(environment).of(node);
  environment.registerVariable('self', type).registerVariable('oldSelf', type);
  const loose = celEnvironment().registerVariable('self', 'dyn').registerVariable('oldSelf', 'dyn');
  return (expression, optionalOldSelf) => {
    const result = (optionalOldSelf ? loose : environment).check(expression);
    if (result.valid) return { type: result.type ?? 'dyn' };
    const error = result.error as { summary?: string; message?: string; range?: { start?: number } } | undefined;
    const summary = error?.summary ?? error?.message ?? 'unknown error';
    const missing = /^No such key: (.*)$/.exec(summary);
    // kube-apiserver points at the dot before a field.
    const column = Math.max(0, (error?.range?.start ?? 0) - (missing === null ? 0 : 1));
    const kind = result.error?.name === 'ParseError' ? 'Syntax error: ' : '';
    const text = missing === null ? kind + summary : `undefined field '${missing[1] ?? ''}'`;
    const where = `<input>:1:${String(column + 1)}: ${text}${positionText(expression, column)}`;
    return { error: `compilation failed: ERROR: ${where}` };
  };
}
