import type { PciAttachment } from '../../api/generated/pci-attachment.ts';
import { attachmentName, stubDomainOf } from '../../domain/pci/asked-before.ts';
import type { Holder } from '../../domain/pci/claim.ts';

const keyOf = (host: string, address: string): string => `${host} ${address}`;

/**
 * Which attachment has which device of which host, in the whole cluster. Claims are entered here before they are written,
 * so that two passes at once never choose the same device.
 */
export class ClaimTable {
  readonly #holders = new Map<string, Holder>();
  readonly #held = new Map<string, string>();

  /** Takes over what the API server has: an attachment holds what its status pins, until it is gone. */
  observe(attachment: PciAttachment): void {
    const { nodeName, address } = attachment.status ?? {};
    if (nodeName !== undefined && address !== undefined && this.holder(nodeName, address, attachment) === undefined) {
      this.reserve(nodeName, address, attachment);
    }
  }

  /** Gives free what the attachment has; the host where that was something. */
  forget(uid: string): string | undefined {
    const key = this.#held.get(uid);
    if (key === undefined) return undefined;
    this.#held.delete(uid);
    if (this.#holders.get(key)?.uid === uid) this.#holders.delete(key);
    return key.slice(0, key.indexOf(' '));
  }

  reserve(host: string, address: string, attachment: PciAttachment): void {
    const { uid } = attachment.metadata;
    this.forget(uid);
    const key = keyOf(host, address);
    this.#holders.set(key, { uid, name: attachmentName(attachment), stubDomain: stubDomainOf(attachment) });
    this.#held.set(uid, key);
  }

  /** The attachment that has the device. */
  holderOf(host: string, address: string): Holder | undefined {
    return this.#holders.get(keyOf(host, address));
  }

  /** Name of another attachment that has the device. */
  holder(host: string, address: string, asking: PciAttachment): string | undefined {
    const holder = this.holderOf(host, address);
    return holder === undefined || holder.uid === asking.metadata.uid ? undefined : holder.name;
  }
}
