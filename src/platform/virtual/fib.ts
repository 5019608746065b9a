import type { Afi } from "../../core/address.ts";
import type { Interface } from "./interface.ts";
import type { Ip } from "./ip.ts";
import { type Packet, portsOf } from "./packet.ts";
import { PrefixMap } from "./prefix-map.ts";

/** One way out of a host; without a gateway the destination itself is the neighbour. */
export interface Hop {
  readonly gateway: Ip | undefined;
  readonly via: Interface;
  readonly weight: number;
}

/** What a route says. */
export interface Target {
  readonly kind: "unicast" | "blackhole" | "prohibit";
  /** rtnetlink protocol number: 2 is the kernel's own (connected), 4 is static. */
  readonly proto: number;
  readonly metric: number;
  hops: readonly Hop[];
}

/** A next-hop group of ours; routes point at the object itself: replacing its hops moves them. */
export interface Group extends Target {
  readonly id: number;
  readonly afi: Afi;
  /** What takes over where the last hop goes with its link (`RouteGroup.spare`). */
  spares: Hop[];
  /** How many routes point here, those that are lost included. */
  routeCount: number;
  /**
   * The kernel deleted the group with its routes, without a word. They are kept, unseen, for the
   * process that wrote them remembers them and writes them again when the group is back.
   */
  areRoutesLost: boolean;
}

/** Which fields of a packet choose among equal hops (`fib_multipath_hash_policy` 0 and 1). */
export type HashPolicy = "l3" | "l4";

/**
 * The forwarding table of a virtual kernel: connected and static routes (the system's) beside those
 * of ours, which point at next-hop groups. It reacts to lost devices as Linux does:
 *
 * - no carrier: hops of groups on that device are removed, a group that loses its last hop goes
 *   with its routes; connected and static routes stay and lead nowhere.
 * - admin down: connected and static routes go as well; the connected ones come back with the
 *   device, nothing else does.
 */
