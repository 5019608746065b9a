/** Very many prefixes: inside of one, and as the UPDATEs of a VBR that has learned them all. */
import { encodeAttributes } from "../../bgp/wire/attribute-encode.ts";
import { Origin, SegmentType } from "../../bgp/wire/iana.ts";
import { encodeNlri } from "../../bgp/wire/nlri.ts";
import { encodeUpdate } from "../../bgp/wire/update.ts";
import { type AddressOctets, Afi } from "../../core/address.ts";
import { assert } from "../../core/assert.ts";
import { concatBytes } from "../../core/bytes.ts";
import { formatPrefix, type Prefix, parsePrefix } from "../../core/prefix.ts";

/** In one UPDATE: with attributes of some 40 octets it stays below 4096 (RFC 4271 §4). */
const PREFIXES_PER_UPDATE = 800;

/** The first `count` prefixes inside of one, as long as it takes to have so many. */
export function subnetsOf(text: string, count: number): readonly Prefix[] {
  const parent = parsePrefix(text);
  assert(parent !== undefined, `${text} was checked when the drill was read`);
  const bits = Math.ceil(Math.log2(Math.max(count, 1)));
  const length = Math.min(parent.length + Math.max(bits, 1), parent.address.length * 8);
  const step = 2 ** (32 - (length % 32 || 32));
  const view = new DataView(parent.address.slice().buffer);
  const at = Math.floor((length - 1) / 32) * 4;
  const first = view.getUint32(at);
  return Array.from({ length: Math.min(count, 2 ** (length - parent.length)) }, (_, index) => {
    view.setUint32(at, first + index * step);
    return { ...parent, address: new Uint8Array(view.buffer.slice(0)), length };
  });
}

export const subnets = (text: string, count: number): readonly string[] =>
  subnetsOf(text, count).map(formatPrefix);

/** IPv4 prefixes announced by an eBGP peer that speaks 4-octet AS numbers. */
export function announcing(
  prefixes: readonly Prefix[],
  { as, nextHop }: { readonly as: number; readonly nextHop: AddressOctets },
): Uint8Array {
  const asPath = [{ type: SegmentType.AsSequence, ases: [as] }];
  const attributes = encodeAttributes(
    { origin: Origin.Igp, asPath, nextHop },
    { as4: true, session: "ebgp", includeNextHop: true },
  );
  return inUpdates(prefixes, (nlri) => encodeUpdate({ attributes, nlri }));
}

export const withdrawing = (prefixes: readonly Prefix[]): Uint8Array =>
  inUpdates(prefixes, (withdrawn) => encodeUpdate({ withdrawn }));

function inUpdates(
  prefixes: readonly Prefix[],
  update: (nlri: Uint8Array) => Uint8Array,
): Uint8Array {
  assert(
    prefixes.every(({ afi }) => afi === Afi.Ipv4),
    "a flood of one circuit is of IPv4",
  );
  const updates: Uint8Array[] = [];
  for (let from = 0; from < prefixes.length; from += PREFIXES_PER_UPDATE) {
    updates.push(update(encodeNlri(prefixes.slice(from, from + PREFIXES_PER_UPDATE))));
  }
  return concatBytes(updates);
}
