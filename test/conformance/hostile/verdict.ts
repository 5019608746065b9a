import type { Message } from "../../../src/bgp/wire/message.ts";
import { toHex } from "../../../src/core/bytes.ts";
import {
  ALL_BEFORE,
  BEHIND,
  type HostileRow,
  isNotification,
  isOpen,
  isUpdate,
  namedBy,
  octetsOf,
  type Target,
} from "./target.ts";

/** What is wrong with what became of a row that was said, with a valid UPDATE behind it. */
export function complaints(target: Target): string[] {
  const { row } = target;
  const heard = target.heard();
  const found = [...afterwards(target, heard), ...logged(target)];
  if (target.solo.logs("bgp.peer.internal-error").length > 0) found.push("an internal error");
  return found.map((complaint) => `${row.id}: ${complaint}`);
}

function afterwards(target: Target, heard: readonly Message[]): string[] {
  const { row } = target;
  if (isNotification(row)) return [...over(target), ...silent(heard)];
  if (row.expect.action === "session_reset") return [...over(target), ...reset(row, heard)];
  const found: string[] = [];
  if (target.state !== "Established") found.push(`the session is ${target.state}`);
  if (heard.some(({ kind }) => kind === "notification")) found.push("a NOTIFICATION was sent");
  if (!target.has(BEHIND)) found.push("the valid UPDATE behind it does not count");
  if (isUpdate(row)) found.push(...routes(target));
  return found;
}

/** Nothing of the peer is left, nor is what it said behind the end. */
function over(target: Target): string[] {
  const found = [...ALL_BEFORE, BEHIND].filter((prefix) => target.has(prefix));
  return [
    ...(target.state === "Idle" ? [] : [`the session is ${target.state}`]),
    ...found.map((prefix) => `${prefix} is left`),
    ...(target.solo.peer().downReason === undefined ? ["nothing says why it is down"] : []),
  ];
}

/** RFC 4271 §6.4: a NOTIFICATION is never answered by one. */
const silent = (heard: readonly Message[]): string[] =>
  heard.some(({ kind }) => kind === "notification") ? ["it was answered"] : [];

function reset({ expect }: HostileRow, heard: readonly Message[]): string[] {
  const last = heard.at(-1);
  const count = heard.filter(({ kind }) => kind === "notification").length;
  if (last?.kind !== "notification" || count !== 1) return [`${count} NOTIFICATIONs were sent`];
  const found: string[] = [];
  if (last.code !== expect.code || last.subcode !== expect.subcode) {
    found.push(`${last.code}/${last.subcode}, not ${expect.code}/${expect.subcode}`);
  }
  const data = toHex(last.data);
  if (expect.dataHex !== undefined && data !== expect.dataHex) found.push(`data ${data}`);
  if (last.data.length > 4096 - 21) found.push(`${last.data.length} octets of data`);
  return found;
}

function routes(target: Target): string[] {
  const { row } = target;
  const named = namedBy(row);
  if (row.expect.action !== "treat_as_withdraw") {
    return named.filter((prefix) => !target.has(prefix)).map((prefix) => `${prefix} is missing`);
  }
  const left = target.leftBefore();
  const wanted = ALL_BEFORE.filter((prefix) => !named.includes(prefix));
  return left.join() === wanted.join() ? [] : [`of the routes before, ${left} are left`];
}

/** RFC 7606 §6: each fault of an UPDATE is counted, and logged with the whole message. */
function logged(target: Target): string[] {
  const { row, solo } = target;
  const { action } = row.expect;
  const isFaulty = action !== "accept" && !(isOpen(row) && action === "ignore_capability");
  const discards = Object.keys(solo.peer().counters.discards);
  if (isFaulty && discards.length === 0) return ["nothing was counted"];
  if (discards.length > 8) return [`${discards.length} reasons were counted`];
  if (!isUpdate(row) || action === "accept") return [];
  const lines = solo.logs("bgp.update.malformed");
  const hex = toHex(octetsOf(row));
  if (lines.some(({ fields }) => fields.hex === hex)) return [];
  return [`the log has ${lines.length} malformed messages, not the whole of this one`];
}