export class Fib {
  readonly #system = {
    1: new PrefixMap<readonly Target[]>(1),
    2: new PrefixMap<readonly Target[]>(2),
  };
  readonly #ours = { 1: new PrefixMap<Group>(1), 2: new PrefixMap<Group>(2) };
  readonly groups = new Map<number, Group>();
  /** What `lookup` said of an address, until a route or a group changes. */
  readonly #found = new Map<Ip, Target | undefined>();
  readonly #hashSecret: number;
  hashPolicy: HashPolicy = "l3";

  constructor(hashSecret: number) {
    this.#hashSecret = hashSecret;
  }

  /** Routes of ours. */
  get routeCount(): number {
    let count = 0;
    for (const group of this.groups.values()) count += group.areRoutesLost ? 0 : group.routeCount;
    return count;
  }

  /**
   * The route to an address, by longest prefix; the system's before ours where both are as long,
   * the lower metric first. With `via` only routes out of that interface count.
   */
  lookup(destination: Ip, via?: Interface): Target | undefined {
    if (via !== undefined) return this.#lookupBy(via, destination);
    const known = this.#found.get(destination);
    if (known !== undefined || this.#found.has(destination)) return known;
    const systems = this.#system[destination.afi];
    const ours = this.#ours[destination.afi];
    const system = systems.longest(destination.words, ANY)?.[0];
    const own = ours.size > 0 ? ours.longest(destination.words, isUsable) : undefined;
    const isOwn = own !== undefined && ours.matchedLength > systems.matchedLength;
    const found = isOwn ? own : system;
    if (this.#found.size >= FOUND_MAX) this.#found.clear();
    this.#found.set(destination, found);
    return found;
  }

  #lookupBy(via: Interface, destination: Ip): Target | undefined {
    const systems = this.#system[destination.afi];
    const ours = this.#ours[destination.afi];
    const leaves = (target: Target): boolean => target.kind !== "unicast" || leavesBy(target, via);
    const found = systems.longest(destination.words, (targets) => targets.some(leaves));
    if (ours.size > 0) {
      const own = ours.longest(destination.words, (group) => isUsable(group) && leaves(group));
      if (own !== undefined && ours.matchedLength > systems.matchedLength) return own;
    }
    return found?.find(leaves);
  }

  /** The hop this packet takes: always the same for one flow while the hops stay the same. */
  select(target: Target, packet: Packet, via?: Interface): Hop | undefined {
    const hops = via === undefined ? target.hops : target.hops.filter((hop) => hop.via === via);
    if (hops.length <= 1) return hops[0];
    let total = 0;
    for (const hop of hops) total += hop.weight;
    // Hash threshold: hop i takes the part of the 31-bit space its weight deserves.
    const point = this.#flowHash(packet) >>> 1;
    let sum = 0;
    for (const hop of hops) {
      sum += hop.weight;
      if (point < (sum / total) * 0x8000_0000) return hop;
    }
    return hops[hops.length - 1];
  }

  /** Replaces the connected routes of an interface. */
  setConnected(
    via: Interface,
    subnets: readonly { readonly words: Int32Array; readonly length: number; readonly afi: Afi }[],
  ): void {
    this.#removeSystemHops(via, (target) => target.proto === PROTO_KERNEL);
    for (const { words, length, afi } of subnets) {
      const hops = [{ gateway: undefined, via, weight: 1 }];
      const target: Target = { kind: "unicast", proto: PROTO_KERNEL, metric: 0, hops };
      this.#addSystem(afi, words, length, target);
    }
  }

  addStatic(prefix: Ip, length: number, target: Target): void {
    this.#addSystem(prefix.afi, prefix.words, length, target);
  }

  /** Removes the static routes of a prefix; returns whether there was one. */
  removeStatic(prefix: Ip, length: number): boolean {
    this.#changed();
    const map = this.#system[prefix.afi];
    const before = map.get(prefix.words, length) ?? [];
    const kept = before.filter((target) => target.proto === PROTO_KERNEL);
    if (kept.length > 0) map.set(prefix.words, length, kept);
    else map.delete(prefix.words, length);
    return kept.length < before.length;
  }

  /** Defines a group, or gives one other hops. */
  setGroup(id: number, made: Pick<Group, "afi" | "proto" | "metric" | "hops" | "spares">): void {
    this.#changed();
    const known = this.groups.get(id);
    if (known === undefined) {
      const none = { routeCount: 0, areRoutesLost: false };
      this.groups.set(id, { kind: "unicast", id, ...made, ...none });
      return;
    }
    known.hops = made.hops;
    known.spares = made.spares;
    known.areRoutesLost &&= known.routeCount > 0;
  }

  /** Lost routes of a group are written again. */
  restoreRoutes(group: Group): void {
    this.#changed();
    group.areRoutesLost = false;
  }

  setRoute(words: Int32Array, length: number, group: Group): void {
    this.#changed();
    const map = this.#ours[group.afi];
    const before = map.get(words, length);
    if (before !== undefined) before.routeCount -= 1;
    map.set(words, length, group);
    group.routeCount += 1;
  }

  removeRoute(afi: Afi, words: Int32Array, length: number): boolean {
    this.#changed();
    const group = this.#ours[afi].get(words, length);
    if (group === undefined) return false;
    group.routeCount -= 1;
    return this.#ours[afi].delete(words, length);
  }

  /** Removes a group and, as the kernel does, every route that points at it. */
  removeGroup(group: Group): number {
    this.#changed();
    this.groups.delete(group.id);
    if (group.routeCount === 0) return 0;
    group.routeCount = 0;
    return this.#ours[group.afi].deleteWhere((other) => other === group);
  }

  /** Forgets the routes that were lost, for whoever looks now sees that they are gone. */
  forgetLostRoutes(): void {
    this.#changed();
    for (const group of this.groups.values()) {
      if (!group.areRoutesLost) continue;
      this.#ours[group.afi].deleteWhere((other) => other === group);
      group.routeCount = 0;
      group.areRoutesLost = false;
    }
  }

  forEachRoute(visit: (octets: Uint8Array, length: number, group: Group) => void): void {
    for (const routes of [this.#ours[1], this.#ours[2]]) {
      routes.forEach((octets, length, group) => {
        if (!group.areRoutesLost) visit(octets, length, group);
      });
    }
  }

  /** The kernel's reaction to a device that lost its carrier or was taken down. */
  deviceLost(via: Interface, how: "carrier" | "admin"): void {
    this.#changed();
    for (const group of [...this.groups.values()]) {
      const left = group.hops.filter((hop) => hop.via !== via);
      group.spares = group.spares.filter((hop) => hop.via !== via);
      if (left.length === group.hops.length) continue;
      group.hops = left.length > 0 ? left : group.spares.splice(0, 1);
      group.areRoutesLost ||= group.hops.length === 0;
    }
    if (how === "admin") this.#removeSystemHops(via, () => true);
  }

  #changed(): void {
    if (this.#found.size > 0) this.#found.clear();
  }

  #addSystem(afi: Afi, words: Int32Array, length: number, target: Target): void {
    this.#changed();
    const before = this.#system[afi].get(words, length) ?? [];
    const after = [...before, target].sort((a, b) => a.metric - b.metric);
    this.#system[afi].set(words, length, after);
  }

  #removeSystemHops(via: Interface, isMeant: (target: Target) => boolean): void {
    this.#changed();
    for (const map of [this.#system[1], this.#system[2]]) {
      const changed: [Int32Array, number, Target[]][] = [];
      map.forEach((octets, length, targets) => {
        const hit = targets.filter((target) => isMeant(target) && leavesBy(target, via));
        if (hit.length === 0) return;
        for (const target of hit) target.hops = target.hops.filter((hop) => hop.via !== via);
        const kept = targets.filter((target) => target.hops.length > 0 || !hit.includes(target));
        changed.push([wordsOf(octets), length, kept]);
      });
      for (const [words, length, kept] of changed) {
        if (kept.length > 0) map.set(words, length, kept);
        else map.delete(words, length);
      }
    }
  }

  #flowHash(packet: Packet): number {
    let hash = this.#hashSecret;
    for (const word of packet.source.words) hash = mix(hash, word);
    for (const word of packet.destination.words) hash = mix(hash, word);
    if (this.hashPolicy === "l4") {
      const [sourcePort, destinationPort] = portsOf(packet.body);
      hash = mix(hash, (sourcePort << 16) | destinationPort);
      hash = mix(hash, packet.body.kind.charCodeAt(0));
    }
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    return (hash ^ (hash >>> 16)) >>> 0;
  }
}

export const PROTO_KERNEL = 2;
export const PROTO_STATIC = 4;

/** Octets of an address or prefix as words. */
export function wordsOf(octets: Uint8Array): Int32Array {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const words = new Int32Array(octets.length >> 2);
  for (let index = 0; index < words.length; index += 1) words[index] = view.getInt32(index * 4);
  return words;
}

const FOUND_MAX = 4_096;
const ANY = () => true;
const isUsable = (group: Group): boolean => !group.areRoutesLost && group.hops.length > 0;

const leavesBy = (target: Target, via: Interface): boolean =>
  target.hops.some((hop) => hop.via === via);

const mix = (hash: number, word: number): number => {
  const step = Math.imul(hash ^ word, 0x01000193);
  return step ^ (step >>> 15);
};
