import { open, readdir, rename, rm, stat, truncate, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { corrupt, readRecords } from './read-records.ts';
import { encodeRecord, type StoreRecord } from './record.ts';

/** Where writes become durable. */
export interface Journal {
  /** Queues a record; `durable` tells when it is on disk. */
  append(record: StoreRecord): void;
  /** Resolves when everything appended so far is on disk; rejects for good when the disk failed. */
  durable(): Promise<void>;
  /** True when a snapshot would make the files a good deal smaller. */
  wantsSnapshot(): boolean;
  /** Writes all `records` (the state at `resourceVersion`) to a snapshot and drops the older files. */
  snapshot(resourceVersion: number, records: Iterable<StoreRecord>): Promise<void>;
  close(): Promise<void>;
}

/** Takes what a data directory held. */
export interface Recovery {
  /** Called first, with the resource version of the snapshot: 0 if there is none. */
  begin(snapshotVersion: number): void;
  load(record: StoreRecord, fromSnapshot: boolean): void;
}

const snapshotName = /^snapshot-(\d{16})\.jsonl$/;
const journalName = /^journal-(\d{16})\.jsonl$/;
const minimumSnapshotBytes = 16 * 1024 * 1024;

/**
 * Opens the journal in `dataDir`: gives the records of the newest snapshot and those after it to `recovery`, then
 * appends. A torn last record (a crash in the middle of a write that was never acknowledged) is cut off;
 * damage before the end is an error, because acknowledged writes would be lost silently.
 */
export async function openJournal(dataDir: string, recovery: Recovery): Promise<Journal> {
  const names = await readdir(dataDir);
  const snapshots = names.filter((name) => snapshotName.test(name)).sort();
  const newest = snapshots.at(-1);
  const snapshotVersion = newest === undefined ? 0 : versionOf(newest);
  recovery.begin(snapshotVersion);
  let snapshotBytes = 0;
  if (newest !== undefined) {
    const path = join(dataDir, newest);
    snapshotBytes = (await stat(path)).size;
    if (
      (await readRecords(path, (record) => {
        recovery.load(record, true);
      })) !== snapshotBytes
    )
      throw corrupt(path);
  }
  const journals = names.filter((name) => journalName.test(name) && versionOf(name) >= snapshotVersion).sort();
  for (const [index, name] of journals.entries()) {
    const path = join(dataDir, name);
    const good = await readRecords(path, (record) => {
      recovery.load(record, false);
    });
    if (good !== (await stat(path)).size) {
      if (index !== journals.length - 1) throw corrupt(path);
      await truncate(path, good);
    }
  }
  await removeFiles(dataDir, snapshots.slice(0, -1));
  const current = journals.at(-1) ?? fileName('journal', snapshotVersion);
  const handle = await open(join(dataDir, current), 'a', 0o600);
  await syncDirectory(dataDir);
  const bytes = (await handle.stat()).size;
  return new FileJournal(dataDir, handle, snapshotBytes, bytes);
}

interface Waiter {
  readonly upTo: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Rotation {
  readonly name: string;
  readonly count: number;
  readonly done: PromiseWithResolvers<undefined>;
}

class FileJournal implements Journal {
  readonly #dataDir: string;
  #handle: FileHandle;
  #pending: string[] = [];
  #appended = 0;
  #written = 0;
  #waiters: Waiter[] = [];
  #flushing: Promise<void> | undefined;
  #failure: Error | undefined;
  #snapshotBytes: number;
  #journalBytes: number;
  #snapshotting: Promise<void> | undefined;
  /** The first `count` pending records go to the current file, later ones to a new file of this name. */
  #rotation: Rotation | undefined;

  constructor(dataDir: string, handle: FileHandle, snapshotBytes: number, journalBytes: number) {
    this.#dataDir = dataDir;
    this.#handle = handle;
    this.#snapshotBytes = snapshotBytes;
    this.#journalBytes = journalBytes;
  }

  append(record: StoreRecord): void {
    this.#pending.push(encodeRecord(record));
    this.#appended++;
  }

  durable(): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#written === this.#appended) return Promise.resolve();
    const waiting = new Promise<void>((resolve, reject) => {
      this.#waiters.push({ upTo: this.#appended, resolve, reject });
    });
    this.#flushing ??= this.#flush();
    return waiting;
  }

  wantsSnapshot(): boolean {
    if (this.#snapshotting !== undefined || this.#failure !== undefined) return false;
    return this.#journalBytes > Math.max(minimumSnapshotBytes, 2 * this.#snapshotBytes);
  }

  async snapshot(resourceVersion: number, records: Iterable<StoreRecord>): Promise<void> {
    if (this.#snapshotting !== undefined) return this.#snapshotting;
    this.#snapshotting = this.#writeSnapshot(resourceVersion, records).finally(() => {
      this.#snapshotting = undefined;
    });
    return this.#snapshotting;
  }

  async close(): Promise<void> {
    await this.#snapshotting?.catch(() => undefined);
    await this.durable().catch(() => undefined);
    await this.#flushing;
    await this.#handle.close();
  }

  async #flush(): Promise<void> {
    try {
      while (this.#pending.length > 0 || this.#rotation !== undefined) {
        // One turn of the event loop lets writes that arrived together share one fsync.
        await new Promise<void>((resolve) => setImmediate(resolve));
        await this.#flushBatch();
      }
    } catch (error) {
      this.#failure = new Error('the data directory cannot be written any more', { cause: error });
      for (const waiter of this.#waiters) waiter.reject(this.#failure);
      this.#rotation?.done.reject(this.#failure);
      this.#waiters = [];
    } finally {
      this.#flushing = undefined;
    }
  }

  async #flushBatch(): Promise<void> {
    const upTo = this.#appended;
    const rotation = this.#rotation;
    let batch = this.#pending;
    this.#pending = [];
    this.#rotation = undefined;
    if (rotation !== undefined) {
      await this.#write(batch.slice(0, rotation.count));
      try {
        await this.#rotate(rotation.name);
        rotation.done.resolve(undefined);
      } catch (error) {
        rotation.done.reject(error);
        throw error;
      }
      batch = batch.slice(rotation.count);
    }
    await this.#write(batch);
    this.#written = upTo;
    const ready = this.#waiters.filter((waiter) => waiter.upTo <= upTo);
    this.#waiters = this.#waiters.slice(ready.length);
    for (const waiter of ready) waiter.resolve();
  }

  async #write(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const data = Buffer.from(lines.join(''));
    await writeAll(this.#handle, data);
    await this.#handle.datasync();
    this.#journalBytes += data.length;
  }

  async #rotate(name: string): Promise<void> {
    const next = await open(join(this.#dataDir, name), 'a', 0o600);
    await this.#handle.close();
    this.#handle = next;
    this.#journalBytes = 0;
    await syncDirectory(this.#dataDir);
  }

  async #writeSnapshot(resourceVersion: number, records: Iterable<StoreRecord>): Promise<void> {
    // What is pending now belongs to the state that the snapshot holds: only what comes later may go to the new file.
    const done = Promise.withResolvers<undefined>();
    done.promise.catch(() => undefined);
    this.#rotation = { name: fileName('journal', resourceVersion), count: this.#pending.length, done };
    this.#flushing ??= this.#flush();
    const name = fileName('snapshot', resourceVersion);
    const temporary = join(this.#dataDir, `${name}.tmp`);
    const file = await open(temporary, 'w', 0o600);
    let bytes = 0;
    try {
      for (const chunk of chunks(records)) {
        await writeAll(file, chunk);
        bytes += chunk.length;
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await done.promise;
    await rename(temporary, join(this.#dataDir, name));
    await syncDirectory(this.#dataDir);
    this.#snapshotBytes = bytes;
    const names = await readdir(this.#dataDir);
    const older = names.filter((other) => snapshotName.test(other) || journalName.test(other));
    await removeFiles(
      this.#dataDir,
      older.filter((other) => versionOf(other) < resourceVersion),
    );
  }
}

function* chunks(records: Iterable<StoreRecord>): Generator<Buffer> {
  let lines: string[] = [];
  let length = 0;
  for (const record of records) {
    const line = encodeRecord(record);
    lines.push(line);
    length += line.length;
    if (length < 1024 * 1024) continue;
    yield Buffer.from(lines.join(''));
    lines = [];
    length = 0;
  }
  if (lines.length > 0) yield Buffer.from(lines.join(''));
}

/** Reads records until the first that is torn; gives back how many bytes were good. Damage in the middle throws. */
async function writeAll(file: FileHandle, data: Buffer): Promise<void> {
  for (let offset = 0; offset < data.length;) {
    const { bytesWritten } = await file.write(data, offset, data.length - offset);
    offset += bytesWritten;
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function removeFiles(dataDir: string, names: readonly string[]): Promise<void> {
  for (const name of names) await rm(join(dataDir, name), { force: true });
}

function fileName(kind: 'journal' | 'snapshot', version: number): string {
  return `${kind}-${String(version).padStart(16, '0')}.jsonl`;
}

function versionOf(name: string): number {
  return Number(/\d{16}/.exec(name)?.[0] ?? '0');
}
