import { formatAddress, parseAddress } from "../../core/address.ts";
import { coversPrefix, formatPrefix, type Prefix, parsePrefix } from "../../core/prefix.ts";
import type { Family, PathAttributes } from "../wire/message.ts";
import type { AttributeStore } from "./attribute-store.ts";
import type {
  PeerSlot,
  RibCounts,
  RibView,
  RouteExplanation,
  RouteFilter,
  RouteRow,
} from "./contract.ts";
import type { Import } from "./import.ts";
import type { LocRib } from "./loc-rib.ts";
import type { NextHopTable } from "./next-hop-table.ts";
import { DEAD, isRejected, PathMark } from "./path-store.ts";
import type { Peer } from "./peer.ts";

/**
 * The read model of a RIB: rows become text and objects here, when somebody asks, and only then.
 */
export class ColumnsView implements RibView {
  readonly #inputs: ViewInputs;

  constructor(inputs: ViewInputs) {
    this.#inputs = inputs;
  }

  counts(slot: PeerSlot, family: Family): RibCounts {
    const rib = this.#ribOf(family);
    const peer = this.#inputs.peerAt(slot);
    if (rib === undefined) return NO_COUNTS;
    const received = rib.paths.countOf(slot);
    const accepted = rib.acceptedCounts[slot] ?? 0;
    return {
      received,
      accepted,
      rejected: received - accepted,
      stale: rib.paths.staleCountOf(slot),
      best: rib.bestCounts[slot] ?? 0,
      advertised: peer?.out?.toldCount(rib) ?? 0,
      overBudget: peer?.out?.withheldCount(rib) ?? 0,
      overLimit: peer?.limits[rib.index].dropped ?? 0,
    };
  }

  locRibCount(family: Family): number {
    return this.#ribOf(family)?.size ?? 0;
  }

  attributeSetCount(): number {
    return this.#inputs.attributes.size;
  }

  lookup(address: string): string | undefined {
    const octets = parseAddress(address);
    const rib = this.#inputs.ribs.find(({ table }) => table.octets === octets?.length);
    if (octets === undefined || rib === undefined) return undefined;
    const row = rib.table.longestMatch(octets, (candidate) => rib.best[candidate] !== 0);
    return row === 0 ? undefined : this.#textOf(rib, row);
  }

  explain(prefix: string): RouteExplanation | undefined {
    const parsed = parsePrefix(prefix);
    const rib = this.#inputs.ribs.find(({ afi }) => afi === parsed?.afi);
    if (parsed === undefined || rib === undefined) return undefined;
    const row = this.#find(rib, parsed);
    if (row === 0 || rib.head[row] === 0) return undefined;
    const losses = rib.decision.explain(rib.head[row] ?? 0);
    const chosen = chosenOf(rib);
    const paths: number[] = [];
    for (const path of pathsOf(rib, row)) paths.push(path);
    paths.sort((a, b) => rankOf(chosen, a) - rankOf(chosen, b));
    const candidates = paths.map((path) => {
      const shown = this.#pathRow(rib, row, path, chosen);
      const loss = losses.get(path);
      return loss === undefined ? shown : { ...shown, lostAt: loss.at, because: loss.because };
    });
    return candidates.length === 0 ? undefined : { prefix: this.#textOf(rib, row), candidates };
  }

  routes(filter: RouteFilter): readonly RouteRow[] {
    const within = filter.within === undefined ? undefined : parsePrefix(filter.within);
    if (filter.within !== undefined && within === undefined) return [];
    const rows: RouteRow[] = [];
    let skip = filter.offset;
    for (const rib of this.#inputs.ribs) {
      if (filter.family !== undefined && filter.family.afi !== rib.afi) continue;
      if (filter.family !== undefined && filter.family.safi !== 1) continue;
      if (within !== undefined && within.afi !== rib.afi) continue;
      for (const row of orderedRows(rib)) {
        if (rows.length >= filter.limit) return rows;
        if (within !== undefined && !coversPrefix(within, this.#prefixOf(rib, row))) continue;
        for (const found of this.#found(rib, row, filter)) {
          if (skip > 0) skip -= 1;
          else if (rows.length < filter.limit) rows.push(found());
        }
      }
    }
    return rows;
  }

  /** What the filter asks for at one prefix; each is only built where it falls into the page. */
  *#found(rib: LocRib, row: number, filter: RouteFilter): IterableIterator<() => RouteRow> {
    switch (filter.rib) {
      case "adj-rib-out":
        if (filter.slot === undefined) return;
        if ((this.#inputs.peerAt(filter.slot)?.out?.toldAt(rib, row) ?? 0) !== 0) {
          yield () => this.#toldRow(rib, row, filter.slot as PeerSlot);
        }
        return;
      case "loc-rib":
        if (rib.best[row] === 0) return;
        if (filter.slot === undefined || filter.slot === rib.bestSlot[row]) {
          yield () => this.#bestRow(rib, row);
        }
        return;
      case "adj-rib-in":
      case "rejected":
        for (const path of pathsOf(rib, row)) {
          if (filter.slot !== undefined && rib.paths.slotOf(path) !== filter.slot) continue;
          const isRefused = isRejected(rib.paths.accepted[path] ?? 0);
          if (filter.rib === "rejected" && !isRefused) continue;
          yield () => {
            rib.decision.decide(rib.head[row] ?? 0);
            return this.#pathRow(rib, row, path, chosenOf(rib));
          };
        }
        if (filter.rib === "rejected" && filter.slot !== undefined) {
          const out = this.#inputs.peerAt(filter.slot)?.out;
          if (out?.isWithheld(rib, row) !== true) return;
          yield () => ({ ...this.#bestRow(rib, row), rejectedBy: "over-budget" });
        }
    }
  }

  #pathRow(rib: LocRib, row: number, path: number, chosen: readonly number[]): RouteRow {
    const { attributes, importer } = this.#inputs;
    const accepted = rib.paths.accepted[path] ?? 0;
    const isRefused = isRejected(accepted);
    const set = attributes.attributesOf(isRefused ? (rib.paths.received[path] ?? 0) : accepted);
    return {
      prefix: this.#textOf(rib, row),
      slot: rib.paths.slotOf(path) as PeerSlot,
      nextHop: this.#nextHopOf(isRefused ? (rib.paths.received[path] ?? 0) : accepted),
      attributes: set,
      isBest: chosen[0] === path,
      isMultipath: chosen.length > 1 && chosen.includes(path),
      isStale: isStale(rib, path),
      ...(isRefused ? { rejectedBy: importer.reasonOf(accepted) } : {}),
    };
  }

  #bestRow(rib: LocRib, row: number): RouteRow {
    const best = rib.best[row] ?? 0;
    rib.decision.decide(rib.head[row] ?? 0);
    return {
      prefix: this.#textOf(rib, row),
      slot: (rib.bestSlot[row] ?? 0) as PeerSlot,
      nextHop: this.#nextHopOf(best),
      attributes: this.#inputs.attributes.attributesOf(best),
      isBest: true,
      isMultipath: rib.decision.chosenCount > 1,
      isStale: isStale(rib, rib.decision.chosen[0] ?? 0),
    };
  }

  #toldRow(rib: LocRib, row: number, slot: PeerSlot): RouteRow {
    const peer = this.#inputs.peerAt(slot);
    const told = peer?.out?.toldAt(rib, row) ?? 0;
    const attributes = withNextHop(this.#inputs.attributes.attributesOf(told), rib, peer);
    return {
      prefix: this.#textOf(rib, row),
      slot,
      nextHop: formatNextHop(attributes.nextHop),
      attributes,
      isBest: true,
      isMultipath: false,
      isStale: false,
    };
  }

  #nextHopOf(set: number): string {
    const { attributes, nextHops } = this.#inputs;
    return nextHops.textOf(attributes.nextHop[set] ?? 0);
  }

  #find(rib: LocRib, prefix: Prefix): number {
    rib.table.setKeyOf(prefix.address, prefix.length);
    return rib.table.find();
  }

  #prefixOf(rib: LocRib, row: number): Prefix {
    const address = new Uint8Array(rib.table.octets);
    rib.table.writeAddress(row, address, 0);
    return { afi: rib.afi, address, length: rib.table.lengthOf(row) };
  }

