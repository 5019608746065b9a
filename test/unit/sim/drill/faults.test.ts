/** The table of faults: what a file may say of each, what is refused, and in which words. */
import t from "tap";
import type { Step } from "../../../../src/sim/drill/drill.ts";
import { CLOUD_CHANGES } from "../../../../src/sim/drill/faults/cloud-changes.ts";
import {
  FAULT_KINDS,
  FAULTS,
  type Fault,
  faultText,
} from "../../../../src/sim/drill/faults/faults.ts";
import type { Parameter } from "../../../../src/sim/drill/file/parameters.ts";
import { filesOf, readDrill, shippedText, sound } from "../../../support/drills.ts";

const text = shippedText("two-circuits.yaml");
const CUT = /^ {2}- .*do: cut.*$/m;

/** The shipped drill with one step in place of its cut; another where a router is named. */
function load(step: string) {
  const isOfRouter = step.includes("router: ");
  const drill = isOfRouter ? shippedText("two-routers.yaml") : text;
  const isOfCloud = Object.keys(CLOUD_CHANGES).some((kind) => step.includes(`do: ${kind}`));
  const played = isOfCloud ? drill.replace("/cloud.yaml", "/cloud-changes.yaml") : drill;
  return readDrill(played.replace(CUT, `  - ${step}`));
}

function stepsOf(step: string): readonly Step[] {
  return sound(load(step)).drill.steps.filter((one) => one.do !== "expect" && one.atUs < 4_000_000);
}

function refusal(step: string): string {
  const { drill, problems } = load(step);
  if (drill !== undefined) return "accepted";
  const [problem] = problems;
  return `${problem?.line}:${problem?.column} ${problem?.message}`;
}

/** What stands for each kind of schema. */
const SAMPLES: Readonly<Record<string, string>> = {
  ...{ period: "200ms", times: "2", loss: "5%", how: "graceful", down: "1s", subcode: "9" },
  ...{ as: "65099", key: "other", prepend: "3", notice: "2s", for: "3s", prefix: "10.1.0.0/16" },
  ...{ rate: "1Mbps", octets: "7" },
  ...{ circuit: "circuit-1", edge: "../lab/edge.yaml", router: "second-router" },
  ...{ transitRouter: "tr-1", priority: "10", attachment: "to-vpc", association: "vpc-1" },
  ...{ table: "vpc-1", instance: "vbr-1", region: "region-1", endpoint: "ep-1" },
  ...{ prefixes: "[0.0.0.0/0]", count: "20", offset: "1h", share: "80%", perSec: "1" },
};

t.test("every fault can be written, is read, and has words", async (t) => {
  for (const kind of FAULT_KINDS) {
    const { target, with: parameters } = FAULTS[kind];
    const keys = Object.values(parameters).map((one: Parameter<unknown>) => one.key);
    const written = keys.flatMap((key) => (key in SAMPLES ? [`${key}: ${SAMPLES[key]}`] : []));
    const circuit = target === "circuit" ? ["circuit: circuit-1"] : [];
    const source = ["at: 1s", `do: ${kind}`, ...circuit, ...written].join(", ");
    const steps = stepsOf(`{ ${source} }`);
    t.ok(steps.length > 0, source);
    for (const step of steps) t.match(faultText(step as Fault), /^[a-zA-Z].{5}/, kind);
  }
});

t.test("what does not belong together is refused with its place", async (t) => {
  const line = text.slice(0, text.search(CUT)).split("\n").length;
  const cases: [string, RegExp][] = [
    ["{ at: 1s, do: cut }", /"cut" needs "circuit"/],
    ["{ do: cut, circuit: circuit-1 }", /"cut" needs "at"/],
    ["{ at: 1s, do: cut, circuit: circuit-1, subcode: 3 }", /"cut" has no key "subcode"; it takes/],
    ["{ at: 1s, do: send-cease, circuit: circuit-1 }", /"send-cease" needs "subcode"/],
    ["{ at: 1s, do: send-cease, circuit: circuit-1, subcode: 11 }", /1 to 10/],
    ["{ at: 1s, do: degrade, circuit: circuit-1 }", /no quality, such as loss/],
    ["{ at: 1s, do: degrade, circuit: circuit-1, loss: 5 }", /a percentage/],
    ["{ at: 1s, do: degrade, circuit: circuit-1, burst: 5 }", /"burst" needs "loss"/],
    ["{ at: 1s, do: degrade, circuit: circuit-1, queue: 5ms }", /"queue" needs "rate"/],
    ["{ at: 1s, do: drain, circuit: circuit-1 }", /none of prepend/],
    [
      "{ at: 1s, do: order-vbr, circuit: circuit-1, order: approve }",
      /"order" of "order-vbr" is confirm, terminate or recover/,
    ],
    ["{ at: 1s, do: withdraw, prefix: 10.0.0.0/8, circuit: circuit-1 }", /no key "circuit"/],
    ["{ at: 1s, do: kill, circuit: circuit-9 }", /no key "circuit"/],
    ["{ at: 1s, do: cut, circuit: circuit-9 }", /no circuit "circuit-9"/],
    ["{ at: 1s, do: explode, circuit: circuit-1 }", /cut, restore, flap/],
    [
      "{ at: 1s, do: propagation, transitRouter: tr-9, attachment: to-vpc }",
      /no transitRouter "tr-9"; it has tr-1/,
    ],
    [
      "{ at: 1s, do: association, transitRouter: tr-1, attachment: x }",
      /no attachment "x"; it has to-ecr, to-vpc/,
    ],
    [
      "{ at: 1s, do: route-map, transitRouter: tr-1, priority: 20 }",
      /tr-1 has no route map 20 of direction in/,
    ],
    ["{ at: 1s, do: custom-route, table: vpc-9, prefix: 10.1.0.0/16 }", /no table "vpc-9"/],
    ["{ do: expect, session: circuit-1, is: told, within: 1s }", /"is: up" or "is: down"/],
    ["{ do: expect, event: circuit.down, is: up, within: 1s }", /"is: told"/],
    ["{ do: expect, symmetric: true }", /needs "within"/],
    ["{ do: expect, within: 1s }", /"symmetric", "baseline"/],
  ];
  for (const [step, wanted] of cases) {
    const said = refusal(step);
    t.match(said, wanted, step);
    t.match(said, new RegExp(`^${line}:\\d+ `), "with line and column");
  }
});

