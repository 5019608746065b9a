/**
 * The way back of a circuit as BIRD 2.0 sees it: GRACEFUL_SHUTDOWN and a longer AS_PATH while it
 * soaks, the longer path alone for one step, then nothing but our AS; and a drain by the operator.
 */
import t from "tap";
import { Edge } from "./edge.ts";
import { Bench, Bird, eventually, whySkip } from "./routers.ts";

const skip = whySkip("bird");

const VBRS = [
  { node: "vbr1", device: "c1", ours: "10.0.1.2", theirs: "10.0.1.1" },
  { node: "vbr2", device: "c2", ours: "10.0.2.2", theirs: "10.0.2.1" },
] as const;
type Vbr = (typeof VBRS)[number];

const birdConfig = ({ ours, theirs }: Vbr) => `router id ${theirs};
protocol device {}
protocol bfd { interface "port" { interval 200 ms; multiplier 3; }; }
protocol static s4 { ipv4; route 10.64.0.0/16 blackhole; }
protocol bgp peer { local ${theirs} as 45104; neighbor ${ours} as 65010; error wait time 1, 2;
  connect delay time 1; connect retry time 2; bfd on; ipv4 { import all; export all; }; }`;

const circuit = ({ node, device, ours, theirs }: Vbr) => `
  - name: ${node}
    remoteAs: 45104
    interface: { device: ${device} }
    local: ${ours}/30
    remote: ${theirs}
    bfd: { interval: 200ms, multiplier: 3 }
    import: cloud-in
    export: announce-own`;

function built(bench: Bench) {
  const { namespaces } = bench;
  for (const node of ["edge", ...VBRS.map((vbr) => vbr.node)]) {
    namespaces.add(node, { "net/ipv4/ip_forward": 1 });
  }
  const birds = VBRS.map((vbr) => {
    namespaces.veth(
      { node: "edge", device: vbr.device, addresses: [`${vbr.ours}/30`] },
      { node: vbr.node, device: "port", addresses: [`${vbr.theirs}/30`] },
    );
    return new Bird(bench, vbr.node, birdConfig(vbr));
  });
  const edge = new Edge(
    bench,
    "edge",
    `router: { name: edge, as: 65010, id: 10.255.0.1 }
circuits:${VBRS.map(circuit).join("")}
announce: [{ prefix: 10.1.0.0/16 }]
failover: { failback: { soak: 6s, step: 4s } }
fib: { kind: kernel }`,
  );
  return { birds, edge };
}

/** Sends everything, both ways, to a station that is not there: lost, and nobody is told. */
function cut(bench: Bench, vbr: Vbr, isCut: boolean): void {
  const lost = ["lladdr", "02:00:00:00:00:99", "nud", "permanent"];
  for (const [node, address, device] of [
    ["edge", vbr.theirs, vbr.device],
    [vbr.node, vbr.ours, "port"],
  ] as const) {
    const neighbour = [address, "dev", device];
    if (isCut) bench.namespaces.ip(node, ["neigh", "replace", ...neighbour, ...lost]);
    else bench.namespaces.ip(node, ["neigh", "del", ...neighbour]);
  }
}

t.test("BIRD: what soaks, returns and is drained, seen from the other end", { skip }, async (t) => {
  const bench = new Bench();
  t.teardown(() => bench.dispose());
  const { birds, edge } = built(bench);
  const [bird1, bird2] = birds;
  const [vbr1] = VBRS;
  if (bird1 === undefined || bird2 === undefined) throw new Error("two of them");
  const seen = (bird: Bird, what: string, shows: RegExp, not = /$^/) =>
    eventually(
      () => bird.ask("show route for 10.1.0.0/16 all"),
      (answer) => shows.test(answer) && !not.test(answer),
      { what, withinMs: 40_000 },
    );
  const SHUTDOWN = /BGP\.community: \(65535,0\)/;
  const PLAIN_PATH = /BGP\.as_path: 65010\s*$/m;
  const LONG_PATH = /BGP\.as_path: 65010 65010 65010\s*$/m;
  const kernel = () => bench.namespaces.exec("edge", "ip", ["route", "show", "proto", "186"]);

  await seen(bird1, "our prefix", PLAIN_PATH, SHUTDOWN);
  await seen(bird2, "our prefix", PLAIN_PATH, SHUTDOWN);
  await eventually(kernel, (text) => /10\.64\.0\.0\/16/.test(text), { what: "the route" });
  await eventually(
    () => edge.ask("show", "bfd").sessions,
    (sessions) => sessions?.every(({ state }: { state: string }) => state === "Up") === true,
    { what: "BFD" },
  );
  cut(bench, vbr1, true);
  const isDown = (answer: string) => !/Established/.test(answer);
  await eventually(() => bird1.ask("show protocols peer"), isDown, { what: "the cut" });
  await eventually(
    () => edge.ask("show", "circuits").circuits,
    (circuits) => circuits?.[0]?.use === "out",
    { what: "circuit out" },
  );
  cut(bench, vbr1, false);

  const soaking = await seen(bird1, "soaking", LONG_PATH);
  t.match(soaking, SHUTDOWN, "GRACEFUL_SHUTDOWN from the first announcement on");
  t.match(edge.ask("show", "circuits").circuits, [{ use: "soaking" }, { use: "in-use" }]);
  await seen(bird1, "returning", LONG_PATH, SHUTDOWN);
  t.match(edge.ask("show", "circuits").circuits, [{ use: "returning" }, {}]);
  await seen(bird1, "in use", PLAIN_PATH, SHUTDOWN);

  t.match(edge.ask("circuit", "drain", "vbr2"), { schema: "causeway.order/v1", isChanged: true });
  await seen(bird2, "drained", LONG_PATH);
  t.match(bird2.ask("show route for 10.1.0.0/16 all"), SHUTDOWN);
  t.match(edge.ask("circuit", "undrain", "vbr2"), { isChanged: true });
  await seen(bird2, "undrained", PLAIN_PATH, SHUTDOWN);
});
