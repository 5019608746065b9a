/**
 * Every fault a drill can name, as one table: what it acts on, its parameters as a file writes
 * them, and its words in a report. The file's schema, the loader and the labs all follow from it,
 * so a new fault is a row here and a deed in the labs that can do it. A lab without the deed says
 * so (`Lab.whyNot`); nothing is ever skipped.
 */
import { CONNECTION_ORDERS, VBR_ORDERS } from "../../cloud/deeds/deeds.ts";
import {
  bandwidth,
  count,
  duration,
  edgeFile,
  name,
  percent,
  prefix,
  prefixes,
  word,
  words,
} from "../file/parameters.ts";
import { CLOUD_CHANGES } from "./cloud-changes.ts";
import { type OfCircuit, row, type ValuesOf } from "./fault-row.ts";
import { QUALITIES, qualityFault, qualityText } from "./line-quality.ts";

const DIRECTIONS = ["both", "to-cloud", "to-edge"] as const;
export type FaultDirection = (typeof DIRECTIONS)[number];
const direction = word("direction", DIRECTIONS, "both");
/** Each router of the cloud keeps a table of its own. */
const ROUTERS_PREFIXES_MAX = 10_000;
const answer = word("answer", ["accepted", "refused"] as const, "accepted");
/** The vendor's, where it is to refuse for that reason and no other. */
const code = words("code", "the vendor's code, as Forbidden.VbrAttached", 80).optional;
const carrier = word("carrier", ["hidden", "seen"] as const, "hidden");

/** One BGP peer of the VBR, by name; all of them where none is named. */
const peer = name("peer").optional;
const ofPeer = (of: OfCircuit & { readonly peer: string | undefined }): string =>
  of.peer === undefined ? of.circuit : `${of.circuit} to its peer ${of.peer}`;

const WAY: Readonly<Record<FaultDirection, string>> = {
  both: "both ways",
  "to-cloud": "towards the cloud",
  "to-edge": "towards the edge",
};
const FAMILY = { ipv4: "IPv4", ipv6: "IPv6" } as const;
const CARRIER = { seen: "carrier lost", hidden: "carrier stays" } as const;

