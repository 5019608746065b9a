import { err, ok, type Result } from "../../core/result.ts";

/** A transport header and what follows it, out of one frame. Addresses have 4 or 16 octets. */
export interface Packet {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  /** TTL or hop limit. */
  readonly ttl: number;
  readonly protocol: number;
  /** Transport header and all, without link padding. */
  readonly payload: Uint8Array;
  /** Octets of the packet the capture does not hold. */
  readonly missingOctets: number;
}

export const Protocol = { Tcp: 6, Udp: 17 } as const;

/**
 * Finds IP behind a link header; undefined for frames that carry something else (ARP, LLDP …), a
 * fault for IP that cannot be read.
 */
export function packetOf(linkType: number, octets: Uint8Array): Result<Packet | undefined, string> {
  const find = LINKS[linkType];
  if (find === undefined) return err(`link type ${linkType} is not read`);
  const network = find(octets);
  if (network === undefined) return ok(undefined);
  const version = (network[0] ?? 0) >> 4;
  if (version === 4) return packet4(network);
  if (version === 6) return packet6(network);
  return network.length === 0 ? ok(undefined) : err(`IP version ${version}`);
}

export const isReadLink = (linkType: number): boolean => linkType in LINKS;

/** The network layer's octets; undefined where it is not IP. */
type Link = (octets: Uint8Array) => Uint8Array | undefined;

function ethernet(octets: Uint8Array): Uint8Array | undefined {
  return byEtherType(octets, 12);
}

/** VLAN tags and MPLS labels in front of IP are stepped over. */
function byEtherType(octets: Uint8Array, typeAt: number): Uint8Array | undefined {
  let at = typeAt;
  while (VLAN_TYPES.has(u16(octets, at))) at += 4;
  const type = u16(octets, at);
  at += 2;
  if (type === ETHERTYPE_MPLS) {
    while (at + 4 <= octets.length && ((octets[at + 2] ?? 0) & 1) === 0) at += 4;
    return octets.subarray(at + 4);
  }
  return type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6 ? octets.subarray(at) : undefined;
}

/** Four octets of address family in the byte order of the machine that captured. */
function loopback(octets: Uint8Array): Uint8Array | undefined {
  const family = (octets[0] ?? 0) || (octets[3] ?? 0);
  return LOOPBACK_FAMILIES.has(family) ? octets.subarray(4) : undefined;
}

function ppp(octets: Uint8Array): Uint8Array | undefined {
  const at = u16(octets, 0) === 0xff03 ? 2 : 0;
  const protocol = u16(octets, at);
  return protocol === 0x0021 || protocol === 0x0057 ? octets.subarray(at + 2) : undefined;
}

/** Two octets of address, then an EtherType, or RFC 2427's control octet and NLPID. */
function frameRelay(octets: Uint8Array): Uint8Array | undefined {
  if (octets[2] !== UNNUMBERED_INFORMATION) return byEtherType(octets, 2);
  return octets[3] === NLPID_IPV4 || octets[3] === NLPID_IPV6 ? octets.subarray(4) : undefined;
}

const raw: Link = (octets) => octets;

const LINKS: Readonly<Record<number, Link>> = {
  0: loopback,
  1: ethernet,
  9: ppp,
  12: raw,
  14: raw,
  101: raw,
  // Cisco HDLC: address, control, then an EtherType.
  104: (octets) => byEtherType(octets, 2),
  107: frameRelay,
  108: loopback,
  // Linux "any", old and new: the protocol at the end and at the beginning of its header.
  113: (octets) => byEtherType(octets, 14),
  228: raw,
  229: raw,
  276: sll2,
};

function sll2(octets: Uint8Array): Uint8Array | undefined {
  const type = u16(octets, 0);
  return type === ETHERTYPE_IPV4 || type === ETHERTYPE_IPV6 ? octets.subarray(20) : undefined;
}

function packet4(octets: Uint8Array): Result<Packet | undefined, string> {
  const headerOctets = ((octets[0] ?? 0) & 0x0f) * 4;
  if (octets.length < 20 || headerOctets < 20 || headerOctets > octets.length) {
    return err("an IPv4 header cut short");
  }
  const protocol = octets[9] ?? 0;
  if (protocol !== Protocol.Tcp && protocol !== Protocol.Udp) return ok(undefined);
  const flags = u16(octets, 6);
  if ((flags & 0x3fff) !== 0) return err("an IPv4 fragment, which is not put together");
  // Segmentation offload leaves the length to the hardware.
  const totalOctets = u16(octets, 2) || octets.length;
  if (totalOctets < headerOctets) return err("an IPv4 packet shorter than its header");
  return ok({
    source: octets.subarray(12, 16),
    destination: octets.subarray(16, 20),
    ttl: octets[8] ?? 0,
    protocol,
    payload: octets.subarray(headerOctets, totalOctets),
    missingOctets: Math.max(0, totalOctets - octets.length),
  });
}

function packet6(octets: Uint8Array): Result<Packet | undefined, string> {
  if (octets.length < 40) return err("an IPv6 header cut short");
  const end = 40 + (u16(octets, 4) || octets.length - 40);
  let next = octets[6] ?? 0;
  let at = 40;
  while (EXTENSION_HEADERS.has(next)) {
    if (next === FRAGMENT_HEADER && (u16(octets, at + 2) & 0xfff9) !== 0) {
      return err("an IPv6 fragment, which is not put together");
    }
    const extraOctets =
      next === FRAGMENT_HEADER
        ? 0
        : (octets[at + 1] ?? 0) * (next === AUTHENTICATION_HEADER ? 4 : 8);
    next = octets[at] ?? 0;
    at += 8 + extraOctets;
    if (at > octets.length) return err("an IPv6 extension header cut short");
  }
  if (next !== Protocol.Tcp && next !== Protocol.Udp) return ok(undefined);
  return ok({
    source: octets.subarray(8, 24),
    destination: octets.subarray(24, 40),
    ttl: octets[7] ?? 0,
    protocol: next,
    payload: octets.subarray(at, end),
    missingOctets: Math.max(0, end - octets.length),
  });
}

const u16 = (octets: Uint8Array, at: number): number =>
  ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);

const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_MPLS = 0x8847;
const VLAN_TYPES: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100]);
const UNNUMBERED_INFORMATION = 0x03;
const NLPID_IPV4 = 0xcc;
const NLPID_IPV6 = 0x8e;
/** AF_INET, and AF_INET6 of Linux, the BSDs and Darwin. */
const LOOPBACK_FAMILIES: ReadonlySet<number> = new Set([2, 10, 24, 28, 30]);
const FRAGMENT_HEADER = 44;
const AUTHENTICATION_HEADER = 51;
/** Hop-by-hop options, routing, fragment, authentication, destination options. */
const EXTENSION_HEADERS: ReadonlySet<number> = new Set([0, 43, FRAGMENT_HEADER, 51, 60]);
