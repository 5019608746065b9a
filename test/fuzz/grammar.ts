/** What a peer in its right mind says: the messages that the fuzzer then spoils. */
import { type AuthSection, AuthType } from "../../src/bfd/wire/auth.ts";
import { encodeControlPacket } from "../../src/bfd/wire/control-packet.ts";
import { encodeAttributes } from "../../src/bgp/wire/attribute-encode.ts";
import { encodeKeepalive, encodeMessage } from "../../src/bgp/wire/header.ts";
import { MessageType } from "../../src/bgp/wire/iana.ts";
import type { Capability, PathAttributes } from "../../src/bgp/wire/message.ts";
import { encodeMpReach, encodeMpUnreach } from "../../src/bgp/wire/mp-nlri.ts";
import { encodeNlri, type NlriPrefix } from "../../src/bgp/wire/nlri.ts";
import { encodeNotification } from "../../src/bgp/wire/notification.ts";
import { encodeOpen } from "../../src/bgp/wire/open.ts";
import { encodeRouteRefresh } from "../../src/bgp/wire/route-refresh.ts";
import { encodeEndOfRib, encodeUpdate } from "../../src/bgp/wire/update.ts";
import type { Afi } from "../../src/core/address.ts";
import { concatBytes } from "../../src/core/bytes.ts";
import { maskAddress } from "../../src/core/prefix.ts";
import type { Rng } from "../../src/core/rng.ts";
import { IPV4, IPV6, remoteOpen } from "../support/bgp-session.ts";

export const chance = (rng: Rng, of: number): boolean => rng.unit() < of;

