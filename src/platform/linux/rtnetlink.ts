/** Numbers of <linux/netlink.h>, <linux/rtnetlink.h>, <linux/if_link.h> and <linux/nexthop.h>. */

export const Nlm = {
  REQUEST: 0x1,
  ACK: 0x4,
  DUMP_INTR: 0x10,
  DUMP: 0x300,
  REPLACE: 0x100,
  EXCL: 0x200,
  CREATE: 0x400,
  /** On an answer: the failed request is not echoed; attributes follow. */
  CAPPED: 0x100,
  ACK_TLVS: 0x200,
} as const;

export const NlmType = { ERROR: 2, DONE: 3 } as const;

export const NlAttr = { NESTED: 0x8000, TYPE_MASK: 0x3fff } as const;
export const ErrorAttr = { MSG: 1 } as const;

export const Rtm = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  SETLINK: 19,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWQDISC: 36,
  NEWNEXTHOP: 104,
  DELNEXTHOP: 105,
  GETNEXTHOP: 106,
} as const;

/** Multicast groups. */
export const RtnlGroup = { LINK: 1, IPV4_IFADDR: 5, IPV6_IFADDR: 9 } as const;

export const Iff = { UP: 0x1, RUNNING: 0x40 } as const;

export const Ifla = {
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  OPERSTATE: 16,
  LINKMODE: 17,
  LINKINFO: 18,
  INFO_KIND: 1,
  INFO_DATA: 2,
  VLAN_ID: 1,
} as const;

export const Ifa = { ADDRESS: 1, LOCAL: 2, FLAG_NODAD: 0x2 } as const;

export const Rta = {
  DST: 1,
  OIF: 4,
  GATEWAY: 5,
  PRIORITY: 6,
  MULTIPATH: 9,
  TABLE: 15,
  VIA: 18,
  NH_ID: 30,
} as const;

export const Rtn = { UNICAST: 1, LOCAL: 2 } as const;
export const RtScope = { UNIVERSE: 0, NOWHERE: 255 } as const;
export const RtTable = { COMPAT: 252, MAIN: 254 } as const;
/** A cached copy of a route, not a route. */
export const RTM_F_CLONED = 0x200;

export const Nha = {
  ID: 1,
  GROUP: 2,
  GROUP_TYPE: 3,
  OIF: 5,
  GATEWAY: 6,
  GROUPS: 9,
  RES_GROUP: 12,
} as const;
export const NhaResGroup = { BUCKETS: 1, IDLE_TIMER: 2, UNBALANCED_TIMER: 3 } as const;
export const NexthopGroupType = { RESILIENT: 1 } as const;

export const Sol = {
  ADD_MEMBERSHIP: 1,
  CAP_ACK: 10,
  EXT_ACK: 11,
  GET_STRICT_CHK: 12,
} as const;
