import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { encodeKeepalive } from "../../../src/bgp/wire/header.ts";
import { concatBytes } from "../../../src/core/bytes.ts";
import { LIMITS } from "../../../src/core/limits.ts";
import {
  BEHIND,
  type HostileRow,
  isFatal,
  isOneSession,
  isOpen,
  octetsOf,
  Target,
  validUpdate,
} from "./target.ts";
import { complaints } from "./verdict.ts";

/** The ways a row is brought; each answers with what was wrong. */
export const DELIVERIES: Readonly<Record<string, (row: HostileRow) => string[]>> = {
  "in one segment, a valid UPDATE behind it": whole,
  "one octet a segment": octetByOctet,
  "amid 64 kB in one segment": coalesced,
  "to a peer that takes nothing (RFC 9687)": zeroWindow,
  "cut by RST in its middle": resetInside,
};

function whole(row: HostileRow): string[] {
  const target = new Target(row);
  target.say(concatBytes([octetsOf(row), target.behind()]));
  target.solo.settle();
  return complaints(target);
}

function octetByOctet(row: HostileRow): string[] {
  const target = new Target(row);
  for (const octet of concatBytes([octetsOf(row), target.behind()])) {
    target.say(Uint8Array.of(octet));
  }
  target.solo.settle();
  return complaints(target);
}

/** Valid UPDATEs before it, where the session is up, and more behind it until 64 kB are full. */
function coalesced(row: HostileRow): string[] {
  const target = new Target(row);
  const filler = validUpdate(row, "180a6100");
  const hostile = octetsOf(row);
  const before = isOpen(row) ? 0 : Math.floor(32_768 / filler.length);
  const parts = [...Array.from({ length: before }, () => filler), hostile, target.behind()];
  let octets = before * filler.length + hostile.length;
  for (; octets < COALESCED_OCTETS; octets += filler.length) parts.push(filler);
  target.say(concatBytes(parts));
  target.solo.settle();
  return complaints(target);
}

/** It talks on, and reads nothing: cut by the SendHoldTimer, at the cost of what was queued. */
function zeroWindow(row: HostileRow): string[] {
  const target = new Target(row, {
    peer: { sendHoldTimeSec: SEND_HOLD_SEC, keepaliveTimeSec: 10 },
  });
  const { solo } = target;
  target.say(concatBytes([octetsOf(row), target.behind()]));
  solo.settle();
  const found = complaints(target);
  if (isFatal(row)) return found;
  for (let sec = 0; sec < SEND_HOLD_SEC + 20; sec += 10) {
    if (solo.peer().outQueueOctets > LIMITS.sendQueueOctets) found.push("the queue is too long");
    solo.advance(10);
    target.say(concatBytes([encodeKeepalive(), isOpen(row) ? encodeKeepalive() : octetsOf(row)]));
  }
  if (solo.peer().negotiated?.holdTimeSec === 0) return found; // RFC 9687 §3: no timer at all
  const { lastReset } = solo.peer();
  if (lastReset?.reason !== "send_hold_timer") found.push(`ended by ${lastReset?.reason}`);
  if (lastReset?.code !== 8) found.push(`said ${lastReset?.code}, not 8`);
  if (!solo.closes().includes(`${target.connection} reset`)) found.push("TCP was not reset");
  if (target.has(BEHIND)) found.push("its routes are left");
  return found;
}

/** Gone in the middle of the message: nothing is said, nothing is left, and it may come back. */
function resetInside(row: HostileRow): string[] {
  const found: string[] = [];
  const { length } = octetsOf(row);
  for (const cut of new Set([1, 18, 20, length >> 1, length - 1])) {
    const target = new Target(row);
    const { solo, connection } = target;
    target.say(octetsOf(row).subarray(0, cut));
    const wasOver = target.state === "Idle";
    solo.input({ kind: "tcp-closed", connection, cause: "reset", text: "connection reset" });
    solo.settle();
    const said = target.heard().filter(({ kind }) => kind === "notification").length;
    if (said !== (wasOver ? 1 : 0)) found.push(`${said} NOTIFICATIONs after ${cut} octets`);
    if (target.leftBefore().length > 0) found.push(`routes are left after ${cut} octets`);
    solo.advance(10);
    target.connection = solo.accept();
    target.greet();
    target.say(validUpdate(row));
    solo.settle();
    if (!target.has(BEHIND)) found.push(`it did not come back after ${cut} octets`);
  }
  return found.map((complaint) => `${row.id}: ${complaint}`);
}

