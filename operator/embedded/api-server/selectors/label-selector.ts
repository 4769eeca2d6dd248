import { badRequest } from '../api-status.ts';

type Labels = Readonly<Record<string, string>>;

/** True if an object with these labels is selected. */
export type LabelSelector = (labels: Labels | undefined) => boolean;

const nameParts =
  /^(?:[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?$/;
const labelValue = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?$/;
const requirement =
  /^\s*(?:(!)\s*([^\s!=<>,()]+)|([^\s!=<>,()]+)\s+(in|notin)\s*\(([^()]*)\)|([^\s!=<>,()]+)\s*(==|=|!=|>|<)\s*([^\s!=<>,()]*)|([^\s!=<>,()]+))\s*(?:,|$)/;

/** Parses a label selector: equality and sets, as in `a=b,c!=d,e in (f,g),h,!i`. Undefined selects everything. */
export function parseLabelSelector(text: string): LabelSelector | undefined {
  const checks: LabelSelector[] = [];
  let rest = text.trim();
  while (rest !== '') {
    const match = requirement.exec(rest);
    if (match === null || (match[0].endsWith(',') && rest.length === match[0].length)) {
      throw badRequest(`unable to parse requirement: found '${rest.slice(0, 64)}', expected: a label requirement`);
    }
    checks.push(checkOf(match));
    rest = rest.slice(match[0].length);
  }
  if (checks.length === 0) return undefined;
  return (labels) => checks.every((check) => check(labels));
}

function checkOf(match: RegExpExecArray): LabelSelector {
  const [, , absent, setKey, setOperator, setText, key, operator, value = '', present] = match;
  if (absent !== undefined) {
    const name = checkedKey(absent);
    return (labels) => !has(labels, name);
  }
  if (setKey !== undefined) {
    const name = checkedKey(setKey);
    const values = new Set((setText ?? '').split(',').map((item) => checkedValue(item.trim())));
    if (setOperator === 'in') return (labels) => has(labels, name) && values.has(labels?.[name] ?? '');
    return (labels) => !has(labels, name) || !values.has(labels?.[name] ?? '');
  }
  if (key !== undefined) {
    const name = checkedKey(key);
    if (operator === '>' || operator === '<') return comparison(name, operator, value);
    const wanted = checkedValue(value);
    if (operator === '!=') return (labels) => !has(labels, name) || labels?.[name] !== wanted;
    return (labels) => has(labels, name) && labels?.[name] === wanted;
  }
  const name = checkedKey(present ?? '');
  return (labels) => has(labels, name);
}

function comparison(name: string, operator: '>' | '<', text: string): LabelSelector {
  if (!/^-?\d{1,18}$/.test(text)) throw badRequest(`for 'Gt', 'Lt' operators, the value must be an integer`);
  const bound = BigInt(text);
  return (labels) => {
    const actual = has(labels, name) ? (labels?.[name] ?? '') : '';
    if (!/^-?\d{1,18}$/.test(actual)) return false;
    return operator === '>' ? BigInt(actual) > bound : BigInt(actual) < bound;
  };
}

function has(labels: Labels | undefined, name: string): boolean {
  return labels !== undefined && Object.hasOwn(labels, name);
}

function checkedKey(key: string): string {
  if (key.length > 317 || !nameParts.test(key)) {
    throw badRequest(`unable to parse requirement: key: Invalid value: ${JSON.stringify(key.slice(0, 64))}`);
  }
  return key;
}

function checkedValue(value: string): string {
  if (value.length > 63 || !labelValue.test(value)) {
    throw badRequest(`unable to parse requirement: values: Invalid value: ${JSON.stringify(value.slice(0, 64))}`);
  }
  return value;
}
