import { readFile, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { type Sysfs, SysfsError, openSysfs } from '../../operator/hypervisor/sysfs/sysfs.ts';

/** What becomes of a process that is killed: nothing it does afterwards has any effect. */
export class Killed extends Error {}

export interface LiveOptions {
  /** The process is killed at its nth write (from 1): before the kernel acted, or after. */
  readonly killAt?: { readonly write: number; readonly when: 'before' | 'after' };
  /** Answers of the kernel, by the end of the path. */
  readonly refuse?: Readonly<Record<string, string>>;
  /** Writes that are never answered, by the end of the path. */
  readonly hang?: readonly string[];
}

/** A fixture tree whose kernel acts on what is written. */
export interface LiveSysfs extends Sysfs {
  /** All that was written, as `path text`. */
  readonly written: readonly string[];
  /** Resolves when so many writes hang. */
  hanging(count: number): Promise<void>;
  /** Lets the writes that hang come to their end; no further one hangs. */
  answer(): void;
}

const drivers = 'sys/bus/pci/drivers';

/**
 * Imitates what the driver core and xen-pciback do with the files of a fixture when their attributes are written: links of
 * drivers come and go, slots are listed, duplicates too as in old kernels.
 */
export function liveSysfs(root: string, options: LiveOptions = {}): LiveSysfs {
  const files = openSysfs(root);
  const written: string[] = [];
  const waiting: (() => void)[] = [];
  const watchers: { readonly count: number; readonly tell: () => void }[] = [];
  let killed = false;
  let answering = false;
  const at = (path: string): string => join(root, path);

  const linkOf = async (address: string): Promise<string> => {
    const folder = 'sys/bus/pci/devices';
    return join(folder, await readlink(at(`${folder}/${address}`)), 'driver');
  };
  const driverOf = async (address: string): Promise<string | undefined> =>
    readlink(at(await linkOf(address))).then(basename, () => undefined);
  const textOf = async (path: string): Promise<string> => readFile(at(path), 'utf8').catch(() => '');

  const unbind = async (path: string, driver: string, address: string): Promise<void> => {
    if ((await driverOf(address)) !== driver) throw new SysfsError('ENODEV', path);
    await rm(at(await linkOf(address)));
    await rm(at(`${drivers}/${driver}/${address}`), { force: true });
  };
  const bind = async (path: string, driver: string, address: string): Promise<void> => {
    if ((await driverOf(address)) !== undefined) throw new SysfsError('EBUSY', path);
    const override = (await textOf(`sys/bus/pci/devices/${address}/driver_override`)).trim();
    const slots = (await textOf(`${drivers}/pciback/slots`)).split('\n');
    const matches = override === '(null)' ? driver !== 'pciback' || slots.includes(address) : override === driver;
    if (!matches) throw new SysfsError('ENODEV', path);
    const link = await linkOf(address);
    await symlink(relative(dirname(link), `${drivers}/${driver}`), at(link));
  };
  const act = async (path: string, text: string): Promise<void> => {
    const refused = Object.entries(options.refuse ?? {}).find(([end]) => path.endsWith(end))?.[1];
    if (refused !== undefined) throw new SysfsError(refused, path);
    const [, driver = '', verb = ''] = /^sys\/bus\/pci\/drivers\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    const slots = `${drivers}/pciback/slots`;
    switch (verb) {
      case 'unbind':
        return unbind(path, driver, text);
      case 'bind':
        return bind(path, driver, text);
      case 'new_slot':
        return writeFile(at(slots), `${await textOf(slots)}${text}\n`);
      case 'remove_slot': {
        const lines = (await textOf(slots)).split('\n');
        if (!lines.includes(text)) throw new SysfsError('ENOENT', path);
        return writeFile(at(slots), lines.filter((line) => line !== text).join('\n'));
      }
      case 'permissive':
      case 'do_flr':
        if ((await driverOf(text)) !== 'pciback') throw new SysfsError('ENODEV', path);
        return writeFile(at(path), `${await textOf(path)}${text}\n`);
      default:
        if (basename(path) === 'reset') return writeFile(at(path), `${await textOf(path)}${text}`);
        throw new SysfsError('EACCES', path);
    }
  };
  const alive = (): void => {
    if (killed) throw new Killed();
  };

  return {
    written,
    hanging: async (count) => {
      if (waiting.length < count) await new Promise<void>((tell) => watchers.push({ count, tell }));
    },
    answer: () => {
      answering = true;
      for (const go of waiting.splice(0)) go();
    },
    read: async (path, maxBytes) => (alive(), files.read(path, maxBytes)),
    peek: (path) => (alive(), files.peek(path)),
    head: async (path, bytes) => (alive(), files.head(path, bytes)),
    list: async (path) => (alive(), files.list(path)),
    link: async (path) => (alive(), files.link(path)),
    write: async (path, text) => {
      alive();
      const kill = (when: 'before' | 'after'): void => {
        if (options.killAt?.write !== written.length || options.killAt.when !== when) return;
        killed = true;
        throw new Killed();
      };
      written.push(`${path} ${text}`);
      kill('before');
      if (!answering && options.hang?.some((end) => path.endsWith(end)) === true) {
        const answered = new Promise<void>((go) => waiting.push(go));
        for (const { count, tell } of watchers) if (waiting.length >= count) tell();
        await answered;
      }
      await act(path, text);
      kill('after');
    },
  };
}
