/** An ordinary UPDATE and the worst that we know of, for `bench/wire.ts`. */
import { encodeMessage } from "../../src/bgp/wire/header.ts";
import { MessageType } from "../../src/bgp/wire/iana.ts";
import type { WireContext } from "../../src/bgp/wire/message.ts";
import { encodeUpdate } from "../../src/bgp/wire/update.ts";
import { ByteWriter, concatBytes, fromHex } from "../../src/core/bytes.ts";

export const hex = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array(0);

export const CONTEXT: WireContext = {
  as4: true,
  extendedMessages: false,
  addPath: [],
  families: undefined,
  session: "ebgp",
  peerAs: undefined,
};
const LONG: WireContext = { ...CONTEXT, extendedMessages: true };
const OLD: WireContext = { ...CONTEXT, as4: false };
const IPV4 = { afi: 1, safi: 1 };
const PATHS: WireContext = { ...CONTEXT, addPath: [IPV4] };

const MANDATORY = "40010100 40020e0203 0000b030 0000fde9 0000fde8 4003040a000002";
const BASE = `${MANDATORY} c00804 0000b030`;

export interface Sample {
  readonly octets: Uint8Array;
  readonly context: WireContext;
}

/** As many of `item(i)` as fit in so many octets. */
function fill(octetsLeft: number, item: (index: number) => Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let index = 0, used = 0; ; index += 1) {
    const next = item(index);
    used += next.length;
    if (used > octetsLeft) return concatBytes(parts);
    parts.push(next);
  }
}

const update = (attributes: Uint8Array, nlri = hex("180a1400")): Uint8Array =>
  encodeUpdate({ attributes, nlri });

const sample = (octets: Uint8Array, context: WireContext = CONTEXT): Sample => ({
  octets,
  context,
});

/** An attribute of any length, optional and transitive unless told otherwise. */
function attribute(type: number, value: Uint8Array, flags = 0xd0): Uint8Array {
  return concatBytes([Uint8Array.of(flags, type, value.length >> 8, value.length & 255), value]);
}

/** The mandatory attributes and one of the type, filled with values. */
const listOf = (type: number, value: Uint8Array): Uint8Array =>
  update(concatBytes([hex(MANDATORY), attribute(type, value)]));

/** ORIGIN, this AS_PATH, NEXT_HOP. */
const withPath = (path: Uint8Array): Uint8Array =>
  update(concatBytes([hex("40010100"), attribute(2, path, 0x50), hex("4003040a000002")]));

/** A full segment of 255 ASes, the first one the peer's. */
const fullSegment = (): Uint8Array =>
  concatBytes([hex("02ff"), ...Array.from({ length: 255 }, () => hex("0000b030"))]);

/** An OPEN in the format of RFC 9072. */
function openOf(capabilities: Uint8Array): Uint8Array {
  const head = new ByteWriter(32).octets(hex("04 b030 005a 0a000002 ff ff"));
  head.u16(capabilities.length + 3);
  head.u8(2).u16(capabilities.length).octets(capabilities);
  return encodeMessage(MessageType.Open, head.finish());
}

const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const triple = (a: number, b: number, c: number): Uint8Array =>
  concatBytes([word(a), word(b), word(c)]);
const ROOM = 3900;
const ROOM_LONG = 65_000;

const prefixes24 = (count: number): Uint8Array =>
  concatBytes(Array.from({ length: count }, (_, i) => Uint8Array.of(24, 10, i >> 8, i)));

const mpUnreach = (nlri: Uint8Array): Uint8Array =>
  attribute(15, concatBytes([hex("000201"), nlri]), 0x90);
const mpReach = (nlri: Uint8Array): Uint8Array =>
  attribute(14, concatBytes([hex("00020110 20010db8000000000000000000000002 00"), nlri]), 0x90);

export const ORDINARY = "500 prefixes";

