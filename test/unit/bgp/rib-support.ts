import type { Policy, PolicyRoute } from "../../../src/bgp/policy/policy.ts";
import type {
  PeerSlot,
  RibOptions,
  RibPeer,
  RibSession,
  RouteChangeGroup,
} from "../../../src/bgp/rib/contract.ts";
import { Rib } from "../../../src/bgp/rib/rib.ts";
import { SegmentType } from "../../../src/bgp/wire/iana.ts";
import type {
  Family,
  NlriRun,
  PathAttributes,
  UpdateMessage,
  WireContext,
} from "../../../src/bgp/wire/message.ts";
import { encodeNlri, NlriCursor } from "../../../src/bgp/wire/nlri.ts";
import { decodeUpdate } from "../../../src/bgp/wire/update.ts";
import { parseAddress } from "../../../src/core/address.ts";
import { formatPrefix, parsePrefix } from "../../../src/core/prefix.ts";
import { seededRng } from "../../../src/core/rng.ts";

export const IPV4: Family = { afi: 1, safi: 1 };
export const IPV6: Family = { afi: 2, safi: 1 };
export const LOCAL_AS = 64512;
export const ROUTER_ID = 0x0a00_0001;

export const address = (text: string): Uint8Array => {
  const octets = parseAddress(text);
  if (octets === undefined) throw new Error(`no address: ${text}`);
  return octets;
};

export const policyOf = (
  name: string,
  evaluate: (route: PolicyRoute) => PathAttributes | undefined,
  looksAtPrefix = false,
): Policy => ({
  name,
  looksAtPrefix,
  evaluate: (route) => {
    const attributes = evaluate(route);
    return attributes === undefined
      ? { verdict: "reject", by: `${name}/no`, attributes: route.attributes }
      : { verdict: "accept", by: `${name}/yes`, attributes };
  },
});
export const ACCEPT: Policy = policyOf("accept", (route) => route.attributes);
export const REJECT: Policy = policyOf("reject", () => undefined);

export const slot = (value: number): PeerSlot => value as PeerSlot;

export interface PeerOptions extends Partial<Omit<RibPeer, "policyPeer" | "slot">> {
  readonly kind?: "ebgp" | "ibgp";
  readonly remoteAs?: number;
  readonly localAs?: number;
}

/** Peer N: eBGP, AS 65000+N, at 192.0.2.N and 2001:db8::N, everything accepted both ways. */
export function peerOf(number: number, options: PeerOptions = {}): RibPeer {
  const { kind = "ebgp", remoteAs, localAs = LOCAL_AS, ...rest } = options;
  return {
    slot: slot(number),
    policyPeer: {
      name: `peer-${number}`,
      kind,
      remoteAs: remoteAs ?? (kind === "ibgp" ? LOCAL_AS : 65_000 + number),
      localAs,
      localAddress4: address(`198.51.100.${number}`),
      localAddress6: address(`2001:db8:ffff::${number.toString(16)}`),
    },
    remoteAddress: address(`192.0.2.${number}`),
    importPolicy: ACCEPT,
    exportPolicy: ACCEPT,
    isRouteReflectorClient: false,
    nextHopSelf: false,
    allowOwnAs: 0,
    maxPrefix: undefined,
    budget: undefined,
    ...rest,
  };
}

export const sessionOf = (number: number, options: Partial<RibSession> = {}): RibSession => ({
  bgpIdentifier: 0x0a01_0000 + number,
  as4: true,
  messageOctetsMax: 4096,
  families: [IPV4, IPV6],
  ...options,
});

export const sequence = (...ases: number[]): PathAttributes["asPath"] =>
  ases.length === 0 ? [] : [{ type: SegmentType.AsSequence, ases }];

/** What peer N would send: its own AS, its own address as next hop. */
export const attributesOf = (
  number: number,
  more: Partial<PathAttributes> = {},
): PathAttributes => ({
  origin: 0,
  asPath: sequence(65_000 + number),
  nextHop: address(`192.0.2.${number}`),
  ...more,
});

export function runOf(prefixes: readonly string[]): NlriRun[] {
  const runs: NlriRun[] = [];
  for (const afi of [1, 2] as const) {
    const parsed = prefixes.flatMap((text) => {
      const prefix = parsePrefix(text);
      if (prefix === undefined) throw new Error(`no prefix: ${text}`);
      return prefix.afi === afi ? [prefix] : [];
    });
    if (parsed.length === 0) continue;
    runs.push({ afi, octets: encodeNlri(parsed), hasPathIds: false, count: parsed.length });
  }
  return runs;
}

