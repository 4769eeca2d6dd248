/** The functions that Kubernetes adds to CEL (apiserver, pkg/cel/library), as far as rules of CRDs use them. */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { Environment } from '@marcbachmann/cel-js';
import { compilePattern } from './schema-node.ts';

type Ordered = bigint | number | string;

function least(list: readonly unknown[], sign: 1 | -1, name: string): unknown {
  if (list.length === 0) throw new Error(`${name} called on empty list`);
  return (list as Ordered[]).reduce((a, b) => ((sign === 1 ? b < a : b > a) ? b : a));
}

function sum(list: readonly unknown[]): unknown {
  if (list.some((item) => typeof item === 'number')) {
    return (list as (number | bigint)[]).reduce<number>((all, item) => all + Number(item), 0);
  }
  return (list as bigint[]).reduce((all, item) => all + item, 0n);
}

function isSorted(list: readonly unknown[]): boolean {
  const items = list as Ordered[];
  return items.every((item, i) => i === 0 || (items[i - 1] as Ordered) <= item);
}

function pattern(source: string, flags: string): RegExp {
  const regex = compilePattern(source);
  if (regex === undefined) throw new Error(`not a regular expression: ${JSON.stringify(source)}`);
  return new RegExp(regex.source, regex.flags + flags);
}

function findAll(text: string, source: string, limit: bigint): string[] {
  if (limit === 0n) return [];
  const found = [...text.matchAll(pattern(source, 'g'))].map((match) => match[0]);
  return limit < 0n ? found : found.slice(0, Number(limit));
}

function replaceFirst(text: string, from: string, to: string, limit: bigint): string {
  if (limit < 0n) return text.replaceAll(from, () => to);
  let out = text;
  let at = 0;
  for (let left = limit; left > 0n; left--) {
    const found = out.indexOf(from, at);
    if (found < 0) break;
    out = out.slice(0, found) + to + out.slice(found + from.length);
    at = found + to.length + (from === '' ? 1 : 0);
  }
  return out;
}

function charAt(text: string, at: bigint): string {
  if (at < 0n || at > BigInt(text.length)) throw new Error(`index out of range: ${String(at)}`);
  return text.charAt(Number(at));
}

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/');
  const most = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
  return rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= most;
}

const isDigits = (text: string): boolean =>
  /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+|[KMGTPE]i|[numkMGTPE]?)$/.test(text);

/** A new CEL environment with Kubernetes' functions and neither `self` nor `oldSelf`. */
export function celEnvironment(): Environment {
  const environment = new Environment({ homogeneousAggregateLiterals: false, enableOptionalTypes: true });
  environment
    .registerFunction('list.sum(): dyn', sum)
    .registerFunction('list.min(): dyn', (list: unknown[]) => least(list, 1, 'min'))
    .registerFunction('list.max(): dyn', (list: unknown[]) => least(list, -1, 'max'))
    .registerFunction('list.isSorted(): bool', isSorted)
    .registerFunction('list.indexOf(dyn): int', (list: unknown[], item: unknown) => BigInt(list.indexOf(item)))
    .registerFunction('list.lastIndexOf(dyn): int', (list: unknown[], item: unknown) => BigInt(list.lastIndexOf(item)))
    .registerFunction(
      'string.find(string): string',
      (text: string, source: string) => pattern(source, '').exec(text)?.[0] ?? '',
    )
    .registerFunction('string.findAll(string): list<string>', (text: string, source: string) =>
      findAll(text, source, -1n),
    )
    .registerFunction('string.findAll(string, int): list<string>', findAll)
    .registerFunction('string.charAt(int): string', charAt)
    .registerFunction('string.replace(string, string): string', (text: string, from: string, to: string) =>
      text.replaceAll(from, () => to),
    )
    .registerFunction('string.replace(string, string, int): string', replaceFirst)
    .registerFunction('isURL(string): bool', (text: string) => URL.canParse(text))
    .registerFunction('isIP(string): bool', (text: string) => isIP(text) !== 0)
    .registerFunction('isCIDR(string): bool', isCidr)
    .registerFunction('isQuantity(string): bool', isDigits);
  return environment;
}