export const SAMPLES: Readonly<Record<string, Sample>> = {
  [ORDINARY]: sample(update(hex(BASE), prefixes24(500))),
  "one prefix": sample(update(hex(BASE))),
  "one prefix, withdrawn": sample(encodeUpdate({ withdrawn: hex("180a1400") })),
  KEEPALIVE: sample(encodeMessage(MessageType.Keepalive, new Uint8Array(0))),
  "End-of-RIB": sample(encodeUpdate({})),
  "default routes": sample(update(hex(BASE), new Uint8Array(ROOM))),
  "default routes, 64 kB": sample(update(hex(BASE), new Uint8Array(ROOM_LONG)), LONG),
  "default routes withdrawn": sample(encodeUpdate({ withdrawn: new Uint8Array(ROOM) })),
  "routes of 1 to 7 bits": sample(
    update(
      hex(BASE),
      fill(ROOM, (i) => Uint8Array.of(1 + (i % 7), (i * 37) & 0xff)),
    ),
  ),
  "default routes with path ids": sample(
    update(
      hex(BASE),
      fill(ROOM, (i) => concatBytes([word(i), Uint8Array.of(0)])),
    ),
    PATHS,
  ),
  "IPv6 default routes": sample(
    update(concatBytes([mpReach(new Uint8Array(ROOM)), hex(BASE)]), new Uint8Array(0)),
  ),
  "IPv6 withdrawn and announced": sample(
    update(
      concatBytes([mpUnreach(new Uint8Array(1900)), mpReach(new Uint8Array(1900)), hex(BASE)]),
    ),
  ),
  "repeated attribute": sample(update(fill(ROOM, () => hex("400600")))),
  "repeated attribute, 64 kB": sample(update(fill(ROOM_LONG, () => hex("400600"))), LONG),
  "every unknown attribute": sample(
    update(concatBytes([hex(BASE), fill(ROOM, (i) => Uint8Array.of(0xc0, (i & 0xff) | 36, 0))])),
  ),
  "219 unknown attributes": sample(
    update(
      concatBytes([
        hex(BASE),
        ...Array.from({ length: 219 }, (_, i) =>
          Uint8Array.of(0xc0, 36 + i, 14, ...hex("00".repeat(14))),
        ),
      ]),
    ),
  ),
  "every attribute malformed": sample(
    update(fill(ROOM, (i) => Uint8Array.of(0x40, [1, 2, 3, 4, 7, 8, 16, 32, 35][i % 9] ?? 1, 0))),
  ),
  "wrong flags everywhere": sample(update(fill(ROOM, (i) => Uint8Array.of(0x00, (i % 13) + 1, 0)))),
  "segments of one AS": sample(withPath(fill(ROOM - 12, () => hex("02010000b030")))),
  "2048 ASes": sample(
    withPath(concatBytes([...Array.from({ length: 8 }, fullSegment), hex("0201 0000b030")])),
    LONG,
  ),
  "2048 segments": sample(withPath(fill(2047 * 6, () => hex("02010000b030"))), LONG),
  "AS path beyond its bound": sample(withPath(fill(ROOM_LONG, fullSegment)), LONG),
  AS_SETs: sample(
    withPath(fill(ROOM - 12, (i) => (i === 0 ? hex("02010000b030") : hex("01010000fde9")))),
  ),
  "AS4 merge": sample(
    update(
      concatBytes([
        hex("40010100 5002 0708"),
        fill(1800, () => hex("02015ba0")),
        hex("d011 0708"),
        fill(1800, () => hex("02010000b030")),
        hex("4003040a000002"),
      ]),
    ),
    OLD,
  ),
  communities: sample(listOf(8, fill(ROOM, word))),
  "communities, 64 kB": sample(listOf(8, fill(ROOM_LONG, word)), LONG),
  "communities, repeated": sample(listOf(8, new Uint8Array(ROOM))),
  "large communities": sample(
    listOf(
      32,
      fill(ROOM - 8, (i) => triple(i, i * 7, i * 13)),
    ),
  ),
  "large communities, 64 kB": sample(
    listOf(
      32,
      fill(ROOM_LONG, (i) => triple(i, i * 7, i * 13)),
    ),
    LONG,
  ),
  "… but for the last word alike": sample(
    listOf(
      32,
      fill(ROOM_LONG, (i) => triple(1, 2, (i * 7919) % 5413)),
    ),
    LONG,
  ),
  "large communities, repeated": sample(
    listOf(
      32,
      fill(ROOM - 8, () => new Uint8Array(12)),
    ),
  ),
  "extended communities": sample(
    listOf(
      16,
      fill(ROOM - 8, (i) => concatBytes([word(i), word(i)])),
    ),
  ),
  "cluster list of 970": sample(
    update(
      concatBytes([
        hex("40010100 400200 4003040a000002 400504 00000064"),
        attribute(10, fill(ROOM, word), 0x90),
      ]),
    ),
    { ...CONTEXT, session: "ibgp" },
  ),
  "open full of capabilities": sample(
    openOf(fill(3800, (i) => Uint8Array.of(128 + (i & 0x7f), 0))),
  ),
};
