/** MRT types and subtypes by name. */

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