t.test("flap and circuit: all stand for many steps, in the order of time", async (t) => {
  const flap = stepsOf("{ at: 1s, do: flap, circuit: circuit-1, period: 200ms, times: 2 }");
  t.same(
    flap.map((step) => [step.do, step.atUs]),
    [
      ["cut", 1_000_000],
      ["restore", 1_100_000],
      ["cut", 1_200_000],
      ["restore", 1_300_000],
    ],
  );
  const all = stepsOf("{ at: 1s, do: flap, circuit: all, period: 200ms, times: 2 }");
  t.same(
    all.map((step) => ("circuit" in step ? `${step.circuit} ${step.atUs / 1000}` : "")),
    [1000, 1100, 1200, 1300].flatMap((atMs) => [`circuit-1 ${atMs}`, `circuit-2 ${atMs}`]),
  );
});

t.test("traffic: one group or several, with rates; what it lacks is said", async (t) => {
  const open = (traffic: string) =>
    readDrill(text.replace(/^traffic:\n(?: {2}.*\n)+/m, `traffic: ${traffic}\n`));
  const groups = open(`{ interval: 2ms, groups: [
    { name: erp, idc: 10.1.0.10, vpc: 10.64.0.10, flows: 4, rate: 300Mbps },
    { name: bulk, idc: 10.1.0.11, vpc: 10.64.0.11, flows: 8, rate: 1.5Gbps } ] }`);
  t.match(groups.drill?.traffic, { flows: 12, intervalUs: 2000, idc: "10.1.0.10" });
  t.equal(groups.drill?.traffic.groups?.[1]?.rateBps, 1_500_000_000);
  const message = (traffic: string) => open(traffic).problems[0]?.message ?? "accepted";
  t.match(message("{ interval: 1ms, idc: 10.1.0.10 }"), /"idc", "vpc" and "flows"/);
  t.match(
    message(
      "{ interval: 1ms, flows: 3, groups: [{ name: a, idc: 10.1.0.1, vpc: 10.64.0.1, flows: 1 }] }",
    ),
    /stand in place/,
  );
  t.match(
    message("{ interval: 1ms, groups: [{ name: a, idc: 10.9.0.1, vpc: 10.64.0.1, flows: 1 }] }"),
    /10.9.0.1 is in no prefix the edge announces/,
  );
});

t.test("topology: one line in place of two files; inline: no file at all", async (t) => {
  const steps = "steps: [{ do: expect, session: all, is: up, within: 1s }]";
  const open = (parts: string) =>
    readDrill(`drill: x\ndescription: d\nseed: 1\n${parts}\n${steps}\n`, {
      name: "x.yaml",
      files: filesOf({}),
    });
  const told = (parts: string) => {
    const [problem] = open(parts).problems.filter(({ severity }) => severity === "error");
    return `${problem?.file} ${problem?.line}:${problem?.column} ${problem?.message}`;
  };
  const named = open("topology: powerful-disaster-recovery\ntraffic: { flows: 4, interval: 1ms }");
  t.match(named.drill, { cloud: { failoverGroups: [{}] }, traffic: { vpc: "10.64.0.10" } });
  t.equal(named.edgeFile, "", "no file holds it");
  t.match(named.edgeText, /circuit-2/);
  t.match(
    told("topology: best\ntraffic: { flows: 4, interval: 1ms }"),
    /optimal-disaster-recovery/,
  );
  t.match(told("traffic: { flows: 4, interval: 1ms }"), /needs "edge", or a "topology"/);
  t.match(
    told("edge: gone.yaml\ncloud: gone.yaml\ntraffic: { interval: 1ms }"),
    /\/drills\/x.yaml 4:7 .*gone/,
  );
  const inline = (remote: string, vlan = 0) => `
cloud:
  cloud: { name: c }
  vbrs:
    - { name: v, circuit: one, local: 10.0.1.1/30, peer: 10.0.1.2, peerAs: 65010, bfd: off }
  ecr: { name: e, prefixes: [10.64.0.0/16] }
edge:
  router: { name: a, as: 65010, id: 10.255.0.1 }
  circuits:
    - name: one
      profile: alibaba-vbr
      interface: { device: c1, vlan: ${vlan} }
      local: 10.0.1.2/30
      remote: ${remote}
      bfd: off
  announce: [{ prefix: 10.1.0.0/16 }]
traffic: { idc: 10.1.0.1, vpc: 10.64.0.1, flows: 1, interval: 1ms }`;
  t.equal(open(inline("10.0.1.1")).drill?.edge.circuits[0]?.name, "one");
  t.match(told(inline("nowhere")), /x.yaml 17:15 /, "at its place in the drill");
  t.match(told(inline("10.0.1.1", 5000)), /x.yaml 15:38 /);
});
