/** What ends a session or opens one, 10^5 times, ten on each connection: as little grows. */
import t from "tap";
import { repeated } from "./deliveries.ts";
import { hostileRows, isOneSession } from "./target.ts";

const TIMES = 100_000;

for (const row of hostileRows().filter((row) => !isOneSession(row))) {
  t.test(`${row.clause}, row ${row.row}: ${row.id} ${TIMES} times`, async (t) => {
    t.same(repeated(row, TIMES), []);
  });
}
