import t from "tap";
import { encodeKeepalive } from "../../../src/bgp/wire/header.ts";
import { encodeOpen } from "../../../src/bgp/wire/open.ts";
import { isUp, pair } from "../../support/bgp-pair.ts";
import { IPV4, remoteOpen } from "../../support/bgp-session.ts";
import { announce, Solo, soloConfig } from "../../support/bgp-solo.ts";

const down = { kind: "path-failed", peer: "b", cause: "bfd-down", text: "no packet for 900 ms" };

t.test("RFC 9384 §3 BFD Down: Cease 6/10, and out of Established in the same turn", async (t) => {
  const solo = new Solo();
  const connection = solo.establish();
  solo.say(connection, announce(["10.1.0.0/16"]));
  solo.settle();
  solo.heard(connection);
  const out = solo.input(down as never);
  t.match(solo.heard(connection), [{ kind: "notification", code: 6, subcode: 10 }]);
  t.match(
    out.find((effect) => effect.kind === "session"),
    {
      from: "Established",
      to: "Idle",
      reason: "bfd_down",
      text: "BFD down: no packet for 900 ms",
    },
  );
  t.same(solo.peer().counters.resets, { bfd_down: 1 });
  solo.settle();
  t.equal(solo.speaker.view.rib.locRibCount(IPV4), 0);
  t.equal(solo.peer().downReason, "BFD down: no packet for 900 ms");
});

t.test("RFC 9384 §3 BFD Down: the peer can read it", async (t) => {
  const link = pair();
  t.ok(link.net.runUntil(() => isUp(link), 60));
  link.a.deliver(down as never);
  link.net.run(0.5);
  t.match(link.b.peer("a").lastReset, { reason: "notification_in", code: 6, subcode: 10 });
  t.equal(link.b.peer("a").downReason, "peer sent Cease/BFD Down");
  t.ok(
    link.net.runUntil(() => isUp(link), 60),
    "not held off: BGP comes back by itself",
  );
});

t.test(
  "RFC 9384 §3 BFD Down: during the handshake, and while there is nothing to end",
  async (t) => {
    const early = new Solo(soloConfig({ isPassive: false }));
    const connection = early.connect();
    early.say(connection, encodeOpen(remoteOpen()));
    early.heard(connection);
    early.input(down as never);
    t.match(early.heard(connection), [{ kind: "notification", code: 6, subcode: 10 }]);
    early.say(connection, encodeKeepalive());
    t.equal(early.peer().state, "Idle");

    const idle = new Solo();
    idle.take();
    t.same(idle.input(down as never), []);
    t.equal(idle.peer().state, "Active", "it goes on listening");
  },
);

t.test("RFC 9384 §3 strict mode: held off until BFD is Up again", async (t) => {
  const solo = new Solo(soloConfig({ isPassive: false }));
  const connection = solo.connect();
  solo.say(connection, encodeOpen(remoteOpen()), encodeKeepalive());
  solo.settle();
  solo.input(down as never);
  solo.input({ kind: "hold-off", peer: "b", isOn: true, reason: "strict BFD: Down" });
  solo.take();
  solo.advance(600);
  t.same(solo.take(), []);
  t.equal(solo.peer().downReason, "held off: strict BFD: Down");
  t.match(solo.peer().lastReset, { reason: "bfd_down" }, "the first cause is kept");
  solo.input({ kind: "hold-off", peer: "b", isOn: false, reason: "" });
  t.equal(solo.peer().state, "Connect");
});

t.test("a link that is down ends the session as well, under its own name", async (t) => {
  const solo = new Solo();
  const connection = solo.establish();
  solo.heard(connection);
  solo.input({ kind: "path-failed", peer: "b", cause: "link-down", text: "eth0 has no carrier" });
  t.match(solo.heard(connection), [{ kind: "notification", code: 6, subcode: 0 }]);
  t.match(solo.peer().lastReset, { reason: "link_down", text: "link down: eth0 has no carrier" });
});
