import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import fc from "fast-check";
import t from "tap";
import { encodeAttributes } from "../../src/bgp/wire/attribute-encode.ts";
import { decodeMessage } from "../../src/bgp/wire/decode.ts";
import { type Frame, Framer } from "../../src/bgp/wire/framer.ts";
import { decodeHeader, encodeMessage, HEADER_OCTETS } from "../../src/bgp/wire/header.ts";
import { MessageType } from "../../src/bgp/wire/iana.ts";
import type {
  AsSegment,
  Capability,
  Message,
  OpenMessage,
  PathAttributes,
  WireContext,
} from "../../src/bgp/wire/message.ts";
import { encodeMpReach } from "../../src/bgp/wire/mp-nlri.ts";
import { encodeNlri, NlriCursor, type NlriPrefix, scanNlri } from "../../src/bgp/wire/nlri.ts";
import { decodeNotification, encodeNotification } from "../../src/bgp/wire/notification.ts";
import { decodeOpen, encodeOpen } from "../../src/bgp/wire/open.ts";
import { decodeRouteRefresh, encodeRouteRefresh } from "../../src/bgp/wire/route-refresh.ts";
import { decodeUpdate, encodeUpdate } from "../../src/bgp/wire/update.ts";
import { Afi } from "../../src/core/address.ts";
import { concatBytes, fromHex, toHex } from "../../src/core/bytes.ts";
import { maskAddress } from "../../src/core/prefix.ts";
import { BASE, EBGP, NLRI, octets, updateBody } from "../support/wire-octets.ts";

const u8 = fc.integer({ min: 0, max: 255 });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const as = fc.integer({ min: 1, max: 0xffff_ffff });
const bytes = (minLength: number, maxLength: number) => fc.uint8Array({ minLength, maxLength });
const list = <Item>(item: fc.Arbitrary<Item>, maxLength: number) =>
  fc.array(item, { minLength: 1, maxLength });
const family = fc.record({ afi: u16, safi: u8 });
/** Text a capability takes: printable, so that it is shown as it came. */
const text = fc.string({ maxLength: 20 }).map((value) => value.replace(/[^ -~]/g, "x"));

const capability: fc.Arbitrary<Capability> = fc.oneof(
  fc.record({ kind: fc.constant("multiprotocol" as const), family }),
  fc.constant({ kind: "route-refresh" as const }),
  fc.constant({ kind: "enhanced-route-refresh" as const }),
  fc.constant({ kind: "extended-message" as const }),
  fc.record({ kind: fc.constant("four-octet-as" as const), as }),
  fc.record({ kind: fc.constant("role" as const), role: u8 }),
  fc.record({
    kind: fc.constant("graceful-restart" as const),
    restarted: fc.boolean(),
    notification: fc.boolean(),
    restartTimeSec: fc.integer({ min: 0, max: 4095 }),
    families: fc.array(fc.record({ afi: u16, safi: u8, forwardingPreserved: fc.boolean() }), {
      maxLength: 8,
    }),
  }),
  fc.record({
    kind: fc.constant("add-path" as const),
    families: list(fc.record({ afi: u16, safi: u8, mode: fc.constantFrom(1, 2, 3) }), 8),
  }),
  fc.record({ kind: fc.constant("fqdn" as const), host: text, domain: text }),
  fc.record({
    kind: fc.constant("software-version" as const),
    version: text.filter((value) => value.length > 0),
  }),
  fc.record({
    kind: fc.constant("unknown" as const),
    code: fc.integer({ min: 128, max: 255 }),
    value: bytes(0, 255),
  }),
);

const open: fc.Arbitrary<OpenMessage> = fc.record({
  kind: fc.constant("open" as const),
  version: fc.constant(4),
  myAs: fc.integer({ min: 1, max: 0xffff }),
  holdTimeSec: u16.filter((value) => value !== 1 && value !== 2),
  bgpIdentifier: fc.integer({ min: 1, max: 0xffff_ffff }),
  capabilities: fc.array(capability, { maxLength: 14 }),
});

const segment: fc.Arbitrary<AsSegment> = fc.record({
  type: fc.constantFrom(2 as const, 3 as const),
  ases: list(as, 300).map((ases) => ases.slice(0, 255)),
});

/** Triples without repetition, which a receiver would drop. */
const largeCommunities = fc
  .uniqueArray(fc.tuple(u32, u32, u32), { minLength: 1, maxLength: 30, selector: String })
  .map((triples) => triples.flat());

