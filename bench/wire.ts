/**
 * What an octet costs: an UPDATE of 500 prefixes against the worst a peer could send in its place.
 * Run: `node dist/bench/wire.js`. A hostile octet must not cost more than 20 times an honest one.
 */
import { encodeAttributes } from "../src/bgp/wire/attribute-encode.ts";
import { decodeMessage } from "../src/bgp/wire/decode.ts";
import { Framer } from "../src/bgp/wire/framer.ts";
import { encodeMessage, HEADER_OCTETS } from "../src/bgp/wire/header.ts";
import { MessageType } from "../src/bgp/wire/iana.ts";
import type { WireContext } from "../src/bgp/wire/message.ts";
import { NlriCursor } from "../src/bgp/wire/nlri.ts";
import { encodeUpdate } from "../src/bgp/wire/update.ts";
import { ByteWriter, concatBytes, fromHex } from "../src/core/bytes.ts";

const hex = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array(0);

const CONTEXT: WireContext = {
  as4: true,
  extendedMessages: false,
  addPath: [],
  families: undefined,
  session: "ebgp",
  peerAs: undefined,
};
const OLD: WireContext = { ...CONTEXT, as4: false };

const MANDATORY = "40010100 40020e0203 0000b030 0000fde9 0000fde8 4003040a000002";
const BASE = `${MANDATORY} c00804 0000b030`;

/** As many of `item(i)` as fit a message of 4096 octets. */
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

/** The mandatory attributes and one of the type, filled with values. */
function listOf(type: number, value: Uint8Array): Uint8Array {
  const head = Uint8Array.of(0xd0, type, value.length >> 8, value.length);
  return update(concatBytes([hex(MANDATORY), head, value]));
}

/** An OPEN in the format of RFC 9072. */
function openOf(capabilities: Uint8Array): Uint8Array {
  const head = new ByteWriter(32).octets(hex("04 b030 005a 0a000002 ff ff"));
  head
    .u16(capabilities.length + 3)
    .u8(2)
    .u16(capabilities.length)
    .octets(capabilities);
  return encodeMessage(MessageType.Open, head.finish());
}

const word = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const ROOM = 3900;

const SAMPLES: Readonly<Record<string, readonly [Uint8Array, WireContext]>> = {
  "500 prefixes": [
    update(
      hex(BASE),
      concatBytes(Array.from({ length: 500 }, (_, i) => Uint8Array.of(24, 10, i >> 8, i))),
    ),
    CONTEXT,
  ],
  "one prefix": [update(hex(BASE)), CONTEXT],
  "default routes": [update(hex(BASE), new Uint8Array(ROOM)), CONTEXT],
  "repeated attribute": [update(fill(ROOM, () => hex("400600"))), CONTEXT],
  "every unknown attribute": [
    update(concatBytes([hex(BASE), fill(ROOM, (i) => Uint8Array.of(0xc0, (i & 0xff) | 36, 0))])),
    CONTEXT,
  ],
  "every attribute malformed": [
    update(fill(ROOM, (i) => Uint8Array.of(0x40, [1, 2, 3, 4, 7, 8, 16, 32, 35][i % 9] ?? 1, 0))),
    CONTEXT,
  ],
  "segments of one AS": [
    update(
      concatBytes([
        hex("40010100 5002"),
        hex("0f30"),
        fill(ROOM - 12, () => hex("02010000b030")),
        hex("4003040a000002"),
      ]),
    ),
    CONTEXT,
  ],
  "AS4 merge": [
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
  ],
  communities: [listOf(8, fill(ROOM, word)), CONTEXT],
  "large communities": [
    listOf(
      32,
      fill(ROOM - 8, (i) => concatBytes([word(i), word(i * 7), word(i * 13)])),
    ),
    CONTEXT,
  ],
  "large communities, repeated": [
    listOf(
      32,
      fill(ROOM - 8, () => new Uint8Array(12)),
    ),
    CONTEXT,
  ],
  "open full of capabilities": [
    openOf(fill(3800, (i) => Uint8Array.of(128 + (i & 0x7f), 0))),
    CONTEXT,
  ],
};

/** Nanoseconds an octet costs, best of several rounds. */
function measure(run: () => void, octets: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 7; round += 1) {
    const times = Math.max(20, Math.ceil(2e5 / octets));
    const start = process.hrtime.bigint();
    for (let index = 0; index < times; index += 1) run();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / times / octets);
  }
  return best;
}

function print(name: string, octets: number, cost: number, more: string): void {
  const size = String(octets).padStart(5);
  console.log(`${name.padEnd(30)} ${size} octets ${cost.toFixed(2).padStart(8)} ns/octet ${more}`);
}

const cursor = new NlriCursor();
let sink = 0;

/** As a receiver does: frame, decode, and walk the prefixes. */
function receive(message: Uint8Array, context: WireContext): void {
  const framer = new Framer();
  framer.push(message);
  const frame = framer.next(false);
  if (!frame.ok || frame.value === undefined) return;
  const decoded = decodeMessage(frame.value, context);
  if (!decoded.ok || decoded.value.kind !== "update") return;
  for (const run of decoded.value.reach) {
    cursor.reset(run);
    while (cursor.next()) sink ^= cursor.w0;
  }
}

const honest = SAMPLES["500 prefixes"] ?? [new Uint8Array(0), CONTEXT];
for (let warm = 0; warm < 300; warm += 1) {
  for (const [message, context] of Object.values(SAMPLES)) receive(message, context);
}
const ordinary = measure(() => receive(...honest), honest[0].length);
for (const [name, [message, context]] of Object.entries(SAMPLES)) {
  const cost = measure(() => receive(message, context), message.length);
  print(name, message.length, cost, `${(cost / ordinary).toFixed(1).padStart(6)} x`);
}
const decodedHonest = decodeMessage(
  { type: MessageType.Update, body: honest[0].subarray(HEADER_OCTETS) },
  CONTEXT,
);
if (decodedHonest.ok && decodedHonest.value.kind === "update") {
  const { attributes } = decodedHonest.value;
  const encoding = { as4: true, session: "ibgp", includeNextHop: true } as const;
  const once = measure(() => attributes && encodeAttributes(attributes, encoding), 1);
  console.log(`${"encodeAttributes".padEnd(30)} ${once.toFixed(0)} ns each`);
}
const bytewise = encodeMessage(MessageType.Update, honest[0].subarray(HEADER_OCTETS));
const cost = measure(() => {
  const framer = new Framer();
  for (let at = 0; at < bytewise.length; at += 1) {
    framer.push(bytewise.subarray(at, at + 1));
    framer.next(false);
  }
}, bytewise.length);
print("one octet a push", bytewise.length, cost, "");
if (sink === 1) console.log("");
