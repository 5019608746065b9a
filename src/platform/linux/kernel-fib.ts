import { randomInt } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { Afi, formatAddress } from "../../core/address.ts";
import { PlatformError } from "../../core/app-error.ts";
import { PrefixGroups } from "../../core/prefix-groups.ts";
import type { RouteBatch, RouteFailure } from "../contract.ts";
import { platformError } from "./errors.ts";
import type { GroupStore } from "./group-store.ts";
import { KernelIds } from "./kernel-ids.ts";
import { NetlinkSocket, type Refusal, sysErrorOf } from "./netlink.ts";
import { MessageWriter } from "./netlink-codec.ts";
import type { Netns } from "./netns.ts";
import { freeEpoch, NextHopGroups } from "./nexthop-groups.ts";
import { PlainGroups } from "./plain-groups.ts";
import { type DumpedRoutes, dumpRoutes, type RouteRows } from "./route-dump.ts";
import { Nha, Nlm, Rta, Rtm, Rtn, RtScope, RtTable } from "./rtnetlink.ts";
import { C, Errno, errnoName, libc } from "./sys.ts";

export interface KernelFibOptions {
  /** Kernel routing table; 254 is main. */
  readonly table: number;
  /** rtnetlink protocol number our routes carry; whatever carries it in that table is ours. */
  readonly proto: number;
  readonly metric: number;
  /** False writes every route with its hops, as for kernels without next-hop objects. */
  readonly hasNextHopObjects?: boolean;
}

/**
 * The kernel's routes of ours, in plain synchronous steps; `kernel-routes.ts` gives them order and
 * time. Knows what it has installed, row by row: a prefix that is new goes in with EXCL, so that a
 * route another program has there is met and left alone, and only one that is ours is replaced.
 */
export class KernelFib {
  /** Undefined where the kernel took us at our word; else what an operator should know. */
  readonly compatWarning: string | undefined;
  readonly groups: GroupStore;
  /** Of our next-hop objects; undefined where the kernel has none. */
  readonly epoch: number | undefined;
  readonly #netns: Netns;
  readonly #options: KernelFibOptions;
  readonly #socket: NetlinkSocket;
  readonly #writer = new MessageWriter(2 ** 16);
  #tables = newTables();

