import t from "tap";
import { isUp, originated, pair } from "../../../support/bgp-pair.ts";

t.test("two speakers that dial each other end with one Established connection each", async (t) => {
  for (const latencyUs of [0, 10, 1000, 50_000]) {
    const link = pair({ latencyUs });
    t.ok(
      link.net.runUntil(() => isUp(link), 60),
      `latency ${latencyUs} µs`,
    );
    link.net.run(300);
    t.ok(isUp(link));
    t.equal(link.a.ends.size, 1, "no connection is left over");
    t.equal(link.b.ends.size, 1);
    t.equal(link.a.peer("b").establishedTransitions, 1);
    t.equal(link.a.peer("b").downReason, undefined);
  }
});

t.test("routes cross, are withdrawn, and go with the session", async (t) => {
  const link = pair({ aSpeaker: { originated: originated(1000) } });
  t.ok(link.net.runUntil(() => isUp(link), 60));
  link.net.run(5);
  const { rib } = link.b.speaker.view;
  t.equal(rib.locRibCount({ afi: 1, safi: 1 }), 1000);
  t.equal(rib.lookup("10.0.7.9"), "10.0.7.0/24");
});
