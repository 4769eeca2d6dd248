import type { Writable } from 'node:stream';
import type { Logger as WinstonLogger } from 'winston';
import type { Logger } from './ports.ts';

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `auto`: for people on a terminal, else JSON. */
  readonly format: 'json' | 'human' | 'auto';
  /** Default: stderr. */
  readonly stream?: Writable & { readonly isTTY?: boolean };
}

type Facts = Readonly<Record<string, unknown>>;

const maxText = 4_096;
const maxDepth = 4;
const maxItems = 50;

/** `\u001b` for the escape character: what the other side wrote cannot move the cursor or start a line. */
export function escapeControls(text: string): string {
  const cut = text.length > maxText ? `${text.slice(0, maxText)}…` : text;
  return cut.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** A value fit for a log line: bounded, no control characters, no bytes, nothing that throws. */
function presentable(value: unknown, depth = 0): unknown {
  switch (typeof value) {
    case 'string':
      return escapeControls(value);
    case 'number':
    case 'boolean':
    case 'undefined':
      return value;
    case 'bigint':
    case 'symbol':
      return String(value);
    case 'function':
      return '(function)';
    case 'object':
      break;
  }
  if (value === null) return null;
  if (value instanceof Error) return escapeControls(`${value.name}: ${value.message}`);
  if (ArrayBuffer.isView(value)) return `(${value.byteLength} bytes)`;
  if (depth >= maxDepth) return '(deep)';
  if (Array.isArray(value)) return value.slice(0, maxItems).map((item) => presentable(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, maxItems)
      .map(([name, item]) => [escapeControls(name), presentable(item, depth + 1)]),
  );
}

function humanLine(level: string, message: string, facts: Facts): string {
  const time = new Date().toISOString().slice(11, 23);
  const words = Object.entries(facts).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`],
  );
  return [time, level.toUpperCase().padEnd(5), message, ...words].join(' ');
}

/** The program's log, through winston, which is loaded only here and only now. */
export async function createLogger(options: LoggerOptions): Promise<Logger> {
  const { createLogger: createWinston, format, transports } = await import('winston');
  const stream = options.stream ?? process.stderr;
  const human = options.format === 'human' || (options.format === 'auto' && stream.isTTY === true);
  const line = format.printf((entry) => {
    const { level, message, facts } = entry as unknown as { level: string; message: string; facts: Facts };
    if (human) return humanLine(level, message, facts);
    return JSON.stringify({ time: new Date().toISOString(), level, msg: message, ...facts });
  });
  const transport = new transports.Stream({ stream });
  const winston = createWinston({
    levels: { error: 0, warn: 1, info: 2, debug: 3 },
    level: options.level,
    format: line,
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- two packages of winston name one class
    transports: [transport],
    exitOnError: false,
  });
  return wrap(winston, {});
}

function wrap(winston: WinstonLogger, common: Facts): Logger {
  const say = (level: LogLevel) => (message: string, facts?: Facts) => {
    if (!winston.isLevelEnabled(level)) return;
    winston.log({ level, message: escapeControls(message), facts: presentable({ ...common, ...facts }) });
  };
  return {
    debug: say('debug'),
    info: say('info'),
    warn: say('warn'),
    error: say('error'),
    child: (facts) => wrap(winston, { ...common, ...facts }),
  };
}
