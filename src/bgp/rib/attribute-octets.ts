import { assert } from "../../core/assert.ts";
import type { ByteWriter } from "../../core/bytes.ts";
import { type AttributeEncoding, writeAttributes } from "../wire/attribute-encode.ts";
import { decodeAttributes, finishAttributes } from "../wire/attributes.ts";
import { AttributeFlag } from "../wire/iana.ts";
import type { PathAttributes, WireContext } from "../wire/message.ts";

/**
 * The canonical octets of an attribute set: length and octets of the next hop, then the path
 * attributes as an UPDATE between 4-octet AS speakers carries them, without NEXT_HOP. Equal sets
 * have equal octets, and an UPDATE is built by copying them.
 */
export function packAttributes(attributes: PathAttributes, into: ByteWriter): void {
  into.u8(attributes.nextHop.length).octets(attributes.nextHop);
  writeAttributes(attributes, CANONICAL, into);
}

/** The attributes behind canonical octets; octet fields are views on them. */
export function unpackAttributes(octets: Uint8Array): PathAttributes {
  const start = attributesStart(octets, 0);
  const list = decodeAttributes(octets.subarray(start), CONTEXT);
  assert(list.ok, "canonical octets decode");
  const attributes = finishAttributes(list.value.draft, octets.subarray(1, start));
  assert(attributes !== undefined, "canonical octets hold ORIGIN and AS_PATH");
  return attributes;
}

/** Where the path attributes begin in canonical octets that begin at `start`. */
export const attributesStart = (octets: Uint8Array, start: number): number =>
  start + 1 + (octets[start] ?? 0);

/**
 * Where, from `at` on, the first attribute of at least this type begins; `end` if there is none.
 */
export function skipToType(octets: Uint8Array, at: number, end: number, type: number): number {
  let offset = at;
  while (offset < end && (octets[offset + 1] ?? 0) < type) offset = attributeEnd(octets, offset);
  return offset;
}

/** Where the attribute that begins at `at` ends. */
export function attributeEnd(octets: Uint8Array, at: number): number {
  const length = octets[at + 2] ?? 0;
  return ((octets[at] ?? 0) & AttributeFlag.ExtendedLength) === 0
    ? at + 3 + length
    : at + 4 + ((length << 8) | (octets[at + 3] ?? 0));
}

const CANONICAL: AttributeEncoding = { as4: true, session: "ibgp", includeNextHop: false };

const CONTEXT: WireContext = {
  as4: true,
  extendedMessages: true,
  addPath: [],
  families: undefined,
  session: "ibgp",
  peerAs: undefined,
};
