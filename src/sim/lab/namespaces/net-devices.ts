/**
 * Interfaces and queues of a lab's namespaces, set by netlink itself. A program (`ip`, `tc`) takes
 * milliseconds to start, in which the cloud's routers, who share the lab's thread, stand still and
 * after which nobody knows when the line went dead; the kernel's own answer takes microseconds.
 */

import { NetlinkSocket } from "../../../platform/linux/netlink.ts";
import { MessageWriter } from "../../../platform/linux/netlink-codec.ts";
import { Netns } from "../../../platform/linux/netns.ts";
import { Iff, Ifla, Nlm, Rtm } from "../../../platform/linux/rtnetlink.ts";

export class NetDevices {
  readonly #nameOf: (node: string) => string;
  readonly #sockets = new Map<string, NetlinkSocket>();

  /** `nameOf`: the full name of a node's namespace. */
  constructor(nameOf: (node: string) => string) {
    this.#nameOf = nameOf;
  }

  /** `ip link set DEVICE up`, or down. */
  setUp(node: string, device: string, isUp: boolean): void {
    const socket = this.#socket(node);
    const request = new MessageWriter()
      .begin(Rtm.SETLINK, 0, socket.nextSeq())
      .octets(linkHeader(isUp ? Iff.UP : 0, Iff.UP))
      .attrText(Ifla.IFNAME, device)
      .end();
    socket.demand(`set ${device} ${isUp ? "up" : "down"}`, request);
  }

  /**
   * A link that is there and not to be used (RFC 2863 dormant): what Linux tells of it is the same
   * as of one without carrier, with the difference that the other end of a cable sees nothing.
   */
  setDormant(node: string, device: string, isDormant: boolean): void {
    const socket = this.#socket(node);
    const [mode, state] = isDormant ? [1, IF_OPER_DORMANT] : [0, IF_OPER_UP];
    const request = new MessageWriter()
      .begin(Rtm.SETLINK, 0, socket.nextSeq())
      .octets(linkHeader(0, 0))
      .attrText(Ifla.IFNAME, device)
      .attrOctets(Ifla.LINKMODE, Uint8Array.of(mode))
      .attrOctets(Ifla.OPERSTATE, Uint8Array.of(state))
      .end();
    socket.demand(`set ${device} ${isDormant ? "dormant" : "in use"}`, request);
  }

  /** `tc qdisc replace dev DEVICE root KIND`, for kinds without options. */
  setQueue(node: string, device: string, kind: "blackhole" | "pfifo"): void {
    const socket = this.#socket(node);
    const index = this.#indexOf(socket, device);
    const request = new MessageWriter()
      .begin(Rtm.NEWQDISC, Nlm.CREATE | Nlm.REPLACE, socket.nextSeq())
      .u32(0) // struct tcmsg: family, padding
      .u32(index)
      .u32(0) // handle: the kernel's choice
      .u32(TC_H_ROOT)
      .u32(0)
      .attrText(TCA_KIND, kind)
      .end();
    socket.demand(`queue ${kind} of ${device}`, request);
  }

  close(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  #indexOf(socket: NetlinkSocket, device: string): number {
    const question = new MessageWriter()
      .begin(Rtm.GETLINK, 0, socket.nextSeq())
      .octets(linkHeader(0, 0))
      .attrText(Ifla.IFNAME, device)
      .end();
    let index = 0;
    socket.demand(`find ${device}`, question, ({ view, from }) => {
      index = view.getInt32(from + 4, true);
    });
    return index;
  }

  #socket(node: string): NetlinkSocket {
    const known = this.#sockets.get(node);
    if (known !== undefined) return known;
    const netns = new Netns(this.#nameOf(node));
    try {
      const socket = new NetlinkSocket(netns);
      this.#sockets.set(node, socket);
      return socket;
    } finally {
      netns.close();
    }
  }
}

/** `struct ifinfomsg`: family 1, pad 1, type 2, index 4, flags 4, change mask 4. */
function linkHeader(flags: number, changed: number): Uint8Array {
  const octets = new Uint8Array(16);
  const view = new DataView(octets.buffer);
  view.setUint32(8, flags, true);
  view.setUint32(12, changed, true);
  return octets;
}

const IF_OPER_DORMANT = 5;
const IF_OPER_UP = 6;
const TC_H_ROOT = 0xffff_ffff;
const TCA_KIND = 1;
