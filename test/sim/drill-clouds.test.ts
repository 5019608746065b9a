/**
 * Drills in clouds of every kind: an ECR, a transit router and peering connections, each with its
 * own table that decides the way back, one by one and all at once.
 */
import t from "tap";
import type { Drill } from "../../src/sim/drill/drill.ts";
import { LoopbackLab } from "../../src/sim/lab/loopback/loopback-lab.ts";
import { NamespaceLab } from "../../src/sim/lab/namespaces/namespace-lab.ts";
import { whyNoNamespaces } from "../../src/sim/lab/namespaces/namespaces.ts";
import { VirtualLab } from "../../src/sim/lab/virtual/virtual-lab.ts";
import { drawTopology } from "../../src/sim/report/page/topology-svg.ts";
import { filesOf, load, passes, play, readDrill, sound } from "../support/drills.ts";
import { playPatiently } from "../support/patience.ts";
import { schemaFaults } from "../support/report-schema.ts";
import { circuit, edgeFile, vbr } from "./cloud-rig.ts";

const NUMBERS = [1, 2, 3, 4];
const IMMEDIATE = "failover: { mode: ecmp, failback: immediate }";

const EDGE = edgeFile(NUMBERS.map((number) => circuit(number)).join(""), IMMEDIATE);
const CLOUD = `
cloud: { name: lab }
vbrs:${[1, 2, 3].map((number) => vbr(number)).join("")}${vbr(
  4,
  `
    routes: [{ prefix: 10.66.0.0/24, to: ri-4 }]
    networks: [10.66.0.0/24]`,
)}
ecr: { name: ecr-1 }
vpcs:
  - { name: vpc-a, vswitches: [{ name: vsw, cidr: 10.64.0.0/24 }] }
  - { name: vpc-b, vswitches: [{ name: vsw, cidr: 10.65.0.0/24 }] }
  - name: vpc-c
    vswitches: [{ name: vsw, cidr: 10.66.0.0/24 }]
    routes: [{ prefix: 10.0.0.0/8, nextHop: peering, via: [{ peering: ri-4 }] }]
transitRouters:
  - name: tr-1
    attachments:
      - { name: to-vpc, kind: vpc, to: vpc-b }
      - { name: to-vbr, kind: vbr, to: vbr-3 }
peerings: [{ name: ri-4, vbr: vbr-4, vpc: vpc-c }]
knobs: { routeDelay: 0s }
`;
const DRILL = (steps: string, rate = "10Mbps") => `
drill: three-ways
description: one cloud, three tables that decide the way back
seed: 4
edge: edge.yaml
cloud: cloud.yaml
traffic:
  interval: 5ms
  groups:
    - { name: a, idc: 10.1.0.10, vpc: 10.64.0.10, flows: 8, rate: 40Mbps }
    - { name: b, idc: 10.1.0.10, vpc: 10.65.0.10, flows: 2, rate: 20Mbps }
    - { name: c, idc: 10.1.0.10, vpc: 10.66.0.10, flows: 2, rate: ${rate} }
steps:
${steps}
always: [no-leak, fib-is-rib, no-loop]
`;

const THREE = { "edge.yaml": EDGE, "cloud.yaml": CLOUD };

const loaded = (text: string, texts = THREE): Drill =>
  sound(readDrill(text, { files: filesOf(texts) })).drill;

t.test("three tables at once: each traffic comes back by its own", async (t) => {
  const back = (node: string, via: string, more = "within: 5s") =>
    `  - { do: expect, return: ${node === "vpc-c" ? "10.0.0.0/8" : "10.1.0.0/16"}, ` +
    `node: ${node}, via: [${via}], ${more} }\n`;
  const drill = loaded(
    DRILL(
      back("vpc-a", "circuit-1, circuit-2") +
        back("ecr-1", "circuit-1, circuit-2") +
        back("tr-1", "circuit-3") +
        back("vpc-c", "circuit-4") +
        "  - { at: 1s, do: cut, circuit: circuit-3 }\n" +
        back("vpc-b", "") +
        back("ecr-1", "circuit-1, circuit-2", "for: 1s") +
        "  - { do: expect, flows: partly-lost, within: 1s }\n" +
        "  - { at: 5s, do: restore, circuit: circuit-3 }\n" +
        back("tr-1", "circuit-3") +
        "  - { do: expect, flows: delivered, within: 1s }\n" +
        "  - { do: expect, baseline: true, within: 5s }",
    ),
  );
  const report = await play(drill, new VirtualLab(drill));
  passes(t, report);
  t.same(schemaFaults(report), []);
  t.same(report.topology.routers, [
    { name: "ecr-1", kind: "ecr", circuits: ["circuit-1", "circuit-2"] },
    { name: "tr-1", kind: "tr", circuits: ["circuit-3"] },
    { name: "vpc-c", kind: "vpc", circuits: ["circuit-4"] },
  ]);
  const cloudRows = report.routes?.rows.filter(({ node }) => node === "ecr") ?? [];
  t.same(
    cloudRows.map(({ router, prefix, baseline }) => `${router} ${prefix} ${baseline}`).toSorted(),
    [
      "ecr-1 10.1.0.0/16 circuit-1,circuit-2",
      "tr-1 10.1.0.0/16 circuit-3",
      "vpc-c 10.0.0.0/8 circuit-4",
    ],
  );
  const ofBack = (name: string) =>
    report.links?.find((row) => row.circuit === name && row.direction === "to-edge")?.beforeBps;
  t.same(
    NUMBERS.map((number) => ofBack(`circuit-${number}`)),
    [20e6, 20e6, 20e6, 10e6],
    "the load of a group is on the circuits of its own table",
  );
  const lost = report.flows?.filter((flow) => flow.direction === "to-edge" && flow.lost > 50);
  t.same(new Set(lost?.map(({ group }) => group)), new Set(["b"]), "its VPC alone was cut off");
  const picture = drawTopology(report, "baseline", "the network");
  for (const name of ["ecr-1", "tr-1", "vpc-c"]) t.ok(picture.includes(`>${name}</title>`), name);
});