export const FAULTS = {
  // The line ---------------------------------------------------------------------------------
  cut: row({
    target: "circuit",
    kind: "fault",
    with: { direction, carrier },
    text: (of) => `cut ${of.circuit} ${WAY[of.direction]}, ${CARRIER[of.carrier]}`,
  }),
  restore: row({
    target: "circuit",
    kind: "repair",
    with: {},
    text: (of) => `restore ${of.circuit}`,
  }),
  flap: row({
    target: "circuit",
    kind: "fault",
    with: {
      direction,
      carrier,
      periodUs: duration("period"),
      times: count("times", 1, 1000),
    },
    text: (of) => `flap ${of.circuit} ${of.times} times`,
  }),
  "shut-port": row({
    target: "circuit",
    kind: "fault",
    isOfPort: true,
    with: {},
    text: (of) => `shut the port of ${of.circuit}`,
  }),
  "remove-vlan": row({
    target: "circuit",
    kind: "fault",
    with: {},
    text: (of) => `the switch loses the VLAN of ${of.circuit}, carrier stays`,
  }),
  degrade: row({
    target: "circuit",
    kind: "fault",
    with: { direction, ...QUALITIES },
    text: (of) => `degrade ${of.circuit} ${WAY[of.direction]}: ${qualityText(of)}`,
    check: qualityFault,
  }),
  // The VBR ----------------------------------------------------------------------------------
  "restart-vbr": row({
    target: "circuit",
    kind: "fault",
    with: {
      how: word("how", ["silent", "graceful", "planned"] as const, "silent"),
      downUs: duration("down", "5s"),
      without: word("without", ["nothing", "ipv4", "ipv6"] as const, "nothing"),
    },
    text: (of) => {
      const lost = of.without === "nothing" ? "" : `; it comes back without ${FAMILY[of.without]}`;
      return `restart the VBR of ${of.circuit} (${of.how})${lost}`;
    },
  }),
  "forwarding-dead": row({
    target: "circuit",
    kind: "fault",
    with: {},
    text: (of) => `the VBR of ${of.circuit} forwards nothing any more, its sessions stay`,
  }),
  "stop-bfd": row({
    target: "circuit",
    kind: "fault",
    with: { direction },
    text: (of) => `BFD of ${of.circuit} is lost ${WAY[of.direction]}, all else passes`,
  }),
  "send-cease": row({
    target: "circuit",
    kind: "fault",
    with: { peer, subcode: count("subcode", 1, 10) },
    text: (of) => `the VBR of ${ofPeer(of)} sends Cease/${of.subcode}`,
  }),
  "silence-bgp": row({
    target: "circuit",
    kind: "fault",
    with: { peer },
    text: (of) => `the VBR of ${ofPeer(of)} says no BGP any more, TCP and BFD live`,
  }),
  "stall-bgp": row({
    target: "circuit",
    kind: "fault",
    with: { peer },
    text: (of) => `the VBR of ${ofPeer(of)} stops reading: its TCP window closes`,
  }),
  "slow-bgp": row({
    target: "circuit",
    kind: "fault",
    with: { peer, rateBps: bandwidth("rate") },
    text: (of) => `the VBR of ${ofPeer(of)} reads no more than ${of.rateBps / 1e3} kbps`,
  }),
  "slice-bgp": row({
    target: "circuit",
    kind: "fault",
    with: { peer, octets: count("octets", 1, 4096), gapUs: duration("gap", "1ms") },
    text: (of) => `what the VBR of ${ofPeer(of)} says comes in pieces of ${of.octets} octets`,
  }),
  "reset-tcp": row({
    target: "circuit",
    kind: "fault",
    with: { peer, afterOctets: count("after", 1, 1_000_000).optional },
    text: (of) => {
      const when = of.afterOctets === undefined ? "" : ` once it has said ${of.afterOctets} octets`;
      return `the VBR of ${ofPeer(of)} resets the TCP connection${when}`;
    },
  }),
  "half-open": row({
    target: "circuit",
    kind: "fault",
    with: { peer },
    text: (of) => `the VBR of ${ofPeer(of)} forgets the TCP connection without a word`,
  }),
  "wrong-as": row({
    target: "circuit",
    kind: "fault",
    with: { peer, as: count("as", 1, 4_294_967_294) },
    text: (of) => `the VBR of ${ofPeer(of)} expects AS ${of.as}`,
  }),
  "wrong-md5": row({
    target: "circuit",
    kind: "fault",
    with: { peer, key: words("key", "a key of the lab, of 1 to 80 characters", 80) },
    text: (of) => `the VBR of ${ofPeer(of)} has another MD5 key`,
  }),
  drain: row({
    target: "circuit",
    kind: "fault",
    with: {
      peer,
      prepend: count("prepend", 1, 10).optional,
      med: count("med", 0, 4_294_967_295).optional,
      by: word("by", ["attributes", "graceful-shutdown"] as const, "attributes"),
    },
    text: (of) => `the cloud drains ${ofPeer(of)} by ${drainText(of)}`,
    check: (of) => {
      if (of.by === "graceful-shutdown") return undefined;
      const isNamed = of.prepend !== undefined || of.med !== undefined;
      return isNamed ? undefined : "it names none of prepend, med and by: graceful-shutdown";
    },
  }),
  maintain: row({
    target: "circuit",
    kind: "fault",
    with: { noticeUs: duration("notice", "5s"), forUs: duration("for") },
    text: (of) => `maintenance of ${of.circuit} with notice`,
  }),
  // What the cloud announces -------------------------------------------------------------------
  withdraw: row({
    target: "cloud",
    kind: "fault",
    change: "withdraw",
    with: { prefix: prefix("prefix") },
    text: (of) => `cloud withdraws ${of.prefix}`,
  }),
  announce: row({
    target: "cloud",
    kind: "fault",
    change: "announce",
    with: { prefix: prefix("prefix") },
    text: (of) => `cloud announces ${of.prefix}`,
  }),
  "announce-only": row({
    target: "cloud",
    kind: "fault",
    change: "withdraw",
    with: { prefixes: prefixes("prefixes") },
    text: (of) => `cloud announces nothing but ${of.prefixes.join(", ")}`,
  }),
  flood: row({
    target: "cloud",
    kind: "fault",
    with: {
      prefix: prefix("prefix"),
      count: count("count", 1, 1_000_000),
      circuit: name("circuit").optional,
      forUs: duration("for").optional,
    },
    text: (of) => {
      const who = of.circuit === undefined ? "cloud" : `the VBR of ${of.circuit}`;
      return `${who} announces ${of.count} prefixes of ${of.prefix}`;
    },
    check: floodFault,
  }),
  storm: row({
    target: "cloud",
    kind: "fault",
    with: {
      prefix: prefix("prefix"),
      count: count("count", 1, ROUTERS_PREFIXES_MAX),
      periodUs: duration("period"),
      times: count("times", 1, 1000),
    },
    text: (of) => `cloud announces and withdraws ${of.count} prefixes, ${of.times} times`,
  }),
  "failover-test": row({
    target: "circuit",
    kind: "fault",
    isOfPort: true,
    with: {
      forUs: duration("for"),
      resource: word("resource", ["connection", "vbr", "peer"] as const, "connection"),
      answer,
      code,
    },
    text: (of) => `a failover-test job for ${ofCircuit(of)}${refusalText(of)}`,
  }),
  // What is ordered of the vendor ----------------------------------------------------------------
  lock: row({
    target: "circuit",
    kind: "fault",
    isOfPort: true,
    with: {
      status: word("status", ["FinancialLocked", "SecurityLocked"] as const, "FinancialLocked"),
      forUs: duration("for").optional,
    },
    text: (of) => `the connection of ${of.circuit} is ${of.status}`,
  }),
  "order-connection": row({
    target: "circuit",
    kind: "fault",
    isOfPort: true,
    with: { order: word("order", CONNECTION_ORDERS, "enable"), answer, code },
    text: (of) => `${of.order} the connection of ${of.circuit}${refusalText(of)}`,
  }),
  "order-vbr": row({
    target: "circuit",
    kind: "fault",
    with: { order: word("order", VBR_ORDERS, "terminate"), answer, code },
    text: (of) => `${of.order} the VBR of ${of.circuit}${refusalText(of)}`,
  }),
  ...CLOUD_CHANGES,
  // The edge -----------------------------------------------------------------------------------
  "down-interface": row({
    target: "circuit",
    kind: "fault",
    with: { forUs: duration("for") },
    text: (of) => `the edge's interface of ${of.circuit} goes down and comes back`,
  }),
  "withdraw-own": row({
    target: "edge",
    kind: "fault",
    change: "withdraw",
    with: { prefix: prefix("prefix") },
    text: (of) => `the edge withdraws its ${of.prefix}: its health input went bad`,
  }),
  "announce-own": row({
    target: "edge",
    kind: "repair",
    change: "announce",
    with: { prefix: prefix("prefix") },
    text: (of) => `the edge announces its ${of.prefix} again`,
  }),
  reload: row({
    target: "edge",
    kind: "fault",
    with: { edge: edgeFile("edge"), answer },
    text: (of) => {
      const end = of.answer === "refused" ? ", which it refuses" : "";
      return `the edge is given ${of.edge.name} (SIGHUP)${end}`;
    },
  }),
  "step-clock": row({
    target: "edge",
    kind: "fault",
    with: {
      offsetUs: duration("offset"),
      way: word("way", ["ahead", "back"] as const, "ahead"),
    },
    text: (of) => `the edge's wall clock is set ${of.offsetUs / 1e6} s ${of.way}`,
  }),
  starve: row({
    target: "edge",
    kind: "fault",
    with: {
      forUs: duration("for"),
      sharePercent: percent("share"),
      sliceUs: duration("slice", "100ms"),
    },
    text: (of) => `the edge's daemon gets ${100 - of.sharePercent} % of a CPU`,
  }),
  freeze: row({
    target: "edge",
    kind: "fault",
    with: { forUs: duration("for") },
    text: () => "the edge's daemon is stopped (SIGSTOP), and goes on later",
  }),
  kill: row({
    target: "edge",
    kind: "fault",
    with: { downUs: duration("down", "2s") },
    text: () => "the edge's daemon is killed (SIGKILL), and started again",
  }),
  upgrade: row({
    target: "edge",
    kind: "fault",
    with: { downUs: duration("down", "2s") },
    text: () => "the edge's daemon is stopped in order and started again, as in an upgrade",
  }),
  "stop-router": row({
    target: "edge",
    kind: "fault",
    with: { router: name("router"), forUs: duration("for").optional },
    text: (of) => {
      const end = of.forUs === undefined ? "" : ", and has it back later";
      return `the customer's router ${of.router} loses its power${end}`;
    },
  }),
  "police-icmp": row({
    target: "edge",
    kind: "fault",
    with: { perSec: count("perSec", 0, 1_000_000) },
    text: (of) => `the edge's control plane answers ${of.perSec} pings a second, no more`,
  }),
} as const;