const unknown = fc.uniqueArray(
  fc.record({
    type: fc.integer({ min: 36, max: 255 }),
    flags: fc.constant(0xe0),
    value: bytes(0, 300),
  }),
  { minLength: 1, maxLength: 5, selector: (attribute) => attribute.type },
);

const attributes: fc.Arbitrary<PathAttributes> = fc
  .record(
    {
      origin: fc.constantFrom(0 as const, 1 as const, 2 as const),
      asPath: fc.array(segment, { maxLength: 4 }),
      nextHop: fc.tuple(fc.integer({ min: 1, max: 126 }), u8, u8, u8).map((all) => {
        return Uint8Array.from(all);
      }),
      med: u32,
      localPref: u32,
      atomicAggregate: fc.constant(true),
      aggregator: fc.record({ as, address: bytes(4, 4) }),
      communities: list(u32, 80),
      originatorId: u32,
      clusterList: list(u32, 5),
      extendedCommunities: list(bytes(8, 8), 40).map(concatBytes),
      ipv6ExtendedCommunities: list(bytes(20, 20), 3).map(concatBytes),
      largeCommunities,
      otc: u32,
      unknown: unknown.map((all) => all.toSorted((a, b) => a.type - b.type)),
    },
    { requiredKeys: ["origin", "asPath", "nextHop"] },
  )
  .chain((made) => {
    const partialTypes = [
      ...(made.aggregator === undefined ? [] : [7]),
      ...(made.communities === undefined ? [] : [8]),
      ...(made.otc === undefined ? [] : [35]),
    ];
    return fc.subarray(partialTypes).map((partial) => ({
      ...made,
      ...(partial.length === 0 ? {} : { partial }),
    }));
  });

const prefixes = (afi: Afi, hasPathIds: boolean): fc.Arbitrary<NlriPrefix[]> => {
  const size = afi === Afi.Ipv4 ? 4 : 16;
  const prefix = fc
    .tuple(bytes(size, size), fc.integer({ min: 0, max: size * 8 }), u32)
    .map(([address, length, pathId]) => ({
      address: maskAddress(address, length),
      length,
      ...(hasPathIds ? { pathId } : {}),
    }));
  return fc.array(prefix, { minLength: 1, maxLength: 60 });
};

const INTERNAL: WireContext = { ...EBGP, session: "ibgp", extendedMessages: true };
/** Buffers and views compare by their octets. */
const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_key, item) => (item instanceof Uint8Array ? toHex(item) : item)),
  );

t.test("decode after encode is the identity: OPEN", async (t) => {
  fc.assert(
    fc.property(open, (message) => {
      const decoded = decodeOpen(encodeOpen(message).subarray(HEADER_OCTETS));
      assert.deepEqual(plain(decoded), plain({ ok: true, value: message }));
    }),
    { numRuns: 300 },
  );
  t.pass("holds");
});

t.test("decode after encode is the identity: attributes, both widths of AS", async (t) => {
  fc.assert(
    fc.property(attributes, fc.boolean(), (made, as4) => {
      // Confederation segments do not pass an OLD speaker unharmed (RFC 6793 §3).
      const asPath = made.asPath.filter((part) => as4 || part.type === 2);
      const sent = { ...made, asPath };
      const list = encodeAttributes(sent, { as4, session: "ibgp", includeNextHop: true });
      const body = encodeUpdate({ attributes: list, nlri: octets(NLRI) }).subarray(HEADER_OCTETS);
      const decoded = decodeUpdate(body, { ...INTERNAL, as4 });
      if (!decoded.ok) throw new Error(decoded.fault.because);
      assert.deepEqual(decoded.value.faults, []);
      const received = decoded.value.attributes;
      assert.deepEqual(plain(joined(received)), plain(joined(sent)));
    }),
    { numRuns: 300 },
  );
  t.pass("holds");
});

/** Two neighbouring sequences say the same as one; the AS4 merge may join them. */
function joined(attributes: PathAttributes | undefined): unknown {
  if (attributes === undefined) return undefined;
  const asPath = attributes.asPath.flatMap((part) => part.ases.map((as) => [part.type, as]));
  return { ...attributes, asPath };
}

