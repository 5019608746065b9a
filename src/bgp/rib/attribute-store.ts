import { assert } from "../../core/assert.ts";
import { ByteWriter } from "../../core/bytes.ts";
import type { Rng } from "../../core/rng.ts";
import { neighborAs } from "../policy/as-path.ts";
import { asPathLength } from "../wire/as-path.ts";
import { AttributeType, WellKnownCommunity } from "../wire/iana.ts";
import type { PathAttributes } from "../wire/message.ts";
import {
  attributeEnd,
  attributesStart,
  packAttributes,
  skipToType,
  unpackAttributes,
} from "./attribute-octets.ts";
import { widened } from "./columns.ts";
import type { NextHopTable } from "./next-hop-table.ts";

/**
 * Attribute sets by number: interned by their canonical octets, counted by reference, with what the
 * decision compares beside them as numbers (design §3). Octets live in one arena the collector
 * never
 * looks into; it is compacted when half of it is dead. Id 0 is no set.
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
  /** Next set of the bucket, or next free id. */
  #next = new Uint32Array(IDS_INITIAL);
  #heads = new Uint32Array(IDS_INITIAL);
  #arena = new Uint8Array(1 << 16);
  #arenaEnd = 0;
  #deadOctets = 0;
  #free = 0;
  #end = 1;
  #births = 0;
  readonly #scratch = new ByteWriter(512);
  #opened: { id: number; birth: number; attributes: PathAttributes } | undefined;

  constructor(nextHops: NextHopTable, rng: Rng) {
    this.#nextHops = nextHops;
    this.#seed = rng.int(0, 0xffff_ffff);
    this.#multiplier = rng.int(0, 0xffff_ffff) | 1;
  }

  /**
   * The id of an equal set, with one reference for the caller; 0 where the set is beyond bounds.
   */
  intern(attributes: PathAttributes): number {
    this.#scratch.reset();
    packAttributes(attributes, this.#scratch);
    const octets = this.#scratch.view();
    if (octets.length > OCTETS_MAX) return 0;
    const hash = this.#hashOf(octets);
    let id = this.#heads[hash & (this.#heads.length - 1)] ?? 0;
    while (id !== 0) {
      if (this.#hash[id] === hash && this.#isEqual(id, octets)) {
        this.#refs[id] = (this.#refs[id] ?? 0) + 1;
        return id;
      }
      id = this.#next[id] ?? 0;
    }
    id = this.#allocate();
    this.#store(id, octets, hash);
    this.#describe(id, attributes);
    return id;
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
    const attributes = unpackAttributes(this.#arena, start, start + (this.#octets[id] ?? 0));
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

  #describe(id: number, attributes: PathAttributes): void {
    this.localPref[id] = attributes.localPref ?? LOCAL_PREF_DEFAULT;
    this.pathLength[id] = asPathLength(attributes.asPath);
    this.origin[id] = attributes.origin;
    this.med[id] = attributes.med ?? 0;
    this.neighborAs[id] = neighborAs(attributes.asPath) ?? 0;
    this.nextHop[id] = this.#nextHops.retain(attributes.nextHop);
    this.originatorId[id] = attributes.originatorId ?? 0;
    this.clusterLength[id] = attributes.clusterList?.length ?? 0;
    this.marks[id] = marksOf(attributes);
  }

  #store(id: number, octets: Uint8Array, hash: number): void {
    if (this.#arenaEnd + octets.length > this.#arena.length) this.#makeRoom(octets.length);
    this.#arena.set(octets, this.#arenaEnd);
    this.#start[id] = this.#arenaEnd;
    this.#octets[id] = octets.length;
    this.#arenaEnd += octets.length;
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
    this.#nextHops.release(this.nextHop[id] ?? 0);
    this.birth[id] = 0;
    this.#next[id] = this.#free;
    this.#free = id;
    this.size -= 1;
  }

  #hashOf(octets: Uint8Array): number {
    const multiplier = this.#multiplier;
    let hash = this.#seed ^ octets.length;
    const whole = octets.length & ~3;
    for (let at = 0; at < whole; at += 4) {
      const word =
        ((octets[at] as number) << 24) |
        ((octets[at + 1] as number) << 16) |
        ((octets[at + 2] as number) << 8) |
        (octets[at + 3] as number);
      hash = Math.imul(hash ^ word, multiplier);
      hash ^= hash >>> 15;
    }
    for (let at = whole; at < octets.length; at += 1) {
      hash = Math.imul(hash ^ (octets[at] as number), multiplier);
      hash ^= hash >>> 15;
    }
    return (hash ^ (hash >>> 13)) >>> 0;
  }

  #isEqual(id: number, octets: Uint8Array): boolean {
    if (this.#octets[id] !== octets.length) return false;
    const start = this.#start[id] ?? 0;
    for (let index = 0; index < octets.length; index += 1) {
      if (this.#arena[start + index] !== octets[index]) return false;
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

/** What export rules ask of a set without opening it. */
export const AttributeMark = { NoExport: 1, NoAdvertise: 2 } as const;

function marksOf({ communities }: PathAttributes): number {
  let marks = 0;
  for (const community of communities ?? []) {
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
