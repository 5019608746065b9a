import { formatAddress, parseAddress } from "../../core/address.ts";
import type { RouteFailure, RouteGroup, RouteHop } from "../contract.ts";
import {
  type GroupStore,
  groupFailure,
  hopKey,
  mergeHops,
  type ResolvedHop,
  WEIGHT_MAX,
} from "./group-store.ts";
import { EPOCHS, type KernelIds } from "./kernel-ids.ts";
import type { NetlinkSocket, Refusal } from "./netlink.ts";
import { forEachAttribute, type Message, MessageWriter } from "./netlink-codec.ts";
import type { Netns } from "./netns.ts";
import { deviceIndex } from "./resolve.ts";
import { Nha, Nlm, Rta, Rtm } from "./rtnetlink.ts";
import { familyOf } from "./sockaddr.ts";
import { isResilient, withoutSpare, withSpare, writeResilient } from "./spare-groups.ts";
import { C, Errno, errnoName, libc } from "./sys.ts";

/**
 * Groups as kernel next-hop objects (design §4): one object a hop, one group object a group, and
 * routes that carry nothing but the group's number. Replacing a group moves its routes at once.
 *
 * The kernel has its own ideas about objects: it deletes a hop when its interface goes down, a
 * group with its last hop, and with a group every route on it, without a word. So hops are put in
 * again with every definition (who is there already says so), a group is replaced and never
 * emptied, and one that is found gone is made anew and reported, for its routes have to be written
 * again. Hops that do not work are left out, and reported; a group nothing works of is not touched.
 */
export class NextHopGroups implements GroupStore {
  readonly rewriteReplaces = false;
  readonly #socket: NetlinkSocket;
  readonly #netns: Netns;
  readonly #ids: KernelIds;
  readonly #proto: number;
  readonly #hops = new Map<string, number>();
  readonly #wanted = new Map<number, RouteGroup>();
  /** In the kernel, as far as we know. */
  readonly #placed = new Set<number>();
  /** Groups that can have a spare; the kind is for a group's life. */
  readonly #resilient = new Set<number>();
  #hasLeftovers = true;

  constructor(parts: {
    readonly socket: NetlinkSocket;
    readonly netns: Netns;
    readonly ids: KernelIds;
    readonly proto: number;
  }) {
    this.#socket = parts.socket;
    this.#netns = parts.netns;
    this.#ids = parts.ids;
    this.#proto = parts.proto;
  }

  define(groups: readonly RouteGroup[]): {
    readonly failures: readonly RouteFailure[];
    readonly rewrite: readonly number[];
  } {
    for (const group of groups) this.#wanted.set(group.id, group);
    for (const group of groups) if (!this.#placed.has(group.id)) this.#noteKind(group);
    const { members, failures } = this.#membersOf(groups);
    const rewrite = this.#placeGroups(members, failures);
    return { failures, rewrite };
  }

  /** For a thread that does not own the groups: replaces those that are there, makes none. */
  replace(groups: readonly RouteGroup[]): readonly RouteFailure[] {
    for (const group of groups) this.#noteKind(group);
    const { members, failures } = this.#membersOf(groups);
    const ids = [...members.keys()];
    for (const refusal of this.#sendGroups(ids, members, Nlm.REPLACE)) {
      failures.push(failureOf("group-set", ids[refusal.index] ?? 0, refusal));
    }
    return failures;
  }

  #noteKind({ id, spare }: RouteGroup): void {
    if (spare === undefined) this.#resilient.delete(id);
    else this.#resilient.add(id);
  }

  remove(ids: readonly number[]): readonly RouteFailure[] {
    const failures: RouteFailure[] = [];
    for (const id of ids) {
      this.#wanted.delete(id);
      this.#placed.delete(id);
      const kernelId = this.#ids.ofGroup(id);
      const [refusal] = kernelId === undefined ? [] : this.#delete([kernelId]);
      if (refusal === undefined || refusal.errno === Errno.ENOENT) continue;
      failures.push(failureOf("group-remove", id, refusal));
    }
    this.#removeUnusedHops();
    return failures;
  }

