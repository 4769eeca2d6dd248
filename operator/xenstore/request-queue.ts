import type { Request } from './request.ts';

/** A queue that never runs empty still gives back the room of what was taken, once there is this much. */
const COMPACT_AT = 1024;

/** First in, first out, in constant time: an array and an index that starts again when all is taken. */
export class RequestQueue {
  #requests: (Request | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#requests.length - this.#head;
  }

  push(request: Request): void {
    this.#requests.push(request);
  }

  shift(): Request | undefined {
    if (this.#head === this.#requests.length) return undefined;
    const request = this.#requests[this.#head];
    this.#requests[this.#head++] = undefined;
    if (this.#head === this.#requests.length) {
      this.#requests = [];
      this.#head = 0;
    } else if (this.#head >= COMPACT_AT && this.#head * 2 >= this.#requests.length) {
      this.#requests = this.#requests.slice(this.#head);
      this.#head = 0;
    }
    return request;
  }
}
