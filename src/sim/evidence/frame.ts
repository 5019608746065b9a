/**
 * A virtual packet as the Ethernet frame it stands for: MAC addresses after the hosts, a VLAN tag
 * where there is one, IP, TCP, UDP and ICMP headers with their checksums, and what an option says
 * that the simulation keeps as a field: MSS, the TCP MD5 signature (RFC 2385), and a window scale
 * for windows that do not fit their 16 bits.
 */
import { createHash } from "node:crypto";
import { Afi } from "../../core/address.ts";
import { ByteWriter, EMPTY } from "../../core/bytes.ts";
import {
  type IcmpMessage,
  type Packet,
  TcpFlag,
  type TcpSegment,
} from "../../platform/virtual/packet.ts";

export interface FrameEnds {
  readonly from: string;
  readonly to: string;
  /** 0: untagged. */
  readonly vlanId: number;
}

/** Undefined for what no frame is made of: ICMP errors, ICMP over IPv6. */
export function frameOf(packet: Packet, ends: FrameEnds): Uint8Array | undefined {
  const transport = transportOf(packet);
  if (transport === undefined) return undefined;
  const isIpv4 = packet.source.afi === Afi.Ipv4;
  const frame = new ByteWriter(transport.octets.length + 64);
  frame.octets(macOf(ends.to)).octets(macOf(ends.from));
  if (ends.vlanId !== 0) frame.u16(ETHERTYPE_VLAN).u16(ends.vlanId);
  frame.u16(isIpv4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6);
  frame.octets(isIpv4 ? ipv4Header(packet, transport) : ipv6Header(packet, transport));
  return frame.octets(transport.octets).finish();
}

interface Transport {
  readonly protocol: number;
  readonly octets: Uint8Array;
}

function transportOf(packet: Packet): Transport | undefined {
  const { body } = packet;
  if (body.kind === "tcp") return { protocol: Protocol.Tcp, octets: tcpOctets(packet, body) };
  if (body.kind === "icmp") {
    const octets = packet.source.afi === Afi.Ipv4 ? echoOctets(packet, body) : undefined;
    return octets && { protocol: Protocol.Icmp, octets };
  }
  const length = 8 + body.octets.length;
  const udp = new ByteWriter(length).u16(body.sourcePort).u16(body.destinationPort);
  udp.u16(length).u16(0).octets(body.octets);
  const sum = checksum(pseudoHeader(packet, Protocol.Udp, length), udp.view());
  // RFC 768: a checksum that comes out as 0 is sent as all ones.
  udp.patchU16(6, sum || 0xffff);
  return { protocol: Protocol.Udp, octets: udp.finish() };
}

function tcpOctets(packet: Packet, segment: TcpSegment): Uint8Array {
  const isSyn = (segment.flags & TcpFlag.Syn) !== 0;
  const isAck = (segment.flags & TcpFlag.Ack) !== 0;
  const hasData = segment.octets.length > 0;
  const optionOctets = (isSyn ? 8 : 0) + (segment.md5Key === undefined ? 0 : 20);
  const length = 20 + optionOctets + segment.octets.length;
  const window = Math.min(0xffff, isSyn ? segment.windowOctets : segment.windowOctets >> SCALE);
  const tcp = new ByteWriter(length).u16(segment.sourcePort).u16(segment.destinationPort);
  // Sequence numbers of the simulation never wrap; those of a header do.
  tcp.u32(segment.seq % 2 ** 32).u32(isAck ? segment.ack % 2 ** 32 : 0);
  tcp.u8(((20 + optionOctets) / 4) << 4).u8(segment.flags | (hasData ? PUSH : 0));
  tcp.u16(window).u16(0).u16(0);
  const fixed = tcp.finish();
  if (isSyn) tcp.u8(2).u8(4).u16(segment.mss).u8(1).u8(3).u8(3).u8(SCALE);
  if (segment.md5Key !== undefined) {
    const digest = createHash("md5").update(pseudoHeader(packet, Protocol.Tcp, length));
    digest.update(fixed).update(segment.octets).update(segment.md5Key);
    tcp.u8(1).u8(1).u8(19).u8(18).octets(digest.digest());
  }
  tcp.octets(segment.octets);
  tcp.patchU16(16, checksum(pseudoHeader(packet, Protocol.Tcp, length), tcp.view()));
  return tcp.finish();
}

function echoOctets(packet: Packet, message: IcmpMessage): Uint8Array | undefined {
  const type = message.type === "echo-request" ? 8 : message.type === "echo-reply" ? 0 : undefined;
  if (type === undefined) return undefined;
  const icmp = new ByteWriter().u8(type).u8(0).u16(0);
  icmp.u16(message.identifier & 0xffff).u16(message.sequence & 0xffff);
  icmp.octets(new Uint8Array(Math.max(0, packet.lengthOctets - 28)));
  icmp.patchU16(2, checksum(EMPTY, icmp.view()));
  return icmp.finish();
}

function ipv4Header(packet: Packet, { protocol, octets }: Transport): Uint8Array {
  const header = new ByteWriter(20)
    .u8(0x45)
    .u8(packet.tos)
    .u16(20 + octets.length);
  header
    .u16(packet.id & 0xffff)
    .u16(DONT_FRAGMENT)
    .u8(packet.ttl)
    .u8(protocol)
    .u16(0);
  header.octets(packet.source.octets).octets(packet.destination.octets);
  header.patchU16(10, checksum(EMPTY, header.view()));
  return header.finish();
}

function ipv6Header(packet: Packet, { protocol, octets }: Transport): Uint8Array {
  const header = new ByteWriter(40).u32(0x6000_0000 | (packet.tos << 20)).u16(octets.length);
  header.u8(protocol).u8(packet.ttl);
  return header.octets(packet.source.octets).octets(packet.destination.octets).finish();
}

function pseudoHeader(packet: Packet, protocol: number, length: number): Uint8Array {
  const header = new ByteWriter(40).octets(packet.source.octets).octets(packet.destination.octets);
  if (packet.source.afi === Afi.Ipv4) header.u8(0).u8(protocol).u16(length);
  else header.u32(length).u32(protocol);
  return header.finish();
}

/** RFC 1071, over both; the first has an even length. */
function checksum(first: Uint8Array, second: Uint8Array): number {
  let sum = 0;
  for (const octets of [first, second]) {
    for (let at = 0; at < octets.length; at += 2) {
      sum += ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
    }
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** Locally administered, told apart by the name of the host. */
function macOf(host: string): Uint8Array {
  const digest = createHash("sha256").update(host).digest();
  return Uint8Array.of(0x02, 0x00, ...digest.subarray(0, 4));
}

const Protocol = { Icmp: 1, Tcp: 6, Udp: 17 } as const;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_IPV6 = 0x86dd;
const ETHERTYPE_VLAN = 0x8100;
const DONT_FRAGMENT = 0x4000;
const PUSH = 8;
/** Windows of the simulation are below 2^23 octets. */
const SCALE = 7;
