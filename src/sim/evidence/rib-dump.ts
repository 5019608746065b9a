/**
 * The routes that each peer of an edge has told it, and the edge's own, as a TABLE_DUMP_V2
 * (RFC 6396 §4.3). The speaker does not keep when it heard a route: that is the time of the dump.
 */
import type { RouteRow } from "../../bgp/rib/contract.ts";
import type { PeerView, SpeakerView } from "../../bgp/speaker/view.ts";
import { encodeAttributes } from "../../bgp/wire/attribute-encode.ts";
import { AttributeFlag, AttributeType } from "../../bgp/wire/iana.ts";
import { MrtType, TableDumpV2Subtype } from "../../bgp/wire/mrt-codes.ts";
import { encodeNlri } from "../../bgp/wire/nlri.ts";
import { ByteWriter } from "../../core/bytes.ts";
import { parsePrefix } from "../../core/prefix.ts";
import { addressOctets, type MrtSink, mrtRecord } from "./mrt.ts";

export function dumpRib(
  { speaker, viewName }: { readonly speaker: SpeakerView; readonly viewName: string },
  epochUs: number,
  file: MrtSink,
): void {
  const peers = speaker.peers();
  const table = peerIndexTable(speaker, peers, viewName);
  const add = (subtype: number, body: Uint8Array) =>
    file.append(mrtRecord(epochUs, { type: MrtType.TableDumpV2, subtype }, body));
  add(TableDumpV2Subtype.PeerIndexTable, table);
  const { MAX_SAFE_INTEGER } = Number;
  const rows = speaker.rib.routes({ rib: "adj-rib-in", offset: 0, limit: MAX_SAFE_INTEGER });
  const indices = new Map(peers.map(({ slot }, index) => [slot, index + 1] as const));
  let sequence = 0;
  for (let from = 0; from < rows.length; sequence += 1) {
    const prefix = rows[from]?.prefix ?? "";
    let until = from + 1;
    while (rows[until]?.prefix === prefix) until += 1;
    const record = ribRecord(sequence, rows.slice(from, until), {
      indexOf: (row) => indices.get(row.slot) ?? 0,
      timeSec: Math.floor(epochUs / 1e6),
    });
    const { RibIpv4Unicast, RibIpv6Unicast } = TableDumpV2Subtype;
    add(prefix.includes(":") ? RibIpv6Unicast : RibIpv4Unicast, record);
    from = until;
  }
}

/** RFC 6396 §4.3.1. The first one stands for the edge itself. */
function peerIndexTable(
  { bgpIdentifier, localAs }: SpeakerView,
  peers: readonly PeerView[],
  viewName: string,
): Uint8Array {
  const name = new TextEncoder().encode(viewName);
  const table = new ByteWriter().u32(bgpIdentifier).u16(name.length).octets(name);
  table
    .u16(peers.length + 1)
    .u8(PEER_AS4)
    .u32(bgpIdentifier)
    .u32(0)
    .u32(localAs);
  for (const { config, negotiated } of peers) {
    const address = addressOctets(config.remoteAddress, config.remoteAddress);
    table.u8(PEER_AS4 | (address.length === 16 ? PEER_IPV6 : 0));
    table
      .u32(negotiated?.remoteBgpIdentifier ?? 0)
      .octets(address)
      .u32(config.remoteAs);
  }
  return table.finish();
}

/** RFC 6396 §4.3.2: the routes of one prefix. */
function ribRecord(
  sequence: number,
  rows: readonly RouteRow[],
  { indexOf, timeSec }: { indexOf(row: RouteRow): number; readonly timeSec: number },
): Uint8Array {
  const prefix = parsePrefix(rows[0]?.prefix ?? "");
  const record = new ByteWriter().u32(sequence);
  if (prefix !== undefined) record.octets(encodeNlri([prefix]));
  record.u16(rows.length);
  for (const row of rows) {
    const attributes = attributesOf(row);
    record.u16(indexOf(row)).u32(timeSec).u16(attributes.length).octets(attributes);
  }
  return record.finish();
}

/** RFC 6396 §4.3.4: AS numbers of 4 octets; of MP_REACH_NLRI the next hop alone. */
function attributesOf({ attributes, nextHop: text, prefix }: RouteRow): Uint8Array {
  const isIpv6 = prefix.includes(":");
  // The edge's own routes have none, which is written as all zeros.
  const nextHop = addressOctets(text, prefix);
  const encoding = { as4: true, session: "ibgp", includeNextHop: !isIpv6 } as const;
  const known = encodeAttributes({ ...attributes, nextHop }, encoding);
  if (!isIpv6) return known;
  const reach = new ByteWriter().u8(AttributeFlag.Optional).u8(AttributeType.MpReachNlri);
  reach
    .u8(nextHop.length + 1)
    .u8(nextHop.length)
    .octets(nextHop);
  return reach.octets(known).finish();
}

const PEER_IPV6 = 1;
const PEER_AS4 = 2;
