import { assert } from "../../core/assert.ts";
import { LIMITS } from "../../core/limits.ts";
import type { Rng } from "../../core/rng.ts";
import { AttributeType, SegmentType, WellKnownCommunity } from "../wire/iana.ts";
import type { PathAttributes } from "../wire/message.ts";
import {
  AttributePacker,
  attributeEnd,
  attributesStart,
  skipToType,
  unpackAttributes,
  valueStart,
  wordAt,
} from "./attribute-octets.ts";
import { widened } from "./columns.ts";
import type { NextHopTable } from "./next-hop-table.ts";

/**
 * Attribute sets by number: interned by their canonical octets, counted by reference, with what the
 * decision compares beside them as numbers (design §3). Octets live in one arena the collector
 * never looks into; it is compacted when half of it is dead. Id 0 is no set.
 *
 * An id is only meaningful together with its birth: caches keep both, so that they need not be told
 * when a set dies.
 */
export class AttributeStore {
  localPref: Uint32Array = new Uint32Array(IDS_INITIAL);
  pathLength: Uint16Array = new Uint16Array(IDS_INITIAL);
  origin: Uint8Array = new Uint8Array(IDS_INITIAL);
  med: Uint32Array = new Uint32Array(IDS_INITIAL);
  neighborAs: Uint32Array = new Uint32Array(IDS_INITIAL);
  nextHop: Uint32Array = new Uint32Array(IDS_INITIAL);
  /** 0 where there is none. */
  originatorId: Uint32Array = new Uint32Array(IDS_INITIAL);
  clusterLength: Uint16Array = new Uint16Array(IDS_INITIAL);
  /** Bits of `AttributeMark`. */
  marks: Uint8Array = new Uint8Array(IDS_INITIAL);
  /** Number of the set among all that ever were; 0 while the id is free. */
  birth: Uint32Array = new Uint32Array(IDS_INITIAL);
  /** One remembered import verdict a set: whose policy (0 none), the outcome and its birth. */
  verdictKey: Uint32Array = new Uint32Array(IDS_INITIAL);
  verdict: Uint32Array = new Uint32Array(IDS_INITIAL);
  verdictBirth: Uint32Array = new Uint32Array(IDS_INITIAL);
  /** Sets alive. */
  size = 0;

  readonly #nextHops: NextHopTable;
  readonly #seed: number;
  readonly #multiplier: number;
  #refs = new Uint32Array(IDS_INITIAL);
  #hash = new Uint32Array(IDS_INITIAL);
  #start = new Uint32Array(IDS_INITIAL);
  #octets = new Uint32Array(IDS_INITIAL);
  /** The slot that brought the set first. */
  #owner = new Uint16Array(IDS_INITIAL);
  readonly #brought: { sets: number; octets: number }[] = [];
  readonly #limits: AttributeLimits;
  /** Next set of the bucket, or next free id. */
  #next = new Uint32Array(IDS_INITIAL);
  #heads = new Uint32Array(IDS_INITIAL);
  #arena = new Uint8Array(1 << 16);
  #arenaEnd = 0;
  #deadOctets = 0;
  #free = 0;
  #end = 1;
  #births = 0;
  readonly #packer = new AttributePacker();
  #opened: { id: number; birth: number; attributes: PathAttributes } | undefined;

  constructor(nextHops: NextHopTable, rng: Rng, limits: AttributeLimits = LIMITS) {
    this.#limits = limits;
    this.#nextHops = nextHops;
    this.#seed = rng.int(0, 0xffff_ffff);
    this.#multiplier = rng.int(0, 0xffff_ffff) | 1;
  }

  /**
   * The id of an equal set, with one reference for the caller; 0 where the set is beyond bounds,
   * of one set or of all that its owner has brought in. Slot 0, which is ourselves, has none.
   */
  intern(attributes: PathAttributes, owner = 0): number {
    this.#packer.pack(attributes);
    return this.#internPacked(owner);
  }

  /** Sets that a slot was the first to bring, as long as anybody holds them, and their octets. */
  broughtBy(owner: number): { readonly sets: number; readonly octets: number } {
    return this.#brought[owner] ?? NOTHING;
  }

