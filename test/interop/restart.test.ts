/**
 * Graceful restart (RFC 4724, RFC 8538) and graceful shutdown (RFC 8326) between the shipped daemon
 * and FRR 8.4 and BIRD 2.0: who restarts, who helps, and what each keeps meanwhile. BIRD takes an
 * AdminDown for a failure of the path, and keeps routes over it only with `bfd graceful`.
 */
import { once } from "node:events";
import t from "tap";
import { Edge } from "./edge.ts";
import { Bench, Bird, eventually, Frr, whySkip } from "./routers.ts";

const skip = whySkip("frr", "bird");
t.setTimeout(180_000);
const OURS = "10.1.0.0/16";
const FRRS = "10.20.0.0/16";
const BIRDS = "10.30.0.0/16";

const birdConfig = (more = "", exported = "all") => `router id 3.3.3.3;
protocol device {}
protocol bfd { interface "*" { interval 100 ms; multiplier 3; }; }
protocol static s4 { ipv4; route ${BIRDS} blackhole; }
filter leaving { bgp_community.add((65535,0)); accept; }
protocol bgp peer { local 10.0.1.2 as 65003; neighbor 10.0.1.1 as 65001; error wait time 1, 2; ${more}
  ipv4 { import all; export ${exported}; }; }`;

const frrConfig = (more = "") => `router bgp 65002
 bgp router-id 2.2.2.2
 no bgp ebgp-requires-policy
 no bgp network import-check
 ${more}
 neighbor 10.0.0.1 remote-as 65001
 neighbor 10.0.0.1 timers connect 1
 address-family ipv4 unicast
  network ${FRRS}
 exit-address-family
`;

const edgeConfig = (state: string, perPeer = "") => `router: { name: e, as: 65001, id: 1.1.1.1 }
neighbors:
  - { name: frr, remote: 10.0.0.2, remoteAs: 65002, device: frr, import: [in], export: [all]${perPeer} }
  - { name: bird, remote: 10.0.1.2, remoteAs: 65003, device: bird, import: [in], export: [all]${perPeer} }
announce: [{ prefix: ${OURS}, rank: 1 }]
fib: { kind: kernel }
stateDirectory: ${state}
policy:
  policies:
    all: [{ term: everything, action: accept }]
    in:
      - { term: leaving, match: { community: graceful-shutdown }, set: { localPref: 0 }, action: accept }
      - { term: everything, action: accept }
`;
const GRACEFUL = ", capabilities: { gracefulRestart: true }";

/** The edge between FRR and BIRD. */
function cabled(bench: Bench): void {
  for (const node of ["edge", "frr", "bird"]) {
    bench.namespaces.add(node, { "net/ipv4/ip_forward": 1 });
  }
  for (const [index, node] of ["frr", "bird"].entries()) {
    const addresses = [`10.0.${index}.1/30`, `10.0.${index}.2/30`] as const;
    bench.namespaces.veth(
      { node: "edge", device: node, addresses: [addresses[0]] },
      { node, device: "edge", addresses: [addresses[1]] },
    );
  }
}

const kernel = (bench: Bench): string =>
  bench.namespaces.exec("edge", "ip", ["-4", "route", "show", "proto", "186"]);

const stale = (edge: Edge, peer: string) =>
  (edge.peer(peer)?.prefixes as { readonly stale?: number } | undefined)?.stale;

interface FrrPath {
  readonly stale?: boolean;
  readonly locPrf?: number;
  readonly community?: { readonly string?: string };
}

const frrPath = (frr: Frr, prefix: string): FrrPath | undefined => {
  const { paths } = frr.json(`show bgp ipv4 unicast ${prefix}`) as { paths?: FrrPath[] };
  return paths?.[0];
};

t.test(
  "our planned restart: FRR and BIRD keep our route, the kernel theirs",
  { skip },
  async (t) => {
    const bench = new Bench();
    t.teardown(() => bench.dispose());
    cabled(bench);
    const frr = new Frr(
      bench,
      "frr",
      frrConfig("neighbor 10.0.0.1 remote-as 65001\n neighbor 10.0.0.1 bfd\n"),
    );
    const bird = new Bird(bench, "bird", birdConfig("graceful restart on; bfd graceful;"));
    const bfd = ", bfd: { interval: 100ms, multiplier: 3 }";
    const config = edgeConfig(`${bench.folder}/state`, `${GRACEFUL}${bfd}`);
    const edge = new Edge(bench, "edge", config);
    const isWhole = (of: Edge) => {
      const sessions: readonly { readonly state: string }[] = of.ask("show", "bfd").sessions ?? [];
      const isUp = sessions.length === 2 && sessions.every(({ state }) => state === "Up");
      return isUp && stale(of, "frr") === 0 && stale(of, "bird") === 0;
    };
    for (const peer of ["frr", "bird"]) await edge.established(peer);
    await eventually(() => isWhole(edge), Boolean, { what: "BFD with both" });
    const isKept = () => {
      const routes = kernel(bench);
      return [
        frrPath(frr, OURS) !== undefined,
        bird.ask(`show route ${OURS}`).includes(OURS),
        routes.includes(FRRS) && routes.includes(BIRDS),
      ].join();
    };
    const ALL = "true,true,true";
    await eventually(isKept, (found) => found === ALL, { what: "every route everywhere" });

    edge.process.kill("SIGQUIT");
    const [code] = await once(edge.process, "exit");
    t.equal(code, 75, "start me again");
    t.equal(isKept(), ALL, "nobody runs");
    t.equal(frrPath(frr, OURS)?.stale, true, "FRR helps");
    t.notMatch(bird.ask("show protocols peer"), /Established/);

    const again = new Edge(bench, "edge", config);
    for (const peer of ["frr", "bird"]) {
      await again.established(peer);
      t.equal(isKept(), ALL, `${peer} is back`);
    }
    await eventually(() => isWhole(again), Boolean, { what: "BFD and both tables" });
    await eventually(
      () => frrPath(frr, OURS),
      (path) => path !== undefined && path.stale !== true,
      {
        what: "FRR's stale path refreshed",
      },
    );
    t.equal(isKept(), ALL);
    const events: readonly { readonly event: string; readonly fields: object }[] = again.events();
    t.match(events.find(({ event }) => event === "agent.resumed")?.fields, { peers: "frr bird" });
    t.match(events.find(({ event }) => event === "bgp.selection.due")?.fields, {
      because: "end-of-rib",
    });
    const gr = JSON.stringify(frr.json("show bgp neighbors 10.0.0.1"));
    t.match(gr, /"remoteRestartBit":true|"rBit":true/i, "FRR saw the R bit");

    // A stop is final: nobody waits for us.
    again.process.kill("SIGTERM");
    await once(again.process, "exit");
    await eventually(isKept, (found) => found === "false,false,false", { what: "all withdrawn" });
  },
);

