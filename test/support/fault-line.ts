/** What an agent is linked to. Its host's own object is apart: it is written when much has changed, not for an operation. */
export type Link = 'XenStore' | 'hypervisor' | 'API' | 'host object';

/** A request that changes something, or makes what a transaction changed true. */
export interface MutatingRequest {
  readonly link: Link;
  /** What it asks for and of what: for people. */
  readonly text: string;
  /** Whether what it changes holds at once: not so inside a transaction, whose end makes it true. */
  readonly effective: boolean;
  /** Name of the API object that it changes, if it is one. */
  readonly object?: string;
}

/** Where to interfere, counted from 1 on one link since `arm`: before the server has that request, or right after. */
export interface FaultPoint {
  readonly link: Link;
  readonly at: number;
  readonly when: 'before' | 'after';
}

/** What happens at a point. */
export interface Trouble {
  /** Whether requests on that link are lost: then the one at the point is not answered, and its connection is closed. */
  readonly breaks: (link: Link) => boolean;
  /** Called once, when the point is reached. */
  readonly strike: () => void;
}

/** What is to be done with a request. The two breaks are to be followed by `strike`, and by the end of the connection. */
export type Verdict = 'pass' | 'break before' | 'break after';

/** Counts the mutating requests of one client on all its links, and says where one of them breaks. */
export class FaultLine {
  #seen: MutatingRequest[] = [];
  #armed: { readonly point: FaultPoint; readonly trouble: Trouble } | undefined;
  #isOf: (object: string) => boolean = () => true;
  #fired: MutatingRequest | undefined;

  /** Counts anew. Of the API's requests only those about objects of which `isOf` holds. */
  arm(isOf: (object: string) => boolean, fault?: { readonly point: FaultPoint; readonly trouble: Trouble }): void {
    this.#seen = [];
    this.#fired = undefined;
    this.#isOf = isOf;
    this.#armed = fault;
  }

  /** From now on nothing breaks. */
  disarm(): void {
    this.#armed = undefined;
  }

  /** The requests since `arm`. */
  get seen(): readonly MutatingRequest[] {
    return this.#seen;
  }

  /** The request at the point of the last `arm`, once it came. */
  get fired(): MutatingRequest | undefined {
    return this.#fired;
  }

  /** Takes note of a request. What does not break its own link is struck at once. */
  decide(request: MutatingRequest): Verdict {
    if (request.object !== undefined && !this.#isOf(request.object)) return 'pass';
    this.#seen.push(request);
    if (this.#armed === undefined || this.#fired !== undefined) return 'pass';
    const { point, trouble } = this.#armed;
    if (request.link !== point.link) return 'pass';
    if (this.#seen.filter(({ link }) => link === point.link).length !== point.at) return 'pass';
    this.#fired = request;
    if (trouble.breaks(point.link)) return point.when === 'before' ? 'break before' : 'break after';
    trouble.strike();
    return 'pass';
  }

  /** The connection of the request that breaks ends now. */
  strike(): void {
    this.#armed?.trouble.strike();
  }
}