const ofCircuit = (of: { readonly circuit: string; readonly resource: string }): string =>
  of.resource === "connection" ? of.circuit : `the ${of.resource} of ${of.circuit}`;

interface Answer {
  readonly answer: "accepted" | "refused";
  readonly code: string | undefined;
}

const refusalText = (of: Answer): string =>
  of.answer === "accepted" ? "" : `, which the cloud refuses${of.code ? ` by ${of.code}` : ""}`;

function floodFault(of: {
  readonly prefix: string;
  readonly count: number;
  readonly circuit: string | undefined;
  readonly forUs: number | undefined;
}): string | undefined {
  if (of.circuit === undefined) {
    if (of.forUs !== undefined) return `"for" needs "circuit"; else "announce-only" ends it`;
    const isMany = of.count > ROUTERS_PREFIXES_MAX;
    return isMany ? `more than ${ROUTERS_PREFIXES_MAX} prefixes need one "circuit"` : undefined;
  }
  if (of.circuit === "all") return `it floods one circuit, or without "circuit" all of them`;
  return of.prefix.includes(":") ? "one circuit is flooded with IPv4 prefixes" : undefined;
}

export type FaultKind = keyof typeof FAULTS;
type RowOf<K extends FaultKind> = (typeof FAULTS)[K];