t.test("decode after encode is the identity: prefixes of both families", async (t) => {
  for (const afi of [Afi.Ipv4, Afi.Ipv6]) {
    for (const hasPathIds of [false, true]) {
      fc.assert(
        fc.property(prefixes(afi, hasPathIds), (made) => {
          const run = encodeNlri(made);
          assert.equal(scanNlri(run, afi, hasPathIds), made.length);
          const cursor = new NlriCursor();
          cursor.reset({ afi, octets: run, hasPathIds });
          const read: NlriPrefix[] = [];
          while (cursor.next()) {
            const address = new Uint8Array(afi === Afi.Ipv4 ? 4 : 16);
            cursor.copyAddress(address, 0);
            const { length, pathId } = cursor;
            read.push({ address, length, ...(hasPathIds ? { pathId } : {}) });
          }
          assert.deepEqual(plain(read), plain(made));
        }),
        { numRuns: 100 },
      );
    }
  }
  t.pass("holds");
});

t.test("decode after encode is the identity: NOTIFICATION, ROUTE-REFRESH", async (t) => {
  fc.assert(
    fc.property(u8, u8, bytes(0, 300), (code, subcode, data) => {
      const encoded = encodeNotification({ code, subcode, data });
      const { shutdownCommunication: _, ...decoded } = decodeNotification(encoded.subarray(19));
      assert.deepEqual(plain(decoded), plain({ kind: "notification", code, subcode, data }));
    }),
  );
  fc.assert(
    fc.property(family, u8, (of, subtype) => {
      const encoded = encodeRouteRefresh({ family: of, subtype });
      const decoded = decodeRouteRefresh(encoded.subarray(19));
      const value = { kind: "route-refresh", family: of, subtype };
      assert.deepEqual(plain(decoded), plain({ ok: true, value }));
    }),
  );
  t.pass("holds");
});

const CONTEXTS: readonly WireContext[] = [
  EBGP,
  { ...INTERNAL, as4: false },
  { ...EBGP, addPath: [{ afi: 1, safi: 1 }], families: [{ afi: 1, safi: 1 }] },
];

/** Decodes as a receiver would; what comes out is a value or a fault, whose fields are in range. */
function decodeAll(type: MessageType, body: Uint8Array): (Message | undefined)[] {
  return CONTEXTS.map((context) => {
    const decoded = decodeMessage({ type, body }, context);
    if (decoded.ok) return decoded.value;
    const { code, subcode, reason } = decoded.fault;
    if (code < 1 || code > 7 || subcode > 11 || !/^[a-z0-9-]+$/.test(reason)) {
      throw new Error(`a fault out of range: ${code}/${subcode} ${reason}`);
    }
    return undefined;
  });
}

const anyType = fc.constantFrom(...Object.values(MessageType));

t.test("arbitrary octets never throw", async (t) => {
  fc.assert(
    fc.property(anyType, bytes(0, 200), (type, body) => {
      decodeAll(type, body);
    }),
    { numRuns: 4000 },
  );
  const attributeLike = fc
    .array(fc.tuple(fc.constantFrom(0x40, 0x80, 0xc0, 0xe0, 0x50, 0xd0, 0), u8, bytes(0, 40)), {
      maxLength: 12,
    })
    .map((all) =>
      concatBytes(
        all.map(([flags, type, value]) => {
          const length = (flags & 0x10) === 0 ? [value.length] : [0, value.length];
          return concatBytes([Uint8Array.of(flags, type % 40, ...length), value]);
        }),
      ),
    );
  fc.assert(
    fc.property(attributeLike, bytes(0, 20), (list, nlri) => {
      decodeAll(2, encodeUpdate({ attributes: list, nlri }).subarray(HEADER_OCTETS));
    }),
    { numRuns: 4000 },
  );
  t.pass("no exception");
});

const RICH = concatBytes([
  octets(`${BASE} 80040400000001 400600 c00708 0000b030 0a000009 c00804 ffffff01
    c01008 0002b03000000001 c0200c 000000010000000200000003 c02304 0000b030 c06302aabb`),
  encodeMpReach({ afi: 2, safi: 1 }, octets("20010db8000000000000000000000001"), 5),
  octets("2020010db8 800f08 000201 2020010db9"),
]);
const SAMPLES: readonly Uint8Array[] = [
  encodeMessage(2, updateBody({ attributes: toHex(RICH), nlri: "180a1400", withdrawn: "080a" })),
  ...fc.sample(open, { seed: 7, numRuns: 3 }).map(encodeOpen),
  encodeNotification({ code: 6, subcode: 2, data: octets("03627965") }),
  encodeRouteRefresh({ family: { afi: 1, safi: 1 }, subtype: 0 }),
];

