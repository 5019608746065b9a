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

/** RFC 6396 §4.4, RFC 8050 §3. */
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

export const isMrtType = (type: number): boolean => TYPE_NAMES[type] !== undefined;

/** `BGP4MP_ET/MESSAGE_AS4`; a subtype nobody named stays a number. */
export function typeName(type: number, subtype: number): string {
  return `${TYPE_NAMES[type] ?? type}/${SUBTYPE_NAMES[type]?.[subtype] ?? subtype}`;
}

const TYPE_NAMES: Readonly<Record<number, string>> = {
  5: "BGP",
  6: "RIP",
  7: "IDRP",
  8: "RIPNG",
  9: "BGP4PLUS",
  10: "BGP4PLUS_01",
  11: "OSPFv2",
  12: "TABLE_DUMP",
  13: "TABLE_DUMP_V2",
  16: "BGP4MP",
  17: "BGP4MP_ET",
  32: "ISIS",
  33: "ISIS_ET",
  48: "OSPFv3",
  49: "OSPFv3_ET",
};

const BGP4MP_NAMES: readonly string[] = [
  "STATE_CHANGE",
  "MESSAGE",
  "ENTRY",
  "SNAPSHOT",
  "MESSAGE_AS4",
  "STATE_CHANGE_AS4",
  "MESSAGE_LOCAL",
  "MESSAGE_AS4_LOCAL",
  "MESSAGE_ADDPATH",
  "MESSAGE_AS4_ADDPATH",
  "MESSAGE_LOCAL_ADDPATH",
  "MESSAGE_AS4_LOCAL_ADDPATH",
];

const SUBTYPE_NAMES: Readonly<Record<number, Readonly<Record<number, string>>>> = {
  5: {
    0: "NULL",
    1: "UPDATE",
    2: "PREF_UPDATE",
    3: "STATE_CHANGE",
    4: "SYNC",
    5: "OPEN",
    6: "NOTIFY",
    7: "KEEPALIVE",
  },
  12: { 1: "IPv4", 2: "IPv6", 3: "IPv4_AS4", 4: "IPv6_AS4" },
  13: {
    1: "PEER_INDEX_TABLE",
    2: "RIB_IPV4_UNICAST",
    3: "RIB_IPV4_MULTICAST",
    4: "RIB_IPV6_UNICAST",
    5: "RIB_IPV6_MULTICAST",
    6: "RIB_GENERIC",
    7: "GEO_PEER_TABLE",
    8: "RIB_IPV4_UNICAST_ADDPATH",
    9: "RIB_IPV4_MULTICAST_ADDPATH",
    10: "RIB_IPV6_UNICAST_ADDPATH",
    11: "RIB_IPV6_MULTICAST_ADDPATH",
    12: "RIB_GENERIC_ADDPATH",
  },
  16: { ...BGP4MP_NAMES },
  17: { ...BGP4MP_NAMES },
};