/**
 * The row so many times: as one stream where the session survives it, else ten on each connection.
 * Neither memory nor log may grow with the number.
 */
export function repeated(row: HostileRow, times: number): string[] {
  const target = new Target(row);
  const lines = new LineCount();
  const say = isOneSession(row) ? sayInOneStream : sayOnConnections;
  // The first tenth fills every buffer there is.
  say(target, times / 10, lines);
  const sets = target.solo.speaker.view.rib.attributeSetCount();
  const before = heapOctets();
  say(target, (times / 10) * 9, lines);
  const grown = heapOctets() - before;
  const found: string[] = [];
  if (grown > GROWTH_OCTETS_MAX) found.push(`${grown} octets more are held`);
  if (lines.mostOfOneCause > LIMITS.logLinesPerCausePerMinute) {
    found.push(`${lines.mostOfOneCause} lines of one cause in a minute`);
  }
  if (target.solo.speaker.view.rib.attributeSetCount() !== sets) found.push("attribute sets grow");
  const reasons = Object.keys(target.solo.peer().counters.discards).length;
  if (reasons > 8) found.push(`${reasons} reasons of discards`);
  if (isOneSession(row) && target.state !== "Established") found.push(`it is ${target.state}`);
  return found.map((complaint) => `${row.id}: ${complaint}`);
}

function sayInOneStream(target: Target, times: number, lines: LineCount): void {
  const hostile = octetsOf(target.row);
  const perSegment = Math.max(1, Math.floor(COALESCED_OCTETS / hostile.length));
  const segment = concatBytes(Array.from({ length: perSegment }, () => hostile));
  const { solo, connection } = target;
  for (let said = 0; said < times; said += perSegment) {
    // Not copied as `say` does: nobody writes into a segment that is always the same.
    solo.input({ kind: "tcp-data", connection, octets: segment });
    solo.settle();
    lines.count(target);
    solo.take();
    solo.input({ kind: "tcp-progress", connection, queuedOctets: 0 });
  }
}

/** Ten connections a second; most are refused while the peer waits out its idle hold time. */
function sayOnConnections(target: Target, times: number, lines: LineCount): void {
  const { solo, row } = target;
  const ten = Array.from({ length: 10 }, () => octetsOf(row));
  const greeting = isOpen(row) ? [] : [target.open(), encodeKeepalive()];
  const words = concatBytes([...greeting, ...ten]);
  for (let said = 0; said < times; said += 10) {
    solo.advance(0.1);
    const connection = solo.accept();
    target.connection = connection;
    solo.input({ kind: "tcp-data", connection, octets: words });
    solo.input({ kind: "tcp-closed", connection, cause: "reset", text: "gone" });
    lines.count(target);
    solo.take();
  }
}

/** Log lines by cause within a minute of virtual time. */
class LineCount {
  readonly #counts = new Map<string, number>();
  mostOfOneCause = 0;

  count({ solo }: Target): void {
    const minute = Math.floor(solo.now / 60e6);
    for (const effect of solo.effects) {
      if (effect.kind !== "log" || effect.level === "debug") continue;
      const key = `${minute} ${effect.event} ${effect.fields.reason ?? ""}`;
      const count = (this.#counts.get(key) ?? 0) + 1;
      this.#counts.set(key, count);
      this.mostOfOneCause = Math.max(this.mostOfOneCause, count);
    }
  }
}

setFlagsFromString("--expose-gc");
const collect: () => void = runInNewContext("gc");

function heapOctets(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

const COALESCED_OCTETS = 65_536;
const SEND_HOLD_SEC = 60;
/** Compiled code comes to a third of it; an object kept of each row would be beyond. */
const GROWTH_OCTETS_MAX = 1 << 20;
