import { MessageType, Safi, SegmentType, WellKnownCommunity } from "../../bgp/wire/iana.ts";
import type { AsSegment } from "../../bgp/wire/message.ts";
import { MrtType, TableDumpV2Subtype } from "../../bgp/wire/mrt-codes.ts";
import { NlriCursor } from "../../bgp/wire/nlri.ts";
import { Afi, formatAddress } from "../../core/address.ts";
import { addressText } from "./address-text.ts";
import type { BgpMessage, Entry, RibEntry, SessionEnd, StateChange } from "./entry.ts";
import type { MrtRecord } from "./record-reader.ts";
import { type RouteAttributes, readRouteAttributes } from "./route-attributes.ts";
import { type PrefixRun, readUpdateRoutes } from "./update-routes.ts";

/** What an entry adds to the text. */
export interface Lines {
  /** Each with its end. */
  readonly text: string;
  readonly faults: readonly string[];
}

/**
 * The lines `bgpdump -m` prints, its ways included, because scripts of twenty years read them by
 * column:
 *
 *   TYPE|time|B or A|peer|AS|prefix|[path id|]AS path|origin|next hop|LOCAL_PREF|MED|communities|
 *   NAG or AG|aggregator|
 *   TYPE|time|W|peer|AS|prefix[|path id]
 *   TYPE|time|STATE|peer|AS|old|new
 *
 * An absent origin is INCOMPLETE, an absent next hop 255.255.255.255, absent numbers are 0. The
 * deprecated type BGP has no bar between MED and communities. Large communities have no column.
 * Messages other than UPDATE and tables of other than unicast families have no line.
 * Deviation: MESSAGE_LOCAL_ADDPATH names the peer, as MESSAGE_LOCAL does, not the collector.
 */
export function bgpdumpLines(entry: Entry, record: MrtRecord): Lines {
  switch (entry.kind) {
    case "message":
      return entry.messageType === MessageType.Update ? updateLines(entry, record) : NOTHING;
    case "state-change":
      return { text: stateLine(entry, record), faults: [] };
    case "rib-entry":
      return ribLine(entry, record);
    case "broken":
      return { text: "", faults: [entry.error] };
    case "peer-index-table":
    case "unread":
      return NOTHING;
  }
}

function updateLines(message: BgpMessage, record: MrtRecord): Lines {
  const routes = readUpdateRoutes(message);
  if (typeof routes === "string") return { text: "", faults: [routes] };
  const { attributes, faults } = routes;
  const isOld = record.type === MrtType.Bgp;
  const type = isOld ? "BGP" : bgp4mpName(message, record);
  const head = (letter: string) => `${type}|${timeText(record)}|${letter}|${peerText(message)}|`;
  let text = "";
  for (const run of routes.withdrawn) text += runLines(run, head("W"), "");
  if (routes.announced.some(({ octets }) => octets.length > 0)) {
    const start = `|${pathText(attributes)}|${originText(attributes)}|`;
    const end = `${numbersText(attributes)}${isOld ? "" : "|"}${tailText(attributes)}`;
    for (const run of routes.announced) {
      text += runLines(run, head("A"), `${start}${nextHopText(run.nextHop)}|${end}`);
    }
  }
  return { text, faults };
}

function runLines(run: PrefixRun, head: string, tail: string): string {
  const cursor = new NlriCursor();
  cursor.reset(run);
  let text = "";
  while (cursor.next()) {
    const pathId = run.hasPathIds ? `|${cursor.pathId}` : "";
    text += `${head}${prefixText(cursor, run.afi)}/${cursor.length}${pathId}${tail}\n`;
  }
  return text;
}

function stateLine({ peer, oldState, newState }: StateChange, record: MrtRecord): string {
  const type = record.type === MrtType.Bgp ? "BGP" : bgp4mpName(undefined, record);
  const head = `${type}|${timeText(record)}|STATE|${peerText({ peer })}`;
  return `${head}|${oldState}|${newState}\n`;
}

