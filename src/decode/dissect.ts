import { BFD_STATES } from "../bfd/sessions/contract.ts";
import { type ControlPacket, DIAG_TEXT, decodeControlPacket } from "../bfd/wire/control-packet.ts";
import { type Capabilities, decodeCapabilities } from "../bgp/wire/capability.ts";
import { HEADER_OCTETS } from "../bgp/wire/header.ts";
import { MessageType, Safi } from "../bgp/wire/iana.ts";
import type { Capability, WireContext } from "../bgp/wire/message.ts";
import {
  CAPABILITY_NAMES,
  MESSAGE_NAMES,
  notificationName,
  REFRESH_NAMES,
  ROLE_NAMES,
} from "../bgp/wire/names.ts";
import { decodeNotification } from "../bgp/wire/notification.ts";
import { decodeUpdate, splitBody } from "../bgp/wire/update.ts";
import { Afi, formatAddress } from "../core/address.ts";
import { ByteReader, toHex } from "../core/bytes.ts";
import { dissectAsPath, dissectAttributes, dissectNlri } from "./dissect-attributes.ts";
import type { DecodeRecord, Facts } from "./record.ts";
import { wholeMessage } from "./verdict.ts";

/**
 * What the octets say, as far as they can be read: a dissector shows the attribute a receiver would
 * discard and the message it would not survive. Judging is `verdict.ts`'s.
 */
export function dissect(record: DecodeRecord, context: WireContext | undefined): Facts {
  const { encoding, octets } = record;
  if (context === undefined) return dissectBfd(octets);
  switch (encoding) {
    case "message":
    case "body":
      return dissectMessage(wholeMessage(record), context);
    case "attributes":
      return { attributes: dissectAttributes(octets, context) };
    case "as_path":
      return { asPath: dissectAsPath(octets, context.as4) };
    case "nlri":
      return { nlri: dissectNlri(octets, { afi: record.hints.afi ?? Afi.Ipv4, safi: 1 }, context) };
    case "capability":
      return { capabilities: dissectCapabilities(octets) };
    case "optional_parameters":
      return dissectParameters(Math.min(octets.length, 255), octets);
    case "bfd":
      return dissectBfd(octets);
  }
}

function dissectMessage(octets: Uint8Array, context: WireContext): Facts {
  const reader = new ByteReader(octets.subarray(16));
  const lengthOctets = reader.u16();
  const type = reader.u8();
  const body = octets.subarray(HEADER_OCTETS, Math.max(HEADER_OCTETS, lengthOctets));
  const head = { type: MESSAGE_NAMES[type] ?? type, lengthOctets };
  switch (type) {
    case MessageType.Open:
      return { ...head, ...dissectOpen(body) };
    case MessageType.Update:
      return { ...head, ...dissectUpdate(body, context) };
    case MessageType.Notification:
      return { ...head, ...dissectNotification(body) };
    case MessageType.RouteRefresh:
      return { ...head, ...dissectRefresh(body) };
    default:
      return head;
  }
}

function dissectOpen(body: Uint8Array): Facts {
  const reader = new ByteReader(body);
  const version = reader.u8();
  const myAs = reader.u16();
  const holdTimeSec = reader.u16();
  const bgpIdentifier = reader.take(4);
  const parametersOctets = reader.u8();
  if (reader.overrun) return {};
  return {
    version,
    myAs,
    holdTimeSec,
    bgpIdentifier: formatAddress(bgpIdentifier),
    ...dissectParameters(parametersOctets, reader.rest()),
  };
}

/** RFC 5492 §4 or RFC 9072 §2; what leaves the message shows as hex. */
function dissectParameters(lengthOctets: number, octets: Uint8Array): Facts {
  const isExtended = lengthOctets !== 0 && octets[0] === 255;
  const reader = new ByteReader(octets);
  if (isExtended) reader.take(3);
  const capabilities: Facts[] = [];
  const others: Facts[] = [];
  while (reader.remaining > 0) {
    const from = reader.offset;
    const type = reader.u8();
    const value = reader.take(isExtended ? reader.u16() : reader.u8());
    if (reader.overrun) others.push({ malformed: true, hex: toHex(octets.subarray(from)) });
    else if (type === CAPABILITIES_TYPE) capabilities.push(...dissectCapabilities(value));
    else others.push({ parameter: type, hex: toHex(value) });
  }
  return { capabilities, ...(others.length === 0 ? {} : { otherParameters: others }) };
}

