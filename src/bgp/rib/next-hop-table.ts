import { formatAddress, isLinkLocal6 } from "../../core/address.ts";
import { at } from "../../core/assert.ts";
import { toHex } from "../../core/bytes.ts";
import type { NextHopState } from "./contract.ts";

/**
 * Next hops by number, with what the host said of them. A next hop nobody answered for counts as
 * reachable at metric 0. Id 0 is the next hop of routes this router originates: always resolved.
 */
export class NextHopTable {
  /** Columns the decision process reads, by next hop id. */
  reachable: Uint8Array = new Uint8Array(64).fill(1);
  metric: Float64Array = new Float64Array(64);
  /** Attribute sets that carry it. */
  #refs = new Uint32Array(64);
  /** Accepted paths and hop groups that use it; interest begins at the first. */
  #uses = new Uint32Array(64);
  readonly #octets: Uint8Array[] = [new Uint8Array(0)];
  readonly #texts: string[] = [""];
  readonly #ids = new Map<string, number>();
  /** Next hops of 32 octets share their global address with others. */
  readonly #idsByText = new Map<string, number[]>();
  readonly #free: number[] = [];
  #last = 0;
  readonly #states = new Map<string, NextHopState>();
  /** Texts in use by any path, by how many next hops of that text, and what was last reported. */
  readonly #interest = new Map<string, number>();
  readonly #touched = new Map<string, boolean>();

  /** The id of the next hop in `octets[from..end)`; one reference is the caller's. */
  retain(octets: Uint8Array, from: number, end: number): number {
    let id = this.#isLast(octets, from, end) ? this.#last : undefined;
    if (id === undefined) {
      const own = octets.slice(from, end);
      const key = toHex(own);
      id = this.#ids.get(key);
      if (id === undefined) {
        id = this.#add(own);
        this.#ids.set(key, id);
      }
      this.#last = id;
    }
    this.#refs[id] = (this.#refs[id] ?? 0) + 1;
    return id;
  }

  /** One more reference to a next hop that is held already. */
  hold(id: number): void {
    if (id !== 0) this.#refs[id] = at(this.#refs, id) + 1;
  }

  release(id: number): void {
    if (id === 0) return;
    const refs = at(this.#refs, id) - 1;
    this.#refs[id] = refs;
    if (refs > 0) return;
    this.#ids.delete(toHex(at(this.#octets, id)));
    const text = this.textOf(id);
    const others = (this.#idsByText.get(text) ?? []).filter((other) => other !== id);
    if (others.length === 0) this.#idsByText.delete(text);
    else this.#idsByText.set(text, others);
    if (this.#last === id) this.#last = 0;
    this.#free.push(id);
  }

  /** A path that may be chosen uses the next hop. */
  addUse(id: number): void {
    const uses = (this.#uses[id] ?? 0) + 1;
    this.#uses[id] = uses;
    if (uses === 1 && id !== 0) this.#interested(this.textOf(id), 1);
  }

  dropUse(id: number): void {
    const uses = (this.#uses[id] ?? 0) - 1;
    this.#uses[id] = uses;
    if (uses === 0 && id !== 0) this.#interested(this.textOf(id), -1);
  }

  octetsOf(id: number): Uint8Array {
    return at(this.#octets, id);
  }

  /** The global address, whatever else MP_REACH carried. */
  textOf(id: number): string {
    return at(this.#texts, id);
  }

  /**
   * The link-local half of a 32-octet next hop where the session runs over link-local addresses.
   */
  hopTextOf(id: number, remoteAddress: Uint8Array | undefined): string {
    const octets = at(this.#octets, id);
    const wantsLinkLocal = remoteAddress !== undefined && isLinkLocal6(remoteAddress);
    return wantsLinkLocal && octets.length === 32
      ? formatAddress(octets.subarray(16))
      : this.textOf(id);
  }

  /** The ids the new state concerns; empty where it changes nothing. */
  setState(text: string, state: NextHopState): readonly number[] {
    const before = this.#states.get(text) ?? UNANSWERED;
    this.#states.set(text, state);
    if (before.isReachable === state.isReachable && before.igpMetric === state.igpMetric) return [];
    return this.#apply(text, state);
  }

  takeInterest(): { readonly added: readonly string[]; readonly removed: readonly string[] } {
    const added: string[] = [];
    const removed: string[] = [];
    for (const [text, wasInteresting] of this.#touched) {
      const isInteresting = (this.#interest.get(text) ?? 0) > 0;
      if (isInteresting === wasInteresting) continue;
      (isInteresting ? added : removed).push(text);
      if (isInteresting) continue;
      this.#states.delete(text); // whoever watched it stops: the answer would go stale
      this.#apply(text, UNANSWERED);
    }
    this.#touched.clear();
    return { added, removed };
  }

  /** Sets of one peer come one after another and have the same next hop. */
  #isLast(octets: Uint8Array, from: number, end: number): boolean {
    const last = at(this.#octets, this.#last);
    if (this.#last === 0 || last.length !== end - from) return false;
    for (let index = 0; index < last.length; index += 1) {
      if (last[index] !== octets[from + index]) return false;
    }
    return true;
  }

  #apply(text: string, state: NextHopState): readonly number[] {
    const ids = this.#idsByText.get(text) ?? [];
    for (const id of ids) {
      this.reachable[id] = state.isReachable ? 1 : 0;
      this.metric[id] = state.igpMetric;
    }
    return ids;
  }

  #interested(text: string, change: number): void {
    const before = this.#interest.get(text) ?? 0;
    if (!this.#touched.has(text)) this.#touched.set(text, before > 0);
    if (before + change === 0) this.#interest.delete(text);
    else this.#interest.set(text, before + change);
  }

  #add(octets: Uint8Array): number {
    const id = this.#free.pop() ?? this.#octets.length;
    if (id === this.#refs.length) this.#grow(id * 2);
    this.#octets[id] = octets;
    const text = formatAddress(octets.length === 32 ? octets.subarray(0, 16) : octets);
    this.#texts[id] = text;
    const ids = this.#idsByText.get(text);
    if (ids === undefined) this.#idsByText.set(text, [id]);
    else ids.push(id);
    const state = this.#states.get(text) ?? UNANSWERED;
    this.reachable[id] = state.isReachable ? 1 : 0;
    this.metric[id] = state.igpMetric;
    this.#refs[id] = 0;
    this.#uses[id] = 0;
    return id;
  }

  #grow(capacity: number): void {
    const { reachable, metric } = this;
    this.reachable = new Uint8Array(capacity);
    this.reachable.set(reachable);
    this.metric = new Float64Array(capacity);
    this.metric.set(metric);
    const refs = this.#refs;
    this.#refs = new Uint32Array(capacity);
    this.#refs.set(refs);
    const uses = this.#uses;
    this.#uses = new Uint32Array(capacity);
    this.#uses.set(uses);
  }
}

const UNANSWERED: NextHopState = { isReachable: true, igpMetric: 0 };
