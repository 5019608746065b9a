import t from "tap";
import { MS, mirrored, Pair, SEC, sessionConfig } from "../../unit/bfd/harness.ts";

/** What a client is told must be enough to tell a failure from an order (RFC 5882 §3.2, §4.2). */

t.test("RFC 5882 §4.2: a session that never was Up reports no failure", async (t) => {
  const config = sessionConfig();
  const pair = new Pair({ a: config, b: mirrored(config) });
  pair.cut.add(pair.a);
  pair.run(30 * SEC);
  t.notOk(pair.a.states.some(({ from }) => from === "Up"));
  t.notOk(pair.a.states.some(({ to }) => to === "Up"));
});

t.test("RFC 5882 §4.2: a failure says from Up, an order says AdminDown", async (t) => {
  const config = sessionConfig();
  const failed = new Pair({ a: config, b: mirrored(config) });
  failed.bringUp();
  failed.cut.add(failed.b);
  failed.run(SEC);
  t.match(failed.a.states.at(-1), { from: "Up", to: "Down", diag: 1, remoteState: "Up" });
  t.match(
    failed.b.states.find(({ to }) => to === "Down"),
    { diag: 3, remoteState: "Down" },
  );

  const ordered = new Pair({ a: config, b: mirrored(config) });
  ordered.bringUp();
  ordered.configure(ordered.b);
  ordered.run(50 * MS);
  t.match(ordered.a.states.at(-1), { from: "Up", to: "Down", diag: 3, remoteState: "AdminDown" });
  t.match(ordered.b.states.at(-1), { from: "Up", to: "AdminDown", diag: 7 });
});

t.test("RFC 5882 §3.2: a restart of the peer is one Down and one Up", async (t) => {
  const config = sessionConfig();
  const pair = new Pair({ a: config, b: mirrored(config) });
  pair.bringUp();
  const before = pair.a.states.length;
  pair.restart(pair.b, mirrored(config), 50);
  pair.run(5 * SEC);
  const since = pair.a.states.slice(before);
  t.equal(since.filter(({ from }) => from === "Up").length, 1);
  t.equal(since.filter(({ to }) => to === "Up").length, 1);
});