t.test("truncation at every offset", async (t) => {
  let count = 0;
  for (const sample of SAMPLES) {
    for (let length = 0; length < sample.length; length += 1) {
      const cut = sample.subarray(0, length);
      const framer = new Framer();
      framer.push(cut);
      const next = framer.next(false);
      assert.ok(next.ok && next.value === undefined, "a message cut short is awaited");
      if (length < HEADER_OCTETS) continue;
      decodeAll((sample[18] ?? 2) as MessageType, cut.subarray(HEADER_OCTETS));
      count += 1;
    }
  }
  t.ok(count > 200, `${count} cuts`);
});

t.test("one flipped bit is decoded, faulted, or equal", async (t) => {
  let faulted = 0;
  let decoded = 0;
  for (const sample of SAMPLES) {
    for (let bit = 0; bit < sample.length * 8; bit += 1) {
      const flipped = sample.slice();
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (0x80 >> (bit & 7));
      const header = decodeHeader(flipped, false);
      if (!header.ok) {
        faulted += 1;
        continue;
      }
      const body = flipped.subarray(HEADER_OCTETS, header.value.lengthOctets);
      const [message] = decodeAll(header.value.type, body);
      if (message === undefined) faulted += 1;
      else decoded += 1;
    }
  }
  t.ok(faulted > 100 && decoded > 100, `${faulted} faulted, ${decoded} decoded`);
});

interface Row {
  readonly id: string;
  readonly hex: string;
  readonly as4: boolean;
  readonly session: "ebgp" | "ibgp";
  readonly peerAs: number;
  readonly extendedMessages?: boolean;
  readonly expect: { readonly action: string };
}

const hostile = new URL("../../../fixtures/wire/hostile.jsonl", import.meta.url);
const rows: readonly Row[] = existsSync(hostile)
  ? readFileSync(hostile, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
  : [];

/** What the stream comes to: a word for each message, the last one `reset` where it ends in one. */
function digest(framer: Framer, row: Row, into: string[]): void {
  const { as4, session, peerAs, extendedMessages = false } = row;
  const context = { ...EBGP, as4, session, peerAs, extendedMessages };
  for (;;) {
    if (into.at(-1)?.startsWith("reset") === true) return;
    const next = framer.next(extendedMessages);
    if (next.ok && next.value === undefined) return;
    into.push(next.ok ? wordOf(next.value as Frame, context) : `reset ${next.fault.reason}`);
  }
}

function wordOf(frame: Frame, context: WireContext): string {
  const decoded = decodeMessage(frame, context);
  if (!decoded.ok) return `reset ${decoded.fault.reason}`;
  const message = decoded.value;
  if (message.kind !== "update") return message.kind;
  const reasons = message.faults.map((fault) => fault.reason).join(",");
  return `${message.treatAsWithdraw ? "withdraw" : "update"} ${message.reach.length} ${reasons}`;
}

t.test("delivery: the same verdicts however the octets arrive", async (t) => {
  t.ok(rows.length > 100, `${rows.length} rows of fixtures/wire/hostile.jsonl`);
  for (const row of rows) {
    const first = fromHex(row.hex) ?? new Uint8Array(0);
    const context = row.session === "ibgp" ? "4002 00" : "4002060201 0000b030";
    const path = row.as4 ? context : "4002 04 0201 b030";
    const valid = encodeMessage(
      2,
      updateBody({ attributes: `40010100 ${path} 4003040a000002`, nlri: NLRI }),
    );
    const stream = concatBytes([first, valid]);
    const whole: string[] = [];
    const atOnce = new Framer();
    atOnce.push(stream);
    digest(atOnce, row, whole);
    const single: string[] = [];
    const drop = new Framer();
    for (const octet of stream) {
      drop.push(Uint8Array.of(octet));
      digest(drop, row, single);
    }
    t.same(single, whole, `${row.id}: one octet a push`);
    const isReset = row.expect.action === "session_reset";
    t.equal(whole.at(-1)?.startsWith("reset"), isReset, `${row.id}: ${whole.join(" | ")}`);
    if (!isReset) t.equal(whole.at(-1), "update 1 ", `${row.id}: the next UPDATE applies`);
    const many = new Framer();
    many.push(concatBytes(Array.from({ length: Math.ceil(65_536 / first.length) }, () => first)));
    const repeated: string[] = [];
    digest(many, row, repeated);
    t.ok(repeated.every((word, index) => index === repeated.length - 1 || word === repeated[0]));
  }
});
