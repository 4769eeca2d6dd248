import { inspect } from 'node:util';
import type { Logger } from '../../operator/runtime/ports.ts';

export interface LogRecord {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

/** A logger that keeps what it is told, before any escaping. */
export interface CapturedLog {
  readonly logger: Logger;
  readonly records: readonly LogRecord[];
  /** Everything as one text, for searching. */
  text(): string;
}

/** Makes one. */
export function captureLog(): CapturedLog {
  const records: LogRecord[] = [];
  const loggerWith = (common: Readonly<Record<string, unknown>>): Logger => {
    const say = (level: LogRecord['level']) => (message: string, facts?: Readonly<Record<string, unknown>>) => {
      records.push({ level, message, facts: { ...common, ...facts } });
    };
    return {
      debug: say('debug'),
      info: say('info'),
      warn: say('warn'),
      error: say('error'),
      child: (facts) => loggerWith({ ...common, ...facts }),
    };
  };
  return {
    logger: loggerWith({}),
    records,
    text: () =>
      records.map(({ level, message, facts }) => `${level} ${message} ${inspect(facts, { depth: 6 })}`).join('\n'),
  };
}
