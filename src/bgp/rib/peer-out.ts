import type { Family } from "../wire/message.ts";
import { encodeEndOfRib } from "../wire/update.ts";
import type { AttributeStore } from "./attribute-store.ts";
import { BudgetGate, codeOf, familyOf, rowOf } from "./budget-gate.ts";
import type { JournalReader } from "./change-journal.ts";
import { PAGE_ROWS, SparseColumn } from "./columns.ts";
import { LOCAL_SLOT } from "./contract.ts";
import type { ExportGroup } from "./export-group.ts";
import type { LocRib } from "./loc-rib.ts";
import type { NextHopTable } from "./next-hop-table.ts";
import type { Peer } from "./peer.ts";
import type { PeerColumns } from "./peer-columns.ts";
import type { PackTarget, UpdatePacker } from "./update-packer.ts";

/**
 * Adj-RIBs-Out of one session (RFC 4271 §9.2): which attribute set the peer was told for which
 * prefix. What it should be told follows from the Loc-RIB; the difference is sent. Two readers
 * bring rows up: the journal of changes, and a walk over everything (first feed, ROUTE-REFRESH,
 * changed policy). Rows are looked at again as they are, so the two may meet in any order, and the
 * Loc-RIB does not change while a batch is made.
 *
 * With a budget, the gate says which prefixes go out. Nothing is sent while a walk is under way,
 * for it may yet bring up a prefix that ranks higher; then withdrawals go first, so that the peer
 * never holds more than it may.
 */
export class PeerOut {
  readonly #peer: Peer;
  readonly #shared: OutInputs;
  readonly #families: readonly FamilyOut[];
  readonly #target: PackTarget;
  #group: ExportGroup;
  #gate: BudgetGate | undefined;
  /**
   * Codes the gate changed its mind about, or whose set may have changed; 1 to send them anyway.
   */
  readonly #unsettled = new Map<number, 0 | 1>();
  /** Routes that fit no message to this peer (RFC 8654 §4). */
  tooLong = 0;

