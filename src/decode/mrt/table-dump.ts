import { AttributeCursor } from "../../bgp/wire/attributes.ts";
import { AttributeFlag, AttributeType, Safi } from "../../bgp/wire/iana.ts";
import type { Family } from "../../bgp/wire/message.ts";
import { TableDumpSubtype, TableDumpV2Subtype } from "../../bgp/wire/mrt-codes.ts";
import { Afi } from "../../core/address.ts";
import { ByteReader, ByteWriter } from "../../core/bytes.ts";
import { lengthMax, maskAddress, type Prefix } from "../../core/prefix.ts";
import { broken, type Entry, type RibEntry, type SessionEnd } from "./entry.ts";
import type { MrtRecord } from "./record-reader.ts";

/** TABLE_DUMP: a path a record (RFC 6396 §4.2). */
export function decodeTableDump({ subtype, body }: MrtRecord): readonly Entry[] {
  const layout = TABLE_DUMP_LAYOUTS[subtype];
  if (layout === undefined) return [{ kind: "unread", octets: body }];
  const { afi, as4 } = layout;
  const addressOctets = afi === Afi.Ipv4 ? 4 : 16;
  const reader = new ByteReader(body);
  reader.u16(); // View number.
  const sequence = reader.u16();
  const address = reader.take(addressOctets);
  const length = reader.u8();
  reader.u8(); // Status.
  const originatedTimeSec = reader.u32();
  const peerAddress = reader.take(addressOctets);
  const peer: SessionEnd = { as: as4 ? reader.u32() : reader.u16(), address: peerAddress };
  const attributes = reader.take(reader.u16());
  if (reader.overrun) return [CUT_SHORT];
  if (length > lengthMax(afi)) return [broken(`a prefix of ${length} bits`)];
  const family = { afi, safi: Safi.Unicast };
  const entry: RibEntry = {
    kind: "rib-entry",
    family,
    prefix: { afi, address: maskAddress(address, length), length },
    nlri: address,
    ...{ sequence, pathId: undefined, peer, originatedTimeSec, as4 },
    attributes: completeReach(attributes, family),
  };
  return reader.remaining === 0 ? [entry] : [entry, broken(leftOver(reader))];
}

/**
 * TABLE_DUMP_V2 (RFC 6396 §4.3, RFC 8050 §4). What its records say depends on the last
 * PEER_INDEX_TABLE before them.
 */
export class TableDumpV2 {
  #peers: readonly SessionEnd[] | undefined;

  decode({ subtype, body }: MrtRecord): readonly Entry[] {
    if (subtype === TableDumpV2Subtype.PeerIndexTable) return [this.#readPeers(body)];
    const [layout, otherLayout] = TABLE_DUMP_V2_LAYOUTS[subtype] ?? [];
    if (layout === undefined) return [{ kind: "unread", octets: body }];
    const entries = this.#readRib(body, layout);
    if (otherLayout === undefined || isWhole(entries)) return entries;
    const others = this.#readRib(body, otherLayout);
    return isWhole(others) ? others : entries;
  }

  #readPeers(body: Uint8Array): Entry {
    const reader = new ByteReader(body);
    const collectorId = reader.take(4);
    const viewName = reader.take(reader.u16());
    const count = reader.u16();
    const peers: SessionEnd[] = [];
    while (peers.length < count) {
      const flags = reader.u8();
      const bgpIdentifier = reader.take(4);
      const address = reader.take((flags & PEER_IPV6) === 0 ? 4 : 16);
      const as = (flags & PEER_AS4) === 0 ? reader.u16() : reader.u32();
      if (reader.overrun) break;
      peers.push({ as, address, bgpIdentifier });
    }
    // Those that could be read serve all the same.
    this.#peers = peers;
    return reader.overrun ? CUT_SHORT : { kind: "peer-index-table", collectorId, viewName, peers };
  }

  #readRib(body: Uint8Array, layout: Layout): readonly Entry[] {
    const reader = new ByteReader(body);
    const sequence = reader.u32();
    const family = layout.family ?? { afi: reader.u16(), safi: reader.u8() };
    if (!isBitLength(family)) return [{ kind: "unread", octets: body }];
    const pathId = layout.pathIdIn === "nlri" ? reader.u32() : undefined;
    const nlriAt = reader.offset;
    const length = reader.u8();
    reader.take((length + 7) >> 3);
    if (reader.overrun) return [CUT_SHORT];
    const nlri = body.subarray(nlriAt, reader.offset);
    const prefix = prefixOf(nlri, family);
    if (prefix === undefined && family.safi <= Safi.Multicast) {
      return [broken(`a prefix of ${length} bits`)];
    }
    return this.#readEntries(reader, layout, { family, prefix, nlri, sequence, pathId });
  }

  /** RFC 6396 §4.3.4: AS numbers are of four octets throughout. */
  #readEntries(reader: ByteReader, layout: Layout, head: RibHead): readonly Entry[] {
    const entries: Entry[] = [];
    const count = reader.u16();
    for (let index = 0; index < count; index += 1) {
      const peerIndex = reader.u16();
      const originatedTimeSec = reader.u32();
      const pathId = layout.pathIdIn === "entry" ? reader.u32() : head.pathId;
      const attributes = reader.take(reader.u16());
      if (reader.overrun) {
        entries.push(broken(`the record ends inside entry ${index + 1} of ${count}`));
        return entries;
      }
      const peer = this.#peers?.[peerIndex];
      entries.push(
        peer === undefined
          ? broken(this.#peers ? `no peer ${peerIndex} in the table of peers` : NO_PEERS)
          : {
              kind: "rib-entry",
              ...head,
              ...{ pathId, peer, originatedTimeSec, as4: true },
              attributes: completeReach(attributes, head.family),
            },
      );
    }
    if (reader.overrun) entries.push(CUT_SHORT);
    if (reader.remaining > 0) entries.push(broken(leftOver(reader)));
    return entries;
  }
}

