/** Sessions and routers of a drill's files: what the two ends must agree on, told at its place. */
import t from "tap";
import { loadDrill } from "../../../../src/sim/drill/file/load.ts";
import { filesOf } from "../../../support/drills.ts";

const circuit = (number: number, local: string, more = "") =>
  `{ name: circuit-${number}, profile: alibaba-vbr, interface: { device: c${number}, vlan: 0 },` +
  ` local: ${local}/29, remote: 10.0.${number}.1${more} }`;
const router = (name: string, circuits: string) =>
  `{ router: { name: ${name}, as: 65010, id: 10.255.0.1 }, circuits: [${circuits}],` +
  ` announce: [{ prefix: 10.1.0.0/16 }], fib: { kind: kernel } }`;

interface Written {
  readonly edge?: string;
  readonly vbr?: string;
  readonly routers?: string;
  readonly step?: string;
}

function problems({ edge, vbr = "", routers, step }: Written): readonly string[] {
  const lines = [
    "drill: d",
    "description: d",
    "seed: 1",
    `edge: ${edge ?? router("edge-1", circuit(1, "10.0.1.2"))}`,
    "cloud:",
    "  cloud: { name: c }",
    "  vbrs:",
    "    - name: vbr-1",
    "      circuit: circuit-1",
    "      local: 10.0.1.1/29",
    "      peer: 10.0.1.2",
    `      groups: [{ name: g, peerAs: 65010, peers: [{ address: 10.0.1.2 }, { address: 10.0.1.3 }] }${vbr}`,
    "  ecr: { name: ecr-1, prefixes: [10.64.0.0/16] }",
    ...(routers === undefined ? [] : [`routers: [${routers}]`]),
    "traffic: { idc: 10.1.0.10, vpc: 10.64.0.10, flows: 1, interval: 10ms }",
    `steps: [${step ?? "{ at: 1s, do: cut, circuit: circuit-1 }"}]`,
  ];
  const load = loadDrill("d.yaml", lines.join("\n"), filesOf({}));
  return load.problems
    .filter(({ severity }) => severity === "error")
    .map(({ path, message }) => `${path}: ${message}`);
}

const second = (local: string, name = "edge-2", number = 1) => router(name, circuit(number, local));

t.test("drill: sessions that could never come up", async (t) => {
  t.same(problems({ vbr: "]" }), []);
  const edgeAt = (local: string, more = "") =>
    problems({ vbr: "]", edge: router("edge-1", circuit(1, local, more)) });
  t.match(edgeAt("10.0.1.4"), [
    /the edge is at 10.0.1.4, the peers of vbr-1 are 10.0.1.2, 10.0.1.3/,
  ]);
  const v6 = ', ipv6: { local: "fd00::2/126", remote: "fd00::1" }';
  t.match(edgeAt("10.0.1.2", v6), [/circuit-1-v6: the edge speaks IPv6, vbr-1 has no "ipv6"/]);
  const dual = ']\n      ipv6: { local: "fd00:0::1/126", peer: "fd00::2" }';
  t.match(problems({ vbr: dual }), [/vbr-1 has IPv6, and the edge's circuit has none/]);
  const six =
    ', { name: six, peerAs: 65010, ipVersion: ipv6, peers: [{ address: "fd00:0:0::2" }] }';
  const edge = router("edge-1", circuit(1, "10.0.1.2", v6));
  t.same(problems({ vbr: six + dual, edge }), [], "an address may be written in many ways");
});

t.test("drill: peers that a step names", async (t) => {
  const step = (peer: string) => `{ at: 1s, do: silence-bgp, circuit: circuit-1, peer: ${peer} }`;
  t.same(problems({ vbr: "]", step: step("circuit-1-2") }), []);
  t.match(problems({ vbr: "]", step: step("nobody") }), [
    /steps\[0\].peer: vbr-1 has no BGP peer "nobody"; it has circuit-1, circuit-1-2/,
  ]);
});

t.test("drill: routers beside the edge", async (t) => {
  const off = "{ at: 1s, do: stop-router, router: edge-2 }";
  t.same(problems({ vbr: "]", routers: second("10.0.1.3"), step: off }), []);
  t.match(problems({ vbr: "]", step: off }), [/there is no router "edge-2" here; known are none/]);
  const bad = (routers: string) => problems({ vbr: "]", routers });
  t.match(bad(second("10.0.1.2")), [/circuit-1: 10.0.1.2 is edge-1's already/]);
  t.match(bad(second("10.0.1.3", "vbr-1")), [/another machine is called "vbr-1"/]);
  t.match(bad(second("10.0.1.5")), [/edge-2: circuit-1: the edge is at 10.0.1.5, the peers of/]);
  t.match(bad(second("10.0.2.2", "edge-2", 2)), [/no VBR of the cloud ends/, /edge is not on/]);
  t.match(bad("nowhere.yaml"), [/cannot read nowhere.yaml/]);
  const carrier = "{ at: 1s, do: cut, circuit: circuit-1, carrier: seen }";
  t.match(problems({ vbr: "]", routers: second("10.0.1.3"), step: carrier }), [
    /steps\[0\].carrier: a switch joins the routers on circuit-1/,
  ]);
});
