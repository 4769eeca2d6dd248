import { randomUUID } from 'node:crypto';
import { open, rename, unlink } from 'node:fs/promises';
import { posix } from 'node:path';
import { errnoOf } from '../errno-of.ts';
import { type Domain, type DomainIdentity, type GuestRequest, HypervisorError } from '../hypervisor.ts';
import { type Sysfs, SysfsError } from '../sysfs/sysfs.ts';
import { inBatches } from '../sysfs/in-batches.ts';
import type { Domains } from './domains.ts';
import { guestConfig } from './guest-config.ts';
import { readGuestDefaults } from './guest-defaults.ts';
import { requireOwnFolder } from './own-folder.ts';
import { xlFailure } from './xl-failure.ts';
import type { XlProgram } from './xl-program.ts';

export interface CreateGuestOptions {
  readonly xl: XlProgram;
  readonly domains: Domains;
  /** Ends what a failed creation left. */
  readonly destroy: (domain: DomainIdentity) => Promise<void>;
  /** A folder of ours alone. */
  readonly runDir: string;
  readonly defaultsFile: string;
  /** The host's processes are looked at below `proc`. */
  readonly sysfs: Pick<Sysfs, 'list' | 'read'>;
}

/**
 * Has libxl make a guest and its stub domain, from a configuration that only root can read. One creation for a guest at a
 * time: who asks again while it runs waits for the same.
 */
export function createGuestMaker(options: CreateGuestOptions): (request: GuestRequest) => Promise<DomainIdentity> {
  const running = new Map<string, Promise<DomainIdentity>>();
  /** Guests whose creation took too long to be waited for, and has not come to its end. */
  const late = new Set<string>();
  return async (request) => {
    const text = guestConfig(request);
    const before = running.get(request.uuid);
    if (before !== undefined) return before;
    if (late.has(request.uuid)) throw stillMaking(request);
    const making = make(options, request, text, late).finally(() => running.delete(request.uuid));
    running.set(request.uuid, making);
    return making;
  };
}

async function make(
  options: CreateGuestOptions,
  request: GuestRequest,
  text: string,
  late: Set<string>,
): Promise<DomainIdentity> {
  const { xl, domains, runDir, defaultsFile } = options;
  const before = await domains.list();
  const known = before.find(({ uuid }) => uuid === request.uuid);
  if (known !== undefined) return { domid: known.domid, uuid: known.uuid };
  const file = posix.join(runDir, `guest-${request.uuid}.cfg`);
  if (await isAtWork(options.sysfs, file)) throw stillMaking(request);
  const defaults = await readGuestDefaults(defaultsFile);
  await requireOwnFolder(runDir);
  await writePrivate(file, `${defaults}\n${text}`);
  const action = await xl.start('create', '-p', '-q', file);
  late.add(request.uuid);
  void action.ended.then(() => late.delete(request.uuid));
  const { status, output } = await action.ending;
  await unlink(file).catch(() => undefined);
  const after = await domains.list();
  const made = after.find(({ uuid }) => uuid === request.uuid);
  if (status === 0 && made !== undefined) return { domid: made.domid, uuid: made.uuid };
  // Where a guest of that name is there, it is somebody else's, and so is its stub domain.
  const isOthers = after.some(({ name }) => name === request.name);
  if (made === undefined && !isOthers) await removeLeftStub(options, request, before, after);
  throw xlFailure(`create guest ${request.name}`, status, output);
}

function stillMaking({ name }: GuestRequest): HypervisorError {
  return new HypervisorError(
    'Unavailable',
    `xl create for guest ${name} has not come to its end; a second one would make the guest twice. See what it waits for (ps, /var/log/xen).`,
  );
}

/** Whether an xl that an earlier agent started still works on the file. Its monitor of a guest that runs has the same words. */
async function isAtWork(sysfs: CreateGuestOptions['sysfs'], file: string): Promise<boolean> {
  const pids = ((await sysfs.list('proc')) ?? []).filter((name) => /^[1-9]\d{0,8}$/.test(name));
  const words = await inBatches(pids, async (pid) => {
    try {
      return (await sysfs.read(`proc/${pid}/cmdline`, 65_536))?.split('\0') ?? [];
    } catch (error) {
      if (error instanceof SysfsError) return [];
      throw error;
    }
  });
  return words.some((all) => all.includes(file) && all.includes('create'));
}

/** libxl that fails after it made the stub domain ends the guest and forgets the stub domain, with all of its memory. */
async function removeLeftStub(
  { destroy }: CreateGuestOptions,
  { name }: GuestRequest,
  before: readonly { readonly uuid: string }[],
  after: readonly Domain[],
): Promise<void> {
  const left = after.filter(
    (one) => one.name === `${name}-dm` && one.type !== 'HVM' && !before.some(({ uuid }) => uuid === one.uuid),
  );
  for (const { domid, uuid } of left) {
    try {
      await destroy({ domid, uuid });
    } catch (error) {
      // The failure of the creation itself is the one to tell of.
      if (!(error instanceof HypervisorError)) throw error;
    }
  }
}

async function writePrivate(path: string, text: string): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(text);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    const why = errnoOf(error) ?? 'EIO';
    throw new HypervisorError(
      'Unavailable',
      `The guest's configuration cannot be written to ${posix.dirname(path)} (${why}). See its file system: full, or read-only.`,
      { cause: error },
    );
  }
}
