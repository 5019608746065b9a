/** What a session survives, 10^5 times on one: neither log nor memory grows with the number. */
import t from "tap";
import { repeated } from "./deliveries.ts";
import { hostileRows, isOneSession } from "./target.ts";

const TIMES = 100_000;

for (const row of hostileRows().filter(isOneSession)) {
  t.test(`${row.clause}, row ${row.row}: ${row.id} ${TIMES} times`, async (t) => {
    t.same(repeated(row, TIMES), []);
  });
}
