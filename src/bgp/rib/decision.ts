import { LIMITS } from "../../core/limits.ts";
import type { AttributeStore } from "./attribute-store.ts";
import type { RibOptions } from "./contract.ts";
import type { NextHopTable } from "./next-hop-table.ts";
import { DEAD, isRejected, type PathStore } from "./path-store.ts";
import type { PeerColumns } from "./peer-columns.ts";

/**
 * The decision process of RFC 4271 §9.1.2 for one prefix at a time. Every step removes candidates
 * from a set by numbers that stand beside the attribute sets; MED is compared within each group of
 * one neighbouring AS over the whole set, so that the outcome cannot depend on the order of
 * arrival.
 *
 * What is left before the arbitrary tie-breaks is equal, and may be used together. The same process
 * over what is left outside the chosen set gives the backup (design §4).
 *
 * Hot: runs once per changed prefix, on scratch arrays (bench/rib.ts).
 */
export class Decision {
  /** Outcome of the last `decide`: the best path first, then its equals, 0 where there is none. */
  readonly chosen: Uint32Array = new Uint32Array(LIMITS.multipath);
  chosenCount = 0;
  /** What would be chosen if the peers of `chosen` were lost. */
  readonly backup: Uint32Array = new Uint32Array(LIMITS.multipath);
  backupCount = 0;
  options: RibOptions = OPTIONS_DEFAULT;

  readonly #attributes: AttributeStore;
  readonly #nextHops: NextHopTable;
  readonly #peers: PeerColumns;
  readonly #paths: PathStore;
  /** Surviving candidates, newest first, and their keys in the step at hand. */
  #candidates = new Uint32Array(16);
  #keys = new Float64Array(16);
  #count = 0;
  #trace: Map<number, Loss> | undefined;

  constructor(paths: PathStore, shared: DecisionInputs) {
    this.#paths = paths;
    this.#attributes = shared.attributes;
    this.#nextHops = shared.nextHops;
    this.#peers = shared.peers;
  }

  /** Chooses among the paths of the chain that begins at `head`. */
  decide(head: number): void {
    this.backupCount = 0;
    this.#gather(head, 0);
    const candidateCount = this.#count;
    this.chosenCount = this.#choose(this.chosen);
    if (candidateCount <= this.chosenCount) return;
    this.#gather(head, this.chosenCount);
    this.backupCount = this.#choose(this.backup);
  }

  /** As `decide`, and says for each path that was not best where it lost. */
  explain(head: number): ReadonlyMap<number, Loss> {
    const paths = this.#paths;
    const trace = new Map<number, Loss>();
    this.#trace = trace;
    for (let path = head; path !== 0; path = paths.next[path] ?? 0) {
      const attributes = paths.accepted[path] ?? 0;
      if (paths.slotOf(path) === DEAD || isRejected(attributes)) continue;
      if (!this.#isResolvable(attributes)) {
        trace.set(path, { at: "next-hop-unreachable", because: "its next hop is unreachable" });
      }
    }
    this.#gather(head, 0);
    this.chosenCount = this.#choose(this.chosen);
    this.#trace = undefined;
    return trace;
  }

  /** Fills the candidates from the chain, without the first `chosenCount` of `chosen`. */
  #gather(head: number, chosenCount: number): void {
    const paths = this.#paths;
    let count = 0;
    for (let path = head; path !== 0; path = paths.next[path] ?? 0) {
      const attributes = paths.accepted[path] ?? 0;
      if (isRejected(attributes) || paths.slotOf(path) === DEAD) continue;
      if (!this.#isResolvable(attributes)) continue;
      let isChosen = false;
      for (let index = 0; index < chosenCount; index += 1) {
        if (this.chosen[index] === path) isChosen = true;
      }
      if (isChosen) continue;
      if (count === this.#candidates.length) this.#grow();
      this.#candidates[count] = path;
      count += 1;
    }
    this.#count = count;
  }

  #isResolvable(attributes: number): boolean {
    return this.#nextHops.reachable[this.#attributes.nextHop[attributes] ?? 0] === 1;
  }

