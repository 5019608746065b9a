import { formatAddress, parseAddress } from "../../core/address.ts";
import type { Routes } from "../contract.ts";
import { NetlinkSocket } from "./netlink.ts";
import { forEachAttribute, type Message, MessageWriter } from "./netlink-codec.ts";
import type { Netns } from "./netns.ts";
import { Rta, Rtm, Rtn } from "./rtnetlink.ts";
import { familyOf } from "./sockaddr.ts";
import { libc } from "./sys.ts";

type Way = NonNullable<ReturnType<Routes["resolve"]>>;

/** Asks the kernel which way it would send (`ip route get`). */
export class Resolver {
  readonly #netns: Netns;
  #socket: NetlinkSocket | undefined;

  constructor(netns: Netns) {
    this.#netns = netns;
  }

  resolve(text: string): Way | undefined {
    const address = parseAddress(text);
    if (address === undefined) return undefined;
    this.#socket ??= new NetlinkSocket(this.#netns);
    const writer = new MessageWriter(64).begin(Rtm.GETROUTE, 0, this.#socket.nextSeq());
    writer.octets(Uint8Array.of(familyOf(text), address.length * 8, 0, 0, 0, 0, 0, 0)).u32(0);
    writer.attrOctets(Rta.DST, address).end();
    let way: Way | undefined;
    const refusals = this.#socket.transact(writer, (message) => {
      if (message.type === Rtm.NEWROUTE) way = this.#read(message);
    });
    return refusals.length > 0 ? undefined : way;
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }

  /** `struct rtmsg`: the type of route is its eighth octet. */
  #read({ view, octets, from, to }: Message): Way | undefined {
    const type = view.getUint8(from + 7);
    if (type !== Rtn.UNICAST && type !== Rtn.LOCAL) return undefined;
    let index = 0;
    let gateway: string | undefined;
    forEachAttribute(view, from + 12, to, (attribute, at, end) => {
      if (attribute === Rta.OIF) index = view.getUint32(at, true);
      else if (attribute === Rta.GATEWAY) gateway = formatAddress(octets.subarray(at, end));
      else if (attribute === Rta.VIA) gateway = formatAddress(octets.subarray(at + 2, end));
    });
    const device = deviceName(this.#netns, index);
    if (device === undefined) return undefined;
    return gateway === undefined ? { device } : { device, gateway };
  }
}

/** The name of an interface, undefined where there is none with that index. */
export function deviceName(netns: Netns, index: number): string | undefined {
  const name = new Uint8Array(16);
  if (netns.run(() => libc.ifIndexToName(index, name)) === null) return undefined;
  return new TextDecoder().decode(name.subarray(0, name.indexOf(0)));
}

/** The index of an interface, 0 where there is none of that name. */
export const deviceIndex = (netns: Netns, device: string): number =>
  netns.run(() => libc.ifNameToIndex(device));
