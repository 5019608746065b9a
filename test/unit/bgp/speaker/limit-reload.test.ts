/** A prefix limit lowered by a reload acts on what is here already. */
import t from "tap";
import type { MaxPrefix } from "../../../../src/bgp/rib/contract.ts";
import { IPV4 } from "../../../support/bgp-session.ts";
import { announce, Solo, soloConfig, withdraw } from "../../../support/bgp-solo.ts";
import { prefixListOf } from "../../../support/prefixes.ts";

const PREFIXES = prefixListOf(400);

const limited = (limit: number, action: MaxPrefix["action"]) =>
  soloConfig({ maxPrefix: { limit, action, warnAtPercent: 80, restartSec: undefined } });

/** A peer that announced everything, one prefix after the other, below its limit. */
function full(action: MaxPrefix["action"]) {
  const solo = new Solo(limited(1_000, action));
  const connection = solo.establish();
  for (const prefix of PREFIXES) solo.say(connection, announce([prefix]));
  solo.settle();
  solo.take();
  const counts = () => {
    solo.settle();
    return solo.speaker.view.rib.counts(solo.peer().slot, IPV4);
  };
  const lower = (limit: number) =>
    solo.input({ kind: "configure", config: limited(limit, action) });
  return { solo, connection, counts, lower };
}

t.test("warn: a line at once, and nothing else", async (t) => {
  const { solo, counts, lower } = full("warn");
  lower(450);
  t.equal(solo.logs("bgp.prefix-limit.near").length, 1, "above 80 %");
  solo.advance(60);
  lower(100);
  t.match(solo.logs("bgp.prefix-limit.exceeded")[0]?.fields, { count: 400, limit: 100 });
  t.equal(counts().received, 400);
  t.equal(solo.peer().state, "Established");
});

t.test("drop-newest: what came first stays, the rest goes", async (t) => {
  const { solo, connection, counts, lower } = full("drop-newest");
  lower(150);
  t.equal(solo.logs("bgp.prefix-limit.exceeded").length, 1);
  t.match(counts(), { received: 150, best: 150, overLimit: 250 });
  const rows = solo.speaker.view.rib.routes({ rib: "loc-rib", offset: 0, limit: 1_000 });
  t.same(
    rows.map(({ prefix }) => prefix),
    PREFIXES.slice(0, 150),
  );
  solo.say(connection, announce(["10.200.0.0/24"]));
  t.equal(counts().received, 150, "and nothing comes in");
  solo.say(connection, withdraw([PREFIXES[0] ?? ""]), announce(["10.201.0.0/24"]));
  t.equal(counts().received, 150, "but for what goes out");
  lower(0);
  t.match(counts(), { received: 0, best: 0 });
});

t.test("reset and shutdown: the session ends at once", async (t) => {
  for (const action of ["reset", "shutdown"] as const) {
    const { solo, counts, lower } = full(action);
    lower(399);
    t.equal(solo.peer().state, "Idle", action);
    t.match(solo.peer().lastReset, { reason: "prefix_limit", code: 6, subcode: 1 });
    t.equal(counts().received, 0);
  }
});

t.test("a limit that did not change, or is not reached, does nothing", async (t) => {
  const { solo, counts, lower } = full("drop-newest");
  lower(1_000);
  lower(600);
  t.same(solo.logs("bgp.prefix-limit.exceeded"), []);
  t.equal(counts().received, 400);
});