const EMPTY_UPDATE: UpdateMessage = {
  kind: "update",
  reach: [],
  unreach: [],
  attributes: undefined,
  treatAsWithdraw: false,
  ignored: [],
  faults: [],
};

/** IPv6 prefixes get a next hop of their own where `attributes` has an IPv4 one. */
export function announce(attributes: PathAttributes, prefixes: readonly string[]): UpdateMessage {
  const reach = runOf(prefixes).map((run) => {
    const isFit = (run.afi === 1) === (attributes.nextHop.length === 4);
    const last = attributes.nextHop.at(-1) ?? 0;
    const nextHop = isFit ? attributes.nextHop : address(`2001:db8::${last.toString(16)}`);
    return { ...run, nextHop };
  });
  const nextHop = reach[0]?.nextHop ?? attributes.nextHop;
  return { ...EMPTY_UPDATE, reach, attributes: { ...attributes, nextHop } };
}

export const withdraw = (prefixes: readonly string[]): UpdateMessage => ({
  ...EMPTY_UPDATE,
  unreach: runOf(prefixes),
});

/** A RIB with everything around it: what peers hold and what the FIB holds, replayed. */
export class Bench {
  readonly rib: Rib;
  /** By slot: prefix → attributes, decoded from the UPDATEs the RIB made. */
  readonly told = new Map<number, Map<string, PathAttributes>>();
  readonly fib = new Map<string, number>();
  readonly groups = new Map<number, RouteChangeGroup>();
  /** By slot: messages taken, and End-of-RIBs seen. */
  readonly messages = new Map<number, Uint8Array[]>();
  readonly endOfRibs = new Map<number, Family[]>();
  /** Most prefixes each peer ever held, looked at after every single prefix. */
  readonly heldMax = new Map<number, number>();
  /** By slot: prefixes announced since the session came up, each time counted. */
  readonly announcements = new Map<number, number>();
  /** Announcements equal to what the peer held already. */
  repeats = 0;
  readonly sessions = new Map<number, RibSession>();
  /** Next hops the RIB asked about. */
  readonly interest = new Set<string>();

  constructor(options: Partial<RibOptions> = {}, seed = 1) {
    this.rib = new Rib({ localAs: LOCAL_AS, bgpIdentifier: ROUTER_ID, rng: seededRng(seed) });
    this.rib.setOptions({ ...DEFAULTS, ...options });
  }

  up(peer: RibPeer, session: Partial<RibSession> = {}): void {
    this.rib.setPeer(peer);
    const full = sessionOf(peer.slot, session);
    this.sessions.set(peer.slot, full);
    this.rib.peerUp(peer.slot, full);
    this.told.set(peer.slot, new Map());
    this.messages.set(peer.slot, []);
    this.endOfRibs.set(peer.slot, []);
    this.heldMax.set(peer.slot, 0);
    this.announcements.set(peer.slot, 0);
  }

  down(number: number): void {
    this.rib.peerDown(slot(number));
    this.sessions.delete(number);
    this.told.delete(number);
  }

  announce(number: number, attributes: PathAttributes, ...prefixes: string[]): void {
    this.rib.receive(slot(number), announce(attributes, prefixes));
  }

  withdraw(number: number, ...prefixes: string[]): void {
    this.rib.receive(slot(number), withdraw(prefixes));
  }

  /** Lets everything settle; `slice` prefixes and `octets` at a time. */
  settle(slice = 1000, octets = 100_000): void {
    while (this.rib.work(slice)) this.#drainChanges();
    this.#drainChanges();
    for (const number of this.sessions.keys()) this.take(number, octets);
  }

  take(number: number, octets = 100_000): void {
    while (this.rib.hasUpdates(slot(number))) {
      for (const message of this.rib.takeUpdates(slot(number), octets)) this.#hear(number, message);
    }
  }

  takeOnce(number: number, octets: number): void {
    for (const message of this.rib.takeUpdates(slot(number), octets)) this.#hear(number, message);
  }