  /** As `intern`, for what is left of `id` when it leaves the AS; the next hop is ours. */
  internExternal(id: number, as: number, keepsMed: boolean): number {
    const start = this.#start[id] ?? 0;
    const end = start + (this.#octets[id] ?? 0);
    this.#packer.packExternal(this.#arena, { start, end, as, keepsMed });
    return this.#internPacked(0);
  }

  retain(id: number): void {
    this.#refs[id] = (this.#refs[id] ?? 0) + 1;
  }

  release(id: number): void {
    const refs = (this.#refs[id] ?? 0) - 1;
    assert(refs >= 0, "a released attribute set was held");
    this.#refs[id] = refs;
    if (refs === 0) this.#remove(id);
  }

  refsOf(id: number): number {
    return this.#refs[id] ?? 0;
  }

  /** The set as an object of its own; asked for again at once, it is the same object. */
  attributesOf(id: number): PathAttributes {
    const birth = this.birth[id] ?? 0;
    if (this.#opened?.id === id && this.#opened.birth === birth) return this.#opened.attributes;
    const start = this.#start[id] ?? 0;
    const end = start + (this.#octets[id] ?? 0);
    const nextHop = this.#nextHops.octetsOf(this.nextHop[id] ?? 0);
    const attributes = unpackAttributes(this.#arena, start, end, nextHop);
    this.#opened = { id, birth, attributes };
    return attributes;
  }

  /** Canonical octets: a view, valid until the next `intern`. */
  octetsOf(id: number): Uint8Array {
    const start = this.#start[id] ?? 0;
    return this.#arena.subarray(start, start + (this.#octets[id] ?? 0));
  }

  octetCountOf(id: number): number {
    return this.#octets[id] ?? 0;
  }

  /** Where the octets of `id` stand in `arena`: for those who copy without making a view. */
  startOf(id: number): number {
    return this.#start[id] ?? 0;
  }

  get arena(): Uint8Array {
    return this.#arena;
  }

  /** The same ASes in the same segments. */
  hasSamePath(a: number, b: number): boolean {
    if (a === b) return true;
    const arena = this.#arena;
    const startA = this.#asPathStart(a);
    const startB = this.#asPathStart(b);
    const length = attributeEnd(arena, startA) - startA;
    if (attributeEnd(arena, startB) - startB !== length) return false;
    for (let index = 0; index < length; index += 1) {
      if (arena[startA + index] !== arena[startB + index]) return false;
    }
    return true;
  }

  #asPathStart(id: number): number {
    const start = this.#start[id] ?? 0;
    const end = start + (this.#octets[id] ?? 0);
    return skipToType(this.#arena, attributesStart(this.#arena, start), end, AttributeType.AsPath);
  }

  #internPacked(owner: number): number {
    const { octets, end } = this.#packer;
    if (end > OCTETS_MAX) return 0;
    const hash = this.#hashOf(octets, end);
    let id = this.#heads[hash & (this.#heads.length - 1)] ?? 0;
    while (id !== 0) {
      if (this.#hash[id] === hash && this.#isEqual(id, octets, end)) {
        this.#refs[id] = (this.#refs[id] ?? 0) + 1;
        return id;
      }
      id = this.#next[id] ?? 0;
    }
    if (owner !== 0 && !this.#charge(owner, end)) return 0;
    id = this.#allocate();
    this.#owner[id] = owner;
    this.#store(id, octets, end, hash);
    this.#describe(id);
    return id;
  }

  /** False where the owner has brought all that it may. */
  #charge(owner: number, octets: number): boolean {
    const brought = this.#brought[owner] ?? { sets: 0, octets: 0 };
    const { attributeSetsPerPeer, attributeOctetsPerPeer } = this.#limits;
    if (brought.sets >= attributeSetsPerPeer) return false;
    if (brought.octets + octets > attributeOctetsPerPeer) return false;
    brought.sets += 1;
    brought.octets += octets;
    this.#brought[owner] = brought;
    return true;
  }

  /** Fills the columns from the octets. */
  #describe(id: number): void {
    const arena = this.#arena;
    const start = this.#start[id] ?? 0;
    const end = start + (this.#octets[id] ?? 0);
    this.localPref[id] = LOCAL_PREF_DEFAULT;
    this.med[id] = 0;
    this.originatorId[id] = 0;
    this.clusterLength[id] = 0;
    this.marks[id] = 0;
    let at = attributesStart(arena, start);
    this.nextHop[id] = at === start + 1 ? 0 : this.#nextHops.retain(arena, start + 1, at);
    while (at < end) {
      const from = valueStart(arena, at);
      const next = attributeEnd(arena, at);
      switch (arena[at + 1]) {
        case AttributeType.Origin:
          this.origin[id] = arena[from] ?? 0;
          break;
        case AttributeType.AsPath:
          this.#describePath(id, from, next);
          break;
        case AttributeType.MultiExitDisc:
          this.med[id] = wordAt(arena, from);
          break;
        case AttributeType.LocalPref:
          this.localPref[id] = wordAt(arena, from);
          break;
        case AttributeType.Communities:
          this.marks[id] = marksOf(arena, from, next);
          break;
        case AttributeType.OriginatorId:
          this.originatorId[id] = wordAt(arena, from);
          break;
        case AttributeType.ClusterList:
          this.clusterLength[id] = (next - from) >>> 2;
          break;
        default:
      }
      at = next;
    }
  }

  /** Length as RFC 4271 §9.1.2.2 a counts (a set is one), and the AS the route came in by. */
  #describePath(id: number, from: number, end: number): void {
    const arena = this.#arena;
    let length = 0;
    let at = from;
    while (at < end) {
      const count = arena[at + 1] ?? 0;
      if (arena[at] === SegmentType.AsSequence) length += count;
      else if (arena[at] === SegmentType.AsSet) length += 1;
      at += 2 + count * 4;
    }
    const isSequence = from < end && arena[from] === SegmentType.AsSequence;
    this.pathLength[id] = length;
    this.neighborAs[id] = isSequence ? wordAt(arena, from + 2) : 0;
  }

  #store(id: number, octets: Uint8Array, length: number, hash: number): void {
    if (this.#arenaEnd + length > this.#arena.length) this.#makeRoom(length);
    const arena = this.#arena;
    const start = this.#arenaEnd;
    for (let index = 0; index < length; index += 1) arena[start + index] = octets[index] ?? 0;
    this.#start[id] = start;
    this.#octets[id] = length;
    this.#arenaEnd = start + length;
    const bucket = hash & (this.#heads.length - 1);
    this.#hash[id] = hash;
    this.#next[id] = this.#heads[bucket] ?? 0;
    this.#heads[bucket] = id;
    this.#refs[id] = 1;
    this.#births = (this.#births + 1) >>> 0 || 1;
    this.birth[id] = this.#births;
    this.verdictKey[id] = 0;
    this.size += 1;
  }

  #remove(id: number): void {
    const bucket = (this.#hash[id] ?? 0) & (this.#heads.length - 1);
    const next = this.#next[id] ?? 0;
    let at = this.#heads[bucket] ?? 0;
    if (at === id) this.#heads[bucket] = next;
    else {
      while (this.#next[at] !== id) at = this.#next[at] ?? 0;
      this.#next[at] = next;
    }
    this.#deadOctets += this.#octets[id] ?? 0;
    const brought = this.#brought[this.#owner[id] ?? 0];
    if (brought !== undefined) {
      brought.sets -= 1;
      brought.octets -= this.#octets[id] ?? 0;
    }
    this.#nextHops.release(this.nextHop[id] ?? 0);
    this.birth[id] = 0;
    this.#next[id] = this.#free;
    this.#free = id;
    this.size -= 1;
  }

  #hashOf(octets: Uint8Array, length: number): number {
    const multiplier = this.#multiplier;
    let hash = this.#seed;
    let at = 0;
    for (; at + 4 <= length; at += 4) {
      const word =
        ((octets[at] ?? 0) << 24) |
        ((octets[at + 1] ?? 0) << 16) |
        ((octets[at + 2] ?? 0) << 8) |
        (octets[at + 3] ?? 0);
      hash = Math.imul(hash ^ word, multiplier);
      hash ^= hash >>> 15;
    }
    for (; at < length; at += 1) {
      hash = Math.imul(hash ^ (octets[at] ?? 0), multiplier);
      hash ^= hash >>> 15;
    }
    return (hash ^ (hash >>> 13)) >>> 0;
  }

  #isEqual(id: number, octets: Uint8Array, length: number): boolean {
    if (this.#octets[id] !== length) return false;
    const arena = this.#arena;
    const start = this.#start[id] ?? 0;
    for (let index = 0; index < length; index += 1) {
      if (arena[start + index] !== octets[index]) return false;
    }
    return true;
  }

  #makeRoom(octets: number): void {
    const live = this.#arenaEnd - this.#deadOctets;
    let capacity = this.#arena.length;
    while (capacity < (live + octets) * 2) capacity *= 2;
    const arena = new Uint8Array(capacity);
    let end = 0;
    for (let id = 1; id < this.#end; id += 1) {
      if (this.birth[id] === 0) continue;
      const start = this.#start[id] ?? 0;
      arena.set(this.#arena.subarray(start, start + (this.#octets[id] ?? 0)), end);
      this.#start[id] = end;
      end += this.#octets[id] ?? 0;
    }
    this.#arena = arena;
    this.#arenaEnd = end;
    this.#deadOctets = 0;
  }

  #allocate(): number {
    const id = this.#free;
    if (id !== 0) {
      this.#free = this.#next[id] ?? 0;
      return id;
    }
    if (this.#end === this.#refs.length) this.#grow(this.#end * 2);
    this.#end += 1;
    return this.#end - 1;
  }

  #grow(capacity: number): void {
    this.localPref = widened(this.localPref, capacity);
    this.pathLength = widened(this.pathLength, capacity);
    this.origin = widened(this.origin, capacity);
    this.med = widened(this.med, capacity);
    this.neighborAs = widened(this.neighborAs, capacity);
    this.nextHop = widened(this.nextHop, capacity);
    this.originatorId = widened(this.originatorId, capacity);
    this.clusterLength = widened(this.clusterLength, capacity);
    this.marks = widened(this.marks, capacity);
    this.birth = widened(this.birth, capacity);
    this.verdictKey = widened(this.verdictKey, capacity);
    this.verdict = widened(this.verdict, capacity);
    this.verdictBirth = widened(this.verdictBirth, capacity);
    this.#refs = widened(this.#refs, capacity);
    this.#hash = widened(this.#hash, capacity);
    this.#start = widened(this.#start, capacity);
    this.#octets = widened(this.#octets, capacity);
    this.#owner = widened(this.#owner, capacity);
    this.#next = widened(this.#next, capacity);
    this.#heads = new Uint32Array(capacity);
    for (let id = 1; id < this.#end; id += 1) {
      if (this.birth[id] === 0) continue;
      const bucket = (this.#hash[id] ?? 0) & (capacity - 1);
      this.#next[id] = this.#heads[bucket] ?? 0;
      this.#heads[bucket] = id;
    }
  }
}

/** What one peer may bring; see `LIMITS`. */
export type AttributeLimits = {
  readonly [Limit in "attributeSetsPerPeer" | "attributeOctetsPerPeer"]: number;
};

const NOTHING = { sets: 0, octets: 0 };

/** What export rules ask of a set without opening it. */
export const AttributeMark = { NoExport: 1, NoAdvertise: 2 } as const;

function marksOf(octets: Uint8Array, from: number, end: number): number {
  let marks = 0;
  for (let at = from; at < end; at += 4) {
    const community = wordAt(octets, at);
    if (community === WellKnownCommunity.NoAdvertise) marks |= AttributeMark.NoAdvertise;
    // Without confederations the two mean the same (RFC 1997).
    if (
      community === WellKnownCommunity.NoExport ||
      community === WellKnownCommunity.NoExportSubconfed
    ) {
      marks |= AttributeMark.NoExport;
    }
  }
  return marks;
}

const IDS_INITIAL = 256;
const LOCAL_PREF_DEFAULT = 100;
/** No UPDATE carries more (RFC 8654 §4). */
const OCTETS_MAX = 0xffff;
