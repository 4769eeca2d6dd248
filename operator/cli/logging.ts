import { createLogger, format, transports } from 'winston';
import type { Logger } from '../runtime/ports.ts';

/** How much is said. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Levels, for the option that chooses one. */
export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** A logger that writes one JSON document a line to `stream`. */
export function createJsonLogger(level: LogLevel, stream: NodeJS.WritableStream): Logger {
  const winston = createLogger({
    level,
    format: format.combine(format.timestamp(), format.json({ replacer: errorReplacer })),
    transports: [new transports.Stream({ stream })],
  });
  return wrap(winston, {});
}

/** JSON has no words for errors and big numbers. */
function errorReplacer(_key: string, value: unknown): unknown {
  if (value instanceof Error) return { name: value.name, message: value.message };
  if (typeof value === 'bigint') return value.toString();
  return value;
}

function wrap(winston: ReturnType<typeof createLogger>, bound: Readonly<Record<string, unknown>>): Logger {
  const say = (level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>): void => {
    // Facts come first: none of them may stand for the level or the message.
    winston.log({ ...bound, ...facts, level, message });
  };
  return {
    debug: (message, facts) => say('debug', message, facts),
    info: (message, facts) => say('info', message, facts),
    warn: (message, facts) => say('warn', message, facts),
    error: (message, facts) => say('error', message, facts),
    child: (facts) => wrap(winston, { ...bound, ...facts }),
  };
}
