import t from "tap";
import { encodeKeepalive } from "../../../src/bgp/wire/header.ts";
import type { Message } from "../../../src/bgp/wire/message.ts";
import { encodeOpen } from "../../../src/bgp/wire/open.ts";
import { remoteOpen } from "../../support/bgp-session.ts";
import { announce, Solo, soloConfig } from "../../support/bgp-solo.ts";

/** `6/2`, and the data as numbers. */
const cease = (message: Message | undefined) =>
  message?.kind === "notification"
    ? [`${message.code}/${message.subcode}`, ...message.data]
    : undefined;

const limit = (action: "reset" | "shutdown", restartSec?: number) =>
  soloConfig({ maxPrefix: { limit: 2, warnAtPercent: 50, action, restartSec } });

const three = ["10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"];

t.test("RFC 4486 §4 subcode 1: too many prefixes, with family and bound", async (t) => {
  const solo = new Solo(limit("reset"));
  const connection = solo.establish();
  solo.heard(connection);
  solo.say(connection, announce(three));
  t.same(cease(solo.heard(connection)[0]), ["6/1", 0, 1, 1, 0, 0, 0, 2]);
  t.match(solo.peer().lastReset, { reason: "prefix_limit", code: 6, subcode: 1 });
  t.equal(solo.peer().downReason, "peer exceeded the limit of 2 ipv4-unicast prefixes");
  solo.advance(10);
  t.equal(solo.peer().state, "Active", "reset: back after the idle hold");
});

t.test("RFC 4486 §4 subcode 1: a warning comes first, once", async (t) => {
  const solo = new Solo(limit("reset"));
  const connection = solo.establish();
  solo.say(connection, announce(["10.1.0.0/16"]));
  t.equal(solo.logs("bgp.prefix-limit.near").length, 1);
  solo.say(connection, announce(["10.1.0.0/16"]));
  t.equal(solo.logs("bgp.prefix-limit.near").length, 1);
  t.equal(solo.peer().state, "Established");
});

t.test("RFC 4486 §4 subcode 1: restart timer, or an operator", async (t) => {
  const timed = new Solo(limit("reset", 30));
  timed.say(timed.establish(), announce(three));
  t.match(timed.peer().timers, [{ name: "PrefixLimitRestartTimer" }]);
  timed.accept();
  t.equal(timed.peer().counters.discards["refused-prefix-limit"], 1);
  timed.advance(29);
  t.equal(timed.peer().state, "Idle");
  t.match(timed.peer().downReason, /prefixes; restarts in 30 s$/);
  timed.advance(2);
  t.equal(timed.peer().state, "Active");

  const manual = new Solo(limit("shutdown"));
  manual.say(manual.establish(), announce(three));
  manual.advance(86_400);
  t.equal(manual.peer().state, "Idle");
  t.match(manual.peer().downReason, /prefixes; waits for an operator$/);
  manual.input({ kind: "admin", peer: "b", action: "start", text: "" });
  t.equal(manual.peer().state, "Active");

  const raised = new Solo(limit("shutdown"));
  raised.say(raised.establish(), announce(three));
  raised.input({ kind: "configure", config: soloConfig() });
  t.equal(raised.peer().state, "Active", "a limit that is lifted is an operator's word as well");
});

t.test("RFC 4486 §4 subcodes 2 and 4: by hand, with RFC 9003 words or without", async (t) => {
  for (const [action, subcode] of [
    ["stop", 2],
    ["reset", 4],
  ] as const) {
    const solo = new Solo();
    const connection = solo.establish();
    solo.heard(connection);
    solo.input({ kind: "admin", peer: "b", action, text: "é" });
    t.same(cease(solo.heard(connection)[0]), [`6/${subcode}`, 2, 0xc3, 0xa9]);
    const silent = new Solo();
    const other = silent.establish();
    silent.heard(other);
    silent.input({ kind: "admin", peer: "b", action, text: "" });
    t.same(cease(silent.heard(other)[0]), [`6/${subcode}`]);
  }
});

t.test("RFC 4486 §4 subcodes 3 and 6: taken out, and configured otherwise", async (t) => {
  for (const [config, expected] of [
    [soloConfig({}, { peers: [] }), "6/3"],
    [soloConfig({ holdTimeSec: 30 }), "6/6"],
    [soloConfig({ isShutdown: true }), "6/2"],
  ] as const) {
    const solo = new Solo();
    const connection = solo.establish();
    solo.heard(connection);
    solo.input({ kind: "configure", config });
    t.same(cease(solo.heard(connection)[0]), [expected]);
  }
});

t.test("RFC 4486 §4 subcode 5: a connection that must not be", async (t) => {
  const solo = new Solo();
  const connection = solo.accept();
  solo.heard(connection);
  solo.input({ kind: "hold-off", peer: "b", isOn: true, reason: "waiting for BFD" });
  t.same(cease(solo.heard(connection)[0]), ["6/5"]);
});

t.test("RFC 4486 §4 subcode 7: the connection that lost the collision", async (t) => {
  const solo = new Solo(soloConfig({ isPassive: false }));
  const ours = solo.connect();
  const theirs = solo.accept();
  solo.heard(ours);
  solo.say(theirs, encodeOpen(remoteOpen()), encodeKeepalive());
  t.same(cease(solo.heard(ours)[0]), ["6/7"], "10.0.0.2 is higher than we are");
  t.equal(solo.peer().state, "Established");
  t.equal(solo.peer().counters.resets.collision, 1);
  t.equal(solo.peer().lastReset, undefined, "no reset of the peer's session");
});
