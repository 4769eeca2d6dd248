/** So many at the same time, and nobody waits: who gets no turn asks again later. */
export class Turns {
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  /** Gives what is to be called, once, when the work is over; undefined if there is no turn left. */
  tryTake(): (() => void) | undefined {
    if (this.#free === 0) return undefined;
    this.#free -= 1;
    return () => {
      this.#free += 1;
    };
  }
}