function dissectCapabilities(octets: Uint8Array): readonly Facts[] {
  const reader = new ByteReader(octets);
  const facts: Facts[] = [];
  while (reader.remaining > 0) {
    const from = reader.offset;
    const code = reader.u8();
    const value = reader.take(reader.u8());
    const into: Capabilities = { capabilities: [], ignored: [] };
    decodeCapabilities(octets.subarray(from, reader.offset), into);
    const [capability] = into.capabilities;
    facts.push({
      code,
      name: CAPABILITY_NAMES[code] ?? null,
      hex: toHex(reader.overrun ? octets.subarray(from + 2) : value),
      ...(capability === undefined ? { malformed: true } : capabilityFacts(capability)),
    });
  }
  return facts;
}

function capabilityFacts(capability: Capability): Facts {
  switch (capability.kind) {
    case "multiprotocol":
      return { ...capability.family };
    case "four-octet-as":
      return { as: capability.as };
    case "role":
      return { role: capability.role, roleName: ROLE_NAMES[capability.role] ?? null };
    case "graceful-restart":
    case "add-path":
    case "fqdn":
    case "software-version": {
      const { kind: _kind, ...facts } = capability;
      return facts;
    }
    case "route-refresh":
    case "enhanced-route-refresh":
    case "extended-message":
    case "unknown":
      return {};
  }
}

function dissectUpdate(body: Uint8Array, context: WireContext): Facts {
  const fields = splitBody(body);
  if (!fields.ok) return { bodyHex: toHex(body) };
  const { withdrawn, attributes, nlri } = fields.value;
  const ipv4 = { afi: Afi.Ipv4, safi: Safi.Unicast };
  const update = decodeUpdate(body, context);
  const endOfRib = update.ok ? update.value.endOfRib : undefined;
  return {
    withdrawn: dissectNlri(withdrawn, ipv4, context),
    attributes: dissectAttributes(attributes, context),
    nlri: dissectNlri(nlri, ipv4, context),
    ...(endOfRib === undefined ? {} : { endOfRib }),
  };
}

function dissectNotification(body: Uint8Array): Facts {
  const { code, subcode, data, shutdownCommunication } = decodeNotification(body);
  return {
    code,
    subcode,
    name: notificationName(code, subcode),
    dataHex: toHex(data),
    ...(shutdownCommunication === undefined ? {} : { shutdownCommunication }),
  };
}

function dissectRefresh(body: Uint8Array): Facts {
  const reader = new ByteReader(body);
  const afi = reader.u16();
  const subtype = reader.u8();
  const safi = reader.u8();
  if (reader.overrun) return { bodyHex: toHex(body) };
  const rest = reader.rest();
  return {
    afi,
    safi,
    subtype,
    name: REFRESH_NAMES[subtype] ?? null,
    ...(rest.length === 0 ? {} : { restHex: toHex(rest) }),
  };
}

function dissectBfd(octets: Uint8Array): Facts {
  const decoded = decodeControlPacket(octets);
  const packet = decoded.ok ? decoded.value : decoded.fault.packet;
  return packet === undefined ? { hex: toHex(octets) } : bfdFacts(packet);
}

function bfdFacts(packet: ControlPacket): Facts {
  const { auth, ...fields } = packet;
  const authFacts =
    auth === undefined
      ? {}
      : {
          authType: auth.type,
          authKeyId: auth.keyId,
          ...(auth.sequence === undefined ? {} : { authSequence: auth.sequence }),
          [auth.sequence === undefined ? "authPasswordHex" : "authDigestHex"]: toHex(auth.data),
        };
  return {
    type: "BFD",
    ...fields,
    diagName: DIAG_TEXT[packet.diag] ?? null,
    stateCode: BFD_STATES.indexOf(packet.state),
    ...authFacts,
  };
}

const CAPABILITIES_TYPE = 2;
