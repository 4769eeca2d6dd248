import { close, open, read, write } from 'node:fs';
import { promisify } from 'node:util';

/** What the xenbus transport asks of the operating system, with errors as `NodeJS.ErrnoException`. */
export interface CharDevice {
  open(path: string): Promise<number>;
  /** Waits for bytes; 0 at the end. */
  read(fd: number, target: Buffer): Promise<number>;
  /** Writes `bytes` in one call; gives back how many were taken. */
  write(fd: number, bytes: Buffer): Promise<number>;
  close(fd: number): Promise<void>;
}

const openFile = promisify(open);
const closeFile = promisify(close);

/** The real device. A read occupies one of libuv's threads for as long as it waits. */
export const systemCharDevice: CharDevice = {
  open: (path) => openFile(path, 'r+'),
  read: (fd, target) =>
    new Promise((resolve, reject) => {
      read(fd, target, 0, target.length, null, (error, size) => {
        if (error === null) resolve(size);
        else reject(error);
      });
    }),
  write: (fd, bytes) =>
    new Promise((resolve, reject) => {
      write(fd, bytes, 0, bytes.length, null, (error, size) => {
        if (error === null) resolve(size);
        else reject(error);
      });
    }),
  close: (fd) => closeFile(fd),
};
