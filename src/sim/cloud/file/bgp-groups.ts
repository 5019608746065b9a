/**
 * BGP groups of a cloud's file. A VBR that spells its one customer on itself (`peerAs`, `md5` …)
 * means one group of one peer; everybody who reads a file asks here, so that the two ways to say it
 * are one.
 */

import { formatAddress, parseAddress } from "../../../core/address.ts";
import { nameOfIpv6 } from "../network.ts";
import type { LintPath } from "./lint-names.ts";
import type { CloudFile } from "./schema.ts";

type VbrFile = CloudFile["vbrs"][number];
type WrittenGroup = NonNullable<VbrFile["groups"]>[number];
type WrittenPeer = WrittenGroup["peers"][number];

export interface GroupFile extends Omit<WrittenGroup, "peers" | "peerAs"> {
  /** Where it stands in the file, below the VBR. */
  readonly at: LintPath;
  /** Undefined where a VBR has neither groups nor `peerAs`: an error of the file. */
  readonly peerAs: number | undefined;
  readonly peers: readonly PeerFile[];
}

export interface PeerFile {
  readonly at: LintPath;
  readonly name: string;
  /** As every router here spells it; as the file does where it is none. */
  readonly address: string;
  /** `off`, or timers that the VBR's go before. */
  readonly bfd: VbrFile["bfd"];
}

/** What stands on the VBR in place of groups. */
export const SHORT_KEYS = ["peerAs", "fakeAs", "hold", "keepalive", "md5", "routeQuota"] as const;

export function groupsOfFile(vbr: VbrFile): readonly GroupFile[] {
  if (vbr.groups === undefined) return shortGroups(vbr);
  let count = 0;
  return vbr.groups.map((group, index) => {
    const at = ["groups", index];
    const peers = group.peers.map((peer, place): PeerFile => {
      count += 1;
      const address = oneSpelling(peer.address);
      const name = peer.name ?? defaultName(vbr, address, count);
      return { at: [...at, "peers", place], name, address, bfd: bfdOf(vbr, peer) };
    });
    return { ...group, at, peers };
  });
}

/** With IPv6 a second one, of the same customer. */
function shortGroups(vbr: VbrFile): readonly GroupFile[] {
  const { name, circuit, peer, ipv6, bfd } = vbr;
  const common = shortAttributes(vbr);
  const group: GroupFile = {
    ...{ ...common, name, at: [] },
    peers: [{ at: ["peer"], name: circuit, address: oneSpelling(peer), bfd }],
  };
  if (ipv6 === undefined) return [group];
  const second: GroupFile = {
    ...{ ...common, name: nameOfIpv6(name), ipVersion: "ipv6", at: [] },
    peers: [
      { at: ["ipv6", "peer"], name: nameOfIpv6(circuit), address: oneSpelling(ipv6.peer), bfd },
    ],
  };
  return [group, second];
}

function shortAttributes({ peerAs, fakeAs, hold, keepalive, md5, routeQuota }: VbrFile) {
  return {
    peerAs,
    ...(fakeAs !== undefined && { fakeAs }),
    ...(hold !== undefined && { hold }),
    ...(keepalive !== undefined && { keepalive }),
    ...(md5 !== undefined && { md5 }),
    ...(routeQuota !== undefined && { routeQuota }),
  };
}

/** The circuit's name for its own other ends; others are numbered in the order of the file. */
function defaultName({ circuit, peer, ipv6 }: VbrFile, address: string, number: number): string {
  if (address === oneSpelling(peer)) return circuit;
  const isSecond = ipv6 !== undefined && address === oneSpelling(ipv6.peer);
  return isSecond ? nameOfIpv6(circuit) : `${circuit}-${number}`;
}

/** Of the many an IPv6 address has. */
export function oneSpelling(address: string): string {
  const octets = parseAddress(address);
  return octets === undefined ? address : formatAddress(octets);
}

/** A peer that says nothing does as the VBR says; one that names hops has BFD whatever that is. */
function bfdOf(vbr: VbrFile, { bfd }: WrittenPeer): VbrFile["bfd"] {
  if (bfd === "off") return "off";
  if (bfd === undefined) return vbr.bfd;
  return { ...(vbr.bfd === "off" ? {} : vbr.bfd), ...bfd };
}
