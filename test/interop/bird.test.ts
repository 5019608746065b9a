/** Held against BIRD 2.0: BGP with MD5, GTSM and IPv6, BFD single hop and multihop, a real table. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import t from "tap";
import { Edge } from "./edge.ts";
import { Bench, Bird, eventually, whySkip } from "./routers.ts";

const shared = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "..", "shared");
const skip = whySkip("bird");
const LINK = [
  ["10.0.0.1/30", "10.0.0.2/30"],
  ["2001:db8::1/64", "2001:db8::2/64"],
] as const;

const OPEN_POLICY = `
policy:
  policies:
    all: [{ term: everything, action: accept }]
`;

const birdUp = (bird: Bird, name = "peer") =>
  eventually(
    () => bird.ask(`show protocols all ${name}`),
    (answer) => /\bEstablished\b/.test(answer),
    { what: `BIRD's ${name}` },
  );

t.test(
  "IPv4 and IPv6 sessions, routes both ways, kernel routes, Cease with words",
  { skip },
  async (t) => {
    const bench = new Bench();
    t.teardown(() => bench.dispose());
    bench.pair("edge", "bird", LINK);
    const bird = new Bird(
      bench,
      "bird",
      `router id 2.2.2.2;
protocol device {}
protocol static s4 { ipv4; route 10.20.0.0/16 blackhole; route 10.21.0.0/16 blackhole; }
protocol static s6 { ipv6; route 2001:db8:20::/48 blackhole; }
protocol bgp peer { local 10.0.0.2 as 65002; neighbor 10.0.0.1 as 65001; error wait time 1, 2;
  ipv4 { import all; export all; }; }
protocol bgp peer6 { local 2001:db8::2 as 65002; neighbor 2001:db8::1 as 65001; error wait time 1, 2;
  ipv6 { import all; export all; }; }`,
    );
    const edge = new Edge(
      bench,
      "edge",
      `router: { name: e, as: 65001, id: 1.1.1.1 }
neighbors:
  - { name: bird4, remote: 10.0.0.2, remoteAs: 65002, device: left, import: [all], export: [all] }
  - { name: bird6, remote: "2001:db8::2", remoteAs: 65002, device: left, families: [ipv6], import: [all], export: [all] }
announce: [{ prefix: 10.1.0.0/16, rank: 1 }, { prefix: "2001:db8:1::/48", rank: 2 }]
fib: { kind: kernel }
${OPEN_POLICY}`,
    );
    await edge.established("bird4");
    await edge.established("bird6");
    await birdUp(bird);
    await birdUp(bird, "peer6");
    await eventually(
      () => bird.ask("show route all"),
      (answer) => answer.includes("10.1.0.0/16") && answer.includes("2001:db8:1::/48"),
      { what: "our routes in BIRD" },
    );
    t.match(bird.ask("show route for 10.1.0.0/16 all"), /BGP\.as_path: 65001/);
    const kernel = (family: string) =>
      bench.namespaces.exec("edge", "ip", [family, "route", "show", "proto", "186"]);
    await eventually(
      () => kernel("-4"),
      (text) => text.includes("10.21.0.0/16"),
      { what: "IPv4 FIB" },
    );
    await eventually(
      () => kernel("-6"),
      (text) => text.includes("2001:db8:20::/48"),
      { what: "IPv6 FIB" },
    );
    const why = edge.ask("explain", "route", "10.20.0.0/16");
    t.equal(why.candidates?.length, 1, "one candidate");

    edge.process.kill("SIGTERM");
    await eventually(
      () => bird.ask("show protocols all peer"),
      (answer) => /Administrative shutdown/i.test(answer),
      { what: "BIRD heard Cease" },
    );
    await eventually(
      () => `${kernel("-4")}${kernel("-6")}`,
      (text) => text.trim() === "",
      { what: "routes gone with the agent" },
    );
  },
);

t.test("MD5 right and wrong, GTSM", { skip }, async (t) => {
  const bench = new Bench();
  t.teardown(() => bench.dispose());
  bench.pair("edge", "bird", LINK);
  const bird = new Bird(
    bench,
    "bird",
    `router id 2.2.2.2;
protocol device {}
protocol bgp peer { local 10.0.0.2 as 65002; neighbor 10.0.0.1 as 65001; error wait time 1, 2; password "right"; ttl security on;
  ipv4 { import all; export all; }; }
protocol bgp peer6 { local 2001:db8::2 as 65002; neighbor 2001:db8::1 as 65001; error wait time 1, 2; password "other";
  ipv6 { import all; export all; }; }`,
  );
  const right = bench.file("right.key", "right\n");
  const wrong = bench.file("wrong.key", "wrong\n");
  const edge = new Edge(
    bench,
    "edge",
    `router: { name: e, as: 65001, id: 1.1.1.1 }
neighbors:
  - { name: right, remote: 10.0.0.2, remoteAs: 65002, md5: { file: ${right} }, gtsm: { hops: 1 }, import: [all], export: [all] }
  - { name: wrong, remote: "2001:db8::2", remoteAs: 65002, families: [ipv6], md5: { file: ${wrong} }, import: [all], export: [all] }
fib: { kind: virtual }
${OPEN_POLICY}`,
  );
  await edge.established("right");
  await birdUp(bird);
  const row = edge.peer("wrong");
  t.not(row?.state, "Established", "a wrong key never comes up");
  t.notMatch(bird.ask("show protocols all peer6"), /Established/);
});

for (const [name, birdBfd, bfd] of [
  [
    "single hop",
    'protocol bfd { interface "right" { interval 100 ms; multiplier 3; }; }',
    "hops: 1",
  ],
  ["multihop", "protocol bfd { multihop { interval 100 ms; multiplier 3; }; }", "hops: 255"],
] as const) {
  t.test(`BFD ${name}: up on both sides, a silent cut ends BGP with Cease`, { skip }, async (t) => {
    const bench = new Bench();
    t.teardown(() => bench.dispose());
    bench.pair("edge", "bird", LINK);
    const multihop = name === "multihop" ? "multihop;" : "";
    const bird = new Bird(
      bench,
      "bird",
      `router id 2.2.2.2;
protocol device {}
${birdBfd}
protocol static s4 { ipv4; route 10.20.0.0/16 blackhole; }
protocol bgp peer { local 10.0.0.2 as 65002; neighbor 10.0.0.1 as 65001; error wait time 1, 2; ${multihop} bfd on;
  ipv4 { import all; export all; }; }`,
    );
    const ttl = name === "multihop" ? "multihop: 64," : "";
    const edge = new Edge(
      bench,
      "edge",
      `router: { name: e, as: 65001, id: 1.1.1.1 }
neighbors:
  - { name: bird, remote: 10.0.0.2, local: 10.0.0.1, remoteAs: 65002, device: left, ${ttl} import: [all], export: [all],
      bfd: { interval: 100ms, multiplier: 3, ${bfd} } }
fib: { kind: kernel }
${OPEN_POLICY}`,
    );
    await edge.established("bird");
    const state = () => edge.ask("show", "bfd").sessions?.[0];
    await eventually(state, (row) => row?.state === "Up", { what: "our BFD" });
    await eventually(
      () => bird.ask("show bfd sessions"),
      (answer) => /10\.0\.0\.1\s+\S+\s+Up/.test(answer),
      { what: "BIRD's BFD" },
    );
    t.equal(state()?.mode, name === "multihop" ? "multihop" : "single-hop");
    const cut = ["qdisc", "replace", "dev", "left", "root", "blackhole"];
    bench.namespaces.tc("edge", cut);
    bench.namespaces.tc("bird", ["qdisc", "replace", "dev", "right", "root", "blackhole"]);
    await eventually(
      () => edge.peer("bird"),
      (row) => row?.state !== "Established",
      {
        what: "BGP follows BFD",
        withinMs: 5000,
      },
    );
    t.match(JSON.stringify(edge.peer("bird")), /bfd/i, "and says why");
    await eventually(
      () => bench.namespaces.exec("edge", "ip", ["route", "show", "proto", "186"]),
      (text) => text.trim() === "",
      { what: "its routes left the kernel" },
    );
  });
}

const TABLE = join(shared, "data", "tables", "table-20100701-rrc06.sample.bgpdump.txt.gz");

t.test(
  "a real table of 162,073 prefixes reaches the RIB and, filtered, the kernel",
  {
    skip: skip || (existsSync(TABLE) ? false : "shared/data/tables is not beside the project"),
  },
  async (t) => {
    const bench = new Bench();
    t.teardown(() => bench.dispose());
    bench.pair("edge", "bird", LINK);
    const routes = realRoutes(TABLE, "4777");
    const short = routes.filter((route) => Number(route.prefix.split("/")[1]) <= 16);
    t.ok(routes.length > 100_000 && short.length > 1000, "the table is what it should be");
    new Bird(
      bench,
      "bird",
      `router id 2.2.2.2;
protocol device {}
protocol bfd { interface "right" { interval 300 ms; multiplier 3; }; }
protocol static feed { ipv4;
${routes.map((route) => `  route ${route.prefix} blackhole { bgp_path.empty; ${route.path} };`).join("\n")}
}
protocol bgp peer { local 10.0.0.2 as 4777; neighbor 10.0.0.1 as 65001; error wait time 1, 2; bfd on;
  ipv4 { import all; export all; }; }`,
    );
    const edge = new Edge(
      bench,
      "edge",
      `router: { name: e, as: 65001, id: 1.1.1.1 }
neighbors:
  - { name: bird, remote: 10.0.0.2, local: 10.0.0.1, remoteAs: 4777, device: left, import: [short], export: [],
      bfd: { interval: 300ms, multiplier: 3, hops: 1 } }
fib: { kind: kernel }
policy:
  prefixLists:
    short: [{ permit: 0.0.0.0/0, le: 16 }]
  policies:
    short: [{ term: short-only, match: { prefixList: short }, action: accept }]
`,
    );
    await edge.established("bird", 40_000);
    const done = await eventually(
      () => edge.peer("bird"),
      (row) =>
        row?.prefixes?.received === routes.length && row?.prefixes?.accepted === short.length,
      { withinMs: 60_000, what: `${routes.length} received, ${short.length} accepted` },
    );
    t.equal(done?.state, "Established");
    const kernel = () =>
      bench.namespaces.exec("edge", "ip", ["route", "show", "proto", "186"]).trim().split("\n")
        .length;
    await eventually(kernel, (count) => count === short.length, {
      withinMs: 30_000,
      what: `${short.length} kernel routes`,
    });
    const sessions = edge.ask("show", "bfd").sessions;
    t.match(sessions?.[0], { state: "Up" }, "BFD stayed up meanwhile");
    const downs = Object.entries<number>(sessions?.[0]?.transitions ?? {}).filter(([name]) =>
      name.startsWith("Up>"),
    );
    t.same(downs, [], "and never went down");
  },
);

/** Prefixes of one feed with what BIRD must set for the agent to see the real path again. */
function realRoutes(file: string, feed: string): { prefix: string; path: string }[] {
  const seen = new Set<string>();
  const routes: { prefix: string; path: string }[] = [];
  for (const line of gunzipSync(readFileSync(file)).toString().split("\n")) {
    const [, , , , as, prefix, path] = line.split("|");
    if (as !== feed || !prefix || !path || path.includes("{") || prefix.includes(":")) continue;
    if (seen.has(prefix)) continue;
    seen.add(prefix);
    const behind = path.split(" ").slice(1).reverse();
    routes.push({ prefix, path: behind.map((one) => `bgp_path.prepend(${one});`).join(" ") });
  }
  return routes;
}
