/** Codes of MRT records (RFC 6396, RFC 8050), for who writes such files and for who reads them. */

/** Type codes of an MRT record (RFC 6396 §4, §B.2 for 5). */
export const MrtType = {
  Bgp: 5,
  OspfV2: 11,
  TableDump: 12,
  TableDumpV2: 13,
  Bgp4mp: 16,
  Bgp4mpEt: 17,
  Isis: 32,
  IsisEt: 33,
  OspfV3: 48,
  OspfV3Et: 49,
} as const;

/** Of the deprecated BGP type (RFC 6396 §B.2.1). */
export const BgpSubtype = { Update: 1, StateChange: 3, Open: 5, Notify: 6, Keepalive: 7 } as const;

/** RFC 6396 §4.2; those with 4-octet AS numbers were never standardized. */
export const TableDumpSubtype = { Ipv4: 1, Ipv6: 2, Ipv4As4: 3, Ipv6As4: 4 } as const;

/** RFC 6396 §4.3, RFC 8050 §4. */
export const TableDumpV2Subtype = {
  PeerIndexTable: 1,
  RibIpv4Unicast: 2,
  RibIpv4Multicast: 3,
  RibIpv6Unicast: 4,
  RibIpv6Multicast: 5,
  RibGeneric: 6,
  RibIpv4UnicastAddPath: 8,
  RibIpv4MulticastAddPath: 9,
  RibIpv6UnicastAddPath: 10,
  RibIpv6MulticastAddPath: 11,
  RibGenericAddPath: 12,
} as const;

/** RFC 6396 §4.4, RFC 8050 §3; LOCAL: of messages this side sent. */
export const Bgp4mpSubtype = {
  StateChange: 0,
  Message: 1,
  MessageAs4: 4,
  StateChangeAs4: 5,
  MessageLocal: 6,
  MessageAs4Local: 7,
  MessageAddPath: 8,
  MessageAs4AddPath: 9,
  MessageLocalAddPath: 10,
  MessageAs4LocalAddPath: 11,
} as const;

/** Whether the time of such a record goes on in microseconds (RFC 6396 §3). */
export const isExtendedTime = (type: number): boolean =>
  type === MrtType.Bgp4mpEt || type === MrtType.IsisEt || type === MrtType.OspfV3Et;
