/** Names of numbers, for people; the IANA registries' own words. */
export const MESSAGE_NAMES: Readonly<Record<number, string>> = {
  1: "OPEN",
  2: "UPDATE",
  3: "NOTIFICATION",
  4: "KEEPALIVE",
  5: "ROUTE-REFRESH",
};

export const ATTRIBUTE_NAMES: Readonly<Record<number, string>> = {
  1: "ORIGIN",
  2: "AS_PATH",
  3: "NEXT_HOP",
  4: "MULTI_EXIT_DISC",
  5: "LOCAL_PREF",
  6: "ATOMIC_AGGREGATE",
  7: "AGGREGATOR",
  8: "COMMUNITIES",
  9: "ORIGINATOR_ID",
  10: "CLUSTER_LIST",
  14: "MP_REACH_NLRI",
  15: "MP_UNREACH_NLRI",
  16: "EXTENDED_COMMUNITIES",
  17: "AS4_PATH",
  18: "AS4_AGGREGATOR",
  22: "PMSI_TUNNEL",
  23: "TUNNEL_ENCAPSULATION",
  24: "TRAFFIC_ENGINEERING",
  25: "IPV6_EXTENDED_COMMUNITIES",
  26: "AIGP",
  27: "PE_DISTINGUISHER_LABELS",
  29: "BGP_LS",
  32: "LARGE_COMMUNITIES",
  33: "BGPSEC_PATH",
  35: "ONLY_TO_CUSTOMER",
  37: "SFP",
  38: "BFD_DISCRIMINATOR",
  40: "BGP_PREFIX_SID",
  128: "ATTR_SET",
};

export const CAPABILITY_NAMES: Readonly<Record<number, string>> = {
  1: "Multiprotocol Extensions",
  2: "Route Refresh",
  3: "Outbound Route Filtering",
  5: "Extended Next Hop Encoding",
  6: "Extended Message",
  7: "BGPsec",
  8: "Multiple Labels",
  9: "BGP Role",
  64: "Graceful Restart",
  65: "4-octet AS Number",
  67: "Dynamic Capability",
  68: "Multisession",
  69: "ADD-PATH",
  70: "Enhanced Route Refresh",
  71: "Long-Lived Graceful Restart",
  72: "Routing Policy Distribution",
  73: "FQDN",
  74: "BFD Strict-Mode",
  75: "Software Version",
  128: "Route Refresh (prestandard)",
};

export const SEGMENT_NAMES: Readonly<Record<number, string>> = {
  1: "AS_SET",
  2: "AS_SEQUENCE",
  3: "AS_CONFED_SEQUENCE",
  4: "AS_CONFED_SET",
};

export const ORIGIN_NAMES: Readonly<Record<number, string>> = {
  0: "IGP",
  1: "EGP",
  2: "INCOMPLETE",
};

export const ROLE_NAMES: Readonly<Record<number, string>> = {
  0: "Provider",
  1: "Route Server",
  2: "Route Server Client",
  3: "Customer",
  4: "Peer",
};

export const REFRESH_NAMES: Readonly<Record<number, string>> = {
  0: "request",
  1: "Beginning of Route Refresh",
  2: "Ending of Route Refresh",
};

/** `Cease/BFD Down`; a number nobody named stays a number. */
export function notificationName(code: number, subcode: number): string {
  const [name, subcodes] = ERRORS[code] ?? [`error ${code}`, {}];
  if (subcode === 0) return name;
  return `${name}/${subcodes[subcode] ?? `subcode ${subcode}`}`;
}

type Subcodes = Readonly<Record<number, string>>;

const ERRORS: Readonly<Record<number, readonly [string, Subcodes]>> = {
  1: [
    "Message Header Error",
    { 1: "Connection Not Synchronized", 2: "Bad Message Length", 3: "Bad Message Type" },
  ],
  2: [
    "OPEN Message Error",
    {
      1: "Unsupported Version Number",
      2: "Bad Peer AS",
      3: "Bad BGP Identifier",
      4: "Unsupported Optional Parameter",
      6: "Unacceptable Hold Time",
      7: "Unsupported Capability",
      11: "Role Mismatch",
    },
  ],
  3: [
    "UPDATE Message Error",
    {
      1: "Malformed Attribute List",
      2: "Unrecognized Well-known Attribute",
      3: "Missing Well-known Attribute",
      4: "Attribute Flags Error",
      5: "Attribute Length Error",
      6: "Invalid ORIGIN Attribute",
      8: "Invalid NEXT_HOP Attribute",
      9: "Optional Attribute Error",
      10: "Invalid Network Field",
      11: "Malformed AS_PATH",
    },
  ],
  4: ["Hold Timer Expired", {}],
  5: [
    "Finite State Machine Error",
    {
      1: "Unexpected Message in OpenSent",
      2: "Unexpected Message in OpenConfirm",
      3: "Unexpected Message in Established",
    },
  ],
  6: [
    "Cease",
    {
      1: "Maximum Number of Prefixes Reached",
      2: "Administrative Shutdown",
      3: "Peer De-configured",
      4: "Administrative Reset",
      5: "Connection Rejected",
      6: "Other Configuration Change",
      7: "Connection Collision Resolution",
      8: "Out of Resources",
      9: "Hard Reset",
      10: "BFD Down",
    },
  ],
  7: ["ROUTE-REFRESH Message Error", { 1: "Invalid Message Length" }],
  8: ["Send Hold Timer Expired", {}],
};
