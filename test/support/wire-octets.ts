import { encodeMessage } from "../../src/bgp/wire/header.ts";
import type { MessageType } from "../../src/bgp/wire/iana.ts";
import type { UpdateMessage, WireContext } from "../../src/bgp/wire/message.ts";
import { decodeUpdate, encodeUpdate } from "../../src/bgp/wire/update.ts";
import { concatBytes, fromHex } from "../../src/core/bytes.ts";

/** Octets of hex text; white space is free. */
export function octets(text: string): Uint8Array {
  const bytes = fromHex(text);
  if (bytes === undefined) throw new Error(`no hex: ${text}`);
  return bytes;
}

/** An external session of 4-octet AS numbers with AS 45104. */
export const EBGP: WireContext = {
  as4: true,
  extendedMessages: false,
  addPath: [],
  families: undefined,
  session: "ebgp",
  peerAs: 45104,
};
export const IBGP: WireContext = { ...EBGP, session: "ibgp", peerAs: 65001 };
/** An OLD speaker (RFC 6793 §2), AS 65002. */
export const OLD: WireContext = { ...EBGP, as4: false, peerAs: 65002 };

export const ORIGIN = "40010100";
export const AS_PATH = "4002060201 0000b030";
export const NEXT_HOP = "4003040a000002";
/** The three attributes every IPv4 route has, and 10.20.0.0/24. */
export const BASE = `${ORIGIN} ${AS_PATH} ${NEXT_HOP}`;
export const NLRI = "180a1400";

export interface UpdateText {
  readonly withdrawn?: string;
  readonly attributes?: string;
  readonly nlri?: string;
}

/** The body of an UPDATE whose lengths are right. */
export const updateBody = (fields: UpdateText): Uint8Array =>
  encodeUpdate({
    withdrawn: octets(fields.withdrawn ?? ""),
    attributes: octets(fields.attributes ?? ""),
    nlri: octets(fields.nlri ?? ""),
  }).subarray(19);

export const decodedUpdate = (fields: UpdateText, context: WireContext = EBGP) =>
  decodeUpdate(updateBody(fields), context);

/** The UPDATE, which must leave the session up. */
export function survivor(fields: UpdateText, context: WireContext = EBGP): UpdateMessage {
  const decoded = decodedUpdate(fields, context);
  if (!decoded.ok) throw new Error(`session reset: ${decoded.fault.because}`);
  return decoded.value;
}

/** Base attributes and `more`, with one route: what became of it and why. */
export function outcome(more: string, context: WireContext = EBGP) {
  const update = survivor({ attributes: `${BASE} ${more}`, nlri: NLRI }, context);
  const reasons = update.faults.map((fault) => fault.reason);
  return { treatAsWithdraw: update.treatAsWithdraw, reasons, attributes: update.attributes };
}

/** A body of an OPEN from AS 45104, 90 s, 10.0.0.2. */
export const openBody = (parameters: string, lengthOctets?: number): Uint8Array => {
  const octetsOfParameters = octets(parameters);
  const length = lengthOctets ?? octetsOfParameters.length;
  return concatBytes([octets("04 b030 005a 0a000002"), Uint8Array.of(length), octetsOfParameters]);
};

export const message = (type: MessageType, body: string): Uint8Array =>
  encodeMessage(type, octets(body));
