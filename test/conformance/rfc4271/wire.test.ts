import t from "tap";
import { decodeHeader, encodeKeepalive } from "../../../src/bgp/wire/header.ts";
import { decodeNotification } from "../../../src/bgp/wire/notification.ts";
import { decodeOpen } from "../../../src/bgp/wire/open.ts";
import { toHex } from "../../../src/core/bytes.ts";
import {
  BASE,
  decodedUpdate,
  EBGP,
  IBGP,
  NLRI,
  ORIGIN,
  octets,
  openBody,
  outcome,
  survivor,
} from "../../support/wire-octets.ts";

/** `code/subcode data` of the fault, or `ok`. */
const verdict = (decoded: ReturnType<typeof decodeHeader> | ReturnType<typeof decodeOpen>) =>
  decoded.ok
    ? "ok"
    : `${decoded.fault.code}/${decoded.fault.subcode} ${toHex(decoded.fault.data)}`.trim();

const header = (lengthAndType: string, extended = false) =>
  verdict(decodeHeader(octets(`${"ff".repeat(16)} ${lengthAndType}`), extended));

t.test("RFC 4271 §4.4 KEEPALIVE: a header alone", async (t) => {
  t.equal(toHex(encodeKeepalive()), `${"ff".repeat(16)}001304`);
});

t.test("RFC 4271 §6.1 header: the marker is all ones, to its last octet", async (t) => {
  for (let index = 0; index < 16; index += 1) {
    const bytes = octets(`${"ff".repeat(16)}001304`);
    bytes[index] = 0xfe;
    t.equal(verdict(decodeHeader(bytes, false)), "1/1");
  }
});

t.test("RFC 4271 §6.1 header: length per type, the field as data", async (t) => {
  t.equal(header("0012 04"), "1/2 0012");
  t.equal(header("0014 04"), "1/2 0014");
  t.equal(header("1001 02"), "1/2 1001");
  t.equal(header("001c 01"), "1/2 001c");
  t.equal(header("0016 02"), "1/2 0016");
  t.equal(header("0014 03"), "1/2 0014");
  t.equal(header("0013 04"), "ok");
  t.equal(header("001d 01"), "ok");
  t.equal(header("1000 02"), "ok");
});

t.test("RFC 4271 §6.1 header: the type as data", async (t) => {
  t.equal(header("0013 00"), "1/3 00");
  t.equal(header("0013 06"), "1/3 06");
  t.equal(header("0013 ff"), "1/3 ff");
});

const open = (hex: string) => verdict(decodeOpen(octets(hex)));

t.test("RFC 4271 §6.2 OPEN: version, hold time, identifier, parameters", async (t) => {
  t.equal(open("03 b030 005a 0a000002 00"), "2/1 0004");
  t.equal(open("05 b030 005a 0a000002 00"), "2/1 0004");
  t.equal(open("04 b030 0001 0a000002 00"), "2/6");
  t.equal(open("04 b030 0002 0a000002 00"), "2/6");
  t.equal(open("04 b030 0000 0a000002 00"), "ok");
  t.equal(open("04 b030 0003 0a000002 00"), "ok");
  t.equal(open("04 b030 005a 00000000 00"), "2/3");
  t.equal(open("04 b030 005a 0a000002 02 0100"), "2/4");
  t.equal(open("04 b030 005a 0a000002 ff"), "2/0");
  t.equal(open("04 b030 005a 0a000002 02 02"), "2/0");
  t.equal(open("04 b030 005a 0a000002 02 0204"), "2/0", "a parameter beyond the message");
  t.equal(open("04 b030 005a 0a000002 00 00"), "2/0", "octets nobody announced");
});

t.test("RFC 4271 §4.2 OPEN: fields", async (t) => {
  const decoded = decodeOpen(openBody("0206 0104 0002 0001"));
  t.match(decoded, {
    ok: true,
    value: {
      version: 4,
      myAs: 45104,
      holdTimeSec: 90,
      bgpIdentifier: 0x0a00_0002,
      capabilities: [{ kind: "multiprotocol", family: { afi: 2, safi: 1 } }],
    },
  });
});

t.test("RFC 4271 §4.3 UPDATE: fields of a route and of a withdrawal", async (t) => {
  const update = survivor({ withdrawn: "080b", attributes: BASE, nlri: NLRI });
  t.match(update, { treatAsWithdraw: false, faults: [], ignored: [] });
  t.equal(update.endOfRib, undefined);
  t.same(update.unreach, [{ afi: 1, octets: octets("080b"), hasPathIds: false, count: 1 }]);
  t.match(update.reach, [{ afi: 1, octets: octets(NLRI), count: 1, nextHop: octets("0a000002") }]);
  t.match(update.attributes, { origin: 0, asPath: [{ type: 2, ases: [45104] }] });
});

t.test("RFC 4271 §5 attributes: order is free, ours ascends", async (t) => {
  const update = survivor({
    attributes: "4003040a000002 4002060201 0000b030 40010100",
    nlri: NLRI,
  });
  t.equal(update.treatAsWithdraw, false);
});

t.test(
  "RFC 4271 §5 attributes: unknown optional transitive ones are kept, Partial too",
  async (t) => {
    const { attributes } = outcome("e06301aa c06400 806500 e00804 ffffff01");
    t.same(attributes?.unknown, [
      { type: 0x63, flags: 0xe0, value: octets("aa") },
      { type: 0x64, flags: 0xc0, value: octets("") },
    ]);
    t.same(attributes?.partial, [8]);
  },
);

t.test("RFC 4271 §6.3 UPDATE: an unrecognized well-known attribute, itself as data", async (t) => {
  const decoded = decodedUpdate({ attributes: `${BASE} 406301aa`, nlri: NLRI });
  t.match(decoded, { ok: false, fault: { code: 3, subcode: 2, data: octets("406301aa") } });
});

t.test("RFC 4271 §6.3 UPDATE: the first AS of an external peer is its own", async (t) => {
  const other = `${ORIGIN} 4002060201 0000fde9 4003040a000002`;
  const update = survivor({ attributes: other, nlri: NLRI });
  t.match(update, { treatAsWithdraw: true, faults: [{ subcode: 11, reason: "as-path-first-as" }] });
  t.equal(survivor({ attributes: other, nlri: NLRI }, IBGP).treatAsWithdraw, false);
});

t.test(
  "RFC 4271 §6.3 UPDATE: a next hop that is no host withdraws, the session stays",
  async (t) => {
    for (const address of ["00000000", "7f000001", "e0000001", "f0000001", "ffffffff"]) {
      const attributes = `${ORIGIN} 4002060201 0000b030 400304 ${address}`;
      const update = survivor({ attributes, nlri: NLRI });
      t.match(update, { treatAsWithdraw: true, faults: [{ code: 3, subcode: 8 }] }, address);
    }
  },
);

t.test("RFC 4271 §6.3 UPDATE: between loopback speakers 127/8 is a next hop", async (t) => {
  const attributes = `${ORIGIN} 4002060201 0000b030 400304 7f000002`;
  const loopback = { ...EBGP, isLoopback: true };
  t.equal(survivor({ attributes, nlri: NLRI }, loopback).treatAsWithdraw, false);
  t.equal(survivor({ attributes, nlri: NLRI }).treatAsWithdraw, true);
});

t.test("RFC 4271 §4.5 NOTIFICATION: code, subcode, data", async (t) => {
  t.same(decodeNotification(octets("0301aabb")), {
    kind: "notification",
    code: 3,
    subcode: 1,
    data: octets("aabb"),
  });
});
