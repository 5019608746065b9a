/**
 * Every message of `fixtures/wire/hostile.jsonl`, brought in every way to the shipped speaker in
 * virtual time. The rows carry the clause that says what is due; `docs/testing.md` lists them.
 */
import t from "tap";
import { DELIVERIES } from "./deliveries.ts";
import { hostileRows } from "./target.ts";

const rows = hostileRows();

for (const row of rows) {
  t.test(`${row.clause}, row ${row.row}: ${row.id}`, async (t) => {
    for (const [way, deliver] of Object.entries(DELIVERIES)) t.same(deliver(row), [], way);
  });
}

t.test("no row is missing", async (t) => {
  const numbers = new Set(rows.map(({ row }) => row));
  const missing = Array.from({ length: 30 }, (_, index) => index + 1).filter(
    (number) => !numbers.has(number),
  );
  t.same(missing, [8], "row 8 is about states, not octets: states.test.ts");
});
