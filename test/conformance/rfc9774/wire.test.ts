import t from "tap";
import { IBGP, NLRI, OLD, octets, survivor } from "../../support/wire-octets.ts";

/** What becomes of a route with this AS_PATH value. */
function fate(path: string, context = IBGP, more = "") {
  const length = octets(path).length.toString(16).padStart(2, "0");
  const attributes = `40010100 4002 ${length} ${path} 4003040a000002 ${more}`;
  const { treatAsWithdraw, faults } = survivor({ attributes, nlri: NLRI }, context);
  return [treatAsWithdraw, ...faults.map((fault) => fault.reason)];
}

t.test("RFC 9774 §3 AS_SET and AS_CONFED_SET: treated as withdrawn from any peer", async (t) => {
  t.same(fate("0201 0000b030 0101 0000fde9"), [true, "as-path-as-set"]);
  t.same(fate("0101 0000fde9"), [true, "as-path-as-set"]);
  t.same(fate("0401 0000fde9"), [true, "as-path-as-set"]);
  t.same(fate("0201 0000b030"), [false]);
});

t.test("RFC 9774 §3 AS_SET: in AS4_PATH as well", async (t) => {
  t.same(fate("0202 fdea 5ba0", OLD, "c011060101 000101d0"), [true, "as-path-as-set"]);
});

t.test("RFC 9774 §3 AS_SET: without a route there is nothing to withdraw", async (t) => {
  const update = survivor({ attributes: "40010100 4002060101 0000fde9 800f03000201" }, IBGP);
  t.same(update.faults, []);
});
