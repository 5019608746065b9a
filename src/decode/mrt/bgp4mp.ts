import { HEADER_OCTETS } from "../../bgp/wire/header.ts";
import { MessageType } from "../../bgp/wire/iana.ts";
import { Bgp4mpSubtype, BgpSubtype } from "../../bgp/wire/mrt-codes.ts";
import { Afi } from "../../core/address.ts";
import { ByteReader } from "../../core/bytes.ts";
import { type BgpMessage, broken, type Entry, type SessionEnd } from "./entry.ts";
import type { MrtRecord } from "./record-reader.ts";

/** BGP4MP and BGP4MP_ET (RFC 6396 §4.4, RFC 8050 §3). */
export function decodeBgp4mp({ subtype, body }: MrtRecord): readonly Entry[] {
  switch (subtype) {
    case Bgp4mpSubtype.StateChange:
    case Bgp4mpSubtype.StateChangeAs4:
      return [decodeStateChange(body, subtype === Bgp4mpSubtype.StateChangeAs4)];
    case Bgp4mpSubtype.Message:
    case Bgp4mpSubtype.MessageAddPath:
    case Bgp4mpSubtype.MessageLocal:
    case Bgp4mpSubtype.MessageLocalAddPath:
      return decodeMessage(body, subtype, false);
    case Bgp4mpSubtype.MessageAs4:
    case Bgp4mpSubtype.MessageAs4AddPath:
    case Bgp4mpSubtype.MessageAs4Local:
    case Bgp4mpSubtype.MessageAs4LocalAddPath:
      return decodeMessage(body, subtype, true);
    default:
      return [{ kind: "unread", octets: body }];
  }
}

/** The deprecated type 5, IPv4 and 2-octet AS numbers only (RFC 6396 §B.2.1). */
export function decodeOldBgp({ subtype, body }: MrtRecord): readonly Entry[] {
  const reader = new ByteReader(body);
  if (subtype === BgpSubtype.StateChange) {
    const peer = { as: reader.u16(), address: reader.take(4) };
    const [oldState, newState] = [reader.u16(), reader.u16()];
    if (reader.overrun) return [CUT_SHORT];
    return [{ kind: "state-change", peer, local: undefined, oldState, newState }];
  }
  const messageType = OLD_MESSAGE_TYPES[subtype];
  if (messageType === undefined) return [{ kind: "unread", octets: body }];
  const peer = { as: reader.u16(), address: reader.take(4) };
  const local = { as: reader.u16(), address: reader.take(4) };
  if (reader.overrun) return [CUT_SHORT];
  if (reader.remaining > BODY_OCTETS_MAX) return [broken("a message longer than any can be")];
  return [
    {
      kind: "message",
      ...{ peer, local, interfaceIndex: undefined, isLocal: false },
      ...{ as4: false, hasPathIds: false, messageType, body: reader.rest() },
    },
  ];
}

function decodeStateChange(body: Uint8Array, as4: boolean): Entry {
  const reader = new ByteReader(body);
  const session = readSession(reader, as4);
  const [oldState, newState] = [reader.u16(), reader.u16()];
  if (reader.overrun) return CUT_SHORT;
  if (typeof session === "string") return broken(session);
  const { peer, local } = session;
  return { kind: "state-change", peer, local, oldState, newState };
}

function decodeMessage(body: Uint8Array, subtype: number, as4: boolean): readonly Entry[] {
  const reader = new ByteReader(body);
  const session = readSession(reader, as4);
  if (typeof session === "string") return [reader.overrun ? CUT_SHORT : broken(session)];
  const marker = reader.take(16);
  const lengthOctets = reader.u16();
  const messageType = reader.u8();
  if (reader.overrun) return [CUT_SHORT];
  if (marker.some((octet) => octet !== 0xff)) return [broken("the marker is not all ones")];
  if (lengthOctets < HEADER_OCTETS) return [broken(`a message of ${lengthOctets} octets`)];
  const rest = reader.rest();
  const bodyOctets = lengthOctets - HEADER_OCTETS;
  const message: BgpMessage = {
    kind: "message",
    ...session,
    ...{ isLocal: LOCAL_SUBTYPES.has(subtype), as4, hasPathIds: ADD_PATH_SUBTYPES.has(subtype) },
    ...{ messageType, body: rest.subarray(0, bodyOctets) },
  };
  if (rest.length === bodyOctets) return [message];
  const error =
    rest.length < bodyOctets
      ? `the record ends inside the message, ${bodyOctets - rest.length} octets are missing`
      : `${rest.length - bodyOctets} octets behind the message`;
  return [message, broken(error)];
}

type Session = Pick<BgpMessage, "peer" | "local" | "interfaceIndex">;

/** Both ends, or what is wrong with them; a string too where the octets do not suffice. */
function readSession(reader: ByteReader, as4: boolean): Session | string {
  const peerAs = as4 ? reader.u32() : reader.u16();
  const localAs = as4 ? reader.u32() : reader.u16();
  // An old Zebra left out interface, family and addresses of a session it was still opening.
  if (reader.remaining === STATES_OCTETS || isMarkerNext(reader)) {
    const address = new Uint8Array(4);
    const ends = { peer: { as: peerAs, address }, local: { as: localAs, address } };
    return { ...ends, interfaceIndex: undefined };
  }
  const interfaceIndex = reader.u16();
  const afi = reader.u16();
  const addressOctets = afi === Afi.Ipv4 ? 4 : 16;
  const peer: SessionEnd = { as: peerAs, address: reader.take(addressOctets) };
  const local: SessionEnd = { as: localAs, address: reader.take(addressOctets) };
  if (reader.overrun) return CUT_SHORT.error;
  if (afi !== Afi.Ipv4 && afi !== Afi.Ipv6) return `a session of address family ${afi}`;
  return { peer, local, interfaceIndex };
}

function isMarkerNext({ bytes, offset }: ByteReader): boolean {
  const next = bytes.subarray(offset, offset + 16);
  return next.length === 16 && next.every((octet) => octet === 0xff);
}

const CUT_SHORT = broken("the record ends inside its fields");

const LOCAL_SUBTYPES: ReadonlySet<number> = new Set([
  Bgp4mpSubtype.MessageLocal,
  Bgp4mpSubtype.MessageAs4Local,
  Bgp4mpSubtype.MessageLocalAddPath,
  Bgp4mpSubtype.MessageAs4LocalAddPath,
]);

const ADD_PATH_SUBTYPES: ReadonlySet<number> = new Set([
  Bgp4mpSubtype.MessageAddPath,
  Bgp4mpSubtype.MessageAs4AddPath,
  Bgp4mpSubtype.MessageLocalAddPath,
  Bgp4mpSubtype.MessageAs4LocalAddPath,
]);

const OLD_MESSAGE_TYPES: Readonly<Record<number, number>> = {
  [BgpSubtype.Update]: MessageType.Update,
  [BgpSubtype.Open]: MessageType.Open,
  [BgpSubtype.Notify]: MessageType.Notification,
  [BgpSubtype.Keepalive]: MessageType.Keepalive,
};

const STATES_OCTETS = 4;
const BODY_OCTETS_MAX = 0xffff - HEADER_OCTETS;
