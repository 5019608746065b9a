/** Drills held against Prometheus rules: virtual time with the shipped agent, and a real scrape. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { readRules } from "../../src/sim/alerts/rules.ts";
import type { Claim, Drill, Step } from "../../src/sim/drill/drill.ts";
import { LoopbackLab } from "../../src/sim/lab/loopback/loopback-lab.ts";
import { VirtualLab } from "../../src/sim/lab/virtual/virtual-lab.ts";
import { formatHtml } from "../../src/sim/report/page/html.ts";
import { load, passes, play } from "../support/drills.ts";
import { playPatiently } from "../support/patience.ts";
import { noPromtool as skip } from "../support/promtool.ts";
import { schemaFaults } from "../support/report-schema.ts";

function base(): Drill {
  const { drill } = load("alerts/alert-silent.yaml");
  return { ...drill, budgets: { ...drill.budgets, outageUsMax: undefined }, always: [] };
}

const RULES = `groups:
- name: impatient
  rules:
  - { alert: CircuitDown, expr: causeway_circuit_up == 0 }
  - { alert: AgentDown, expr: up == 0, for: 2s }
`;

const SEC = 1_000_000;

/** The base drill with these rules and steps. */
function drillOf(steps: readonly Step[], intervalUs: number): Drill {
  const rules = readRules("impatient.yml", RULES);
  if (typeof rules === "string") throw new Error(rules);
  return { ...base(), alerting: { rules, intervalUs }, steps };
}

type AlertClaim = Extract<Claim, { kind: "alert" }>;

const alert = (
  name: string | undefined,
  is: AlertClaim["is"],
  withinSec: number,
  more: { of?: AlertClaim["of"]; forSec?: number } = {},
): Step => ({
  do: "expect",
  atUs: undefined,
  expect: {
    ...{ kind: "alert", alert: name, is, of: more.of ?? {}, withinUs: withinSec * SEC },
    ...(more.forSec === undefined ? {} : { forUs: more.forSec * SEC }),
  },
});

const cut = (atSec: number): Step => ({
  ...{ do: "cut", atUs: atSec * SEC, circuit: "circuit-1" },
  ...{ direction: "both", carrier: "hidden" },
});
const restore = (atSec: number): Step => ({
  ...{ do: "restore", atUs: atSec * SEC, circuit: "circuit-1" },
});

t.test(
  "alerts fire and resolve on the virtual clock, and the report says when",
  { skip },
  async (t) => {
    const steps = [
      cut(1.2),
      alert("CircuitDown", "firing", 2, { of: { circuit: "circuit-1" }, forSec: 2 }),
      alert("CircuitDown", "silent", 0, { of: { circuit: "circuit-2" }, forSec: 8 }),
      alert("AgentDown", "silent", 0, { forSec: 8 }),
      restore(6),
      alert("CircuitDown", "resolved", 5, { forSec: 1 }),
    ];
    const drill = drillOf(steps, SEC);
    const report = await play(drill, new VirtualLab(drill));
    passes(t, report);
    t.same(schemaFaults(report), []);
    const [one, ...others] = report.alerts ?? [];
    t.same(others, []);
    t.match(one, { alert: "CircuitDown", labels: { circuit: "circuit-1", instance: "edge-1" } });
    const detectedMs = 1200 + (report.faults[0]?.detectionMs ?? 0);
    t.equal(one?.firedAtMs, Math.ceil(detectedMs / 1000) * 1000, "the first scrape that sees it");
    t.ok((one?.resolvedAtMs ?? 0) > 6000);
    const told = report.timeline.filter(({ lane }) => lane === "alerts");
    t.same(
      told.map(({ event }) => event),
      ["alert.firing", "alert.resolved"],
    );
    t.match(formatHtml([report]), /CircuitDown circuit-1 fires/);

    const plain: Drill = { ...drill, alerting: undefined };
    const unwatched = await play(plain, new VirtualLab(plain));
    t.equal(unwatched.traceHash, report.traceHash, "who is scraped does nothing else than before");
  },
);

t.test("claims that do not hold fail, each with what was", { skip }, async (t) => {
  const steps = [
    cut(1.2),
    alert("CircuitDown", "firing", 0.2),
    alert(undefined, "silent", 0, { forSec: 3 }),
    alert("CircuitDown", "resolved", 3),
    alert("AgentDown", "firing", 3),
  ];
  const drill = drillOf(steps, SEC);
  const report = await play(drill, new VirtualLab(drill));
  t.equal(report.verdict, "FAIL");
  t.same(
    report.checks.map(({ status, observed }) => `${status}: ${observed}`),
    [
      "fail: it never fired",
      "fail: fired at 2000 ms: CircuitDown circuit-1",
      "fail: still fires after 3000 ms",
      "fail: it never fired",
    ],
  );
});

t.test(
  "a daemon that is killed answers nothing; one that stands still answers late",
  { skip },
  async (t) => {
    const steps: Step[] = [
      { do: "freeze", atUs: 1.9 * SEC, forUs: 0.4 * SEC },
      alert("AgentDown", "silent", 0, { forSec: 4 }),
      { do: "kill", atUs: 6.5 * SEC, downUs: 5 * SEC },
      alert("AgentDown", "firing", 3),
      alert("AgentDown", "resolved", 8),
    ];
    const drill = drillOf(steps, SEC);
    const report = await play(drill, new VirtualLab(drill));
    passes(t, report);
    const down = report.alerts?.find((one) => one.alert === "AgentDown");
    t.same([down?.firedAtMs, down?.resolvedAtMs], [9000, 12_000]);
  },
);

t.test("without a rules engine the claim is inconclusive, and says what is missing", async (t) => {
  const drill = drillOf([cut(1), alert("CircuitDown", "firing", 3)], SEC);
  const report = await play(drill, new VirtualLab(drill), {
    rulesEngine: async () => "promtool is not installed",
  });
  t.equal(report.verdict, "INCONCLUSIVE");
  t.equal(report.because, "CircuitDown is firing: promtool is not installed");
  t.equal(report.alerts, undefined);
});

t.test("a lab's edge is scraped over its socket", { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-scrape-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const steps = [
    cut(0.5),
    alert("CircuitDown", "firing", 4, { of: { circuit: "circuit-1" } }),
    alert("AgentDown", "silent", 0, { forSec: 4 }),
  ];
  const drill = drillOf(steps, SEC / 4);
  let count = 0;
  const report = await playPatiently(t, () => {
    count += 1;
    return play(drill, new LoopbackLab(drill, join(folder, `edge-${count}.sock`)));
  });
  passes(t, report);
  t.same(
    report.alerts?.map(({ alert: name, labels }) => [name, labels.circuit]),
    [["CircuitDown", "circuit-1"]],
  );
});
