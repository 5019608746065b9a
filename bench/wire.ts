/**
 * What an octet costs: an UPDATE of 500 prefixes against the worst a peer could send in its place,
 * through the codec alone and through a speaker that decides and passes on. A hostile octet must
 * not cost more than 20 times an honest one. Run: `npm run bench wire`.
 */

import { encodeAttributes } from "../src/bgp/wire/attribute-encode.ts";
import { decodeMessage } from "../src/bgp/wire/decode.ts";
import { Framer } from "../src/bgp/wire/framer.ts";
import { encodeMessage, HEADER_OCTETS } from "../src/bgp/wire/header.ts";
import { MessageType } from "../src/bgp/wire/iana.ts";
import { NlriCursor } from "../src/bgp/wire/nlri.ts";
import { concatBytes } from "../src/core/bytes.ts";
import { CONTEXT, ORDINARY, SAMPLES, type Sample } from "./lib/messages.ts";
import { Receiver } from "./lib/receiver.ts";

/** Nanoseconds an octet costs: the best of many short rounds, for the machine has others to serve. */
function measure(run: () => void, octets: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 60; round += 1) {
    const times = Math.max(2, Math.ceil(5e4 / octets));
    const start = process.hrtime.bigint();
    for (let index = 0; index < times; index += 1) run();
    best = Math.min(best, Number(process.hrtime.bigint() - start) / times / octets);
  }
  return best;
}

function print(name: string, octets: number, cells: readonly string[]): void {
  console.log(`${name.padEnd(30)} ${String(octets).padStart(6)} ${cells.join(" ")}`);
}

/** Short messages come many in a segment, as they do from a socket. */
const SEGMENT_OCTETS = 16_384;

const cell = (value: number | undefined, digits: number): string =>
  (value === undefined ? "–" : value.toFixed(digits)).padStart(9);

const cursor = new NlriCursor();
let sink = 0;

/** As a receiver does: frame, decode, and walk the prefixes. */
function decode({ octets, context }: Sample): void {
  const framer = new Framer();
  framer.push(octets);
  const frame = framer.next(context.extendedMessages);
  if (!frame.ok || frame.value === undefined) throw new Error("a sample is no message");
  const decoded = decodeMessage(frame.value, context);
  if (!decoded.ok || decoded.value.kind !== "update") return;
  for (const run of decoded.value.reach) {
    cursor.reset(run);
    while (cursor.next()) sink ^= cursor.w0;
  }
}

/** ns an octet through a whole speaker; undefined for what it takes no second time. */
function speakerCost({ octets, context }: Sample): number | undefined {
  if (octets[18] === MessageType.Open || context.addPath.length > 0) return undefined;
  const receiver = new Receiver(context);
  // Told again and again a route changes nothing, so two attribute sets take turns (ORIGIN).
  const other = octets.slice();
  const origin = indexOfOrigin(other);
  if (origin > 0) other[origin] = 2;
  const pairs = Math.max(1, Math.round(SEGMENT_OCTETS / octets.length / 2));
  const segment = concatBytes(Array.from({ length: pairs }, () => [octets, other]).flat());
  const run = () => receiver.receive(segment);
  for (let warm = 0; warm < 50; warm += 1) run();
  if (!receiver.isUp) return undefined;
  return measure(run, segment.length);
}

/** Where the value of ORIGIN stands; 0 where there is none. */
function indexOfOrigin(octets: Uint8Array): number {
  for (let at = HEADER_OCTETS; at + 3 < octets.length; at += 1) {
    if (octets[at] === 0x40 && octets[at + 1] === 1 && octets[at + 2] === 1) return at + 3;
  }
  return 0;
}

const honest = SAMPLES[ORDINARY];
if (honest === undefined) throw new Error("no ordinary message");
for (let warm = 0; warm < 300; warm += 1) for (const one of Object.values(SAMPLES)) decode(one);
const ordinary = measure(() => decode(honest), honest.octets.length);
const ordinaryWhole = speakerCost(honest) ?? 1;
let worst = { decode: 0, speaker: 0 };
print("", 0, ["  ns/octet", "  times", " speaker", "  times"]);
for (const [name, one] of Object.entries(SAMPLES)) {
  const cost = measure(() => decode(one), one.octets.length);
  const whole = speakerCost(one);
  const times = cost / ordinary;
  const timesWhole = whole === undefined ? undefined : whole / ordinaryWhole;
  worst = {
    decode: Math.max(worst.decode, times),
    speaker: Math.max(worst.speaker, timesWhole ?? 0),
  };
  print(name, one.octets.length, [
    cell(cost, 2),
    cell(times, 1),
    cell(whole, 1),
    cell(timesWhole, 1),
  ]);
}
console.log(
  `worst: ${worst.decode.toFixed(1)} times to decode, ${worst.speaker.toFixed(1)} in the speaker`,
);
const decodedHonest = decodeMessage(
  { type: MessageType.Update, body: honest.octets.subarray(HEADER_OCTETS) },
  CONTEXT,
);
if (decodedHonest.ok && decodedHonest.value.kind === "update") {
  const { attributes } = decodedHonest.value;
  const encoding = { as4: true, session: "ibgp", includeNextHop: true } as const;
  const once = measure(() => attributes && encodeAttributes(attributes, encoding), 1);
  console.log(`${"encodeAttributes".padEnd(30)} ${once.toFixed(0)} ns each`);
}
const bytewise = encodeMessage(MessageType.Update, honest.octets.subarray(HEADER_OCTETS));
const cost = measure(() => {
  const framer = new Framer();
  for (let at = 0; at < bytewise.length; at += 1) {
    framer.push(bytewise.subarray(at, at + 1));
    framer.next(false);
  }
}, bytewise.length);
print("one octet a push", bytewise.length, [cell(cost, 2), cell(cost / ordinary, 1)]);
if (sink === 1) console.log("");
