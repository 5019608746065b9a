/** `reload` in drills: another file for an edge that runs, taken or refused, in every lab. */
import t from "tap";
import { LoopbackLab } from "../../src/sim/lab/loopback/loopback-lab.ts";
import { NamespaceLab } from "../../src/sim/lab/namespaces/namespace-lab.ts";
import { whyNoNamespaces } from "../../src/sim/lab/namespaces/namespaces.ts";
import { VirtualLab } from "../../src/sim/lab/virtual/virtual-lab.ts";
import { passes, play, readDrill, sound, written } from "../support/drills.ts";
import { playPatiently } from "../support/patience.ts";

const load = (...steps: readonly string[]) =>
  readDrill(
    written(`steps:
${steps.map((step) => `  - ${step}`).join("\n")}
always: [session-isolation, no-fib-error, no-loop, fib-is-rib]`),
  );

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

t.test("in virtual time: refused, a circuit given up, and taken back", async (t) => {
  const { drill } = sound(load(...STEPS));
  const report = await play(drill, new VirtualLab(drill));
  passes(t, report);
});

t.test("on loopback sockets", async (t) => {
  const { drill } = sound(load(...STEPS));
  const report = await playPatiently(t, () => play(drill, new LoopbackLab(drill)));
  passes(t, report);
});

t.test("in network namespaces", { skip: whyNoNamespaces() ?? false }, async (t) => {
  const { drill, edgeFile } = sound(load(...STEPS));
  const report = await playPatiently(t, () => play(drill, new NamespaceLab(drill, edgeFile)));
  passes(t, report);
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
  const { drill } = sound(load(STEPS[0] ?? ""));
  const steps = drill.steps.map((step) =>
    step.do === "reload" ? { ...step, answer: "accepted" as const } : step,
  );
  const played = play({ ...drill, steps }, new VirtualLab(drill));
  await t.rejects(played, /reload with another edge: the edge refused it/);
});
