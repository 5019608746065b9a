import { Afi, formatAddress } from "../../core/address.ts";
import type { KernelRoute, RouteHop } from "../contract.ts";
import { NetlinkSocket } from "./netlink.ts";
import { forEachAttribute, type Message, MessageWriter } from "./netlink-codec.ts";
import type { Netns } from "./netns.ts";
import { readNextHops } from "./nexthop-groups.ts";
import { deviceName } from "./resolve.ts";
import { RTM_F_CLONED, Rta, Rtm, Rtn, RtTable } from "./rtnetlink.ts";
import { C } from "./sys.ts";

/** Whose routes: everything else in the kernel is invisible here. */
export interface RouteOwner {
  readonly table: number;
  readonly proto: number;
}

/** The kernel's routes of one owner as columns, one set a family. */
export interface DumpedRoutes {
  readonly [Afi.Ipv4]: RouteRows;
  readonly [Afi.Ipv6]: RouteRows;
  /** Ways out by number; many routes share a set. */
  readonly hopSets: readonly (readonly RouteHop[])[];
}

/** Row i: address, length, metric, next-hop object (0 for a route that spells out its hops). */
export interface RouteRows {
  readonly octets: 4 | 16;
  readonly count: number;
  readonly addresses: Uint8Array;
  readonly lengths: Uint8Array;
  readonly metrics: Uint32Array;
  readonly objects: Uint32Array;
  /** Which of `hopSets`. */
  readonly hopSets: Uint32Array;
}

class RouteColumns implements RouteRows {
  readonly octets: 4 | 16;
  addresses: Uint8Array;
  lengths: Uint8Array;
  metrics: Uint32Array;
  objects: Uint32Array;
  hopSets: Uint32Array;
  count = 0;

  constructor(afi: Afi) {
    this.octets = afi === Afi.Ipv4 ? 4 : 16;
    this.addresses = new Uint8Array(ROWS_MIN * this.octets);
    this.lengths = new Uint8Array(ROWS_MIN);
    this.metrics = new Uint32Array(ROWS_MIN);
    this.objects = new Uint32Array(ROWS_MIN);
    this.hopSets = new Uint32Array(ROWS_MIN);
  }

  /** A row with its address zeroed, to be filled in. */
  add(): number {
    if (this.count === this.lengths.length) this.#widen();
    this.count += 1;
    return this.count - 1;
  }

  #widen(): void {
    const rows = this.count * 2;
    const wider = <Column extends Uint8Array | Uint32Array>(to: Column, from: Column): Column => {
      to.set(from);
      return to;
    };
    this.addresses = wider(new Uint8Array(rows * this.octets), this.addresses);
    this.lengths = wider(new Uint8Array(rows), this.lengths);
    this.metrics = wider(new Uint32Array(rows), this.metrics);
    this.objects = wider(new Uint32Array(rows), this.objects);
    this.hopSets = wider(new Uint32Array(rows), this.hopSets);
  }
}

/**
 * Reads all routes of the owner, yielding between parts so that the loop is not held up. The kernel
 * filters by table and protocol where it can; older ones show everything, and we look ourselves.
 */
export function* dumpRoutes(netns: Netns, owner: RouteOwner): Generator<void, DumpedRoutes> {
  const socket = new NetlinkSocket(netns);
  try {
    for (let tries = DUMP_TRIES; ; tries -= 1) {
      const sets = new HopSets(netns, socket);
      let isTorn = false;
      const columns = { [Afi.Ipv4]: new RouteColumns(1), [Afi.Ipv6]: new RouteColumns(2) };
      for (const afi of [Afi.Ipv4, Afi.Ipv6]) {
        socket.startDump(dumpRequest(socket, owner, afi));
        const add = (message: Message) => addRow(columns[afi], sets, owner, message);
        let outcome = socket.readDump(add);
        for (let parts = 1; outcome === "more"; parts += 1) {
          if (parts % PARTS_PER_SLICE === 0) yield;
          outcome = socket.readDump(add);
        }
        isTorn ||= outcome === "torn";
      }
      if (!isTorn || tries <= 1) return { ...columns, hopSets: sets.all };
    }
  } finally {
    socket.close();
  }
}

/** Rows as the contract has them, yielding between slices; those under another metric left out. */
export function* toKernelRoutes(
  dumped: DumpedRoutes,
  { proto, metric }: { readonly proto: number; readonly metric: number },
): Generator<void, KernelRoute[]> {
  const routes: KernelRoute[] = [];
  for (const columns of [dumped[Afi.Ipv4], dumped[Afi.Ipv6]]) {
    const { addresses, octets, lengths, hopSets, metrics } = columns;
    for (let row = 0; row < columns.count; row += 1) {
      if (metrics[row] !== metric) continue;
      const address = formatAddress(addresses.subarray(row * octets, (row + 1) * octets));
      const hops = dumped.hopSets[hopSets[row] ?? 0] ?? [];
      routes.push({ prefix: `${address}/${lengths[row]}`, hops, proto });
      if (routes.length % ROWS_PER_SLICE === 0) yield;
    }
  }
  return routes;
}

