import { MessageType } from "../bgp/wire/iana.ts";
import type { Family } from "../bgp/wire/message.ts";
import type { Afi } from "../core/address.ts";
import { fromHex } from "../core/bytes.ts";
import { err, ok, type Result } from "../core/result.ts";
import {
  type ContextHints,
  type DecodeRecord,
  ENCODINGS,
  type Encoding,
  type Input,
  type Place,
  type Told,
} from "./record.ts";

/**
 * One line of JSON: `hex`, and as far as they are known `kind` (`bgp`, `bfd`, or a message's),
 * `encoding`, `messageType`, and the session's `as4`, `addPath`, `session`, `peerAs`,
 * `extendedMessages`, `afi`, on the record itself or in its `context`, in camel or snake case.
 * Other members are left alone, but `id` goes along into the place.
 */
export function readJsonLine(line: string, place: Place, told: Told): Input {
  const parsed = parseObject(line);
  if (!parsed.ok) return { place, error: parsed.fault };
  const record = parsed.value;
  const where = typeof record.id === "string" ? { ...place, id: record.id } : place;
  const octets = typeof record.hex === "string" ? fromHex(record.hex) : undefined;
  if (octets === undefined) return { place: where, error: "no member `hex` of hexadecimal octets" };
  const hints = hintsOf(record, told);
  if (!hints.ok) return { place: where, error: hints.fault };
  const shape = shapeOf(record, octets, told);
  return shape.ok
    ? { place: where, octets, hints: hints.value, ...shape.value }
    : { place: where, error: shape.fault };
}

/** BFD where it looks like nothing else: version 1, and its Length is all there is. */
export function guessEncoding(octets: Uint8Array): Encoding {
  const isBfd = octets.length >= 24 && (octets[0] ?? 0) >> 5 === 1 && octets[3] === octets.length;
  return isBfd && octets[0] !== 0xff ? "bfd" : "message";
}

type Members = Readonly<Record<string, unknown>>;

function parseObject(line: string): Result<Members, string> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      return ok(value as Members);
    }
    return err("not a JSON object");
  } catch (error) {
    if (error instanceof SyntaxError) return err(`not JSON: ${error.message}`);
    throw error;
  }
}

function shapeOf(
  record: Members,
  octets: Uint8Array,
  defaults: Told,
): Result<Pick<DecodeRecord, "encoding" | "messageType">, string> {
  const kind = record.kind ?? record.proto;
  const told = record.encoding ?? defaults.encoding;
  const messageType = member(record, "messageType") ?? defaults.messageType;
  if (told !== undefined && !ENCODINGS.includes(told as Encoding)) {
    return err(`unknown encoding ${JSON.stringify(told)}`);
  }
  const encoding = (told as Encoding | undefined) ?? encodingOfKind(kind) ?? guessEncoding(octets);
  if (encoding !== "body") return ok({ encoding });
  const type = typeof messageType === "number" ? messageType : TYPE_OF_KIND[String(kind)];
  return type === undefined
    ? err("a body without `messageType`")
    : ok({ encoding, messageType: type });
}

function encodingOfKind(kind: unknown): Encoding | undefined {
  if (kind === undefined || kind === null) return undefined;
  return kind === "bfd" ? "bfd" : "message";
}

const TYPE_OF_KIND: Readonly<Record<string, MessageType>> = {
  open: MessageType.Open,
  update: MessageType.Update,
  notification: MessageType.Notification,
  keepalive: MessageType.Keepalive,
  route_refresh: MessageType.RouteRefresh,
};

function hintsOf(record: Members, defaults: Told): Result<ContextHints, string> {
  const context = record.context;
  const nested = typeof context === "object" && context !== null ? (context as Members) : {};
  const told = (name: string): unknown => member(record, name) ?? member(nested, name);
  const as4 = told("as4");
  const session = told("session");
  const peerAs = told("peerAs");
  const extendedMessages = told("extendedMessages");
  const afi = told("afi");
  const addPath = told("addPath");
  const families = addPath === undefined ? undefined : familiesOf(addPath);
  if (addPath !== undefined && families === undefined) {
    return err("`addPath` is no list of [AFI, SAFI]");
  }
  if (session !== undefined && session !== "ebgp" && session !== "ibgp") {
    return err("`session` is neither ebgp nor ibgp");
  }
  return ok({
    ...sessionOf(defaults),
    // `"either"` leaves it open, as its absence does.
    ...(typeof as4 === "boolean" ? { as4 } : {}),
    ...(session === undefined ? {} : { session }),
    ...(typeof peerAs === "number" ? { peerAs } : {}),
    ...(families === undefined ? {} : { addPath: families }),
    ...(typeof extendedMessages === "boolean" ? { extendedMessages } : {}),
    ...(afi === 1 || afi === 2 ? { afi: afi as Afi } : {}),
  });
}

/** What was told about the session, without what was told about the octets. */
export function sessionOf(told: Told): ContextHints {
  const { as4, session, peerAs, addPath, extendedMessages, afi } = told;
  return {
    ...(as4 === undefined ? {} : { as4 }),
    ...(session === undefined ? {} : { session }),
    ...(peerAs === undefined ? {} : { peerAs }),
    ...(addPath === undefined ? {} : { addPath }),
    ...(extendedMessages === undefined ? {} : { extendedMessages }),
    ...(afi === undefined ? {} : { afi }),
  };
}

/** `peerAs` or `peer_as`; null counts as absent. */
function member(members: Members, name: string): unknown {
  const snake = name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return members[name] ?? members[snake] ?? undefined;
}

function familiesOf(value: unknown): readonly Family[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const families: Family[] = [];
  for (const pair of value) {
    if (!Array.isArray(pair) || typeof pair[0] !== "number" || typeof pair[1] !== "number") {
      return undefined;
    }
    families.push({ afi: pair[0], safi: pair[1] });
  }
  return families;
}
