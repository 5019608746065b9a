import t from "tap";
import { decodeOpen } from "../../../src/bgp/wire/open.ts";
import { OLD, octets, openBody, outcome, survivor } from "../../support/wire-octets.ts";

/** From the OLD speaker AS 65002: AS_PATH of two octets and what else there is. */
function fromOld(path: string, more: string) {
  const length = octets(path).length.toString(16).padStart(2, "0");
  const attributes = `40010100 4002 ${length} ${path} 4003040a000002 ${more}`;
  const update = survivor({ attributes, nlri: "180a1400" }, OLD);
  return { ...update, reasons: update.faults.map((fault) => fault.reason) };
}

t.test("RFC 6793 §3 4-octet AS capability: a wrong length is a malformed OPEN", async (t) => {
  for (const capability of ["4100", "4102b030", "41050000b03000"]) {
    const length = octets(capability).length.toString(16).padStart(2, "0");
    const decoded = decodeOpen(openBody(`02 ${length} ${capability} 0202 0200`));
    t.match(decoded, { ok: false, fault: { code: 2, subcode: 0 } }, capability);
  }
});

t.test("RFC 6793 §4.1: the two AS4 attributes of a NEW speaker are discarded", async (t) => {
  const { treatAsWithdraw, reasons } = outcome("c011060201 0000b030 c01208 0000b030 0a000009");
  t.equal(treatAsWithdraw, false);
  t.same(reasons, ["as4-path-from-as4-speaker", "as4-aggregator-from-as4-speaker"]);
});

t.test("RFC 6793 §4.2.3: AS4_PATH fills in AS_TRANS, wherever it stands", async (t) => {
  const as4 = "c0110a0202 000101d0 0000fde9";
  const { attributes } = fromOld("0203 fdea 5ba0 fde9", as4);
  t.same(attributes?.asPath, [{ type: 2, ases: [65002, 66000, 65001] }]);
  const first = survivor(
    {
      attributes: `${as4} 40010100 4002080203 fdea 5ba0 fde9 4003040a000002`,
      nlri: "180a1400",
    },
    OLD,
  );
  t.same(first.attributes?.asPath, [{ type: 2, ases: [65002, 66000, 65001] }]);
});

t.test("RFC 6793 §4.2.3: a longer AS4_PATH is not believed", async (t) => {
  const { attributes } = fromOld("0201 fdea", "c0110a0202 000101d0 0000fde9");
  t.same(attributes?.asPath, [{ type: 2, ases: [65002] }]);
});

t.test("RFC 6793 §4.2.3: AGGREGATOR of AS_TRANS takes the number of AS4_AGGREGATOR", async (t) => {
  const old = fromOld("0201 fdea", "c00706 5ba0 0a000009 c01208 000101d0 0a000008");
  t.same(old.attributes?.aggregator, { as: 66000, address: octets("0a000008") });
  const newer = fromOld(
    "0202 fdea 5ba0",
    "c00706 fdea 0a000009 c01208 000101d0 0a000008 c011060201 000101d0",
  );
  t.same(newer.attributes?.aggregator, { as: 65002, address: octets("0a000009") });
  t.same(newer.attributes?.asPath, [{ type: 2, ases: [65002, 23456] }], "both are ignored");
});

t.test("RFC 6793 §6: a malformed AS4 attribute is discarded, the route stays", async (t) => {
  for (const value of ["05 0201 0000b0", "02 0200", "06 0501 0000b030", "07 0201 0000b030 02"]) {
    const { treatAsWithdraw, attributes, reasons } = fromOld("0201 fdea", `c011 ${value}`);
    t.equal(treatAsWithdraw, false, value);
    t.match(reasons, [/^as4-path-/]);
    t.same(attributes?.asPath, [{ type: 2, ases: [65002] }]);
  }
  t.same(fromOld("0201 fdea", "c01207 0000b030 0a0000").reasons, ["as4-aggregator-length"]);
});

t.test("RFC 6793 §6: confederation segments in AS4_PATH are dropped", async (t) => {
  const { attributes } = fromOld("0202 fdea 5ba0", "c0110c 0301 0000fc00 0201 000101d0");
  t.same(attributes?.asPath, [{ type: 2, ases: [65002, 66000] }]);
});