/** Numbers for ways out: next-hop objects by their id, spelled-out ones by their text. */
class HopSets {
  readonly all: (readonly RouteHop[])[] = [[]];
  readonly #byObject = new Map<number, number>();
  readonly #byText = new Map<string, number>();
  readonly #names = new Map<number, string>();
  readonly #netns: Netns;

  constructor(netns: Netns, socket: NetlinkSocket) {
    this.#netns = netns;
    try {
      const { hops, groups } = readNextHops(socket, (index) => this.nameOf(index));
      for (const [id, hop] of hops) this.#byObject.set(id, this.all.push([hop]) - 1);
      for (const [id, group] of groups) this.#byObject.set(id, this.all.push(group) - 1);
    } catch {
      // A kernel without next-hop objects: then no route points at one.
    }
  }

  ofObject(id: number): number {
    return this.#byObject.get(id) ?? 0;
  }

  ofHops(hops: readonly RouteHop[]): number {
    const text = hops.map((hop) => `${hop.gateway} ${hop.device} ${hop.weight}`).join();
    const known = this.#byText.get(text);
    if (known !== undefined) return known;
    const number = this.all.push(hops) - 1;
    this.#byText.set(text, number);
    return number;
  }

  nameOf(index: number): string {
    const known = this.#names.get(index) ?? deviceName(this.#netns, index) ?? "";
    this.#names.set(index, known);
    return known;
  }
}

/** `struct rtmsg`: family, lengths, TOS, table, protocol, scope, type, flags 4. */
function dumpRequest(socket: NetlinkSocket, owner: RouteOwner, afi: Afi): MessageWriter {
  const family = afi === Afi.Ipv4 ? C.AF_INET : C.AF_INET6;
  const writer = new MessageWriter(64).begin(Rtm.GETROUTE, 0, socket.nextSeq());
  writer.octets(Uint8Array.of(family, 0, 0, 0, 0, owner.proto, 0, 0)).u32(0);
  return writer.attrU32(Rta.TABLE, owner.table).end();
}

function addRow(
  columns: RouteColumns,
  sets: HopSets,
  owner: RouteOwner,
  { type, view, octets, from, to }: Message,
): void {
  if (type !== Rtm.NEWROUTE || view.getUint8(from + 5) !== owner.proto) return;
  if ((view.getUint32(from + 8, true) & RTM_F_CLONED) !== 0) return;
  if (view.getUint8(from + 7) !== Rtn.UNICAST) return;
  let table = view.getUint8(from + 4);
  let metric = 0;
  let object = 0;
  let destination = -1;
  const hop = { gateway: "", device: "", weight: 1 };
  let hops: RouteHop[] = [hop];
  forEachAttribute(view, from + 12, to, (attribute, at, end) => {
    if (attribute === Rta.DST) destination = at;
    else if (attribute === Rta.PRIORITY) metric = view.getUint32(at, true);
    else if (attribute === Rta.TABLE) table = view.getUint32(at, true);
    else if (attribute === Rta.NH_ID) object = view.getUint32(at, true);
    else if (attribute === Rta.OIF) hop.device = sets.nameOf(view.getUint32(at, true));
    else if (attribute === Rta.GATEWAY) hop.gateway = formatAddress(octets.subarray(at, end));
    else if (attribute === Rta.VIA) hop.gateway = formatAddress(octets.subarray(at + 2, end));
    else if (attribute === Rta.MULTIPATH) hops = readMultipath(sets, view, octets, [at, end]);
  });
  if (table !== owner.table && !(table === RtTable.COMPAT && owner.table > 255)) return;
  const row = columns.add();
  if (destination >= 0) {
    const address = octets.subarray(destination, destination + columns.octets);
    columns.addresses.set(address, row * columns.octets);
  }
  columns.lengths[row] = view.getUint8(from + 1);
  columns.metrics[row] = metric;
  columns.objects[row] = object;
  columns.hopSets[row] = object === 0 ? sets.ofHops(hops) : sets.ofObject(object);
}

/** A row of `struct rtnexthop`: length 2, flags 1, weight 1, interface 4, attributes. */
function readMultipath(
  sets: HopSets,
  view: DataView,
  octets: Uint8Array,
  [from, to]: readonly [number, number],
): RouteHop[] {
  const hops: RouteHop[] = [];
  for (let at = from; at + 8 <= to; ) {
    const length = view.getUint16(at, true);
    if (length < 8 || at + length > to) break;
    let gateway = "";
    forEachAttribute(view, at + 8, at + length, (attribute, valueAt, end) => {
      if (attribute === Rta.GATEWAY) gateway = formatAddress(octets.subarray(valueAt, end));
      else if (attribute === Rta.VIA) gateway = formatAddress(octets.subarray(valueAt + 2, end));
    });
    const device = sets.nameOf(view.getUint32(at + 4, true));
    hops.push({ gateway, device, weight: view.getUint8(at + 3) + 1 });
    at += (length + 3) & ~3;
  }
  return hops;
}

const ROWS_MIN = 1024;
const DUMP_TRIES = 3;
/** A part is up to 32 KiB, some five hundred routes. */
const PARTS_PER_SLICE = 8;
const ROWS_PER_SLICE = 4096;