t.test("return: a table that no traffic comes back by is an error", async (t) => {
  const step = "  - { do: expect, return: 10.1.0.0/16, node: tr-9, via: [], within: 1s }";
  const { drill, problems } = readDrill(DRILL(step), { files: filesOf(THREE) });
  t.equal(drill, undefined);
  t.match(problems, [
    { code: "D103", message: /no traffic comes back by "tr-9"; it does by vpc-a, ecr-1, vpc-b/ },
  ]);
});

const BESIDE = (knob: string) => `
cloud: { name: lab }
vbrs:${vbr(1, "\n    routes: [{ prefix: 10.64.0.0/24, to: ri-1 }]\n    networks: [10.64.0.0/24]")}${vbr(2)}
vpcs:
  - name: vpc-a
    vswitches: [{ name: vsw, cidr: 10.64.0.0/24 }]
    routes: [{ prefix: 10.1.0.0/16, nextHop: peering, via: [{ peering: ri-1 }] }]
transitRouters:
  - name: tr-1
    attachments:
      - { name: to-vpc, kind: vpc, to: vpc-a }
      - { name: to-vbr, kind: vbr, to: vbr-2 }
peerings: [{ name: ri-1, vbr: vbr-1, vpc: vpc-a, healthCheck: { source: 100.96.0.1 } }]
knobs: { failedPeeringRoute: ${knob} }
`;

for (const [knob, after] of [
  ["drops", ""],
  ["falls-back", "circuit-2"],
] as const) {
  t.test(`a VPC's own table is asked before its hub's: ${knob}`, async (t) => {
    const drill = loaded(
      `
drill: beside
description: a VPC with a peering connection beside a transit router
seed: 5
edge: edge.yaml
cloud: cloud.yaml
traffic: { idc: 10.1.0.10, vpc: 10.64.0.10, flows: 4, interval: 10ms, rate: 10Mbps }
steps:
  - { do: expect, return: 10.1.0.0/16, via: [circuit-1], within: 5s }
  - { do: expect, return: 10.1.0.0/16, node: tr-1, via: [circuit-2], within: 5s }
  - { at: 1s, do: cut, circuit: circuit-1 }
  - { do: expect, return: 10.1.0.0/16, node: vpc-a, via: [${after}], within: 20s, for: 1s }
always: [no-leak, no-loop]
`,
      { "edge.yaml": edgeFile(circuit(1) + circuit(2), IMMEDIATE), "cloud.yaml": BESIDE(knob) },
    );
    const report = await play(drill, new VirtualLab(drill));
    passes(t, report);
    const row = report.routes?.rows.find(({ router }) => router === "vpc-a");
    t.match(row, { prefix: "10.1.0.0/16", baseline: ["circuit-1"], after: [] });
    const peak = report.links?.find((one) => {
      return one.circuit === "circuit-2" && one.direction === "to-edge";
    })?.peakBps;
    t.equal(peak, after === "" ? 0 : 10e6, "the load follows the table that is asked next");
  });
}

/** Seconds instead of a quarter of a minute: what the vendor allows is not what is tested here. */
function hurried({ cloud, steps, ...drill }: Drill): Drill {
  return {
    ...drill,
    cloud: {
      ...cloud,
      peerings: cloud.peerings.map((peering) => ({
        ...peering,
        healthCheck: peering.healthCheck && { ...peering.healthCheck, intervalUs: 150_000 },
      })),
    },
    steps: steps.map((step) => {
      if (step.do === "restore") return { ...step, atUs: 3_500_000 };
      const isSlow = step.do === "expect" && step.expect.forUs !== undefined;
      return isSlow ? { ...step, expect: { ...step.expect, forUs: 100_000 } } : step;
    }),
  };
}

t.test(
  "peering connections in namespaces: kernel routes, real pings",
  { skip: whyNoNamespaces() ?? false },
  async (t) => {
    const { drill, edgeFile } = load("peering-load-sharing.yaml");
    const quick = hurried(drill);
    const report = await playPatiently(t, () => play(quick, new NamespaceLab(quick, edgeFile)));
    passes(t, report);
    t.ok((report.faults[0]?.cloudConvergenceMs ?? 0) > 1_000, "eight pings of it, not BFD");
    const lost = report.faults[0]?.lost.toEdge;
    t.ok((lost?.lost ?? 0) > 0 && (lost?.lost ?? 0) < (lost?.sent ?? 0) / 2, "half, for a while");
  },
);

t.test("peering connections on loopback sockets: the health check moves the VPC", async (t) => {
  const drill = hurried(load("peering-active-standby.yaml").drill);
  const report = await playPatiently(t, () => play(drill, new LoopbackLab(drill)));
  passes(t, report);
  t.ok((report.faults[0]?.cloudConvergenceMs ?? 0) > 1_000, "eight pings of it, not BFD");
});
