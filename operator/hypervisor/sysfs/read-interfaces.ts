import { posix } from 'node:path';
import type { Doubt, InterfaceFacts } from './facts.ts';
import { inBatches } from './in-batches.ts';
import { type Sysfs, SysfsError } from './sysfs.ts';

/** A router has the routes of the whole internet. */
const maxBytes = 64 << 20;

export interface InterfaceReading {
  readonly interfaces: readonly InterfaceFacts[];
  readonly defaultRoutes: readonly string[];
  readonly addressed: readonly string[];
  readonly doubts: readonly Doubt[];
}

type Reach = { readonly name: string; readonly isDefault: boolean };

const flag = { up: 0x1, reject: 0x200 };

/** A line of net/route: a route of IPv4, or undefined. */
export function parseRoute4(line: string): Reach | undefined {
  const [name, destination, , flags, , , , mask] = line.split(/\s+/);
  if (name === undefined || destination === undefined || !/^[0-9A-F]{8}$/i.test(destination)) return undefined;
  const bits = Number.parseInt(flags ?? '', 16);
  if ((bits & flag.up) === 0 || (bits & flag.reject) !== 0) return undefined;
  return { name, isDefault: destination === '00000000' && mask === '00000000' };
}

const ofEveryInterface = /^(?:fe[89ab]|ff)/;

/** A line of net/ipv6_route, without those that every interface has that is up. */
export function parseRoute6(line: string): Reach | undefined {
  const [destination, length, , , , , , , flags, name] = line.trim().split(/\s+/);
  if (name === undefined || destination === undefined || ofEveryInterface.test(destination)) return undefined;
  const bits = Number.parseInt(flags ?? '', 16);
  if ((bits & flag.up) === 0 || (bits & flag.reject) !== 0 || name === 'lo') return undefined;
  return { name, isDefault: length === '00' };
}

/** A line of net/if_inet6: an address that is not of the link alone. */
export function parseAddress6(line: string): Reach | undefined {
  const [address, , , , , name] = line.trim().split(/\s+/);
  if (name === undefined || address === undefined || ofEveryInterface.test(address)) return undefined;
  return { name, isDefault: false };
}

async function readInterface(sysfs: Sysfs, name: string): Promise<InterfaceFacts | undefined> {
  const path = await sysfs.link(posix.join('sys/class/net', name));
  if (path === undefined) return undefined;
  const entries = (await sysfs.list(path)) ?? [];
  const uppers = entries.filter((entry) => entry.startsWith('upper_')).map((entry) => entry.slice('upper_'.length));
  const master = entries.includes('master') ? await sysfs.link(posix.join(path, 'master')) : undefined;
  if (master !== undefined && !uppers.includes(posix.basename(master))) uppers.push(posix.basename(master));
  const kind = /^DEVTYPE=([a-z0-9]{1,16})$/m.exec((await sysfs.read(posix.join(path, 'uevent'))) ?? '')?.[1] ?? '';
  return { name, path, uppers, kind };
}

/** Network interfaces, what they are part of, and which have addresses or routes. Read of process 1, as mounts are. */
export async function readInterfaces(sysfs: Sysfs): Promise<InterfaceReading> {
  const doubts: Doubt[] = [];
  const doubt = (what: string) => (error: unknown) => {
    if (!(error instanceof SysfsError)) throw error;
    doubts.push({ about: 'nics', why: `${what}: ${error.code}` });
    return undefined;
  };
  const names = await sysfs.list('sys/class/net').catch(doubt('interfaces'));
  if (names === undefined && doubts.length === 0) doubts.push({ about: 'nics', why: 'no sys/class/net' });
  const found = await inBatches(names ?? [], async (name) => readInterface(sysfs, name).catch(doubt('interfaces')));

  const table = async (file: string, parse: (line: string) => Reach | undefined, needed: boolean): Promise<Reach[]> => {
    const path = posix.join('proc/1/net', file);
    const text = await sysfs.read(path, maxBytes).catch(doubt(path));
    // A kernel without IPv6 has no tables of it.
    if (text === undefined && needed && doubts.length === 0) doubts.push({ about: 'nics', why: `no ${path}` });
    return (text ?? '')
      .split('\n')
      .map(parse)
      .filter((reach) => reach !== undefined);
  };
  const reaches = [
    ...(await table('route', parseRoute4, true)),
    ...(await table('ipv6_route', parseRoute6, false)),
    ...(await table('if_inet6', parseAddress6, false)),
  ];
  const namesOf = (wanted: boolean): string[] => [
    ...new Set(reaches.filter(({ isDefault }) => isDefault === wanted).map(({ name }) => name)),
  ];
  return {
    interfaces: found.filter((one) => one !== undefined),
    defaultRoutes: namesOf(true),
    addressed: namesOf(false),
    doubts,
  };
}