  /** Follows what the RIB asks of next hops; an answer given before is void once it stops asking. */
  updateInterest(forget: {
    readonly unreachable: Set<string>;
    readonly metrics: Map<string, number>;
  }): boolean {
    const { added, removed } = this.rib.takeNextHopInterest();
    for (const text of added) this.interest.add(text);
    for (const text of removed) {
      if (!this.interest.delete(text)) throw new Error(`${text} was not asked about`);
      forget.unreachable.delete(text);
      forget.metrics.delete(text);
    }
    return added.length + removed.length > 0;
  }

  heldBy(number: number): Map<string, PathAttributes> {
    return this.told.get(number) ?? new Map();
  }

  #drainChanges(): void {
    const changes = this.rib.takeRouteChanges();
    if (changes === undefined) return;
    for (const group of changes.newGroups) {
      if (this.groups.has(group.id)) throw new Error(`group ${group.id} is defined twice`);
      this.groups.set(group.id, group);
    }
    for (const { afi, count, addresses, lengths, groups } of changes.batches) {
      const width = afi === 1 ? 4 : 16;
      for (let row = 0; row < count; row += 1) {
        const octets = addresses.slice(row * width, row * width + width);
        const prefix = formatPrefix({ afi, address: octets, length: lengths[row] ?? 0 });
        const group = groups[row] ?? 0;
        if (group === 0) {
          if (!this.fib.delete(prefix)) throw new Error(`${prefix} is removed but not there`);
        } else {
          if (!this.groups.has(group)) throw new Error(`group ${group} is not defined`);
          this.fib.set(prefix, group);
        }
      }
    }
    for (const id of changes.removedGroups) {
      if (!this.groups.delete(id)) throw new Error(`group ${id} is removed but not there`);
      for (const group of this.fib.values()) {
        if (group === id) throw new Error(`group ${id} is removed but in use`);
      }
    }
  }

  #hear(number: number, message: Uint8Array): void {
    const session = this.sessions.get(number);
    const held = this.told.get(number);
    if (session === undefined || held === undefined) throw new Error("nobody listens");
    this.messages.get(number)?.push(message);
    if (message.length > session.messageOctetsMax) throw new Error("message too long");
    const length = ((message[16] ?? 0) << 8) | (message[17] ?? 0);
    if (length !== message.length || message[18] !== 2) throw new Error("no UPDATE");
    const decoded = decodeUpdate(message.subarray(19), contextOf(session));
    if (!decoded.ok) throw new Error(`our own UPDATE is faulty: ${decoded.fault.because}`);
    const update = decoded.value;
    if (update.faults.length > 0) throw new Error(`faults: ${update.faults[0]?.because}`);
    if (update.endOfRib !== undefined) this.endOfRibs.get(number)?.push(update.endOfRib);
    for (const prefix of update.unreach.flatMap(prefixesOf)) {
      if (!held.delete(prefix)) throw new Error(`${prefix} is withdrawn but not held`);
    }
    for (const run of update.reach) {
      if (update.attributes === undefined) throw new Error("no attributes");
      const attributes = { ...update.attributes, nextHop: run.nextHop };
      for (const prefix of prefixesOf(run)) {
        if (JSON.stringify(held.get(prefix)) === JSON.stringify(attributes)) this.repeats += 1;
        held.set(prefix, attributes);
        this.announcements.set(number, (this.announcements.get(number) ?? 0) + 1);
        this.heldMax.set(number, Math.max(this.heldMax.get(number) ?? 0, held.size));
      }
    }
  }
}

export function prefixesOf(run: NlriRun): string[] {
  const cursor = new NlriCursor();
  cursor.reset(run);
  const prefixes: string[] = [];
  while (cursor.next()) {
    const octets = new Uint8Array(run.afi === 1 ? 4 : 16);
    cursor.copyAddress(octets, 0);
    prefixes.push(formatPrefix({ afi: run.afi, address: octets, length: cursor.length }));
  }
  return prefixes;
}

/** The other end of the session; it is told of iBGP where our side is. */
const contextOf = (session: RibSession): WireContext => ({
  as4: session.as4,
  extendedMessages: session.messageOctetsMax > 4096,
  addPath: [],
  families: session.families,
  session: "ibgp",
  peerAs: undefined,
});

export const DEFAULTS: RibOptions = {
  ebgpPathsMax: 1,
  ibgpPathsMax: 1,
  multipathRelax: false,
  alwaysCompareMed: false,
  preferOldest: false,
};
