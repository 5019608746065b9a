import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import t from "tap";
import { startApi } from "../../../src/agent/api/server.ts";
import { VERSION } from "../../../src/agent/version.ts";
import { run } from "../../../src/cli/main.ts";
import { formatAge, formatTable, formatUs } from "../../../src/cli/render/table.ts";
import { fakeAgent } from "../../support/agent-view.ts";

/** An agent on a socket of its own, and a shell in front of it. */
async function rig(t: Tap) {
  const { view, journal } = fakeAgent();
  const directory = mkdtempSync(join(tmpdir(), "causeway-cli-"));
  const socketPath = join(directory, "edge.sock");
  const metrics = async () => ({ contentType: "text/plain", text: "" });
  const order = (name: string) =>
    name === "vbr1"
      ? ({ kind: "done", isChanged: true, text: "vbr1 is released: it soaks now" } as const)
      : name === "vbr2"
        ? ({ kind: "refused", text: "vbr2 is not held: nothing to release" } as const)
        : ({ kind: "unknown", known: ["vbr1", "vbr2"] } as const);
  const orders = {
    ...{ releaseCircuit: order, drainCircuit: order, undrainCircuit: order, startPeer: order },
  };
  const parts = { view, journal, metrics, orders };
  const server = await startApi({ listen: undefined, socketPath }, parts);
  t.teardown(async () => {
    await server.close();
    rmSync(directory, { recursive: true });
  });
  const shell = async (line: string, socket = socketPath) => {
    const written: Record<"out" | "err", string[]> = { out: [], err: [] };
    const code = await run(line.split(" "), {
      stdin: process.stdin,
      stdout: { write: (text) => void written.out.push(text) },
      stderr: { write: (text) => void written.err.push(text) },
      env: { CAUSEWAY_SOCKET: socket },
    });
    const [out, err] = [written.out.join(""), written.err.join("")];
    return { code, out, err, first: (out || err).split("\n")[0] ?? "" };
  };
  return { shell, server, journal };
}
type Tap = Pick<typeof t, "teardown">;

t.test("cli: the first line says why a session is down", async (t) => {
  const { shell } = await rig(t);
  const summary = await shell("show bgp summary");
  t.equal(summary.code, 0);
  t.equal(summary.first, "vbr2: hold timer expired after 30 s of silence");
  t.match(summary.out, /^Peer +AS +Address +State +Since +Pfx rcv\/acc\/adv +BFD/m);
  t.match(summary.out, /^vbr1 +45104 +10\.0\.1\.2 +Established +59s +12\/10\/3 +Up/m);
  t.match(summary.out, "\nipv6-unicast routes are not chosen yet: the restart waits for vbr2\n");
  t.match(summary.out, /^vbr2 +45104 +10\.0\.2\.2 +Idle +\d+s +4\/4\/0, 4 stale /m);
  t.equal(summary.err, "");
  const down = await shell("show bgp neighbor vbr2");
  t.equal(down.first, "vbr2 is Idle: hold timer expired after 30 s of silence");
  t.equal((await shell("show bgp neighbor vbr1")).first, "vbr1 is Established for 59s");
  t.match((await shell("show bfd")).first, "vbr2: BFD Down, nothing was ever heard");
  t.match((await shell("show circuits")).first, "vbr2 is down: BFD Down: nothing heard");
  t.match((await shell("show fib")).first, "refused: route-add 10.1.0.0/16: ENETUNREACH");
});

t.test("cli: every question has its JSON, versioned, wherever -o stands", async (t) => {
  const { shell } = await rig(t);
  const cases = [
    ["-o json show bgp summary", "causeway.bgp.summary/v1"],
    ["show -o json bgp neighbor vbr1", "causeway.bgp.peer/v1"],
    ["show bgp routes -o json", "causeway.bgp.routes/v1"],
    ["show bgp rejected --output json", "causeway.bgp.routes/v1"],
    ["show bfd peers -o json", "causeway.bfd/v1"],
    ["show circuits -o json", "causeway.circuits/v1"],
    ["show fib -o json", "causeway.fib/v1"],
    ["show fib 172.16.0.0/12 -o json", "causeway.fib.route/v1"],
    ["explain route 172.16.0.0/12 -o json", "causeway.bgp.explain/v1"],
    ["health -o json", "causeway.health/v1"],
  ] as const;
  for (const [line, schema] of cases) {
    t.equal(JSON.parse((await shell(line)).out).schema, schema, line);
  }
});

t.test("cli: words may be cut short while they mean one thing", async (t) => {
  const { shell } = await rig(t);
  const whole = JSON.parse((await shell("show bgp summary -o json")).out);
  const short = JSON.parse((await shell("-o json sh bgp su")).out);
  t.same(short, whole);
  t.equal((await shell("sh bgp nei vbr1")).first, "vbr1 is Established for 59s");
  t.equal((await shell("sh bgp neighbors vbr1")).code, 0);
  const ambiguous = await shell("show b");
  t.equal(ambiguous.code, 2);
  t.match(ambiguous.err, /"b" may mean bgp, bfd/);
});