  /** Runs the steps over the candidates; writes the best and its equals, returns how many. */
  #choose(into: Uint32Array): number {
    if (this.#count <= 1) {
      into[0] = this.#candidates[0] ?? 0;
      return this.#count;
    }
    this.#narrow(Step.LocalPref);
    this.#narrow(Step.Local);
    this.#narrow(Step.AsPath);
    this.#narrow(Step.Origin);
    this.#narrowByMed();
    this.#narrow(Step.External);
    this.#narrow(Step.Metric);
    return this.#orderEquals(into);
  }

  /** Keeps the candidates whose key is lowest. */
  #narrow(step: Step): void {
    const count = this.#count;
    if (count === 1) return;
    let lowest = Number.POSITIVE_INFINITY;
    let isUniform = true;
    for (let index = 0; index < count; index += 1) {
      const key = this.#key(step, this.#candidates[index] ?? 0);
      this.#keys[index] = key;
      if (index > 0 && key !== lowest) isUniform = false;
      if (key < lowest) lowest = key;
    }
    if (isUniform) return;
    let kept = 0;
    for (let index = 0; index < count; index += 1) {
      const path = this.#candidates[index] ?? 0;
      const key = this.#keys[index] ?? 0;
      if (key === lowest) {
        this.#candidates[kept] = path;
        kept += 1;
      } else this.#trace?.set(path, lossAt(step, key, lowest));
    }
    this.#count = kept;
  }

  #key(step: Step, path: number): number {
    const id = this.#paths.accepted[path] ?? 0;
    const attributes = this.#attributes;
    switch (step) {
      case Step.LocalPref:
        return -(attributes.localPref[id] ?? 0);
      case Step.Local:
        return this.#paths.slotOf(path) === 0 ? 0 : 1;
      case Step.AsPath:
        return attributes.pathLength[id] ?? 0;
      case Step.Origin:
        return attributes.origin[id] ?? 0;
      case Step.External:
        return this.#peers.isInternal[this.#paths.slotOf(path)] ?? 0;
      case Step.Metric:
        return this.#nextHops.metric[attributes.nextHop[id] ?? 0] ?? 0;
      case Step.Identifier:
        return this.#identifierOf(path);
      case Step.Clusters:
        return attributes.clusterLength[id] ?? 0;
    }
  }

  /**
   * RFC 4271 §9.1.2.2 c: a candidate goes where another one by way of the same neighbouring AS has
   * a lower MED (a missing one is 0).
   */
  #narrowByMed(): void {
    const count = this.#count;
    if (count === 1) return;
    const { med, neighborAs } = this.#attributes;
    const accepted = this.#paths.accepted;
    const first = med[accepted[this.#candidates[0] ?? 0] ?? 0];
    let isUniform = true;
    for (let index = 1; index < count; index += 1) {
      if (med[accepted[this.#candidates[index] ?? 0] ?? 0] !== first) isUniform = false;
    }
    if (isUniform) return;
    const lowest = new Map<number, number>();
    for (let index = 0; index < count; index += 1) {
      const id = accepted[this.#candidates[index] ?? 0] ?? 0;
      const group = this.options.alwaysCompareMed ? 0 : (neighborAs[id] ?? 0);
      const value = med[id] ?? 0;
      if (value < (lowest.get(group) ?? Number.POSITIVE_INFINITY)) lowest.set(group, value);
    }
    let kept = 0;
    for (let index = 0; index < count; index += 1) {
      const path = this.#candidates[index] ?? 0;
      const id = accepted[path] ?? 0;
      const group = this.options.alwaysCompareMed ? 0 : (neighborAs[id] ?? 0);
      const winner = lowest.get(group) ?? 0;
      if (med[id] === winner) {
        this.#candidates[kept] = path;
        kept += 1;
      } else {
        const because = `MED ${med[id]} > ${winner}${group === 0 ? "" : ` from AS ${group}`}`;
        this.#trace?.set(path, { at: "med", because });
      }
    }
    this.#count = kept;
  }

  /** Orders what is left by the arbitrary tie-breaks and writes as much of it as may be used. */
  #orderEquals(into: Uint32Array): number {
    const best = this.#takeFirst(undefined);
    into[0] = best;
    if (this.#trace !== undefined) this.#traceTies(best);
    const slot = this.#paths.slotOf(best);
    const isInternal = this.#peers.isInternal[slot] === 1;
    const allowed = isInternal ? this.options.ibgpPathsMax : this.options.ebgpPathsMax;
    const max = slot === 0 ? 1 : Math.min(Math.max(1, allowed), into.length);
    let used = 1;
    while (used < max && this.#count > 0) {
      const next = this.#takeFirst(this.options.multipathRelax ? undefined : best);
      if (next === 0) break;
      into[used] = next;
      used += 1;
    }
    return used;
  }

  /**
   * Removes and returns the candidate all others lose to; `like` asks for the AS_PATH of that one.
   */
  #takeFirst(like: number | undefined): number {
    let firstIndex = -1;
    const accepted = this.#paths.accepted;
    for (let index = 0; index < this.#count; index += 1) {
      const path = this.#candidates[index] ?? 0;
      if (like !== undefined) {
        const isAlike = this.#attributes.hasSamePath(accepted[path] ?? 0, accepted[like] ?? 0);
        if (!isAlike) continue;
      }
      if (firstIndex < 0) {
        firstIndex = index;
        continue;
      }
      const first = this.#candidates[firstIndex] ?? 0;
      if (this.#compareEquals(path, first).winner === path) firstIndex = index;
    }
    if (firstIndex < 0) return 0;
    const first = this.#candidates[firstIndex] ?? 0;
    this.#count -= 1;
    this.#candidates.copyWithin(firstIndex, firstIndex + 1, this.#count + 1);
    return first;
  }

  #compareEquals(a: number, b: number): Tie {
    TIE.winner = a;
    // Candidates stand newest first, and `a` stands behind `b` or is the best: the older one.
    const isInternal = this.#peers.isInternal[this.#paths.slotOf(a)] === 1;
    if (isInternal ? this.options.preferOldestInternal === true : this.options.preferOldest) {
      TIE.step = "oldest";
      return TIE;
    }
    TIE.step = "bgp-identifier";
    let difference = this.#key(Step.Identifier, a) - this.#key(Step.Identifier, b);
    if (difference === 0) {
      TIE.step = "cluster-list-length";
      difference = this.#key(Step.Clusters, a) - this.#key(Step.Clusters, b);
    }
    if (difference === 0) {
      TIE.step = "peer-address";
      difference = this.#peers.compareAddresses(this.#paths.slotOf(a), this.#paths.slotOf(b));
    }
    if (difference > 0) TIE.winner = b;
    return TIE;
  }

  /** RFC 4456 §9: ORIGINATOR_ID stands in for the BGP Identifier. */
  #identifierOf(path: number): number {
    const originator = this.#attributes.originatorId[this.#paths.accepted[path] ?? 0] ?? 0;
    if (originator !== 0) return originator;
    return this.#peers.bgpIdentifier[this.#paths.slotOf(path)] ?? 0;
  }

  #traceTies(best: number): void {
    for (let index = 0; index < this.#count; index += 1) {
      const path = this.#candidates[index] ?? 0;
      const { step } = this.#compareEquals(best, path);
      const because =
        step === "oldest"
          ? "received later"
          : `${this.#tieText(step, path, true)} > ${this.#tieText(step, best, false)}`;
      this.#trace?.set(path, { at: step, because });
    }
  }

  #tieText(step: Exclude<Tie["step"], "oldest">, path: number, isNamed: boolean): string {
    switch (step) {
      case "bgp-identifier":
        return `${isNamed ? "BGP Identifier " : ""}${dotted(this.#identifierOf(path))}`;
      case "cluster-list-length":
        return `${isNamed ? "CLUSTER_LIST length " : ""}${this.#key(Step.Clusters, path)}`;
      case "peer-address": {
        const address = this.#peers.addressTextOf(this.#paths.slotOf(path));
        return `${isNamed ? "peer address " : ""}${address}`;
      }
    }
  }

  #grow(): void {
    const wider = new Uint32Array(this.#candidates.length * 2);
    wider.set(this.#candidates);
    this.#candidates = wider;
    this.#keys = new Float64Array(wider.length);
  }
}

/** What the decisions of all families share. */
export interface DecisionInputs {
  readonly attributes: AttributeStore;
  readonly nextHops: NextHopTable;
  readonly peers: PeerColumns;
}

/** Where a path lost, and the values that were compared. */
export interface Loss {
  readonly at: string;
  readonly because: string;
}

const Step = {
  LocalPref: 0,
  Local: 1,
  AsPath: 2,
  Origin: 3,
  External: 4,
  Metric: 5,
  Identifier: 6,
  Clusters: 7,
} as const;
type Step = (typeof Step)[keyof typeof Step];

interface Tie {
  winner: number;
  step: "oldest" | "bgp-identifier" | "cluster-list-length" | "peer-address";
}

/** The one result object of `#compareEquals`: nothing is allocated per comparison. */
const TIE: Tie = { winner: 0, step: "oldest" };
const ORIGIN_NAMES = ["IGP", "EGP", "INCOMPLETE"];

export const OPTIONS_DEFAULT: RibOptions = {
  ebgpPathsMax: 1,
  ibgpPathsMax: 1,
  multipathRelax: false,
  alwaysCompareMed: false,
  preferOldest: false,
};

function lossAt(step: Step, key: number, lowest: number): Loss {
  switch (step) {
    case Step.LocalPref:
      return { at: "local-pref", because: `LOCAL_PREF ${-key} < ${-lowest}` };
    case Step.Local:
      return { at: "locally-originated", because: "a route of our own is preferred" };
    case Step.AsPath:
      return { at: "as-path-length", because: `AS_PATH length ${key} > ${lowest}` };
    case Step.Origin: {
      const because = `ORIGIN ${ORIGIN_NAMES[key]} > ${ORIGIN_NAMES[lowest]}`;
      return { at: "origin", because };
    }
    case Step.External:
      return { at: "ebgp-over-ibgp", because: "an eBGP path is preferred to an iBGP path" };
    default:
      return { at: "igp-metric", because: `IGP metric ${key} > ${lowest}` };
  }
}

const dotted = (word: number): string =>
  `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`;
