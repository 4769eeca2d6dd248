import type { Domain } from '../hypervisor.ts';

/** What is read of XenStore: its values, and nothing where there is no node. */
export interface NodeReader {
  tryRead(path: string): Promise<Uint8Array | undefined>;
}

/** What XenStore knows of a domain, and the hypervisor does not. */
export interface DomainNotes {
  readonly name?: string;
  readonly type?: Domain['type'];
}

const maxName = 255;
const types: Readonly<Record<string, Domain['type']>> = { hvm: 'HVM', pv: 'PV', pvh: 'PVH' };

function shown(value: Uint8Array | undefined): string | undefined {
  if (value === undefined) return undefined;
  const text = new TextDecoder().decode(value.subarray(0, 4096)).replace(/\p{C}/gu, '?').slice(0, maxName);
  return text === '' ? undefined : text;
}

/**
 * Names and types of domains, by XenStore. While its link is down, what was read before is told: a domain does not change
 * its type, and seldom its name.
 */
export class DomainNames {
  readonly #xenstore: NodeReader;
  #known = new Map<string, DomainNotes>();

  constructor(xenstore: NodeReader) {
    this.#xenstore = xenstore;
  }

  /**
   * Of all domains, in the order given; those that are not among them any more are forgotten. Undefined for one that was never
   * read, since XenStore gave no answer.
   */
  async read(
    domains: readonly { readonly domid: number; readonly uuid: string }[],
  ): Promise<(DomainNotes | undefined)[]> {
    const notes = await Promise.all(
      domains.map(async (domain) => {
        const before = this.#known.get(keyOf(domain));
        try {
          return await this.#look(domain.domid, before);
        } catch {
          return before;
        }
      }),
    );
    this.#known = new Map(
      domains.flatMap((domain, index) => (notes[index] === undefined ? [] : [[keyOf(domain), notes[index]]])),
    );
    return notes;
  }

  async #look(domid: number, before: DomainNotes | undefined): Promise<DomainNotes> {
    const [name, type] = await Promise.all([
      this.#xenstore.tryRead(`/local/domain/${domid}/name`).then(shown),
      before?.type ?? this.#type(domid),
    ]);
    return { ...(name === undefined ? {} : { name }), ...(type === undefined ? {} : { type }) };
  }

  /** libxl says it. Of other toolstacks, a guest with firmware is HVM. */
  async #type(domid: number): Promise<Domain['type'] | undefined> {
    const [noted, firmware] = await Promise.all([
      this.#xenstore.tryRead(`/libxl/${domid}/type`).then(shown),
      this.#xenstore.tryRead(`/local/domain/${domid}/hvmloader`),
    ]);
    return types[noted ?? ''] ?? (firmware === undefined ? undefined : 'HVM');
  }
}

function keyOf({ domid, uuid }: { readonly domid: number; readonly uuid: string }): string {
  return `${domid} ${uuid}`;
}
