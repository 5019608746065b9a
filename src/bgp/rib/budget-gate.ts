import { coversPrefix, type Prefix, parsePrefix } from "../../core/prefix.ts";
import { SparseColumn } from "./columns.ts";
import type { PrefixBudget } from "./contract.ts";
import { IndexedHeap } from "./indexed-heap.ts";
import type { LocRib } from "./loc-rib.ts";

/**
 * Which of the prefixes meant for a peer fit its budget (design §5.1): those that rank lowest, both
 * families counted together, ties by family and address. The answer depends on the set alone, never
 * on the order in which it came about. Prefixes go by code: row and family in one number.
 */
export class BudgetGate {
  readonly #ribs: readonly LocRib[];
  readonly #limit: number;
  readonly #ranks: readonly Rank[];
  /** By code: place of its rank among all ranks, so that comparing needs no search. */
  readonly #rankOf = new SparseColumn();
  /** The one to go first, on top. */
  readonly #admitted: IndexedHeap;
  /** The one to come in first, on top. */
  readonly #withheld: IndexedHeap;
  /** Prefixes withheld, by family. */
  readonly withheldCounts: [number, number] = [0, 0];

  constructor(budget: PrefixBudget, ribs: readonly LocRib[]) {
    this.#ribs = ribs;
    this.#limit = budget.limit;
    this.#ranks = ranksOf(budget);
    const compare = (a: number, b: number): number => this.#compare(a, b);
    this.#admitted = new IndexedHeap((a, b) => compare(a, b) > 0);
    this.#withheld = new IndexedHeap((a, b) => compare(a, b) < 0);
  }

  isAdmitted(code: number): boolean {
    return this.#admitted.has(code);
  }

  isWithheld(code: number): boolean {
    return this.#withheld.has(code);
  }

  has(code: number): boolean {
    return this.#admitted.has(code) || this.#withheld.has(code);
  }

  /** The prefix is meant for the peer. Calls `changed` for each prefix it lets in or puts out. */
  want(code: number, changed: (code: number) => void): void {
    if (this.has(code)) return;
    this.#rankOf.set(code, this.#rank(code));
    const worst = this.#admitted.first;
    if (this.#admitted.size < this.#limit) {
      this.#admitted.push(code);
      changed(code);
    } else if (worst !== undefined && this.#compare(code, worst) < 0) {
      this.#admitted.remove(worst);
      this.#withhold(worst);
      changed(worst);
      this.#admitted.push(code);
      changed(code);
    } else this.#withhold(code);
  }

  /** The prefix is no longer meant for the peer. */
  unwant(code: number, changed: (code: number) => void): void {
    if (this.#withheld.has(code)) {
      this.#release(code);
      return;
    }
    if (!this.#admitted.has(code)) return;
    this.#admitted.remove(code);
    changed(code);
    const next = this.#withheld.first;
    if (next === undefined) return;
    this.#release(next);
    this.#admitted.push(next);
    changed(next);
  }

  /** Every code it knows, admitted or not. */
  *codes(): IterableIterator<number> {
    yield* this.#admitted;
    yield* this.#withheld;
  }

  *withheld(): IterableIterator<number> {
    yield* this.#withheld;
  }

  #withhold(code: number): void {
    this.#withheld.push(code);
    this.withheldCounts[familyOf(code)] += 1;
  }

  #release(code: number): void {
    this.#withheld.remove(code);
    this.withheldCounts[familyOf(code)] -= 1;
  }

  #compare(a: number, b: number): number {
    const byRank = this.#rankOf.at(a) - this.#rankOf.at(b);
    if (byRank !== 0) return byRank;
    const family = familyOf(a);
    if (family !== familyOf(b)) return family - familyOf(b);
    return (this.#ribs[family] as LocRib).table.compare(rowOf(a), rowOf(b));
  }

  /** Place of the longest entry that covers the prefix; behind all of them where none does. */
  #rank(code: number): number {
    const { table, afi } = this.#ribs[familyOf(code)] as LocRib;
    const address = new Uint8Array(table.octets);
    table.writeAddress(rowOf(code), address, 0);
    const inner = { afi, address, length: table.lengthOf(rowOf(code)) };
    let best: Rank | undefined;
    for (const entry of this.#ranks) {
      if (!coversPrefix(entry.prefix, inner)) continue;
      if (best === undefined || entry.prefix.length > best.prefix.length) best = entry;
    }
    return best?.place ?? this.#ranks.length;
  }
}

/** Row and family (0 IPv4, 1 IPv6) as one number. */
export const codeOf = (row: number, family: 0 | 1): number => row * 2 + family;
export const rowOf = (code: number): number => code >>> 1;
export const familyOf = (code: number): 0 | 1 => ((code & 1) === 0 ? 0 : 1);

interface Rank {
  readonly prefix: Prefix;
  /** Equal ranks have equal places. */
  readonly place: number;
}

function ranksOf({ ranks }: PrefixBudget): readonly Rank[] {
  const ordered = [...new Set(ranks.map(({ rank }) => rank))].sort((a, b) => a - b);
  return ranks.flatMap(({ prefix: text, rank }) => {
    const prefix = parsePrefix(text);
    return prefix === undefined ? [] : [{ prefix, place: ordered.indexOf(rank) }];
  });
}
