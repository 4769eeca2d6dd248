import { randomUUID } from 'node:crypto';
import { open, rename, unlink } from 'node:fs/promises';
import { posix } from 'node:path';
import { type DomainIdentity, type GuestRequest, HypervisorError } from '../hypervisor.ts';
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
}

/**
 * Has libxl make a guest and its stub domain, from a configuration that only root can read. One creation for a guest at a
 * time: who asks again while it runs waits for the same.
 */
export function createGuestMaker(options: CreateGuestOptions): (request: GuestRequest) => Promise<DomainIdentity> {
  const running = new Map<string, Promise<DomainIdentity>>();
  return async (request) => {
    const text = guestConfig(request);
    const before = running.get(request.uuid);
    if (before !== undefined) return before;
    const making = make(options, request, text).finally(() => running.delete(request.uuid));
    running.set(request.uuid, making);
    return making;
  };
}

async function make(options: CreateGuestOptions, request: GuestRequest, text: string): Promise<DomainIdentity> {
  const { xl, domains, runDir, defaultsFile } = options;
  const before = await domains.list();
  const known = before.find(({ uuid }) => uuid === request.uuid);
  if (known !== undefined) return { domid: known.domid, uuid: known.uuid };
  const file = posix.join(runDir, `guest-${request.uuid}.cfg`);
  const defaults = await readGuestDefaults(defaultsFile);
  await requireOwnFolder(runDir);
  await writePrivate(file, `${defaults}\n${text}`);
  const { status, output } = await xl.act('create', '-p', '-q', file);
  await unlink(file).catch(() => undefined);
  const after = await domains.list();
  const made = after.find(({ uuid }) => uuid === request.uuid);
  if (status === 0 && made !== undefined) return { domid: made.domid, uuid: made.uuid };
  if (made === undefined) await removeLeftStub(options, request, before, after);
  throw xlFailure(`create guest ${request.name}`, status, output);
}

/** libxl that fails after it made the stub domain ends the guest and forgets the stub domain, with all of its memory. */
async function removeLeftStub(
  { destroy }: CreateGuestOptions,
  { name }: GuestRequest,
  before: readonly { readonly uuid: string }[],
  after: readonly { readonly domid: number; readonly uuid: string; readonly name: string }[],
): Promise<void> {
  const left = after.filter((one) => one.name === `${name}-dm` && !before.some(({ uuid }) => uuid === one.uuid));
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
    const { code } = error as { code?: unknown };
    const why = typeof code === 'string' && /^E[A-Z0-9]{1,24}$/.test(code) ? code : 'EIO';
    throw new HypervisorError(
      'Unavailable',
      `The guest's configuration cannot be written to ${posix.dirname(path)} (${why}). See its file system: full, or read-only.`,
      { cause: error },
    );
  }
}
