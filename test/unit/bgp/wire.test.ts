import t from "tap";
import { asPathLength, mergeAs4Path } from "../../../src/bgp/wire/as-path.ts";
import { encodeAttributes } from "../../../src/bgp/wire/attribute-encode.ts";
import { Severity } from "../../../src/bgp/wire/fault.ts";
import { Framer } from "../../../src/bgp/wire/framer.ts";
import { encodeKeepalive, encodeMessage } from "../../../src/bgp/wire/header.ts";
import { MessageType } from "../../../src/bgp/wire/iana.ts";
import type { AsSegment, Capability, PathAttributes } from "../../../src/bgp/wire/message.ts";
import { encodeMpReach, encodeMpUnreach } from "../../../src/bgp/wire/mp-nlri.ts";
import { encodeNlri, NlriCursor, scanNlri } from "../../../src/bgp/wire/nlri.ts";
import { encodeNotification, shutdownData } from "../../../src/bgp/wire/notification.ts";
import { decodeOpen, encodeOpen } from "../../../src/bgp/wire/open.ts";
import { encodeRouteRefresh } from "../../../src/bgp/wire/route-refresh.ts";
import { encodeEndOfRib, encodeUpdate } from "../../../src/bgp/wire/update.ts";
import { Afi, parseAddress } from "../../../src/core/address.ts";
import { concatBytes, toHex } from "../../../src/core/bytes.ts";
import { BASE, EBGP, NLRI, octets, survivor, updateBody } from "../../support/wire-octets.ts";

const UPDATE = encodeMessage(MessageType.Update, updateBody({ attributes: BASE, nlri: NLRI }));

/** Every message the framer has, as type and length. */
function drain(framer: Framer): string[] {
  const seen: string[] = [];
  for (;;) {
    const next = framer.next(false);
    if (!next.ok) return [...seen, `fault ${next.fault.reason}`];
    if (next.value === undefined) return seen;
    const { type, body, octets } = next.value;
    seen.push(`${type}/${octets.length === body.length + 19 ? octets.length : "torn"}`);
  }
}

t.test("framer: one octet a push", async (t) => {
  const framer = new Framer();
  const seen: string[] = [];
  for (const octet of concatBytes([UPDATE, encodeKeepalive(), UPDATE])) {
    framer.push(Uint8Array.of(octet));
    seen.push(...drain(framer));
  }
  t.same(seen, [`2/${UPDATE.length}`, "4/19", `2/${UPDATE.length}`]);
  t.equal(framer.bufferedOctets, 0);
});

t.test("framer: 64 kB at once, cut in the middle of a message", async (t) => {
  const framer = new Framer();
  const stream = concatBytes(Array.from({ length: 1500 }, () => UPDATE));
  framer.push(stream.subarray(0, 65_536));
  const first = drain(framer);
  t.equal(first.length, Math.floor(65_536 / UPDATE.length));
  t.equal(framer.bufferedOctets, 65_536 % UPDATE.length);
  framer.push(stream.subarray(65_536));
  t.equal(first.length + drain(framer).length, 1500);
  t.equal(framer.bufferedOctets, 0);
});

t.test("framer: pushes run ahead of reading", async (t) => {
  const framer = new Framer();
  for (let count = 0; count < 500; count += 1) framer.push(UPDATE.slice());
  t.equal(framer.bufferedOctets, 500 * UPDATE.length);
  t.equal(drain(framer).length, 500);
});

t.test("framer: a lost framing stays lost", async (t) => {
  const framer = new Framer();
  framer.push(concatBytes([encodeKeepalive(), octets("00".repeat(19))]));
  t.same(drain(framer), ["4/19", "fault header-marker"]);
  framer.push(encodeKeepalive());
  t.same(drain(framer), ["fault header-marker"]);
});

