import t from "tap";
import { ACCEPT_ALL, REJECT_ALL } from "../../../src/bgp/policy/chain.ts";
import { originated } from "../../support/bgp-pair.ts";
import { IPV4 } from "../../support/bgp-session.ts";
import { announce, Solo, soloConfig } from "../../support/bgp-solo.ts";

t.test("RFC 8212 §2 import: without a policy nothing is taken", async (t) => {
  const solo = new Solo(soloConfig({ importPolicy: REJECT_ALL }));
  const connection = solo.establish();
  solo.say(connection, announce(["10.1.0.0/16", "0.0.0.0/0"]));
  solo.settle();
  const { slot, state } = solo.peer();
  t.equal(state, "Established");
  t.equal(solo.speaker.view.rib.locRibCount(IPV4), 0);
  t.match(solo.speaker.view.rib.counts(slot, IPV4), { received: 2, accepted: 0, rejected: 2 });
  t.notOk(
    solo.effects.some((effect) => effect.kind === "routes"),
    "the FIB never hears of them",
  );
});

t.test("RFC 8212 §2 export: without a policy nothing is told", async (t) => {
  for (const [exportPolicy, expected] of [
    [REJECT_ALL, 0],
    [ACCEPT_ALL, 5],
  ] as const) {
    const solo = new Solo(soloConfig({ exportPolicy }, { originated: originated(5) }));
    const connection = solo.establish();
    solo.settle();
    const told = solo
      .heard(connection)
      .flatMap((message) => (message.kind === "update" ? message.reach : []))
      .reduce((sum, { count }) => sum + count, 0);
    t.equal(told, expected, exportPolicy.name);
  }
});
