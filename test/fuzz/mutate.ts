/** Ways to spoil octets: blindly, and with a BGP message's own structure in mind. */
import { concatBytes } from "../../src/core/bytes.ts";
import type { Rng } from "../../src/core/rng.ts";
import { chance, pick, someBytes } from "./grammar.ts";

const HEADER_OCTETS = 19;
const INTERESTING = [
  0, 0, 0, 1, 2, 3, 4, 0x10, 0x20, 0x21, 0x40, 0x7f, 0x80, 0x81, 0xc0, 0xfe, 0xff,
];

/** Once blindly: a bit, an octet, a length, a piece less, more, twice or elsewhere. */
export function spoilOctets(rng: Rng, octets: Uint8Array): Uint8Array {
  const copy = octets.slice();
  // What gives octets their structure mostly stands in front.
  const last = Math.max(copy.length - 1, 0);
  const at = rng.int(0, chance(rng, 0.3) ? Math.min(last, 3) : last);
  const size = Math.min(rng.int(1, 8), copy.length - at);
  switch (rng.int(0, 7)) {
    case 0:
      copy[at] = (copy[at] ?? 0) ^ (1 << rng.int(0, 7));
      return copy;
    case 1:
      copy[at] = pick(rng, INTERESTING);
      return copy;
    case 2:
      copy[at] = (copy[at] ?? 0) + pick(rng, [-1, 1, 2, -2]);
      return copy;
    case 3:
      return copy.subarray(0, at);
    case 4:
      return concatBytes([copy.subarray(0, at), copy.subarray(at + size)]);
    case 5:
      return concatBytes([copy.subarray(0, at), someBytes(rng, size), copy.subarray(at)]);
    case 6:
      return concatBytes([copy.subarray(0, at + size), copy.subarray(at)]);
    default:
      copy.copyWithin(rng.int(0, at), at, at + size);
      return copy;
  }
}

/** A message, spoiled; mostly so that its header still frames it. */
export function spoilMessage(rng: Rng, message: Uint8Array): Uint8Array {
  if (chance(rng, 0.03)) return spoilOctets(rng, message);
  const isUpdate = message[18] === 2;
  const body = message.slice(HEADER_OCTETS);
  const spoiled = isUpdate && chance(rng, 0.9) ? spoilUpdate(rng, body) : spoilOctets(rng, body);
  return framed(rng, message, spoiled);
}

function framed(rng: Rng, message: Uint8Array, body: Uint8Array): Uint8Array {
  const whole = concatBytes([message.subarray(0, HEADER_OCTETS), body]).slice();
  const view = new DataView(whole.buffer);
  const lie = chance(rng, 0.02) ? pick(rng, [-1, 1, 19, 4096, 0xffff]) : 0;
  view.setUint16(16, (whole.length + lie) & 0xffff);
  return whole;
}

/** Takes the path attributes apart and puts them together wrongly. */
function spoilUpdate(rng: Rng, body: Uint8Array): Uint8Array {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const withdrawnOctets = body.length < 4 ? 0 : view.getUint16(0);
  const at = 2 + withdrawnOctets;
  if (at + 2 > body.length) return spoilOctets(rng, body);
  const end = at + 2 + view.getUint16(at);
  if (end > body.length) return spoilOctets(rng, body);
  const attributes = attributesIn(body.subarray(at + 2, end));
  const spoiled = concatBytes(spoilList(rng, attributes));
  const lengths = new Uint8Array(2);
  const lie = chance(rng, 0.04) ? pick(rng, [-3, -1, 1, 2, 300]) : 0;
  new DataView(lengths.buffer).setUint16(0, (spoiled.length + lie) & 0xffff);
  return concatBytes([body.subarray(0, at), lengths, spoiled, body.subarray(end)]);
}

function attributesIn(octets: Uint8Array): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; at + 3 <= octets.length; ) {
    const isLong = ((octets[at] ?? 0) & 0x10) !== 0;
    const head = isLong ? 4 : 3;
    const low = octets[at + head - 1] ?? 0;
    const length = isLong ? (octets[at + 2] ?? 0) * 256 + low : low;
    found.push(octets.slice(at, at + head + length));
    at += head + length;
  }
  return found;
}

function spoilList(rng: Rng, attributes: Uint8Array[]): Uint8Array[] {
  if (attributes.length === 0) return [someBytes(rng, rng.int(0, 12))];
  const index = rng.int(0, attributes.length - 1);
  const chosen = attributes[index] ?? new Uint8Array(0);
  const others = attributes.filter((_, at) => at !== index);
  switch (rng.int(0, 5)) {
    case 0:
      return others;
    case 1:
      return [...attributes, chosen];
    case 2:
      return [chosen, ...others.toReversed()];
    default:
      return attributes.map((attribute, at) => (at === index ? spoilOne(rng, chosen) : attribute));
  }
}

/** Flags, type, or a value whose length is right, or is not. */
function spoilOne(rng: Rng, attribute: Uint8Array): Uint8Array {
  const isLong = ((attribute[0] ?? 0) & 0x10) !== 0;
  const head = isLong ? 4 : 3;
  const copy = attribute.slice();
  switch (rng.int(0, 3)) {
    case 0:
      copy[0] = (copy[0] ?? 0) ^ pick(rng, [0x80, 0x40, 0x20, 0x0f]);
      return copy;
    case 1:
      copy[1] = rng.int(0, 255);
      return copy;
    case 2:
      copy[head - 1] = pick(rng, INTERESTING);
      return copy;
    default: {
      const value = spoilOctets(rng, copy.subarray(head));
      const whole = concatBytes([copy.subarray(0, head), value]).slice();
      whole[head - 1] = value.length & 255;
      if (isLong) whole[2] = value.length >> 8;
      return whole;
    }
  }
}

/** One stream as segments: whole, one octet each, or cut anywhere. */
export function segments(rng: Rng, stream: Uint8Array): Uint8Array[] {
  const kind = rng.int(0, 4);
  if (kind <= 1) return [stream];
  const step = kind === 2 && stream.length < 200 ? () => 1 : () => rng.int(1, 100);
  const cuts: Uint8Array[] = [];
  for (let at = 0; at < stream.length; ) {
    const size = step();
    cuts.push(stream.subarray(at, at + size));
    at += size;
  }
  return cuts;
}
