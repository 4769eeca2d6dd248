import { systemCharDevice } from './char-device.ts';
import type { CharDevice } from './char-device.ts';
import { errorCodeOf } from './errors.ts';
import type { Transport, TransportEvents, TransportLink } from './transport.ts';
import { HEADER_SIZE, MessageType, XENBUS_PAYLOAD_MAX, encodePacket, uint32At } from './wire.ts';

const READ_BUFFER_SIZE = 64 * 1024;

/**
 * The way through the kernel, `/dev/xen/xenbus`: one message a write, because the kernel drops what follows a complete
 * message; errors come as the write's errno. Reads give part of a message or several, and block a thread.
 */
export function xenbusTransport(path: string, device: CharDevice = systemCharDevice): Transport {
  return {
    name: path,
    payloadMax: XENBUS_PAYLOAD_MAX,
    throughKernel: true,
    open: (events) => new XenbusLink(path, device, events),
  };
}

class XenbusLink implements TransportLink {
  readonly #device: CharDevice;
  readonly #outgoing: Buffer[] = [];
  #events: TransportEvents | undefined;
  #fd: number | undefined;
  #writing = false;
  #reading = false;

  constructor(path: string, device: CharDevice, events: TransportEvents) {
    this.#device = device;
    this.#events = events;
    void this.#run(path);
  }

  send(messages: Buffer): boolean {
    for (let at = 0; at < messages.length;) {
      const end = at + HEADER_SIZE + uint32At(messages, at + 12);
      this.#outgoing.push(messages.subarray(at, end));
      at = end;
    }
    if (!this.#writing) void this.#drain();
    return false;
  }

  destroy(): void {
    if (this.#events === undefined) return;
    this.#events = undefined;
    // A read that waits cannot be called off, and closing the descriptor does not wake it: an answer does.
    this.#outgoing.splice(0, Infinity, encodePacket(MessageType.GET_DOMAIN_PATH, 1, 0, Buffer.from('0\0')));
    if (this.#reading && !this.#writing) void this.#drain();
  }

  async #run(path: string): Promise<void> {
    const fd = await this.#device.open(path).catch((error: unknown) => {
      this.#end(error as Error);
      return undefined;
    });
    if (fd === undefined) return;
    let failure: Error | undefined;
    if (this.#events !== undefined) {
      this.#fd = fd;
      this.#events.onOpen();
      failure = await this.#readAll(fd);
    }
    this.#fd = undefined;
    await this.#device.close(fd).catch(() => undefined);
    this.#end(failure);
  }

  /** Reads until the end, an error, or `destroy`. */
  async #readAll(fd: number): Promise<Error | undefined> {
    const buffer = Buffer.allocUnsafeSlow(READ_BUFFER_SIZE);
    try {
      while (this.#events !== undefined) {
        this.#reading = true;
        const size = await this.#device.read(fd, buffer);
        this.#reading = false;
        if (size === 0) return undefined;
        (this.#events as TransportEvents | undefined)?.onData(buffer, 0, size);
      }
    } catch (error) {
      return error as Error;
    } finally {
      this.#reading = false;
    }
    return undefined;
  }

  async #drain(): Promise<void> {
    this.#writing = true;
    for (let next = this.#outgoing.shift(); next !== undefined; next = this.#outgoing.shift()) {
      if (this.#fd === undefined) continue;
      try {
        await this.#device.write(this.#fd, next);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        this.#events?.onRefused(uint32At(next, 4), errorCodeOf(code ?? ''));
      }
    }
    this.#writing = false;
  }

  #end(error: Error | undefined): void {
    const events = this.#events;
    this.#events = undefined;
    events?.onClose(error);
  }
}