t.test(
  "FRR and BIRD restart: their routes are stale, then fresh; or flushed",
  { skip },
  async (t) => {
    const bench = new Bench();
    t.teardown(() => bench.dispose());
    cabled(bench);
    const frrOf = (sec: number) =>
      frrConfig(
        `bgp graceful-restart\n bgp graceful-restart preserve-fw-state
 bgp graceful-restart restart-time ${sec}`,
      );
    const birdOf = (sec: number) =>
      birdConfig(`graceful restart on; graceful restart time ${sec};`);
    const frr = new Frr(bench, "frr", frrOf(120));
    const bird = new Bird(bench, "bird", birdOf(120));
    const edge = new Edge(bench, "edge", edgeConfig(`${bench.folder}/state`, GRACEFUL));
    const has = (prefix: string) => kernel(bench).includes(prefix);
    for (const peer of ["frr", "bird"]) await edge.established(peer);
    await eventually(() => has(FRRS) && has(BIRDS), Boolean, { what: "both routes" });

    bird.ask("graceful restart");
    frr.bgpd?.kill("SIGKILL");
    for (const peer of ["frr", "bird"]) {
      await eventually(
        () => stale(edge, peer),
        (count) => (count ?? 0) > 0,
        { what: `${peer} stale` },
      );
    }
    t.ok(has(FRRS) && has(BIRDS), "both stay in use");
    bird.recover(birdOf(3));
    frr.recover(frrOf(3));
    for (const peer of ["frr", "bird"]) {
      await edge.established(peer);
      await eventually(
        () => stale(edge, peer),
        (count) => count === 0,
        { what: `${peer} fresh` },
      );
    }
    t.ok(has(FRRS) && has(BIRDS));
    t.equal(edge.peer("frr")?.establishedTransitions, 2);
    t.equal(edge.peer("bird")?.establishedTransitions, 2);
    const left = edge.events().filter(({ event }) => event === "fib.circuit.left");
    t.same(left, [], "and no packet was sent another way");

    bird.ask("graceful restart");
    frr.bgpd?.kill("SIGKILL");
    await eventually(
      () => has(FRRS) || has(BIRDS),
      (found) => !found,
      { what: "flushed in time" },
    );
    const overdue = edge.events().filter(({ event }) => event === "bgp.restart.overdue");
    t.equal(overdue.length, 2);
  },
);

t.test("GRACEFUL_SHUTDOWN from FRR and BIRD, and to them", { skip }, async (t) => {
  const bench = new Bench();
  t.teardown(() => bench.dispose());
  cabled(bench);
  const frr = new Frr(bench, "frr", frrConfig("bgp graceful-shutdown\n"));
  const bird = new Bird(bench, "bird", birdConfig("", "filter leaving"));
  const state = `${bench.folder}/state`;
  const edge = new Edge(bench, "edge", edgeConfig(state));
  for (const peer of ["frr", "bird"]) await edge.established(peer);
  for (const prefix of [FRRS, BIRDS]) {
    const found = await eventually(
      () => edge.ask("explain", "route", prefix).candidates?.[0],
      (row) => row !== undefined,
      { what: `${prefix} is here` },
    );
    t.match(found, { localPref: 0, communities: ["graceful-shutdown"] }, prefix);
  }
  frr.ask("configure terminal", "router bgp 65002", "no bgp graceful-shutdown");
  await eventually(
    () => edge.ask("explain", "route", FRRS).candidates?.[0],
    (row) => row?.communities.length === 0,
    { what: "FRR stays after all" },
  );
  await eventually(
    () => frrPath(frr, OURS),
    (path) => path !== undefined && path.community === undefined,
    { what: "ours is an ordinary route" },
  );

  edge.reload(edgeConfig(state, ", maintenance: true"));
  const theirs = await eventually(
    () => frrPath(frr, OURS),
    (path) => /graceful-?shutdown|65535:0/i.test(path?.community?.string ?? ""),
    { what: "FRR hears that we are about to go" },
  );
  t.equal(theirs?.locPrf, 0, "and leaves the path");
  await eventually(
    () => bird.ask(`show route ${OURS} all`),
    (text) => /BGP\.community:.*\(65535,0\)/.test(text),
    { what: "BIRD hears it" },
  );
  t.equal(edge.peer("frr")?.establishedTransitions, 1, "without a reset");
});