t.test("cursor: prefixes of both families, host bits cleared", async (t) => {
  const cursor = new NlriCursor();
  const read = (afi: Afi, text: string, hasPathIds = false) => {
    const run = octets(text);
    t.ok(scanNlri(run, afi, hasPathIds) >= 0);
    cursor.reset({ afi, octets: run, hasPathIds });
    const seen: string[] = [];
    while (cursor.next()) {
      const words = [cursor.w0, cursor.w1, cursor.w2, cursor.w3];
      const hex = words.map((word) => (word >>> 0).toString(16)).join(" ");
      const address = new Uint8Array(afi === Afi.Ipv4 ? 4 : 16);
      cursor.copyAddress(address, 0);
      t.equal(toHex(address).slice(0, 8), (cursor.w0 >>> 0).toString(16).padStart(8, "0"));
      seen.push(`${cursor.pathId} ${hex}/${cursor.length}`);
    }
    return seen;
  };
  t.same(read(Afi.Ipv4, "00 01ff 18c0a8ff 1fc0a80001 20ffffffff"), [
    "0 0 0 0 0/0",
    "0 80000000 0 0 0/1",
    "0 c0a8ff00 0 0 0/24",
    "0 c0a80000 0 0 0/31",
    "0 ffffffff 0 0 0/32",
  ]);
  t.same(read(Afi.Ipv4, "ffffffff 080a 00000007 080b", true), [
    "4294967295 a000000 0 0 0/8",
    "7 b000000 0 0 0/8",
  ]);
  t.same(read(Afi.Ipv6, "00 2120010db8ff 4020010db8000000ff 6120010db80000000000000000ff"), [
    "0 0 0 0 0/0",
    "0 20010db8 80000000 0 0/33",
    "0 20010db8 ff 0 0/64",
    "0 20010db8 0 0 80000000/97",
  ]);
});

t.test("scan: what cannot be counted", async (t) => {
  t.equal(scanNlri(octets("180a14"), Afi.Ipv4, false), -1);
  t.equal(scanNlri(octets("210a14000000"), Afi.Ipv4, false), -2);
  t.equal(scanNlri(octets("000000"), Afi.Ipv4, true), -1);
  t.equal(scanNlri(octets("00000001"), Afi.Ipv4, true), -1);
  t.equal(scanNlri(octets(`81${"00".repeat(17)}`), Afi.Ipv6, false), -2);
});

t.test("OPEN: one parameter up to 253 octets, extended beyond", async (t) => {
  const withCapabilities = (count: number): Uint8Array => {
    const capabilities: Capability[] = Array.from({ length: count }, (_, index) => ({
      kind: "unknown",
      code: 0xe0,
      value: Uint8Array.of(index),
    }));
    return encodeOpen({
      kind: "open",
      version: 4,
      myAs: 4_200_000_000,
      holdTimeSec: 90,
      bgpIdentifier: 1,
      capabilities,
    });
  };
  const small = withCapabilities(84);
  t.equal(toHex(small.subarray(19, 32)), "045ba0005a00000001fe02fce0");
  t.equal(small.length, 19 + 10 + 2 + 252);
  const large = withCapabilities(85);
  t.equal(toHex(large.subarray(28, 35)), "ffff01020200ff");
  for (const [encoded, count] of [[small, 84] as const, [large, 85] as const]) {
    const decoded = decodeOpen(encoded.subarray(19));
    t.equal(decoded.ok && decoded.value.capabilities.length, count);
  }
  t.throws(() => withCapabilities(2000), { name: "InvariantError" });
});

const PATH: PathAttributes = {
  origin: 0,
  asPath: [{ type: 2, ases: [65001, 4_200_000_001] }],
  nextHop: octets("0a000001"),
  localPref: 200,
  med: 5,
  aggregator: { as: 4_200_000_001, address: octets("0a000009") },
  communities: [0xffff_ff01],
  unknown: [
    { type: 200, flags: 0xc0, value: octets("aa") },
    { type: 31, flags: 0xe0, value: octets("bb") },
  ],
};

t.test("attributes: in ascending order, Partial on what nobody here knows", async (t) => {
  const encoded = encodeAttributes(PATH, { as4: true, session: "ebgp", includeNextHop: true });
  t.equal(
    toHex(encoded),
    toHex(
      octets(`40010100 40020a0202 0000fde9 fa56ea01 4003040a000001 80040400000005
        c00708 fa56ea01 0a000009 c00804ffffff01 e01f01bb e0c801aa`),
    ),
  );
});

t.test("attributes: to an OLD speaker with AS4_PATH and AS4_AGGREGATOR", async (t) => {
  const encoded = encodeAttributes(PATH, { as4: false, session: "ibgp", includeNextHop: false });
  t.equal(
    toHex(encoded),
    toHex(
      octets(`40010100 4002060202 fde9 5ba0 80040400000005 400504000000c8
        c00706 5ba0 0a000009 c00804ffffff01
        c0110a0202 0000fde9 fa56ea01 c01208 fa56ea01 0a000009 e01f01bb e0c801aa`),
    ),
  );
});