t.test("cli: exit codes of docs/operations.md", async (t) => {
  const { shell, server } = await rig(t);
  const code = async (line: string) => (await shell(line)).code;
  t.equal(await code("health"), 5);
  t.equal(await code("show bgp neighbor vrb1"), 4);
  t.match((await shell("show bgp neighbor vrb1")).err, /did you mean vbr1\?/);
  t.equal(await code("explain route 9.9.9.9"), 4);
  t.equal(await code("show bgp routes 10.0.0.1/8"), 2);
  t.equal(await code("show bgp routes --rib adj-rib-in"), 2);
  t.equal(await code("shwo bgp"), 2);
  t.match((await shell("shwo")).err, /causeway: unknown command 'shwo'/);
  t.equal(await code("show bgp summary --bogus"), 2);
  t.equal(await code("show bgp summary -o xml"), 2);
  t.equal(await code("events --since yesterday"), 2);
  t.equal(await code("--help"), 0);
  t.match((await shell("--help")).out, /Exit codes:\n {2}0 {2}done/);
  t.equal((await shell("--version")).out, `${VERSION}\n`);
  await server.close();
  const gone = await shell("show bgp summary");
  t.equal(gone.code, 3);
  t.match(gone.err, /^causeway: no causeway agent answers on .*edge\.sock: is the agent running\?/);
});

t.test("cli: orders, their answers and exit codes", async (t) => {
  const { shell } = await rig(t);
  const released = await shell("circuit release vbr1");
  t.match(released, { code: 0, out: "vbr1 is released: it soaks now\n" });
  t.match(await shell("cir rel vbr2"), { code: 1, err: /vbr2 is not held: nothing to release/ });
  t.match(await shell("circuit drain vbr9"), { code: 4, err: /no circuit "vbr9"; did you mean/ });
  t.equal((await shell("circuit undrain vbr1")).code, 0);
  t.equal(JSON.parse((await shell("peer start vbr1 -o json")).out).schema, "causeway.order/v1");
  t.match(await shell("peer start vbr9"), { code: 4, err: /there is no peer "vbr9"/ });
  t.equal((await shell("circuit release")).code, 2);
});

t.test("cli: routes page by page, and a word where some are left out", async (t) => {
  const { shell } = await rig(t);
  const all = JSON.parse((await shell("show bgp routes -o json")).out);
  t.equal(all.routes.length, 25);
  const some = await shell("show bgp routes --limit 3");
  t.match(some.err, /only the first 3 routes/);
  t.match(some.out, /^\* +172\.16\.0\.0\/24 +10\.0\.1\.2 +vbr1 +200 +10 +45104 4200000000/m);
  t.match((await shell("show bgp rejected")).out, /from-cloud\/own-networks/);
  t.match(
    (await shell("explain route 172.16.1.1")).out,
    /lost at local-pref \(LOCAL_PREF 100 < 200\)/,
  );
});

t.test("cli: events held, by number, by age, and as they come", async (t) => {
  const { shell, server, journal } = await rig(t);
  journal.emit("info", "bgp.peer.up", { peer: "vbr1", text: "a b" });
  journal.emit("warn", "bgp.peer.down", { peer: "vbr1", reason: "bfd_down" });
  const held = await shell("events");
  t.match(held.out, /^2026-11-21T12:01:00\.000Z info {2}bgp\.peer\.up peer=vbr1 text="a b"$/m);
  t.equal((await shell("events --since 1")).out.split("\n").length, 2);
  t.equal((await shell("events --since 5m")).out.split("\n").length, 3);
  const following = shell("events -f -o json --since 2");
  await sleep(200);
  journal.emit("info", "bgp.peer.up", { peer: "vbr1" });
  await sleep(100);
  await server.close();
  const followed = await following;
  t.equal(followed.code, 3, "the agent ended");
  t.match(JSON.parse(followed.out), { seq: 3, event: "bgp.peer.up" });
});

t.test("cli: decode says what octets mean, in text and JSON", async (t) => {
  const { shell } = await rig(t);
  const keepalive = `${"ff".repeat(16)}001304`;
  const text = await shell(`decode --hex ${keepalive}`);
  t.equal(text.code, 0);
  t.match(text.out, /keepalive/i);
  const json = await shell(`dec -o json --hex ${keepalive}`);
  t.match(JSON.parse(json.out), { action: "accept", message: { type: "KEEPALIVE" } });
  t.equal((await shell("decode")).code, 2);
  t.equal((await shell("decode --hex zz")).code, 1);
});

t.test("cli: tables are aligned, numbers to the right; ages and times are short", async (t) => {
  const table = formatTable(
    ["Name", "N"],
    [
      ["a", 1],
      ["bbbbb", 100],
    ],
  );
  t.equal(table, "Name     N\na        1\nbbbbb  100");
  t.equal(formatTable(["Name"], []), "Name");
  t.same([5_000, 65_000, 3_725_000, 90_000_000].map(formatAge), ["5s", "1m05s", "1h02m", "1d1h"]);
  t.same([50_000, 33_333, 1_500_000, 10].map(formatUs), ["50ms", "33.3ms", "1.5s", "10us"]);
});
