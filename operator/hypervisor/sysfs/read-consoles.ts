import { posix } from 'node:path';
import type { ConsoleFacts } from './facts.ts';
import { type Sysfs, SysfsError } from './sysfs.ts';

async function optional<T>(reading: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof SysfsError) return undefined;
    throw error;
  }
}

/**
 * Serial consoles of the kernel and frame buffers, with what they hang on. One that cannot be read tells nothing: a
 * console is a convenience, and the boot graphics card is known by itself.
 */
export async function readConsoles(sysfs: Sysfs): Promise<ConsoleFacts[]> {
  const active = (await optional(sysfs.read('sys/class/tty/console/active'))) ?? '';
  const ttys = active.split(/\s+/).filter((name) => /^[a-zA-Z]{1,16}\d{1,4}$/.test(name));
  const buffers = ((await optional(sysfs.list('sys/class/graphics'))) ?? []).filter((name) => /^fb\d{1,3}$/.test(name));
  const candidates = [
    ...ttys.map((name) => ({ words: `console ${name}`, link: posix.join('sys/class/tty', name) })),
    ...buffers.map((name) => ({ words: `frame buffer ${name}`, link: posix.join('sys/class/graphics', name) })),
  ];
  const consoles: ConsoleFacts[] = [];
  for (const { words, link } of candidates) {
    const path = await optional(sysfs.link(link));
    if (path !== undefined) consoles.push({ words, path });
  }
  return consoles;
}