  constructor(peer: Peer, group: ExportGroup, families: readonly Family[], shared: OutInputs) {
    this.#peer = peer;
    this.#shared = shared;
    this.#group = group;
    group.members += 1;
    const { session, config } = peer;
    const { localAddress4, localAddress6 } = config.policyPeer;
    this.#target = {
      as4: session?.as4 ?? true,
      messageOctetsMax: session?.messageOctetsMax ?? 4096,
      localAddress4,
      localAddress6,
    };
    this.#families = families.flatMap((family) => {
      const rib = shared.ribs.find(({ afi }) => afi === family.afi && family.safi === 1);
      return rib === undefined ? [] : [new FamilyOut(rib)];
    });
    this.#gate = this.#makeGate();
  }

  /** Prefixes the peer holds, by family. */
  toldCount(rib: LocRib): number {
    return this.#of(rib)?.count ?? 0;
  }

  withheldCount(rib: LocRib): number {
    return this.#gate?.withheldCounts[rib.index] ?? 0;
  }

  /** The set the peer was told for the row, 0 for none. */
  toldAt(rib: LocRib, row: number): number {
    return this.#of(rib)?.told.at(row) ?? 0;
  }

  isWithheld(rib: LocRib, row: number): boolean {
    return this.#gate?.isWithheld(codeOf(row, rib.index)) === true;
  }

  get group(): ExportGroup {
    return this.#group;
  }

  /** Export rules changed: every prefix is looked at again. */
  changeGroup(group: ExportGroup): void {
    group.members += 1;
    this.#group.members -= 1;
    this.#group = group;
    for (const family of this.#families) family.walkFrom(false);
  }

  /** Every prefix is looked at again. */
  reconsider(): void {
    for (const family of this.#families) family.walkFrom(false);
  }

  changeBudget(): void {
    this.#dropGate();
    this.#gate = this.#makeGate();
    for (const family of this.#families) family.walkFrom(false);
  }

  resend(rib: LocRib): void {
    this.#of(rib)?.walkFrom(true);
  }

  /**
   * Begins the first feed of families that are ready for it; `isSettling` where paths are still on
   * their way to a decision. Whatever is known when the session comes up is decided first: so
   * nothing is announced that is about to change, and the End-of-RIB is the end.
   */
  begin(isSettling: boolean): void {
    if (!isSettling) for (const family of this.#families) family.begin();
  }

  get hasMore(): boolean {
    // A budget is for all families together: none goes ahead of another.
    if (this.#gate !== undefined && !this.#hasBegun) return false;
    return this.#unsettled.size > 0 || this.#families.some((family) => family.hasMore);
  }

  /** The first feed is complete, and nothing came after it that was not said. */
  get isFed(): boolean {
    return this.#hasBegun && !this.hasMore;
  }

  get #hasBegun(): boolean {
    return this.#families.every((family) => family.hasBegun);
  }

  /**
   * Messages of about `octetsMax` in sum; looks at a bounded number of rows, so there may be none.
   */
  take(octetsMax: number): readonly Uint8Array[] {
    const messages: Uint8Array[] = [];
    let octetsLeft = octetsMax;
    let rowsLeft = ROWS_PER_TAKE;
    while (octetsLeft > 0 && rowsLeft > 0 && this.hasMore) {
      rowsLeft -= this.#collect(octetsLeft, Math.min(rowsLeft, ROWS_PER_BATCH));
      for (const message of this.#shared.packer.pack(this.#shared.ribs, this.#target)) {
        messages.push(message);
        octetsLeft -= message.length;
      }
      for (const family of this.#families) {
        if (!family.owesEndOfRib || family.isWalking || !family.hasBegun) continue;
        if (this.#unsettled.size > 0) continue;
        family.owesEndOfRib = false;
        messages.push(encodeEndOfRib({ afi: family.rib.afi, safi: 1 }));
      }
    }
    return messages;
  }

  /** The session is over: what it held is let go of in slices. */
  close(): void {
    for (const family of this.#families) family.close();
    this.#dropGate();
    this.#group.members -= 1;
  }

  /** After `close`: lets go of up to `rowsMax` rows; false once there is nothing left. */
  drain(rowsMax: number): boolean {
    let left = rowsMax;
    for (const family of this.#families) {
      left = family.drain(left, (out) => this.#shared.attributes.release(out));
      if (left <= 0) return true;
    }
    return false;
  }

  *withheldRows(rib: LocRib): IterableIterator<number> {
    for (const code of this.#gate?.withheld() ?? []) {
      if (familyOf(code) === rib.index) yield rowOf(code);
    }
  }

  /** Puts what is due into the packer; returns how many rows it looked at. */
  #collect(octetsMax: number, rowsMax: number): number {
    let octetsLeft = octetsMax;
    let looked = 0;
    for (const family of this.#families) {
      while (looked < rowsMax && octetsLeft > 0) {
        const row = family.nextRow();
        if (row === 0) break;
        looked += 1;
        if (row < 0) continue;
        const isResent = family.isResentRow;
        if (this.#gate === undefined) octetsLeft -= this.#settle(family, row, isResent);
        else this.#sort(family.rib, row, isResent);
      }
    }
    const isWalking = this.#families.some((family) => family.isWalking);
    if (this.#gate === undefined || isWalking) return Math.max(looked, 1);
    return Math.max(looked + this.#settleBudget(octetsLeft), 1);
  }

  /** Tells the gate whether the row is meant for the peer, and notes what has to be settled. */
  #sort(rib: LocRib, row: number, isResent: boolean): void {
    const gate = this.#gate;
    if (gate === undefined) return;
    const code = codeOf(row, rib.index);
    const changed = (other: number): void => this.#unsettle(other, 0);
    const out = this.#retainOut(rib, row);
    const isKnown = gate.has(code);
    if (out !== 0) {
      this.#shared.attributes.release(out);
      if (!isKnown) rib.hold(row);
      gate.want(code, changed);
    } else if (isKnown) {
      gate.unwant(code, changed);
      rib.unhold(row);
    }
    if (gate.isAdmitted(code) || this.toldAt(rib, row) !== 0)
      this.#unsettle(code, isResent ? 1 : 0);
  }

  #unsettle(code: number, isResent: 0 | 1): void {
    const before = this.#unsettled.get(code) ?? 0;
    this.#unsettled.set(code, isResent === 1 || before === 1 ? 1 : 0);
  }

  /** All withdrawals first, then announcements as far as they fit. */
  #settleBudget(octetsMax: number): number {
    let count = 0;
    for (const code of this.#unsettled.keys()) {
      if (this.#gate?.isAdmitted(code) === true) continue;
      this.#unsettled.delete(code);
      const family = this.#families.find(({ rib }) => rib.index === familyOf(code));
      if (family !== undefined) this.#tell(family, rowOf(code), 0, false);
      count += 1;
    }
    let octetsLeft = octetsMax;
    for (const [code, isResent] of this.#unsettled) {
      if (octetsLeft <= 0) break;
      this.#unsettled.delete(code);
      const family = this.#families.find(({ rib }) => rib.index === familyOf(code));
      if (family !== undefined) octetsLeft -= this.#settle(family, rowOf(code), isResent === 1);
      count += 1;
    }
    return count;
  }

  /** Brings what the peer was told about the row up to date. */
  #settle(family: FamilyOut, row: number, isResent: boolean): number {
    return this.#tell(family, row, this.#retainOut(family.rib, row), isResent);
  }

  /** Takes over the reference to `out`; returns about how many octets it comes to. */
  #tell(family: FamilyOut, row: number, out: number, isResent: boolean): number {
    const { attributes, packer } = this.#shared;
    const { rib, told } = family;
    const before = told.at(row);
    if (out === before) {
      if (out === 0) return 0;
      attributes.release(out);
      return isResent ? packer.announce(rib, row, out) : 0;
    }
    told.set(row, out);
    if (before === 0) {
      family.count += 1;
      rib.hold(row);
      return packer.announce(rib, row, out);
    }
    attributes.release(before);
    if (out !== 0) return packer.announce(rib, row, out);
    family.count -= 1;
    packer.withdraw(rib, row); // and with it the hold on the row
    return WITHDRAWN_OCTETS;
  }

  /**
   * What the peer should be told (RFC 4271 §9.1.3, RFC 4456 §8), with a reference; 0 for nothing.
   */
  #retainOut(rib: LocRib, row: number): number {
    const best = rib.best[row] ?? 0;
    if (best === 0) return 0;
    const source = rib.bestSlot[row] ?? 0;
    if (source === this.#peer.slot) return 0;
    const { config } = this.#peer;
    let reflectedFrom = 0;
    if (source !== LOCAL_SLOT) {
      const from = this.#shared.peerAt(source);
      if (from === undefined) return 0;
      if (from.config.policyPeer.kind === "ibgp" && config.policyPeer.kind === "ibgp") {
        if (!from.config.isRouteReflectorClient && !config.isRouteReflectorClient) return 0;
        reflectedFrom = this.#shared.peers.bgpIdentifier[source] ?? 0;
      }
    }
    const prefix = this.#shared.prefixes[rib.index];
    if (config.exportPolicy.looksAtPrefix) {
      rib.table.writeAddress(row, prefix.address, 0);
      prefix.length = rib.table.lengthOf(row);
    }
    const out = this.#group.retainOut(best, reflectedFrom, prefix);
    if (out === 0 || this.#isSendable(rib, out)) return out;
    this.#shared.attributes.release(out);
    return 0;
  }

  /** There is a next hop to give, and the route fits a message. */
  #isSendable(rib: LocRib, out: number): boolean {
    const { attributes, nextHops, packer } = this.#shared;
    const { as4, messageOctetsMax, localAddress4, localAddress6 } = this.#target;
    const id = attributes.nextHop[out] ?? 0;
    const own = rib.index === 0 ? localAddress4 : localAddress6;
    const octets = id === 0 ? (own?.length ?? 0) : nextHops.octetsOf(id).length;
    if (octets === 0 || (octets === 4) !== (rib.index === 0)) return false;
    const isSurelyShort = attributes.octetCountOf(out) * 2 + OVERHEAD_OCTETS < messageOctetsMax;
    if (isSurelyShort || packer.octetsOf(rib, out, as4) <= messageOctetsMax) return true;
    this.tooLong += 1;
    return false;
  }

  #makeGate(): BudgetGate | undefined {
    const { budget } = this.#peer.config;
    return budget === undefined ? undefined : new BudgetGate(budget, this.#shared.ribs);
  }

  #dropGate(): void {
    for (const code of this.#gate?.codes() ?? []) {
      this.#shared.ribs[familyOf(code)]?.unhold(rowOf(code));
    }
    this.#gate = undefined;
    this.#unsettled.clear();
  }

  #of(rib: LocRib): FamilyOut | undefined {
    return this.#families.find((family) => family.rib === rib);
  }
}

/** What all sessions share. */
export interface OutInputs {
  readonly ribs: readonly [LocRib, LocRib];
  readonly attributes: AttributeStore;
  readonly nextHops: NextHopTable;
  readonly peers: PeerColumns;
  readonly packer: UpdatePacker;
  /** One prefix a family, for policy to look at. */
  readonly prefixes: readonly [MutablePrefix, MutablePrefix];
  peerAt(slot: number): Peer | undefined;
}

export interface MutablePrefix {
  readonly afi: 1 | 2;
  readonly address: Uint8Array;
  length: number;
}

/** The Adj-RIB-Out of one family. */
class FamilyOut {
  readonly rib: LocRib;
  readonly told = new SparseColumn();
  count = 0;
  /** End-of-RIB is owed once the walk is through (RFC 4724 §2). */
  owesEndOfRib = true;
  /** The row `nextRow` gave last came of a walk that sends everything again. */
  isResentRow = false;
  /** There is one from the beginning of the first feed on. */
  #reader: JournalReader | undefined;
  /** The decisions the first feed waits for, as `LocRib.hasDecided` counts them. */
  #awaited: number | undefined;
  /** Next row of the walk over everything; 0 while there is none. */
  #walkRow = 1;
  #isResending = false;
  #isJournalTurn = false;
  #drained = 0;

  constructor(rib: LocRib) {
    this.rib = rib;
  }

  get hasBegun(): boolean {
    return this.#reader !== undefined;
  }

  /** The walk begins with what is decided; the journal has what changes from then on. */
  begin(): void {
    const { rib } = this;
    if (this.#reader !== undefined || rib.isDeferred || rib.isSweeping) return;
    this.#awaited ??= rib.enqueued;
    if (rib.hasDecided(this.#awaited)) this.#reader = rib.journal.open();
  }

  get isWalking(): boolean {
    return this.#walkRow !== 0;
  }

  get hasMore(): boolean {
    if (this.#reader === undefined) return false;
    return this.isWalking || this.owesEndOfRib || this.rib.journal.hasMore(this.#reader);
  }

  walkFrom(isResending: boolean): void {
    this.#isResending = isResending || (this.#isResending && this.#walkRow !== 0);
    this.#walkRow = 1;
  }

  /** The next row to look at, journal and walk in turns; -1 for none yet, 0 at the end of both. */
  nextRow(): number {
    const reader = this.#reader;
    if (reader === undefined) return 0;
    this.#isJournalTurn = !this.#isJournalTurn;
    if (this.#isJournalTurn || this.#walkRow === 0) {
      const row = this.rib.journal.take(reader);
      this.isResentRow = false;
      if (row !== 0 || this.#walkRow === 0) return row;
    }
    const row = this.#walkRow;
    this.#walkRow = row + 1 < this.rib.table.end ? row + 1 : 0;
    this.isResentRow = this.#isResending;
    if (this.#walkRow === 0) this.#isResending = false;
    return this.rib.best[row] !== 0 || this.told.at(row) !== 0 ? row : -1;
  }

  close(): void {
    if (this.#reader !== undefined) this.rib.journal.close(this.#reader);
  }

  drain(rowsMax: number, release: (out: number) => void): number {
    let left = rowsMax;
    while (left > 0 && this.#drained < this.told.end) {
      const row = this.#drained;
      if (!this.told.hasPage(row)) {
        this.#drained = row + PAGE_ROWS;
        continue;
      }
      this.#drained = row + 1;
      left -= 1;
      const out = this.told.at(row);
      if (out === 0) continue;
      this.told.set(row, 0);
      release(out);
      this.rib.unhold(row);
    }
    return left;
  }
}

const ROWS_PER_TAKE = 16_384;
const ROWS_PER_BATCH = 4096;
const WITHDRAWN_OCTETS = 5;
/** Header, MP_REACH_NLRI with a next hop of 32 octets, and one prefix. */
const OVERHEAD_OCTETS = 128;
