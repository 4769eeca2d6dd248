import * as decoders from './decoders.ts';
import { listInParts } from './directory.ts';
import { XenStoreError, isXenStoreError } from './errors.ts';
import { invalidPath, isAbsolutePath } from './paths.ts';
import { encodePermissions } from './permissions.ts';
import type { Decoder } from './request.ts';
import { Request } from './request.ts';
import { MessageType, messageTypeName } from './wire.ts';
import type { Permissions, XenStoreReader, XenStoreWriter } from './xenstore.ts';

/** Where requests go: a connection, or the client, which hands them to the connection it has. */
export interface RequestSink {
  submit(request: Request): void;
}

/**
 * The operations on nodes, the same in and outside a transaction. Each makes its promise and hands the request on in
 * the same call, so that what is asked for in one tick travels together.
 */
export abstract class TreeOperations implements XenStoreReader, XenStoreWriter {
  /** Takes a request of this tree. */
  protected abstract send(request: Request): void;
  /** The transaction; 0 for none. */
  protected abstract readonly transactionId: number;

  read(path: string): Promise<Uint8Array> {
    return this.#onPath(MessageType.READ, path, decoders.bytes, false);
  }

  tryRead(path: string): Promise<Uint8Array | undefined> {
    return this.#onPath(MessageType.READ, path, decoders.bytes, true);
  }

  readString(path: string): Promise<string> {
    return this.#onPath(MessageType.READ, path, decoders.text, false);
  }

  tryReadString(path: string): Promise<string | undefined> {
    return this.#onPath(MessageType.READ, path, decoders.text, true);
  }

  list(path: string): Promise<string[]> {
    return this.#list(path, false) as Promise<string[]>;
  }

  tryList(path: string): Promise<string[] | undefined> {
    return this.#list(path, true);
  }

  getPermissions(path: string): Promise<Permissions> {
    return this.#onPath(MessageType.GET_PERMS, path, decoders.permissions, false);
  }

  write(path: string, value: string | Uint8Array): Promise<void> {
    return this.#onPath(MessageType.WRITE, path, decoders.nothing, false, value);
  }

  mkdir(path: string): Promise<void> {
    return this.#onPath(MessageType.MKDIR, path, decoders.nothing, false);
  }

  remove(path: string): Promise<void> {
    // oxenstored obeys, and everything is gone.
    if (path === '/') return Promise.reject(new XenStoreError('EINVAL', 'RM /: refused', { operation: 'RM', path }));
    return this.#onPath(MessageType.RM, path, decoders.nothing, true);
  }

  async setPermissions(path: string, permissions: Permissions): Promise<void> {
    if (!isAbsolutePath(path)) throw invalidPath(path, 'SET_PERMS');
    const text = [path, ...encodePermissions(permissions)].join('\0');
    await this.call(MessageType.SET_PERMS, text, decoders.nothing, path);
  }

  /** A request whose payload is `text` and a NUL; `path` is for its errors. */
  protected call<T>(type: MessageType, text: string, decode: Decoder<T>, path?: string): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.send(new Request(type, this.transactionId, text, undefined, path, decode, false, resolve, reject));
    });
  }

  #onPath<T>(
    type: MessageType,
    path: string,
    decode: Decoder<unknown>,
    missingIsFine: boolean,
    value?: string | Uint8Array,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (!isAbsolutePath(path)) reject(invalidPath(path, messageTypeName(type)));
      else this.send(new Request(type, this.transactionId, path, value, path, decode, missingIsFine, resolve, reject));
    });
  }

  /** DIRECTORY, and where its answer is too large for a message, DIRECTORY_PART. */
  #list(path: string, missingIsFine: boolean): Promise<string[] | undefined> {
    return new Promise((resolve, reject) => {
      if (!isAbsolutePath(path)) {
        reject(invalidPath(path, 'DIRECTORY'));
        return;
      }
      const onError = (error: XenStoreError): void => {
        if (error.code !== 'E2BIG') reject(error);
        else resolve(this.#listInParts(path, missingIsFine, error));
      };
      const decode = decoders.strings;
      const id = this.transactionId;
      this.send(new Request(MessageType.DIRECTORY, id, path, undefined, path, decode, missingIsFine, resolve, onError));
    });
  }

  async #listInParts(path: string, missingIsFine: boolean, tooLarge: XenStoreError): Promise<string[] | undefined> {
    try {
      return await listInParts(path, (offset) =>
        this.call(MessageType.DIRECTORY_PART, `${path}\0${String(offset)}`, decoders.directoryPart, path),
      );
    } catch (error) {
      if (missingIsFine && isXenStoreError(error, 'ENOENT')) return undefined;
      // A daemon without DIRECTORY_PART: the first answer stands.
      if (isXenStoreError(error, 'ENOSYS')) throw tooLarge;
      throw error;
    }
  }
}
