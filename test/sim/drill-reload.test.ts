/** `reload` in drills: another file for an edge that runs, taken or refused, in every lab. */
import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { loadDrill } from "../../src/sim/drill/file/load.ts";
import { runDrill } from "../../src/sim/drill/runner.ts";
import type { Lab } from "../../src/sim/lab/lab.ts";
import { LoopbackLab } from "../../src/sim/lab/loopback/loopback-lab.ts";
import { NamespaceLab } from "../../src/sim/lab/namespaces/namespace-lab.ts";
import { whyNoNamespaces } from "../../src/sim/lab/namespaces/namespaces.ts";
import { VirtualLab } from "../../src/sim/lab/virtual/virtual-lab.ts";
import { playPatiently } from "../support/patience.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const folder = join(root, "fixtures", "drills");

function load(...steps: readonly string[]) {
  const text = `
drill: reload
description: a test
seed: 7
edge: ../lab/edge.yaml
cloud: ../lab/cloud.yaml
traffic: { idc: 10.1.0.10, vpc: 10.64.0.10, flows: 4, interval: 10ms }
steps:
${steps.map((step) => `  - ${step}`).join("\n")}
always: [session-isolation, no-fib-error, no-loop, fib-is-rib]
`;
  return loadDrill(join(folder, "reload.yaml"), text, {
    resolve: (from, name) => resolve(dirname(from), name),
    read(file) {
      try {
        return { text: readFileSync(file, "utf8") };
      } catch (cause) {
        return { error: String(cause) };
      }
    },
  });
}

/** `../lab/edge.yaml` with circuit 1 only, spelled out. */
const FIRST_ONLY =
  "{ router: { name: edge-1, as: 65010, id: 10.255.0.1 }, circuits: [ { name: circuit-1, " +
  "profile: alibaba-vbr, interface: { device: DEVICE, vlan: 0 }, local: 10.0.1.2/30, " +
  "remote: 10.0.1.1, bfd: { interval: 300ms, multiplier: 3, hops: 255 } } ], " +
  "announce: [ { prefix: 10.1.0.0/16, rank: 1 } ], " +
  "failover: { mode: ecmp, failback: immediate }, fib: { kind: kernel } }";
const AT_C1 = FIRST_ONLY.replace("DEVICE", "c1");

const STEPS = [
  `{ at: 300ms, do: reload, edge: { router: { as: 65010 } }, answer: refused }`,
  `{ do: expect, event: agent.reload.failed, within: 2s }`,
  `{ do: expect, session: all, is: up, for: 300ms }`,
  `{ at: 1s, do: reload, edge: ${AT_C1} }`,
  `{ do: expect, event: agent.reloaded, within: 2s }`,
  `{ do: expect, route: 10.64.0.0/16, via: [circuit-1], within: 2s }`,
  `{ at: 2s, do: reload, edge: ../lab/edge.yaml }`,
  `{ do: expect, route: 10.64.0.0/16, via: [circuit-1, circuit-2], within: 30s }`,
];

function sound(...steps: readonly string[]) {
  const { drill, problems, edgeFile } = load(...steps);
  if (drill === undefined) throw new Error(JSON.stringify(problems));
  return { drill, edgeFile };
}

async function play(lab: Lab, { drill }: ReturnType<typeof sound>) {
  return runDrill(drill, lab, {
    version: "test",
    startedAt: "2026-01-01T00:00:00.000Z",
    progress: () => undefined,
    traceHash: () => (lab instanceof VirtualLab ? lab.traceHash : null),
  });
}

t.test("in virtual time: refused, a circuit given up, and taken back", async (t) => {
  const loaded = sound(...STEPS);
  const report = await play(new VirtualLab(loaded.drill), loaded);
  t.equal(report.verdict, "PASS", report.because);
});

t.test("on loopback sockets", async (t) => {
  const loaded = sound(...STEPS);
  const report = await playPatiently(t, () => play(new LoopbackLab(loaded.drill), loaded));
  t.equal(report.verdict, "PASS", report.because);
});

t.test("in network namespaces", { skip: whyNoNamespaces() ?? false }, async (t) => {
  const loaded = sound(...STEPS);
  const lab = () => new NamespaceLab(loaded.drill, loaded.edgeFile);
  const report = await playPatiently(t, () => play(lab(), loaded));
  t.equal(report.verdict, "PASS", report.because);
});

t.test("a file that is to be taken must be sound, and fit into the lab", async (t) => {
  const cases: [string, RegExp][] = [
    [`{ at: 1s, do: reload, edge: { router: { as: 65010 } } }`, /:\d+:\d+: error .*router/],
    [`{ at: 1s, do: reload, edge: ../lab/none.yaml }`, /D101: cannot read/],
    [`{ at: 1s, do: reload, edge: ../lab/edge.yaml, answer: refused }`, /has no error, so nobody/],
    [
      `{ at: 1s, do: reload, edge: ${FIRST_ONLY.replace("DEVICE", "c9")} }`,
      /the lab has it at c1, not at c9/,
    ],
    [
      `{ at: 1s, do: reload, edge: ${AT_C1.replace("name: circuit-1", "name: circuit-7")} }`,
      /"circuit-7" is not in this lab/,
    ],
    [`{ at: 1s, do: reload }`, /"reload" needs "edge"/],
  ];
  for (const [step, expected] of cases) {
    const { drill, problems } = load(step);
    t.equal(drill, undefined, step);
    const lines = problems.map((one) => {
      return `${one.file}:${one.line}:${one.column}: ${one.severity} ${one.code}: ${one.message}`;
    });
    t.match(lines.join("\n"), expected);
  }
});

t.test("another answer than the drill says ends it with a sentence", async (t) => {
  const loaded = sound(STEPS[0] ?? "");
  const lab = new VirtualLab(loaded.drill);
  const { steps } = loaded.drill;
  const wrong = steps.map((step) =>
    step.do === "reload" ? { ...step, answer: "accepted" as const } : step,
  );
  const drill = { ...loaded.drill, steps: wrong };
  await t.rejects(play(lab, { ...loaded, drill }), /reload with another edge: the edge refused it/);
});