t.test("attributes: two octets of length where one is too few", async (t) => {
  const communities = Array.from({ length: 64 }, (_, index) => index);
  const encoded = encodeAttributes(
    { ...PATH, communities, unknown: [] },
    { as4: true, session: "ebgp", includeNextHop: true },
  );
  t.ok(toHex(encoded).includes(`d0080100${"00000000"}00000001`));
});

t.test("attributes: a path segment of more than 255 ASes becomes two", async (t) => {
  const ases = Array.from({ length: 300 }, () => 7);
  const path = { origin: 0, asPath: [{ type: 2, ases }], nextHop: octets("0a000001") } as const;
  const encoded = encodeAttributes(path, { as4: false, session: "ebgp", includeNextHop: true });
  t.equal(toHex(encoded.subarray(4, 10)), "5002025c02ff");
  t.equal(toHex(encoded.subarray(10 + 510, 10 + 512)), "022d");
});

const sequence = (...ases: number[]): AsSegment => ({ type: 2, ases });

t.test("merge: the tail of AS_PATH gets its 4-octet numbers back", async (t) => {
  const confederation: AsSegment = { type: 3, ases: [64512] };
  const set: AsSegment = { type: 1, ases: [5, 6] };
  t.same(mergeAs4Path([sequence(1, 2, 23456)], [sequence(200_000)]), [sequence(1, 2, 200_000)]);
  t.same(mergeAs4Path([sequence(1, 23456)], [sequence(1, 200_000)]), [sequence(1, 200_000)]);
  t.same(mergeAs4Path([sequence(1)], [sequence(7, 8)]), [sequence(1)], "longer: not believed");
  t.same(
    mergeAs4Path([confederation, sequence(1, 23456)], [confederation, sequence(200_000)]),
    [confederation, sequence(1, 200_000)],
    "a leading confederation segment stays, one in AS4_PATH goes",
  );
  t.same(mergeAs4Path([sequence(1), set], [set]), [sequence(1), set], "a set counts one");
  t.equal(asPathLength([confederation, sequence(1, 2), set]), 3);
});

t.test("UPDATE, End-of-RIB, ROUTE-REFRESH, NOTIFICATION: octets", async (t) => {
  const family = { afi: 2, safi: 1 };
  t.equal(toHex(encodeEndOfRib({ afi: 1, safi: 1 }).subarray(16)), "00170200000000");
  t.equal(toHex(encodeEndOfRib(family).subarray(19)), "00000007900f0003000201");
  t.equal(toHex(encodeRouteRefresh({ family, subtype: 1 }).subarray(16)), "00170500020101");
  const cease = encodeNotification({ code: 6, subcode: 2, data: shutdownData("bye") });
  t.equal(toHex(cease.subarray(16)), "001903060203627965");
  const huge = encodeNotification({ code: 3, subcode: 2, data: new Uint8Array(9000) });
  t.equal(huge.length, 4096);
});

t.test("MP_REACH_NLRI and MP_UNREACH_NLRI: heads for the packer's prefixes", async (t) => {
  const nextHop = parseAddress("2001:db8::1") ?? octets("");
  const address = parseAddress("2001:db8:1::") ?? octets("");
  const nlri = encodeNlri([{ address, length: 48 }]);
  const family = { afi: 2, safi: 1 };
  const attributes = concatBytes([
    octets(`${BASE.slice(0, 8)} 4002060201 0000b030`),
    encodeMpReach(family, nextHop, nlri.length),
    nlri,
    encodeMpUnreach(family, nlri.length),
    nlri,
  ]);
  const update = survivor({ attributes: toHex(attributes) });
  t.equal(update.reach[0]?.count, 1);
  t.same(update.reach[0]?.nextHop, nextHop);
  t.same(update.unreach[0]?.octets, nlri);
  t.same(update.attributes?.nextHop, nextHop);
  t.equal(encodeUpdate({ attributes }).length, 23 + attributes.length);
});

t.test("faults: bounded, in the order found, the strongest not lost", async (t) => {
  const repeated = `${BASE} ${"40010100".repeat(100)} 80040100`;
  const update = survivor({ attributes: repeated, nlri: NLRI }, EBGP);
  t.ok(update.faults.length <= 33, `${update.faults.length} faults`);
  t.equal(update.treatAsWithdraw, true);
  t.equal(update.faults.at(-1)?.severity, Severity.TreatAsWithdraw);
});
