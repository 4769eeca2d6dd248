/** The string formats that kube-apiserver checks (kube-openapi, pkg/validation/strfmt). Others are not checked. */
import { isIP, isIPv4, isIPv6 } from 'node:net';

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const DATE_TIME = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2}|60)(\.\d+)?([Zz]|[+-]\d{2}:?\d{2})$/;
const DURATION =
  /^[+-]?(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|w|\s)+((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d|w))*$/;

function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

function isDateTime(text: string): boolean {
  const match = DATE_TIME.exec(text);
  if (match === null) return false;
  const [, year, month, day, hour, minute] = match;
  return isDate(`${year ?? ''}-${month ?? ''}-${day ?? ''}`) && Number(hour) < 24 && Number(minute) < 60;
}

function isUri(text: string): boolean {
  return URL.canParse(text) || (text.startsWith('/') && URL.canParse(text, 'http://host'));
}

function isCidr(text: string): boolean {
  const [address = '', bits = '', ...rest] = text.split('/');
  const max = isIPv4(address) ? 32 : isIPv6(address) ? 128 : -1;
  return rest.length === 0 && /^\d{1,3}$/.test(bits) && Number(bits) <= max;
}

function isHostname(text: string): boolean {
  const label = /^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$/;
  return text.length <= 255 && text.split('.').every((part) => part.length <= 63 && label.test(part));
}

const formats: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ['date-time', isDateTime],
  ['datetime', isDateTime],
  ['date', isDate],
  ['uuid', (text: string) => UUID.test(text)],
  ['uuid3', (text: string) => UUID.test(text)],
  ['uuid4', (text: string) => UUID.test(text)],
  ['uuid5', (text: string) => UUID.test(text)],
  ['ipv4', isIPv4],
  ['ipv6', isIPv6],
  ['ip', (text: string) => isIP(text) !== 0],
  ['cidr', isCidr],
  ['mac', (text: string) => /^([0-9a-f]{2}[:-]){5}[0-9a-f]{2}$/i.test(text)],
  ['hostname', isHostname],
  ['uri', isUri],
  ['email', (text: string) => /^[^\s@<>]+@[^\s@<>]+$/.test(text)],
  ['byte', (text: string) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)],
  ['duration', (text: string) => DURATION.test(text)],
  ['hexcolor', (text: string) => /^#?([0-9a-f]{3}|[0-9a-f]{6})$/i.test(text)],
  ['isbn', (text: string) => /^[\d-]{9,16}[\dxX]$/.test(text)],
]);

/** Whether a text has a format; true for formats that are not known. */
export function hasFormat(format: string, text: string): boolean {
  return formats.get(format)?.(text) ?? true;
}
