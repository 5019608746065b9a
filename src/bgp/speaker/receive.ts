import type { LogFields, LogLevel } from "../../core/log.ts";
import type { Micros } from "../../core/time.ts";
import type { Event } from "../fsm/event.ts";
import { type Negotiated, sameFamily } from "../fsm/negotiate.ts";
import { notificationText } from "../fsm/texts.ts";
import type { ReceiveOutcome } from "../rib/contract.ts";
import type { Frame } from "../wire/framer.ts";
import { ErrorCode, MessageType, OpenSubcode } from "../wire/iana.ts";
import type { Family, NotificationMessage, OpenMessage, UpdateMessage } from "../wire/message.ts";
import { decodeNotification } from "../wire/notification.ts";
import { decodeOpen } from "../wire/open.ts";
import { decodeRouteRefresh, RefreshSubtype } from "../wire/route-refresh.ts";
import { decodeUpdate } from "../wire/update.ts";
import type { Channel, Connection } from "./channel.ts";
import type { SpeakerEffect } from "./effects.ts";
import { SPEAKER_LIMITS } from "./limits.ts";
import { type Malformed, malformedFields } from "./malformed.ts";
import type { RefreshIn } from "./refresh-in.ts";
import type { RefreshOut } from "./refresh-out.ts";
import type { MessageKind } from "./view.ts";

/** What reading messages does to the peer they come from. */
export interface Reader {
  apply(channel: Channel, event: Event, now: Micros, out: SpeakerEffect[]): void;
  opened(channel: Channel, open: OpenMessage, now: Micros, out: SpeakerEffect[]): void;
  /** Hands an UPDATE to the RIB. */
  updated(update: UpdateMessage): ReceiveOutcome;
  limitReached(
    outcome: Exclude<ReceiveOutcome, { kind: "ok" }>,
    now: Micros,
    out: SpeakerEffect[],
  ): void;
  endOfRib(family: Family, out: SpeakerEffect[]): void;
  /** The peer's ROUTE-REFRESHs, and BoRR and EoRR of its own refresh (RFC 7313 §4). */
  readonly refreshOut: Pick<RefreshOut, "requested">;
  readonly refreshIn: Pick<RefreshIn, "begun" | "ended">;
  /** Asks before a line is built: see `LogGate.admit`. */
  admitLog(cause: string, now: Micros): number | undefined;
  log(level: LogLevel, event: string, fields: LogFields, out: SpeakerEffect[]): void;
}

/**
 * Decodes what waits on a connection, up to about `octetsMax` octets of messages, and applies it.
 * Hot path: frame → decodeUpdate → RIB, without an object per route. Returns the octets taken; 0
 * means that no whole message is left.
 */
export function receive(
  reader: Reader,
  channel: Channel,
  octetsMax: number,
  now: Micros,
  out: SpeakerEffect[],
): number {
  const { connection } = channel;
  let octets = 0;
  while (octets < octetsMax && connection !== undefined && channel.connection === connection) {
    if (channel.heldOpen !== undefined) break;
    const { negotiated } = channel.session;
    const frame = connection.framer.next(negotiated?.wire.extendedMessages ?? false);
    if (!frame.ok) {
      channel.tally.discard(frame.fault.reason);
      reader.apply(channel, { kind: "BGPHeaderErr", fault: frame.fault }, now, out);
      break;
    }
    if (frame.value === undefined) break;
    octets += frame.value.octets.length;
    channel.tally.messagesIn[KINDS[frame.value.type]] += 1;
    readFrame(reader, channel, frame.value, now, out);
  }
  return octets;
}

/**
 * The connection is gone, but octets of it are not read yet. Of those only a NOTIFICATION still
 * matters: it says why.
 */
export function lastNotification(
  connection: Connection,
  negotiated: Negotiated | undefined,
): NotificationMessage | undefined {
  for (;;) {
    const frame = connection.framer.next(negotiated?.wire.extendedMessages ?? false);
    if (!frame.ok || frame.value === undefined) return undefined;
    if (frame.value.type === MessageType.Notification) return decodeNotification(frame.value.body);
  }
}

function readFrame(
  reader: Reader,
  channel: Channel,
  frame: Frame,
  now: Micros,
  out: SpeakerEffect[],
): void {
  switch (frame.type) {
    case MessageType.Update:
      readUpdate(reader, channel, frame, now, out);
      break;
    case MessageType.Keepalive:
      reader.apply(channel, KEEPALIVE, now, out);
      break;
    case MessageType.Open:
      readOpen(reader, channel, frame, now, out);
      break;
    case MessageType.Notification:
      reader.apply(channel, notificationEvent(decodeNotification(frame.body)), now, out);
      break;
    case MessageType.RouteRefresh:
      readRouteRefresh(reader, channel, frame, now, out);
  }
}

export function notificationEvent(
  message: NotificationMessage,
): Extract<Event, { kind: "NotifMsg" | "NotifMsgVerErr" }> {
  const { code, subcode } = message;
  const isVersion =
    code === ErrorCode.OpenMessageError && subcode === OpenSubcode.UnsupportedVersionNumber;
  const notification = { code, subcode, text: notificationText(message) };
  return { kind: isVersion ? "NotifMsgVerErr" : "NotifMsg", notification };
}

