import { formatAddress } from "../../core/address.ts";
import type { LinkState } from "../contract.ts";
import { forEachAttribute, type Message, textAt } from "./netlink-codec.ts";
import { Ifa, Iff, Ifla, Rtm } from "./rtnetlink.ts";
import { C } from "./sys.ts";

/** The kernel's interfaces as its messages tell them; knows nothing of sockets. */
export class LinkTable {
  #links = new Map<number, LinkRecord>();
  readonly #changed = new Set<string>();

  named(device: string): LinkRecord | undefined {
    for (const link of this.#links.values()) if (link.device === device) return link;
    return undefined;
  }

  all(): IterableIterator<LinkRecord> {
    return this.#links.values();
  }

  /** Devices with news since the last call. */
  takeChanged(): string[] {
    const devices = [...this.#changed];
    this.#changed.clear();
    return devices;
  }

  get hasChanged(): boolean {
    return this.#changed.size > 0;
  }

  /** Before everything is told anew. */
  clear(): void {
    for (const { device } of this.#links.values()) this.#changed.add(device);
    this.#links = new Map();
  }

  apply(message: Message): void {
    switch (message.type) {
      case Rtm.NEWLINK:
        this.#setLink(readLink(message));
        break;
      case Rtm.DELLINK:
        this.#removeLink(readLink(message));
        break;
      case Rtm.NEWADDR:
      case Rtm.DELADDR:
        this.#setAddress(message, message.type === Rtm.NEWADDR);
        break;
    }
  }

  #setLink(told: LinkRecord | undefined): void {
    if (told === undefined) return;
    const known = this.#links.get(told.index);
    if (known !== undefined) {
      this.#changed.add(known.device); // it may have been renamed
      told.addresses.push(...known.addresses);
    }
    this.#links.set(told.index, told);
    this.#changed.add(told.device);
  }

  #removeLink(told: LinkRecord | undefined): void {
    if (told === undefined) return;
    this.#links.delete(told.index);
    this.#changed.add(told.device);
  }

  /** `struct ifaddrmsg`: family 1, prefix length 1, flags 1, scope 1, index 4. */
  #setAddress({ view, octets, from, to }: Message, isPresent: boolean): void {
    const link = this.#links.get(view.getUint32(from + 4, true));
    if (link === undefined) return;
    let local: Uint8Array | undefined;
    let address: Uint8Array | undefined;
    forEachAttribute(view, from + 8, to, (type, at, end) => {
      if (type === Ifa.LOCAL) local = octets.subarray(at, end);
      else if (type === Ifa.ADDRESS) address = octets.subarray(at, end);
    });
    const own = local ?? address; // on a point-to-point link ADDRESS is the other end
    if (own === undefined) return;
    const text = `${formatAddress(own)}/${view.getUint8(from + 1)}`;
    const index = link.addresses.indexOf(text);
    if (isPresent && index < 0) link.addresses.push(text);
    else if (!isPresent && index >= 0) link.addresses.splice(index, 1);
    else return;
    this.#changed.add(link.device);
  }
}

export interface LinkRecord {
  readonly device: string;
  readonly index: number;
  readonly flags: number;
  readonly mtu: number;
  /** `vlan`, `veth` …; undefined for hardware. */
  readonly kind: string | undefined;
  readonly parentIndex: number | undefined;
  readonly vlanId: number | undefined;
  readonly addresses: string[];
}

export const stateOf = (link: LinkRecord): LinkState => ({
  device: link.device,
  index: link.index,
  isAdminUp: (link.flags & Iff.UP) !== 0,
  hasCarrier: (link.flags & Iff.RUNNING) !== 0,
  mtu: link.mtu,
  addresses: [...link.addresses],
});

/** `struct ifinfomsg`: family 1, pad 1, type 2, index 4, flags 4, change mask 4. */
function readLink({ view, octets, from, to }: Message): LinkRecord | undefined {
  if (view.getUint8(from) !== 0) return undefined; // a bridge speaking of its ports
  let device = "";
  let mtu = 0;
  let kind: string | undefined;
  let parentIndex: number | undefined;
  let vlanId: number | undefined;
  forEachAttribute(view, from + 16, to, (type, at, end) => {
    if (type === Ifla.IFNAME) device = textAt(octets, at, end);
    else if (type === Ifla.MTU) mtu = view.getUint32(at, true);
    else if (type === Ifla.LINK) parentIndex = view.getUint32(at, true);
    else if (type === Ifla.LINKINFO) {
      forEachAttribute(view, at, end, (infoType, infoAt, infoEnd) => {
        if (infoType === Ifla.INFO_KIND) kind = textAt(octets, infoAt, infoEnd);
        else if (infoType === Ifla.INFO_DATA && kind === "vlan") {
          forEachAttribute(view, infoAt, infoEnd, (dataType, dataAt) => {
            if (dataType === Ifla.VLAN_ID) vlanId = view.getUint16(dataAt, true);
          });
        }
      });
    }
  });
  const index = view.getInt32(from + 4, true);
  const flags = view.getUint32(from + 8, true);
  return { device, index, flags, mtu, kind, parentIndex, vlanId, addresses: [] };
}

/** A dump of the interfaces, then one of their addresses, fill the table. */
export const LINK_DUMPS = [
  { type: Rtm.GETLINK, bodyOctets: 16, family: 0 },
  { type: Rtm.GETADDR, bodyOctets: 8, family: C.AF_INET },
  { type: Rtm.GETADDR, bodyOctets: 8, family: C.AF_INET6 },
] as const;