  constructor(netns: Netns, options: KernelFibOptions) {
    this.#netns = netns;
    this.#options = options;
    this.#socket = new NetlinkSocket(netns);
    try {
      const anyRun = new KernelIds(options.table);
      const hasObjects = probe(this.#socket, anyRun) && options.hasNextHopObjects !== false;
      this.epoch = hasObjects ? freeEpoch(this.#socket, anyRun) : undefined;
      const ids = new KernelIds(options.table, this.epoch);
      const parts = { socket: this.#socket, netns, ids, proto: options.proto };
      this.groups = hasObjects ? new NextHopGroups(parts) : new PlainGroups(netns);
      this.compatWarning = hasObjects ? leaveCompatMode(netns) : undefined;
    } catch (error) {
      this.#socket.close();
      throw error;
    }
  }

  /** Routes of ours as far as we know. */
  get size(): number {
    return this.#tables[Afi.Ipv4].size + this.#tables[Afi.Ipv6].size;
  }

  /** Reads the kernel's routes of ours and takes them as what is installed. */
  *dump(): Generator<void, DumpedRoutes> {
    const dumped = yield* dumpRoutes(this.#netns, this.#options);
    const fresh = newTables();
    const pointedAt = new Set<number>();
    for (const afi of [Afi.Ipv4, Afi.Ipv6]) {
      const columns = dumped[afi];
      for (let row = 0; row < columns.count; row += 1) {
        pointedAt.add(columns.objects[row] ?? 0);
        if (columns.metrics[row] !== this.#options.metric) continue;
        const { addresses, octets, objects } = columns;
        const length = columns.lengths[row] ?? 0;
        // Hops that are spelled out do not tell their group; we may remember.
        const told = this.groups.groupOf(objects[row] ?? 0);
        const known = told ?? this.#tables[afi].group(addresses, row * octets, length);
        const group = known === 0 ? NO_GROUP : known;
        fresh[afi].set(addresses, row * octets, length, group);
        if (row % ROWS_PER_SLICE === ROWS_PER_SLICE - 1) yield;
      }
    }
    this.#tables = fresh;
    this.groups.sweep(pointedAt);
    return dumped;
  }

  /** The first dump, which also removes what an earlier configuration left under another metric. */
  *adopt(): Generator<void, void> {
    const dumped = yield* this.dump();
    for (const afi of [Afi.Ipv4, Afi.Ipv6]) {
      const { metrics } = dumped[afi];
      this.#deleteWhere(afi, dumped[afi], (row) => metrics[row] !== this.#options.metric);
    }
  }

  /** Rows `from` to `to` of a batch in one send. */
  applyRows(batch: RouteBatch, from: number, to: number): RowsOutcome {
    const table = this.#tables[batch.afi];
    const sent: number[] = [];
    const failures: RouteFailure[] = [];
    this.#writer.reset();
    for (let row = from; row < to; row += 1) {
      const group = batch.groups[row] ?? 0;
      const length = batch.lengths[row] ?? 0;
      if (group === 0) this.#writeRemoval(batch, row, this.#options.metric);
      else if (this.groups.isUsable(group)) {
        const isOurs = table.group(batch.addresses, row * table.octets, length) !== 0;
        this.#writeRoute(batch, row, Nlm.CREATE | (isOurs ? Nlm.REPLACE : Nlm.EXCL));
      } else {
        failures.push(failureAt(batch, row, "ENOENT", "its group has no usable next hop"));
        continue;
      }
      sent.push(row);
    }
    const refused = new Map<number, Refusal>();
    for (const refusal of this.#socket.transact(this.#writer)) {
      refused.set(sent[refusal.index] ?? from, refusal);
    }
    const lost = new Map<number, boolean>();
    for (const row of sent) {
      const refusal = refused.get(row);
      if (refusal === undefined || isAlreadyGone(batch, row, refusal)) this.#note(batch, row);
      else if (this.#isLost(batch.groups[row] ?? 0, lost)) {
        // Noted all the same: with the link its group comes back, and then its rows.
        this.#note(batch, row);
        failures.push(
          failureAt(batch, row, "ENETDOWN", "its group went with the last link it had"),
        );
      } else failures.push(refusalAt(batch, row, refusal));
    }
    return { applied: to - from - failures.length, failures };
  }

  /** The kernel takes groups out without a word; asked once for all rows of a send. */
  #isLost(group: number, known: Map<number, boolean>): boolean {
    const isLost = group !== 0 && (known.get(group) ?? this.groups.isLost(group));
    known.set(group, isLost);
    return isLost;
  }

  /** The installed rows of these groups, in batches; rows that move meanwhile may be met twice. */
  *rowsOf(ids: ReadonlySet<number>): Generator<RouteBatch, void> {
    for (const afi of [Afi.Ipv4, Afi.Ipv6]) {
      const table = this.#tables[afi];
      let slots: number[] = [];
      for (let slot = 0; slot < table.slots; slot += 1) {
        if (table.lengthAt(slot) === undefined || !ids.has(table.groupAt(slot))) continue;
        slots.push(slot);
        if (slots.length < ROWS_PER_SEND) continue;
        yield batchOf(afi, table, slots);
        slots = [];
      }
      if (slots.length > 0) yield batchOf(afi, table, slots);
    }
  }

  /** Writes rows again whose group was lost with them, or whose hops are spelled out. */
  rewrite(batch: RouteBatch): void {
    const flags = Nlm.CREATE | (this.groups.rewriteReplaces ? Nlm.REPLACE : Nlm.EXCL);
    this.#writer.reset();
    for (let row = 0; row < batch.count; row += 1) {
      if (this.groups.isUsable(batch.groups[row] ?? 0)) this.#writeRoute(batch, row, flags);
    }
    this.#socket.transact(this.#writer); // what is refused here, the next audit finds
  }

  /** Removes all of ours at once: groups take their routes along, the others go one by one. */
  flush(): RowsOutcome {
    const dumping = dumpRoutes(this.#netns, this.#options);
    let step = dumping.next();
    while (!step.done) step = dumping.next();
    const failures: RouteFailure[] = [...this.groups.removeAll()];
    let count = 0;
    for (const afi of [Afi.Ipv4, Afi.Ipv6]) {
      const columns = step.value[afi];
      const isLeft = (row: number) => this.groups.groupOf(columns.objects[row] ?? 0) === undefined;
      failures.push(...this.#deleteWhere(afi, columns, isLeft));
      count += columns.count;
    }
    this.#tables = newTables();
    return { applied: count - failures.length, failures };
  }

  close(): void {
    this.#socket.close();
  }

  #deleteWhere(afi: Afi, columns: RouteRows, isWanted: (row: number) => boolean): RouteFailure[] {
    const failures: RouteFailure[] = [];
    const { addresses, lengths } = columns;
    const batch: RouteBatch = {
      ...{ afi, count: columns.count, addresses, lengths },
      groups: new Uint32Array(columns.count),
    };
    let rows: number[] = [];
    const send = (): void => {
      this.#writer.reset();
      for (const row of rows) this.#writeRemoval(batch, row, columns.metrics[row] ?? 0);
      for (const refusal of this.#socket.transact(this.#writer)) {
        const row = rows[refusal.index] ?? 0;
        if (!isAlreadyGone(batch, row, refusal)) failures.push(refusalAt(batch, row, refusal));
      }
      rows = [];
    };
    for (let row = 0; row < columns.count; row += 1) {
      if (!isWanted(row)) continue;
      rows.push(row);
      if (rows.length === ROWS_PER_SEND) send();
    }
    send();
    return failures;
  }

  #note(batch: RouteBatch, row: number): void {
    const table = this.#tables[batch.afi];
    const group = batch.groups[row] ?? 0;
    const length = batch.lengths[row] ?? 0;
    if (group === 0) table.remove(batch.addresses, row * table.octets, length);
    else table.set(batch.addresses, row * table.octets, length, group);
  }

  #writeRoute(batch: RouteBatch, row: number, flags: number): void {
    this.#begin(Rtm.NEWROUTE, flags, batch, row, this.#options.metric);
    this.groups.writeTarget(this.#writer, batch.groups[row] ?? 0);
    this.#writer.end();
  }

  #writeRemoval(batch: RouteBatch, row: number, metric: number): void {
    this.#begin(Rtm.DELROUTE, 0, batch, row, metric);
    this.#writer.end();
  }

  /** `struct rtmsg`: family, lengths, TOS, table, protocol, scope, type, flags 4; attributes. */
  #begin(type: number, flags: number, batch: RouteBatch, row: number, metric: number): void {
    const { table, proto } = this.#options;
    const isV4 = batch.afi === Afi.Ipv4;
    const octets = isV4 ? 4 : 16;
    const scope = type === Rtm.DELROUTE ? RtScope.NOWHERE : RtScope.UNIVERSE;
    const writer = this.#writer.begin(type, flags, this.#socket.nextSeq());
    writer
      .u8(isV4 ? C.AF_INET : C.AF_INET6)
      .u8(batch.lengths[row] ?? 0)
      .u16(0);
    writer.u8(table < 256 ? table : RtTable.COMPAT).u8(proto);
    writer.u8(scope).u8(Rtn.UNICAST).u32(0);
    writer.attrOctets(Rta.DST, batch.addresses, row * octets, octets);
    writer.attrU32(Rta.TABLE, table).attrU32(Rta.PRIORITY, metric);
  }
}

export interface RowsOutcome {
  readonly applied: number;
  readonly failures: readonly RouteFailure[];
}

/** Rows in one send: two milliseconds of the kernel's time, mostly. */
export const ROWS_PER_SEND = 512;
const ROWS_PER_SLICE = 16_384;
/** A row may wait for its group under this number: no group has it. */
const NO_GROUP = 0xffff_ffff;

const newTables = () => ({
  [Afi.Ipv4]: new PrefixGroups(4, randomInt(2 ** 31)),
  [Afi.Ipv6]: new PrefixGroups(16, randomInt(2 ** 31)),
});

/**
 * Whether the kernel knows next-hop objects: deleting one that is not there answers ENOENT where it
 * does. Throws where we may not change routes at all, before anybody relies on it.
 */
function probe(socket: NetlinkSocket, ids: KernelIds): boolean {
  const writer = new MessageWriter(64).begin(Rtm.DELNEXTHOP, 0, socket.nextSeq());
  writer
    .u32(0)
    .u32(0)
    .attrU32(Nha.ID, ids.ofHop("", 0, 0))
    .end();
  const [refusal] = socket.transact(writer);
  if (refusal === undefined || refusal.errno === Errno.ENOENT) return true;
  if (refusal.errno === Errno.EOPNOTSUPP) return false;
  const cause = sysErrorOf("RTM_DELNEXTHOP", refusal);
  if (refusal.errno !== Errno.EPERM) throw platformError("changing kernel routes", cause);
  throw new PlatformError(
    "PLATFORM_PERMISSION",
    "changing kernel routes needs root or CAP_NET_ADMIN in this network namespace; " +
      "to look without a kernel table, configure fib: { kind: virtual }",
    { cause },
  );
}

/**
 * By default the kernel announces every route again when a group is replaced: a second and more for
 * a million of them. Answers a warning where that could not be turned off.
 */
function leaveCompatMode(netns: Netns): string | undefined {
  const path = "/proc/sys/net/ipv4/nexthop_compat_mode";
  try {
    return netns.run(() => {
      if (readFileSync(path, "latin1").trim() !== "0") writeFileSync(path, "0");
      return undefined;
    });
  } catch {
    return "net.ipv4.nexthop_compat_mode could not be set to 0: moving many routes takes longer";
  }
}

function isAlreadyGone({ groups }: RouteBatch, row: number, { errno }: Refusal): boolean {
  return groups[row] === 0 && (errno === Errno.ESRCH || errno === Errno.ENOENT);
}

function refusalAt(batch: RouteBatch, row: number, { errno, words }: Refusal): RouteFailure {
  const isForeign = errno === Errno.EEXIST;
  const text = isForeign
    ? "another program has a route there with the same metric; it is left alone"
    : words === ""
      ? libc.strerror(errno)
      : words;
  return failureAt(batch, row, errnoName(errno), text);
}

function failureAt(batch: RouteBatch, row: number, errno: string, text: string): RouteFailure {
  const octets = batch.afi === Afi.Ipv4 ? 4 : 16;
  const address = formatAddress(batch.addresses.subarray(row * octets, (row + 1) * octets));
  const op = batch.groups[row] === 0 ? "route-remove" : "route-add";
  return { op, subject: `${address}/${batch.lengths[row]}`, errno, text };
}

function batchOf(afi: Afi, table: PrefixGroups, slots: readonly number[]): RouteBatch {
  const addresses = new Uint8Array(slots.length * table.octets);
  for (const [row, slot] of slots.entries()) {
    addresses.set(table.addressAt(slot), row * table.octets);
  }
  return {
    afi,
    count: slots.length,
    addresses,
    lengths: Uint8Array.from(slots, (slot) => table.lengthAt(slot) ?? 0),
    groups: Uint32Array.from(slots, (slot) => table.groupAt(slot)),
  };
}