function readUpdate(
  reader: Reader,
  channel: Channel,
  frame: Frame,
  now: Micros,
  out: SpeakerEffect[],
): void {
  const { session, tally } = channel;
  const { negotiated } = session;
  if (session.state !== "Established" || negotiated === undefined) {
    reader.apply(channel, UPDATE, now, out);
    return;
  }
  const decoded = decodeUpdate(frame.body, negotiated.wire);
  if (!decoded.ok) {
    tally.discard(decoded.fault.reason);
    const { fault } = decoded;
    const context = negotiated.wire;
    logMalformed(reader, { frame, context, update: undefined, fault }, now, out);
    reader.apply(channel, { kind: "UpdateMsgErr", fault }, now, out);
    return;
  }
  const update = decoded.value;
  reader.apply(channel, UPDATE, now, out);
  for (const fault of update.faults) {
    tally.discard(fault.reason);
    logMalformed(reader, { frame, context: negotiated.wire, update, fault }, now, out);
  }
  for (const _family of update.ignored) tally.discard("family-not-negotiated");
  const outcome = reader.updated(update);
  if (update.endOfRib !== undefined) reader.endOfRib(update.endOfRib, out);
  if (outcome.kind !== "ok") reader.limitReached(outcome, now, out);
}

/** A few lines a minute for a cause; of them, few may be as long as RFC 8654 allows. */
function logMalformed(
  reader: Reader,
  malformed: Omit<Malformed, "octetsMax">,
  now: Micros,
  out: SpeakerEffect[],
): void {
  const { frame, fault } = malformed;
  const suppressed = reader.admitLog(fault.reason, now);
  if (suppressed === undefined) return;
  const { malformedOctetsLogged: ordinaryMax } = SPEAKER_LIMITS;
  const isLong = frame.octets.length > ordinaryMax;
  const isWhole = !isLong || reader.admitLog("long-message", now) !== undefined;
  const octetsMax = isWhole ? frame.octets.length : ordinaryMax;
  const fields = { ...malformedFields({ ...malformed, octetsMax }), suppressed };
  reader.log("warn", "bgp.update.malformed", fields, out);
}

function readOpen(
  reader: Reader,
  channel: Channel,
  frame: Frame,
  now: Micros,
  out: SpeakerEffect[],
): void {
  const open = decodeOpen(frame.body);
  if (open.ok) {
    for (const { reason } of open.value.ignoredCapabilities ?? []) channel.tally.discard(reason);
    reader.opened(channel, open.value, now, out);
    return;
  }
  channel.tally.discard(open.fault.reason);
  reader.apply(channel, { kind: "BGPOpenMsgErr", fault: open.fault }, now, out);
}

/** RFC 2918 §4, RFC 7313 §4: what was not negotiated is ignored, and counted. */
function readRouteRefresh(
  reader: Reader,
  channel: Channel,
  frame: Frame,
  now: Micros,
  out: SpeakerEffect[],
): void {
  const { session, tally } = channel;
  const { negotiated } = session;
  const decoded = decodeRouteRefresh(frame.body);
  if (session.state === "Established" && negotiated !== undefined) {
    if (!negotiated.routeRefresh) {
      tally.discard("route-refresh-not-negotiated");
      return;
    }
    // RFC 7313 §5 punishes a wrong length only where both sides speak the enhanced form.
    if (!decoded.ok && !negotiated.enhancedRouteRefresh) {
      tally.discard(decoded.fault.reason);
      return;
    }
  }
  if (!decoded.ok) {
    tally.discard(decoded.fault.reason);
    reader.apply(channel, { kind: "RouteRefreshMsgErr", fault: decoded.fault }, now, out);
    return;
  }
  reader.apply(channel, ROUTE_REFRESH, now, out);
  if (session.state !== "Established" || negotiated === undefined) return;
  const { family, subtype } = decoded.value;
  if (!negotiated.families.some((other) => sameFamily(other, family))) {
    tally.discard("route-refresh-family");
    return;
  }
  const effective = negotiated.enhancedRouteRefresh ? subtype : RefreshSubtype.Request;
  if (effective === RefreshSubtype.Request) reader.refreshOut.requested(family, now);
  else if (effective === RefreshSubtype.BeginOfRefresh) reader.refreshIn.begun(family, now);
  else if (effective !== RefreshSubtype.EndOfRefresh) tally.discard("route-refresh-subtype");
  else if (!reader.refreshIn.ended(family)) tally.discard("route-refresh-without-begin");
}

const KEEPALIVE: Event = { kind: "KeepAliveMsg" };
const UPDATE: Event = { kind: "UpdateMsg" };
const ROUTE_REFRESH: Event = { kind: "RouteRefreshMsg" };

const KINDS: Readonly<Record<MessageType, MessageKind>> = {
  [MessageType.Open]: "open",
  [MessageType.Update]: "update",
  [MessageType.Notification]: "notification",
  [MessageType.Keepalive]: "keepalive",
  [MessageType.RouteRefresh]: "route-refresh",
};