/** A fault as data: kind, target, parameters, times in microseconds. */
export type FaultOf<K extends FaultKind> = { readonly do: K } & ValuesOf<RowOf<K>["with"]> &
  (RowOf<K>["target"] extends "circuit" ? OfCircuit : unknown);
export type Fault = { [K in FaultKind]: FaultOf<K> }[FaultKind];

/** What labs are asked for; `flap` is many cuts by then. */
export type LabFault = Exclude<Fault, { readonly do: "flap" }>;

export const FAULT_KINDS = Object.keys(FAULTS) as readonly FaultKind[];

export const circuitOf = (fault: Fault): string | undefined =>
  "circuit" in fault ? fault.circuit : undefined;

/** In the words of a report. */
export function faultText(fault: Fault): string {
  const { text } = FAULTS[fault.do] as { text(of: Fault): string };
  return text(fault);
}

interface Drain {
  readonly prepend: number | undefined;
  readonly med: number | undefined;
  readonly by: "attributes" | "graceful-shutdown";
}

function drainText({ prepend, med, by }: Drain): string {
  if (by === "graceful-shutdown") return "GRACEFUL_SHUTDOWN";
  const parts = [
    ...(prepend === undefined ? [] : [`${prepend} AS_PATH prepends`]),
    ...(med === undefined ? [] : [`MED ${med}`]),
  ];
  return parts.join(" and ");
}
