import t from "tap";
import { decodeOpen } from "../../../src/bgp/wire/open.ts";
import { NLRI, OLD, octets, openBody, outcome, survivor } from "../../support/wire-octets.ts";

t.test("RFC 7607 §2 AS 0: an OPEN from it is refused, in either field", async (t) => {
  const refused = { ok: false, fault: { code: 2, subcode: 2 } };
  t.match(decodeOpen(octets("04 0000 005a 0a000002 00")), refused);
  t.match(decodeOpen(openBody("0206 4104 00000000")), refused);
});

t.test("RFC 7607 §2 AS 0: in AS_PATH it withdraws", async (t) => {
  const attributes = "40010100 40020a0202 0000b030 00000000 4003040a000002";
  t.match(survivor({ attributes, nlri: NLRI }), {
    treatAsWithdraw: true,
    faults: [{ subcode: 11, reason: "as-path-as-0" }],
  });
});

t.test(
  "RFC 7607 §2 AS 0: in AGGREGATOR and the AS4 attributes it costs the attribute",
  async (t) => {
    t.same(outcome("c00708 00000000 0a000009").reasons, ["aggregator-as-0"]);
    const attributes = `40010100 4002040201 fdea 4003040a000002
    c011060201 00000000 c01208 00000000 0a000009`;
    t.match(survivor({ attributes, nlri: NLRI }, OLD), {
      treatAsWithdraw: false,
      faults: [{ reason: "as4-path-as-0" }, { reason: "as4-aggregator-as-0" }],
    });
  },
);
