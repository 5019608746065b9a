import { Afi } from "../../core/address.ts";
import type { Ip } from "./ip.ts";

/** An IP packet on its way. Rules and observers look at it and change nothing. */
export interface Packet {
  /** Counts the packets of a world; a duplicate shares its original's. */
  readonly id: number;
  readonly source: Ip;
  readonly destination: Ip;
  /** TTL or hop limit, decremented by every router. */
  ttl: number;
  readonly tos: number;
  /** With the IP header: what MTU and bandwidth are about. */
  readonly lengthOctets: number;
  readonly body: PacketBody;
}

export type PacketBody = UdpBody | TcpSegment | IcmpMessage;

export interface UdpBody {
  readonly kind: "udp";
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly octets: Uint8Array;
}

export interface TcpSegment {
  readonly kind: "tcp";
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Sequence numbers never wrap here: a double has room for 2^53 octets. */
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly windowOctets: number;
  readonly octets: Uint8Array;
  /** Maximum segment size option; 0 where absent. */
  readonly mss: number;
  /** Stands in for the RFC 2385 digest: equal keys make equal digests. */
  readonly md5Key: string | undefined;
}

export const TcpFlag = { Fin: 1, Syn: 2, Rst: 4, Ack: 16 } as const;

export interface IcmpMessage {
  readonly kind: "icmp";
  readonly type:
    | "echo-request"
    | "echo-reply"
    | "net-unreachable"
    | "port-unreachable"
    | "time-exceeded"
    | "too-big";
  /** Of an echo. */
  readonly identifier: number;
  readonly sequence: number;
  /** The packet an error is about. */
  readonly about: Packet | undefined;
  /** Of `too-big`. */
  readonly mtu: number;
}

/** Why a packet went no further; also the names of the counters. */
export type DropReason =
  // on a link
  | "cut"
  | "loss"
  | "corrupt"
  | "queue-full"
  | "flow-limit"
  | "rule"
  | "wire-mtu"
  | "no-neighbour"
  // at an interface
  | "device-down"
  | "no-carrier"
  | "not-attached"
  | "mtu"
  // in a router
  | "no-route"
  | "blackhole"
  | "prohibited"
  | "forwarding-off"
  | "forwarding-dead"
  | "ttl"
  // at the end
  | "no-socket"
  | "receive-buffer"
  | "not-read"
  | "md5"
  | "min-ttl"
  | "backlog"
  | "icmp-ignored"
  | "host-down";

export const headerOctets = (afi: Afi): number => (afi === Afi.Ipv4 ? 20 : 40);
export const UDP_HEADER_OCTETS = 8;
export const TCP_HEADER_OCTETS = 20;
export const TCP_MD5_OCTETS = 20;
export const ICMP_HEADER_OCTETS = 8;

/** The two ports of a packet, as ECMP sees them; 0 and 0 where it has none. */
export function portsOf(body: PacketBody): readonly [number, number] {
  return body.kind === "icmp" ? NO_PORTS : [body.sourcePort, body.destinationPort];
}

const NO_PORTS = [0, 0] as const;
