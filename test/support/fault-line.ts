/** A request that changes something, or makes what a transaction changed true. */
export interface MutatingRequest {
  /** What it asks for and of what: for people. */
  readonly text: string;
  /** Whether what it changes holds at once: not so inside a transaction, whose end makes it true. */
  readonly effective: boolean;
}

/** Where to interfere, counted from 1 since `arm`: before the server has that request, or right after. */
export interface FaultPoint {
  readonly at: number;
  readonly when: 'before' | 'after';
}

/** Counts the mutating requests of one client on all its connections, and says where one of them breaks. */
export class FaultLine {
  #seen: MutatingRequest[] = [];
  #point: FaultPoint | undefined;
  #onFault: () => void = () => {};
  #fired = false;

  /**
   * Counts anew. With a point the connection breaks there, once: nothing passes on it any more in either direction,
   * `onFault` is called, and both ends are closed. Later connections are served as before.
   */
  arm(point?: FaultPoint, onFault: () => void = () => {}): void {
    this.#seen = [];
    this.#point = point;
    this.#onFault = onFault;
    this.#fired = false;
  }

  /** The requests since `arm`. */
  get seen(): readonly MutatingRequest[] {
    return this.#seen;
  }

  /** Whether the fault of the last `arm` came to pass. */
  get fired(): boolean {
    return this.#fired;
  }

  /** Takes note of a request. */
  decide(request: MutatingRequest): 'pass' | 'break-before' | 'break-after' {
    this.#seen.push(request);
    if (this.#fired || this.#point?.at !== this.#seen.length) return 'pass';
    this.#fired = true;
    return this.#point.when === 'before' ? 'break-before' : 'break-after';
  }

  /** A connection is broken now. */
  strike(): void {
    this.#onFault();
  }
}