function ribLine(entry: RibEntry, record: MrtRecord): Lines {
  const { prefix, pathId } = entry;
  const attributes = readRouteAttributes(entry.attributes, entry.as4);
  const { faults } = attributes;
  if (prefix === undefined || !hasLine(entry, record)) return { text: "", faults };
  const type = record.type === MrtType.TableDump ? "TABLE_DUMP" : "TABLE_DUMP2";
  const nextHop = attributes.reach?.nextHop ?? attributes.nextHop;
  const text = [
    pathId === undefined ? type : `${type}_AP`,
    ...[timeText(record), "B", peerText(entry)],
    `${addressText(prefix.address)}/${prefix.length}`,
    ...(pathId === undefined ? [] : [pathId]),
    ...[pathText(attributes), originText(attributes), nextHopText(nextHop)],
    numbersText(attributes),
    tailText(attributes),
  ];
  return { text: `${text.join("|")}\n`, faults };
}

const hasLine = ({ family }: RibEntry, { type, subtype }: MrtRecord): boolean =>
  family.safi === Safi.Unicast &&
  (type === MrtType.TableDump ||
    (subtype !== TableDumpV2Subtype.RibGeneric &&
      subtype !== TableDumpV2Subtype.RibGenericAddPath));

function bgp4mpName(message: BgpMessage | undefined, { type }: MrtRecord): string {
  const time = type === MrtType.Bgp4mpEt ? "_ET" : "";
  const direction = message?.isLocal === true ? "_LOCAL" : "";
  return `BGP4MP${time}${direction}${message?.hasPathIds === true ? "_AP" : ""}`;
}

/** Microseconds only of messages: tables have none. */
const timeText = ({ timeSec, timeUs }: MrtRecord): string =>
  timeUs === undefined ? `${timeSec}` : `${timeSec}.${String(timeUs).padStart(6, "0")}`;

const peerText = ({ peer }: { readonly peer: SessionEnd }): string =>
  `${addressText(peer.address)}|${peer.as}`;

function prefixText(cursor: NlriCursor, afi: Afi): string {
  const { w0 } = cursor;
  if (afi === Afi.Ipv4) {
    return `${w0 >>> 24}.${(w0 >>> 16) & 0xff}.${(w0 >>> 8) & 0xff}.${w0 & 0xff}`;
  }
  const address = new Uint8Array(16);
  cursor.copyAddress(address, 0);
  return addressText(address);
}

/** Of a global and a link-local next hop the global one. */
function nextHopText(nextHop: Uint8Array | undefined): string {
  if (nextHop === undefined) return "255.255.255.255";
  if (nextHop.length === 4) return addressText(nextHop);
  return nextHop.length < 16 ? "::" : addressText(nextHop.subarray(0, 16));
}

function pathText({ asPath }: RouteAttributes): string {
  if (asPath === "malformed") return "! Error !";
  return asPath === undefined ? "" : asPath.map(segmentText).join(" ");
}

function segmentText({ type, ases }: AsSegment): string {
  switch (type) {
    case SegmentType.AsSequence:
      return ases.join(" ");
    case SegmentType.AsSet:
      return `{${ases.join(",")}}`;
    case SegmentType.AsConfedSequence:
      return `(${ases.join(" ")})`;
    case SegmentType.AsConfedSet:
      return `[${ases.join(",")}]`;
  }
}

const originText = ({ origin }: RouteAttributes): string =>
  origin === 0 ? "IGP" : origin === 1 ? "EGP" : "INCOMPLETE";

const numbersText = ({ localPref, med }: RouteAttributes): string =>
  `${localPref ?? 0}|${med ?? 0}`;

function tailText({ communities, isAtomicAggregate, aggregator }: RouteAttributes): string {
  const words = communities.map(communityText).join(" ");
  const origin = aggregator && `${aggregator.as} ${formatAddress(aggregator.address)}`;
  return `${words}|${isAtomicAggregate ? "AG" : "NAG"}|${origin ?? ""}|`;
}

const communityText = (word: number): string =>
  COMMUNITY_NAMES.get(word) ?? `${word >>> 16}:${word & 0xffff}`;

const COMMUNITY_NAMES: ReadonlyMap<number, string> = new Map([
  [WellKnownCommunity.NoExport, "no-export"],
  [WellKnownCommunity.NoAdvertise, "no-advertise"],
  [WellKnownCommunity.NoExportSubconfed, "local-AS"],
]);

const NOTHING: Lines = { text: "", faults: [] };
