import t from "tap";
import { encodeAttributes } from "../../../src/bgp/wire/attribute-encode.ts";
import { toHex } from "../../../src/core/bytes.ts";
import { outcome } from "../../support/wire-octets.ts";

t.test("RFC 9234 §5 Only To Customer: four octets, else treat-as-withdraw", async (t) => {
  t.equal(outcome("c023040000b030").attributes?.otc, 45104);
  for (const value of ["00", "03 00b030", "05 0000b03000"]) {
    const { treatAsWithdraw, reasons } = outcome(`c023 ${value}`);
    t.equal(treatAsWithdraw, true);
    t.same(reasons, ["otc-length"]);
  }
});

t.test("RFC 9234 §5 Only To Customer: goes out as it came, Partial included", async (t) => {
  const { attributes } = outcome("e023040000b030");
  if (attributes === undefined) throw new Error("the route is kept");
  const sent = encodeAttributes(attributes, { as4: true, session: "ebgp", includeNextHop: true });
  t.ok(toHex(sent).endsWith("e023040000b030"));
});