export function pick<Item>(rng: Rng, items: readonly Item[]): Item {
  const item = items[rng.int(0, items.length - 1)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

export const someBytes = (rng: Rng, octets: number): Uint8Array =>
  Uint8Array.from({ length: octets }, () => rng.int(0, 255));

export const many = <Item>(rng: Rng, max: number, make: () => Item): Item[] =>
  Array.from({ length: rng.int(1, max) }, make);

const u32 = (rng: Rng): number => rng.int(0, 0xffff) * 0x1_0000 + rng.int(0, 0xffff);

export function anOpen(rng: Rng): Uint8Array {
  const extra: readonly Capability[] = [
    { kind: "multiprotocol", family: IPV6 },
    { kind: "multiprotocol", family: { afi: 1, safi: 128 } },
    { kind: "add-path", families: [{ ...IPV4, mode: rng.int(1, 3) }] },
    { kind: "role", role: rng.int(0, 5) },
    { kind: "fqdn", host: "x".repeat(rng.int(0, 64)), domain: "example" },
    { kind: "software-version", version: "x".repeat(rng.int(1, 64)) },
    { kind: "unknown", code: rng.int(128, 255), value: someBytes(rng, rng.int(0, 255)) },
    {
      kind: "graceful-restart",
      ...{ restarted: chance(rng, 0.5), notification: chance(rng, 0.5), restartTimeSec: 120 },
      families: [{ ...IPV4, forwardingPreserved: chance(rng, 0.5) }],
    },
  ];
  const open = remoteOpen({ holdTimeSec: pick(rng, [0, 3, 90, 90, 65535]) });
  const capabilities = [...open.capabilities.filter(() => chance(rng, 0.9))];
  for (const capability of extra) if (chance(rng, 0.4)) capabilities.push(capability);
  return encodeOpen({ ...open, capabilities });
}

export function anUpdate(rng: Rng): Uint8Array {
  const kind = rng.int(0, 9);
  if (kind === 0) return encodeUpdate({ withdrawn: someNlri(rng, 1) });
  if (kind === 1) return encodeEndOfRib(pick(rng, [IPV4, IPV6]));
  if (kind === 2) {
    const nlri = someNlri(rng, 2);
    const head = encodeMpUnreach(IPV6, nlri.length);
    return encodeUpdate({ attributes: concatBytes([head, nlri]) });
  }
  const isMp = kind <= 5;
  const attributes = encodeAttributes(someAttributes(rng), {
    as4: chance(rng, 0.85), // else as an OLD speaker does, with AS4_PATH (RFC 6793)
    session: chance(rng, 0.9) ? "ebgp" : "ibgp",
    includeNextHop: !isMp || chance(rng, 0.2),
  });
  if (!isMp) return encodeUpdate({ attributes, nlri: someNlri(rng, 1) });
  const nextHop = concatBytes([Uint8Array.of(0x20, 1, 0xd, 0xb8), someBytes(rng, 12)]);
  const both = chance(rng, 0.3) ? concatBytes([nextHop, nextHop]) : nextHop;
  const nlri = someNlri(rng, 2);
  const reach = concatBytes([encodeMpReach(IPV6, both, nlri.length), nlri]);
  const parts = chance(rng, 0.2) ? [attributes, reach] : [reach, attributes];
  return encodeUpdate({ attributes: concatBytes(parts) });
}

export function someAttributes(rng: Rng): PathAttributes {
  const ases = () => many(rng, 5, () => pick(rng, [45_104, 65_001, 65_000, 1, 4_200_000_000]));
  const segment = () => ({ type: pick(rng, SEGMENT_TYPES), ases: ases() });
  const first = { type: 2 as const, ases: [45_104, ...(chance(rng, 0.5) ? ases() : [])] };
  const few = () => rng.int(0, 3);
  const rare = {
    ...(chance(rng, 0.05) ? { communities: manyNumbers(rng, 900) } : {}),
    ...(chance(rng, 0.05)
      ? { largeCommunities: many(rng, 80, () => [few(), 0, few()]).flat() }
      : {}),
    ...(chance(rng, 0.02) ? { asPath: [first, ...many(rng, 12, longSegment)] } : {}),
  };
  return {
    origin: pick(rng, [0, 1, 2] as const),
    asPath: chance(rng, 0.2) ? [first, segment()] : [first],
    nextHop: Uint8Array.of(10, 0, 0, pick(rng, [2, 2, 2, 9])),
    ...(chance(rng, 0.3) ? { med: u32(rng) } : {}),
    ...(chance(rng, 0.3) ? { localPref: u32(rng) } : {}),
    ...(chance(rng, 0.2) ? { atomicAggregate: true } : {}),
    ...(chance(rng, 0.2) ? { aggregator: { as: u32(rng), address: someBytes(rng, 4) } } : {}),
    ...(chance(rng, 0.4) ? { communities: manyNumbers(rng, 20) } : {}),
    ...(chance(rng, 0.1) ? { originatorId: u32(rng), clusterList: manyNumbers(rng, 4) } : {}),
    ...(chance(rng, 0.2) ? { extendedCommunities: someBytes(rng, 8 * rng.int(1, 5)) } : {}),
    ...(chance(rng, 0.1) ? { ipv6ExtendedCommunities: someBytes(rng, 20) } : {}),
    ...(chance(rng, 0.2) ? { largeCommunities: [u32(rng), u32(rng), u32(rng)] } : {}),
    ...(chance(rng, 0.2) ? { otc: u32(rng) } : {}),
    ...(chance(rng, 0.2) ? { unknown: [anUnknown(rng)] } : {}),
    ...rare,
  };
}

const SEGMENT_TYPES = [2, 2, 2, 2, 2, 2, 2, 1, 3, 4] as const;

/** A dozen of them are beyond the bound of a path. */
const longSegment = () => ({ type: 2 as const, ases: Array.from({ length: 250 }, () => 65_000) });

const manyNumbers = (rng: Rng, max: number) => many(rng, max, () => u32(rng));

/** Some of these types have a history of ending sessions far away from who sent them. */
const anUnknown = (rng: Rng) => ({
  type: pick(rng, [20, 21, 22, 23, 24, 26, 28, 29, 33, 36, 40, 99, 128, 255]),
  flags: pick(rng, [0xc0, 0xe0]),
  value: someBytes(rng, rng.int(0, pick(rng, [8, 40, 300]))),
});

/** Few different prefixes, so that they are announced, withdrawn and announced again. */
export function someNlri(rng: Rng, afi: Afi): Uint8Array {
  const id = chance(rng, 0.05) ? { pathId: rng.int(0, 3) } : {}; // RFC 7911
  const prefix = (): NlriPrefix => {
    const length = pick(rng, afi === 1 ? [0, 8, 16, 24, 24, 24, 32] : [0, 32, 48, 64, 128]);
    const address = new Uint8Array(afi === 1 ? 4 : 16);
    address.set([afi === 1 ? 10 : 0x20, rng.int(0, 3), rng.int(0, 7), rng.int(0, 255)]);
    return { address: maskAddress(address, length), length, ...id };
  };
  return encodeNlri(many(rng, chance(rng, 0.05) ? 300 : 6, prefix));
}

export function aMessage(rng: Rng): Uint8Array {
  const kind = rng.int(0, 99);
  if (kind < 75) return anUpdate(rng);
  if (kind < 88) return encodeKeepalive();
  if (kind < 95) {
    const subtype = pick(rng, [0, 0, 1, 2, 3]);
    return encodeRouteRefresh({ family: pick(rng, [IPV4, IPV6]), subtype });
  }
  if (kind < 97) return anOpen(rng);
  if (kind < 99) {
    const isCease = chance(rng, 0.5); // whose data is text (RFC 9003)
    const data = someBytes(rng, rng.int(0, 30));
    if (isCease && data.length > 0) data[0] = rng.int(0, data.length);
    const code = isCease ? 6 : rng.int(1, 8);
    return encodeNotification({
      code,
      subcode: isCease ? pick(rng, [2, 4]) : rng.int(0, 10),
      data,
    });
  }
  const type = pick(rng, Object.values(MessageType));
  return encodeMessage(type, someBytes(rng, rng.int(0, 60)));
}

export function aControlPacket(rng: Rng): Uint8Array {
  const intervalUs = () => pick(rng, [0, 1, 50_000, 300_000, 1_000_000, 0xffff_ffff]);
  return encodeControlPacket({
    diag: rng.int(0, 31),
    state: pick(rng, ["AdminDown", "Down", "Init", "Up", "Up"] as const),
    poll: chance(rng, 0.3),
    final: chance(rng, 0.2),
    detectMult: pick(rng, [1, 3, 255]),
    myDiscriminator: pick(rng, [77, 77, 78, 0xffff_ffff]),
    yourDiscriminator: 0,
    desiredMinTxIntervalUs: intervalUs(),
    requiredMinRxIntervalUs: intervalUs(),
    requiredMinEchoRxIntervalUs: intervalUs(),
    auth: chance(rng, 0.3) ? aSection(rng) : undefined,
  });
}

/** Of a key that may exist, with a password or digest that does not fit it. */
function aSection(rng: Rng): AuthSection {
  const type = pick(rng, [1, 2, 3, 4, 5] as const);
  const isPassword = type === AuthType["simple-password"];
  const octets = isPassword ? rng.int(1, 16) : type <= 3 ? 16 : 20;
  const sequence = isPassword ? undefined : rng.int(0, 5);
  return { type, keyId: pick(rng, [1, 1, 2]), sequence, data: someBytes(rng, octets) };
}
