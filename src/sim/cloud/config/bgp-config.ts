/** BGP of a VBR towards its customers: groups with what their peers have in common, and these. */

/** `bgpg-…`: what it says goes for each of its peers. */
export interface BgpGroupConfig {
  readonly name: string;
  /** One session a family; of IPv6 where the VBR has it. */
  readonly ipVersion: "ipv4" | "ipv6";
  readonly peerAs: number;
  /** `FakeAsn`: presented to the customer instead of the cloud's own. */
  readonly fakeAs: number | undefined;
  readonly holdTimeSec: number;
  readonly keepaliveTimeSec: number;
  readonly md5Key: string | undefined;
  /** Routes accepted of each peer; what is above is dropped, the session stays. */
  readonly routeQuota: number;
  readonly peers: readonly BgpPeerConfig[];
}

/** `bgp-…`: one session. */
export interface BgpPeerConfig {
  /** Unique in the cloud; that of the circuit's own end carries the circuit's name. */
  readonly name: string;
  /** A customer's router on the interconnect. */
  readonly address: string;
  readonly bfd: BfdTimers | undefined;
}

/** Intervals and multiplier are the VBR's; which of its peers have BFD, and the hops, is theirs. */
export interface BfdTimers {
  readonly txIntervalUs: number;
  readonly rxIntervalUs: number;
  readonly multiplier: number;
  /** `BfdMultiHop`: 1 is single hop (port 3784), more is multihop (4784). */
  readonly hops: number;
}

/** Anything with groups, as a VBR has. */
interface Grouped {
  readonly groups: readonly BgpGroupConfig[];
}

export interface GroupedPeer {
  readonly group: BgpGroupConfig;
  readonly peer: BgpPeerConfig;
}

/** Every peer with its group, in the order of the file. */
export const groupedPeers = ({ groups }: Grouped): readonly GroupedPeer[] =>
  groups.flatMap((group) => group.peers.map((peer) => ({ group, peer })));

export const peersOf = ({ groups }: Grouped): readonly BgpPeerConfig[] =>
  groups.flatMap(({ peers }) => peers);

/** The VBR that a node is, where `peer` is a session of it with its customer. */
export const vbrOfCustomer = <Vbr extends Grouped & { readonly name: string }>(
  { vbrs }: { readonly vbrs: readonly Vbr[] },
  node: string,
  peer: unknown,
): Vbr | undefined =>
  vbrs.find((vbr) => vbr.name === node && peersOf(vbr).some(({ name }) => name === peer));