  over(device: string): readonly RouteGroup[] {
    return [...this.#wanted.values()].filter(({ hops, spare = [] }) =>
      [...hops, ...spare].some((hop) => hop.device === device),
    );
  }

  isUsable(id: number): boolean {
    return this.#placed.has(id);
  }

  isLost(id: number): boolean {
    if (!this.#placed.has(id)) return false;
    const writer = new MessageWriter(64);
    const kernelId = this.#ids.ofGroup(id) ?? 0;
    this.#begin(writer, Rtm.GETNEXTHOP, 0, 0).attrU32(Nha.ID, kernelId).end();
    return this.#socket.transact(writer).some(({ errno }) => errno === Errno.ENOENT);
  }

  writeTarget(writer: MessageWriter, id: number): void {
    writer.attrU32(Rta.NH_ID, this.#ids.ofGroup(id) ?? 0);
  }

  groupOf(kernelId: number): number | undefined {
    return this.#ids.groupOf(kernelId);
  }

  sweep(pointedAt: ReadonlySet<number>): void {
    if (!this.#hasLeftovers) return;
    const left = this.#groupsOfOurs().filter((id) => this.#ids.groupOf(id) === undefined);
    this.#hasLeftovers = left.some((id) => pointedAt.has(id));
    this.#delete(left.filter((id) => !pointedAt.has(id)));
  }

  removeAll(): readonly RouteFailure[] {
    const { hops, owners } = readNextHops(this.#socket, () => undefined);
    const ours = this.#groupsOfOurs();
    const refusals = this.#delete(ours);
    const isOurs = (id: number) => this.#ids.isHop(id) && owners.get(id) === this.#proto;
    this.#delete([...hops.keys()].filter(isOurs));
    this.#hops.clear();
    this.#wanted.clear();
    this.#placed.clear();
    return refusals
      .filter(({ errno }) => errno !== Errno.ENOENT)
      .map((refusal) => failureOf("group-remove", ours[refusal.index] ?? 0, refusal));
  }

  /** Kernel numbers of groups of this table and proto, of every run. */
  #groupsOfOurs(): number[] {
    const { groups, owners } = readNextHops(this.#socket, () => undefined);
    return [...groups.keys()].filter(
      (id) => this.#ids.epochOf(id) !== undefined && owners.get(id) === this.#proto,
    );
  }

  /** Puts the hops in and answers which of them each group can have. */
  #membersOf(groups: readonly RouteGroup[]): {
    readonly members: ReadonlyMap<number, Members>;
    readonly failures: RouteFailure[];
  } {
    const failures: RouteFailure[] = [];
    const indexes = new Map<string, number>();
    const resolved = groups.map((group) => {
      const resolve = (hop: RouteHop) => ({
        ...hop,
        interfaceIndex: this.#indexOf(hop.device, indexes),
      });
      return { group, hops: group.hops.map(resolve), spares: (group.spare ?? []).map(resolve) };
    });
    const broken = this.#placeHops(resolved.flatMap(({ hops, spares }) => [...hops, ...spares]));
    const members = new Map<number, Members>();
    for (const { group, hops, spares } of resolved) {
      const usable = hops.filter((hop) => !broken.has(hopKey(hop)));
      for (const hop of hops) {
        const fault = broken.get(hopKey(hop));
        if (fault === undefined) continue;
        const text = `${hop.gateway} on ${hop.device}: ${fault.text}`;
        failures.push(groupFailure("group-set", group.id, fault.errno, text));
      }
      if (usable.length === 0) continue;
      const inUse = mergeHops(usable);
      const isUsed = (hop: ResolvedHop) => inUse.some((one) => hopKey(one) === hopKey(hop));
      const spare = spares.find((hop) => !broken.has(hopKey(hop)) && !isUsed(hop));
      members.set(group.id, { inUse, spare });
    }
    return { members, failures };
  }

  #indexOf(device: string, known: Map<string, number>): number {
    const index = known.get(device) ?? deviceIndex(this.#netns, device);
    known.set(device, index);
    return index;
  }

  /** Answers the hops that could not be placed, by key. */
  #placeHops(hops: readonly ResolvedHop[]): Map<string, Fault> {
    const broken = new Map<string, Fault>();
    let missing = new Map<string, ResolvedHop>();
    for (const hop of hops) {
      const fault = faultOf(hop);
      if (fault === undefined) missing.set(hopKey(hop), hop);
      else broken.set(hopKey(hop), fault);
    }
    for (let attempt = 0; missing.size > 0 && attempt < ATTEMPTS_MAX; attempt += 1) {
      missing = this.#placeHopsOnce(missing, attempt, broken);
    }
    for (const key of missing.keys()) broken.set(key, NO_NUMBER);
    return broken;
  }

  /** One send for all; answers those whose number is another hop's. */
  #placeHopsOnce(
    hops: ReadonlyMap<string, ResolvedHop>,
    attempt: number,
    broken: Map<string, Fault>,
  ): Map<string, ResolvedHop> {
    const writer = new MessageWriter();
    const sent = Array.from(hops, ([key, hop]) => {
      const { gateway, interfaceIndex } = hop;
      const id = this.#hops.get(key) ?? this.#ids.ofHop(gateway, interfaceIndex, attempt);
      this.#begin(writer, Rtm.NEWNEXTHOP, Nlm.CREATE | Nlm.EXCL, familyOf(gateway));
      writer.attrU32(Nha.ID, id).attrU32(Nha.OIF, interfaceIndex);
      writer.attrOctets(Nha.GATEWAY, parseAddress(gateway) ?? new Uint8Array(4)).end();
      return { key, hop, id };
    });
    const refusals = new Map(
      this.#socket.transact(writer).map((refusal) => [refusal.index, refusal]),
    );
    const collisions = new Map<string, ResolvedHop>();
    for (const [index, { key, hop, id }] of sent.entries()) {
      const refusal = refusals.get(index);
      if (refusal === undefined) this.#hops.set(key, id);
      else if (refusal.errno !== Errno.EEXIST) broken.set(key, faultOfRefusal(refusal));
      else if (this.#hops.has(key) || this.#isSameHop(id, hop)) this.#hops.set(key, id);
      else collisions.set(key, hop);
    }
    return collisions;
  }

  #isSameHop(id: number, hop: ResolvedHop): boolean {
    const writer = new MessageWriter(64);
    this.#begin(writer, Rtm.GETNEXTHOP, 0, 0).attrU32(Nha.ID, id).end();
    let isSame = false;
    this.#socket.transact(writer, (message) => {
      const found = readNextHop(message);
      isSame = found.gateway === hop.gateway && found.interfaceIndex === hop.interfaceIndex;
    });
    return isSame;
  }

  /** Answers the groups that were gone, though we had placed them. */
  #placeGroups(members: ReadonlyMap<number, Members>, failures: RouteFailure[]): number[] {
    const lost: number[] = [];
    const known = [...members.keys()].filter((id) => this.#placed.has(id));
    for (const refusal of this.#sendGroups(known, members, Nlm.REPLACE)) {
      const id = known[refusal.index] ?? 0;
      if (refusal.errno === Errno.ENOENT) lost.push(id);
      else failures.push(failureOf("group-set", id, refusal));
    }
    const fresh = [...lost, ...[...members.keys()].filter((id) => !this.#placed.has(id))];
    for (const id of fresh) this.#placed.add(id);
    for (const refusal of this.#sendGroups(fresh, members, Nlm.CREATE | Nlm.REPLACE)) {
      const id = fresh[refusal.index] ?? 0;
      this.#placed.delete(id);
      failures.push(failureOf("group-set", id, refusal));
    }
    return lost.filter((id) => this.#placed.has(id));
  }

  /**
   * A group is of one kind for ever, and a kernel before 5.13 has only one: what is refused as the
   * one is tried as the other.
   */
  #sendGroups(
    ids: readonly number[],
    members: ReadonlyMap<number, Members>,
    flags: number,
  ): Refusal[] {
    const refusals = this.#sendGroupsOnce(ids, members, flags);
    const isKind = ({ errno }: Refusal) => errno === Errno.EINVAL || errno === Errno.EOPNOTSUPP;
    const again = refusals.filter(isKind).map(({ index }) => index);
    if (again.length === 0) return refusals;
    const toggle = (id: number) => {
      if (!this.#resilient.delete(id)) this.#resilient.add(id);
    };
    for (const index of again) toggle(ids[index] ?? 0);
    const retried = again.map((index) => ids[index] ?? 0);
    const stubborn = this.#sendGroupsOnce(retried, members, flags).map((refusal) => ({
      ...refusal,
      index: again[refusal.index] ?? 0,
    }));
    for (const { index } of stubborn) toggle(ids[index] ?? 0);
    return [
      ...refusals.filter((refusal) => !isKind(refusal)),
      ...refusals.filter(({ index }) => stubborn.some((other) => other.index === index)),
    ].sort((a, b) => a.index - b.index);
  }

  #sendGroupsOnce(
    ids: readonly number[],
    members: ReadonlyMap<number, Members>,
    flags: number,
  ): Refusal[] {
    const writer = new MessageWriter();
    for (const id of ids) {
      const { inUse = [], spare } = members.get(id) ?? {};
      // In a group of the other kind a spare would get its share of the traffic.
      const hops = this.#resilient.has(id) ? withSpare(inUse, spare) : inUse;
      const entries = new Uint8Array(hops.length * 8);
      const view = new DataView(entries.buffer);
      for (const [index, hop] of hops.entries()) {
        view.setUint32(index * 8, this.#hops.get(hopKey(hop)) ?? 0, true);
        view.setUint8(index * 8 + 4, hop.weight - 1);
      }
      this.#begin(writer, Rtm.NEWNEXTHOP, flags, C.AF_UNSPEC);
      // A group beyond our range gets number 0, which the kernel refuses in its own words.
      writer.attrU32(Nha.ID, this.#ids.ofGroup(id) ?? 0).attrOctets(Nha.GROUP, entries);
      if (this.#resilient.has(id)) writeResilient(writer);
      writer.end();
    }
    return this.#socket.transact(writer);
  }

  #delete(kernelIds: readonly number[]): Refusal[] {
    const writer = new MessageWriter();
    for (const id of kernelIds) {
      this.#begin(writer, Rtm.DELNEXTHOP, 0, 0).attrU32(Nha.ID, id).end();
    }
    return this.#socket.transact(writer);
  }

  #removeUnusedHops(): void {
    const used = new Set<string>();
    const indexes = new Map<string, number>();
    for (const { hops, spare = [] } of this.#wanted.values()) {
      for (const { gateway, device } of [...hops, ...spare]) {
        used.add(`${gateway}%${this.#indexOf(device, indexes)}`);
      }
    }
    const unused = [...this.#hops].filter(([key]) => !used.has(key));
    this.#delete(unused.map(([, id]) => id));
    for (const [key] of unused) this.#hops.delete(key);
  }

  /** `struct nhmsg`: family 1, scope 1, protocol 1, reserved 1, flags 4. */
  #begin(writer: MessageWriter, type: number, flags: number, family: number): MessageWriter {
    const proto = type === Rtm.NEWNEXTHOP ? this.#proto : 0;
    writer.begin(type, flags, this.#socket.nextSeq());
    return writer.u8(family).u8(0).u8(proto).u8(0).u32(0);
  }
}

/** What a group is to have, before it is known of which kind the kernel's is. */
interface Members {
  readonly inUse: readonly ResolvedHop[];
  readonly spare: ResolvedHop | undefined;
}

interface Fault {
  readonly errno: string;
  readonly text: string;
}

const ATTEMPTS_MAX = 8;
const NO_NUMBER: Fault = { errno: "EEXIST", text: "no free number for a next-hop object" };

function faultOf({ device, gateway, weight, interfaceIndex }: ResolvedHop): Fault | undefined {
  if (interfaceIndex === 0) return { errno: "ENODEV", text: `there is no interface ${device}` };
  if (parseAddress(gateway) === undefined) return { errno: "EINVAL", text: "not an address" };
  const isWeight = Number.isInteger(weight) && weight >= 1 && weight <= WEIGHT_MAX;
  return isWeight ? undefined : { errno: "EINVAL", text: `weight ${weight} is not 1 to 256` };
}

const faultOfRefusal = ({ errno, words }: Refusal): Fault => ({
  errno: errnoName(errno),
  text: words === "" ? libc.strerror(errno) : words,
});

function failureOf(op: "group-set" | "group-remove", id: number, refusal: Refusal): RouteFailure {
  const { errno, text } = faultOfRefusal(refusal);
  return groupFailure(op, id, errno, text);
}

/** A next-hop object as the kernel tells it. */
export interface KernelNextHop {
  readonly id: number;
  readonly gateway: string | undefined;
  readonly interfaceIndex: number;
  /** Members and weights; undefined for a single hop. */
  readonly members: readonly { readonly id: number; readonly weight: number }[] | undefined;
  /** Protocol number of the program it belongs to. */
  readonly proto: number;
}

export function readNextHop(message: Message): KernelNextHop {
  const { view, octets, from, to } = message;
  let id = 0;
  let gateway: string | undefined;
  let interfaceIndex = 0;
  let members: { id: number; weight: number }[] | undefined;
  let isSpared = false;
  const proto = view.getUint8(from + 2);
  forEachAttribute(view, from + 8, to, (type, at, end) => {
    if (type === Nha.ID) id = view.getUint32(at, true);
    else if (type === Nha.OIF) interfaceIndex = view.getUint32(at, true);
    else if (type === Nha.GATEWAY) gateway = formatAddress(octets.subarray(at, end));
    else if (type === Nha.GROUP_TYPE) isSpared = isResilient(message, at);
    else if (type === Nha.GROUP) {
      members = [];
      for (let entry = at; entry + 8 <= end; entry += 8) {
        members.push({ id: view.getUint32(entry, true), weight: view.getUint8(entry + 4) + 1 });
      }
    }
  });
  const used = isSpared && members !== undefined ? withoutSpare(members) : members;
  return { id, gateway, interfaceIndex, members: used, proto };
}

export interface KernelNextHops {
  readonly hops: Map<number, RouteHop>;
  readonly groups: Map<number, readonly RouteHop[]>;
  /** Protocol numbers of both. */
  readonly owners: Map<number, number>;
}

/** Where a run numbers its groups: the first epoch without any. */
export function freeEpoch(socket: NetlinkSocket, ids: KernelIds): number {
  const { groups } = readNextHops(socket, () => undefined);
  const taken = new Set(Array.from(groups.keys(), (id) => ids.epochOf(id)));
  for (let epoch = 0; epoch < EPOCHS; epoch += 1) if (!taken.has(epoch)) return epoch;
  return 0;
}

/** Every next-hop object of the namespace: hops, and groups spelled out in hops. */
export function readNextHops(
  socket: NetlinkSocket,
  nameOf: (interfaceIndex: number) => string | undefined,
): KernelNextHops {
  const objects = new Map<number, KernelNextHop>();
  socket.dump(
    () => {
      const writer = new MessageWriter(64).begin(Rtm.GETNEXTHOP, 0, socket.nextSeq());
      return writer.u32(0).u32(0).end();
    },
    (message) => {
      const object = readNextHop(message);
      objects.set(object.id, object);
    },
    () => objects.clear(),
  );
  const hops = new Map<number, RouteHop>();
  for (const { id, gateway, interfaceIndex, members } of objects.values()) {
    if (members !== undefined) continue;
    const device = nameOf(interfaceIndex) ?? "";
    hops.set(id, { gateway: gateway ?? "", device, weight: 1 });
  }
  const groups = new Map<number, readonly RouteHop[]>();
  for (const { id, members } of objects.values()) {
    if (members === undefined) continue;
    const found = members.flatMap(({ id: member, weight }) => {
      const hop = hops.get(member);
      return hop === undefined ? [] : [{ ...hop, weight }];
    });
    groups.set(id, found);
  }
  const owners = new Map(Array.from(objects.values(), ({ id, proto }) => [id, proto]));
  return { hops, groups, owners };
}
