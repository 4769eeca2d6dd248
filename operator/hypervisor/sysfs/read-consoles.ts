import { posix } from 'node:path';
import type { ConsoleFacts, Doubt } from './facts.ts';
import { type Sysfs, SysfsError } from './sysfs.ts';

export interface ConsoleReading {
  readonly consoles: readonly ConsoleFacts[];
  readonly doubts: readonly Doubt[];
}

/** Serial consoles of the kernel and frame buffers, with what they hang on. */
export async function readConsoles(sysfs: Sysfs): Promise<ConsoleReading> {
  const doubts: Doubt[] = [];
  const attempt = async <T>(reading: Promise<T | undefined>): Promise<T | undefined> => {
    try {
      return await reading;
    } catch (error) {
      if (!(error instanceof SysfsError)) throw error;
      doubts.push({ about: 'consoles', why: `consoles: ${error.code}` });
      return undefined;
    }
  };
  const active = (await attempt(sysfs.read('sys/class/tty/console/active'))) ?? '';
  const ttys = active.split(/\s+/).filter((name) => /^[a-zA-Z]{1,16}\d{1,4}$/.test(name));
  const buffers = ((await attempt(sysfs.list('sys/class/graphics'))) ?? []).filter((name) => /^fb\d{1,3}$/.test(name));
  const candidates = [
    ...ttys.map((name) => ({ words: `console ${name}`, link: posix.join('sys/class/tty', name) })),
    ...buffers.map((name) => ({ words: `frame buffer ${name}`, link: posix.join('sys/class/graphics', name) })),
  ];
  const consoles: ConsoleFacts[] = [];
  for (const { words, link } of candidates) {
    const path = await attempt(sysfs.link(link));
    if (path !== undefined) consoles.push({ words, path });
  }
  return { consoles, doubts };
}