type RibHead = Pick<RibEntry, "family" | "prefix" | "nlri" | "sequence" | "pathId">;

/** How a RIB record is written. */
interface Layout {
  /** Undefined where the record names it. */
  readonly family?: Family;
  /** Where path identifiers stand, if there are any. */
  readonly pathIdIn?: "nlri" | "entry";
}

/**
 * RFC 6396 §4.3.4 cuts MP_REACH_NLRI to the length and octets of its next hop; some writers leave
 * it whole. Whole again, so that everybody reads it the same way: an address family begins with a
 * zero octet, a next hop's length does not.
 */
export function completeReach(attributes: Uint8Array, { afi, safi }: Family): Uint8Array {
  const cursor = new AttributeCursor(attributes);
  while (cursor.next()) {
    const { type, value } = cursor;
    if (type !== AttributeType.MpReachNlri || value.length === 0 || value[0] === 0) continue;
    const writer = new ByteWriter(attributes.length + 5);
    writer.octets(attributes.subarray(0, cursor.start));
    writer
      .u8(cursor.flags | AttributeFlag.ExtendedLength)
      .u8(type)
      .u16(value.length + 4);
    writer.u16(afi).u8(safi).octets(value).u8(0);
    return writer.octets(attributes.subarray(cursor.end)).finish();
  }
  return attributes;
}

/** Undefined where the octets are no address of the family. */
function prefixOf(nlri: Uint8Array, { afi, safi }: Family): Prefix | undefined {
  const length = nlri[0] ?? 0;
  const isAddress = (afi === Afi.Ipv4 || afi === Afi.Ipv6) && safi <= Safi.Multicast;
  if (!isAddress || length > lengthMax(afi)) return undefined;
  const address = new Uint8Array(afi === Afi.Ipv4 ? 4 : 16);
  address.set(nlri.subarray(1));
  return { afi, address: maskAddress(address, length), length };
}

/** RFC 6396 §4.3.3: a family whose NLRI nobody can measure is left alone. */
const isBitLength = ({ afi, safi }: Family): boolean =>
  (afi === Afi.Ipv4 || afi === Afi.Ipv6) && BIT_LENGTH_SAFIS.has(safi);

const isWhole = (entries: readonly Entry[]): boolean =>
  entries.every(({ kind }) => kind !== "broken");

const leftOver = (reader: ByteReader): string => `${reader.remaining} octets behind the last entry`;

const CUT_SHORT = broken("the record ends inside its fields");
const NO_PEERS = "no table of peers before it";

/** RFC 6396 §4.3.1. */
const PEER_IPV6 = 1;
const PEER_AS4 = 2;

const TABLE_DUMP_LAYOUTS: Readonly<Record<number, { readonly afi: Afi; readonly as4: boolean }>> = {
  [TableDumpSubtype.Ipv4]: { afi: Afi.Ipv4, as4: false },
  [TableDumpSubtype.Ipv6]: { afi: Afi.Ipv6, as4: false },
  [TableDumpSubtype.Ipv4As4]: { afi: Afi.Ipv4, as4: true },
  [TableDumpSubtype.Ipv6As4]: { afi: Afi.Ipv6, as4: true },
};

const IPV4_UNICAST = { afi: Afi.Ipv4, safi: Safi.Unicast };
const IPV4_MULTICAST = { afi: Afi.Ipv4, safi: Safi.Multicast };
const IPV6_UNICAST = { afi: Afi.Ipv6, safi: Safi.Unicast };
const IPV6_MULTICAST = { afi: Afi.Ipv6, safi: Safi.Multicast };

const TABLE_DUMP_V2_LAYOUTS: Readonly<Record<number, readonly Layout[]>> = {
  [TableDumpV2Subtype.RibIpv4Unicast]: [{ family: IPV4_UNICAST }],
  [TableDumpV2Subtype.RibIpv4Multicast]: [{ family: IPV4_MULTICAST }],
  [TableDumpV2Subtype.RibIpv6Unicast]: [{ family: IPV6_UNICAST }],
  [TableDumpV2Subtype.RibIpv6Multicast]: [{ family: IPV6_MULTICAST }],
  [TableDumpV2Subtype.RibGeneric]: [{}],
  [TableDumpV2Subtype.RibIpv4UnicastAddPath]: [{ family: IPV4_UNICAST, pathIdIn: "entry" }],
  [TableDumpV2Subtype.RibIpv4MulticastAddPath]: [{ family: IPV4_MULTICAST, pathIdIn: "entry" }],
  [TableDumpV2Subtype.RibIpv6UnicastAddPath]: [{ family: IPV6_UNICAST, pathIdIn: "entry" }],
  [TableDumpV2Subtype.RibIpv6MulticastAddPath]: [{ family: IPV6_MULTICAST, pathIdIn: "entry" }],
  // RFC 8050 §4.2 has it in the NLRI; GoBGP and OpenBGPD write it as everywhere else.
  [TableDumpV2Subtype.RibGenericAddPath]: [{ pathIdIn: "nlri" }, { pathIdIn: "entry" }],
};

/** Unicast, multicast, labelled, and VPN of both kinds. */
const BIT_LENGTH_SAFIS: ReadonlySet<number> = new Set([1, 2, 4, 128, 129]);