  #textOf(rib: LocRib, row: number): string {
    return formatPrefix(this.#prefixOf(rib, row));
  }

  #ribOf({ afi, safi }: Family): LocRib | undefined {
    return safi === 1 ? this.#inputs.ribs.find((rib) => rib.afi === afi) : undefined;
  }
}

/** What the view reads. */
export interface ViewInputs {
  readonly ribs: readonly [LocRib, LocRib];
  readonly attributes: AttributeStore;
  readonly nextHops: NextHopTable;
  readonly importer: Import;
  peerAt(slot: number): Peer | undefined;
}

/** Rows in prefix order while sorting them is cheap, in order of arrival beyond that. */
function orderedRows({ table }: LocRib): Iterable<number> {
  if (table.size > SORTED_ROWS_MAX) return rowsOf(table);
  return [...rowsOf(table)].sort((a, b) => table.compare(a, b));
}

function* rowsOf(table: LocRib["table"]): IterableIterator<number> {
  for (let row = 1; row < table.end; row += 1) if (table.has(row)) yield row;
}

function* pathsOf(rib: LocRib, row: number): IterableIterator<number> {
  for (let path = rib.head[row] ?? 0; path !== 0; path = rib.paths.next[path] ?? 0) {
    if (rib.paths.slotOf(path) !== DEAD) yield path;
  }
}

const isStale = ({ paths }: LocRib, path: number): boolean =>
  ((paths.marks[path] ?? 0) & PathMark.Stale) !== 0;

const chosenOf = ({ decision }: LocRib): readonly number[] =>
  Array.from(decision.chosen.subarray(0, decision.chosenCount));

const rankOf = (chosen: readonly number[], path: number): number => {
  const place = chosen.indexOf(path);
  return place < 0 ? chosen.length : place;
};

function withNextHop(
  attributes: PathAttributes,
  rib: LocRib,
  peer: Peer | undefined,
): PathAttributes {
  if (attributes.nextHop.length > 0 || peer === undefined) return attributes;
  const { localAddress4, localAddress6 } = peer.config.policyPeer;
  const nextHop = rib.index === 0 ? localAddress4 : localAddress6;
  return nextHop === undefined ? attributes : { ...attributes, nextHop };
}

const formatNextHop = (nextHop: Uint8Array): string =>
  nextHop.length === 0 ? "" : formatAddress(nextHop.subarray(0, nextHop.length === 4 ? 4 : 16));

const SORTED_ROWS_MAX = 1 << 17;

const NO_COUNTS: RibCounts = {
  received: 0,
  accepted: 0,
  rejected: 0,
  stale: 0,
  best: 0,
  advertised: 0,
  overBudget: 0,
  overLimit: 0,
};
