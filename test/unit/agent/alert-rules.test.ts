import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import t from "tap";
import { parse } from "yaml";
import { EDGE_METRICS } from "../../../src/agent/metrics/edge-metrics.ts";
import { DRILL_METRICS } from "../../../src/sim/report/formats/openmetrics.ts";
import { noPromtool as skip } from "../../support/promtool.ts";

const FOLDER = "packaging/prometheus";
const RULES = `${FOLDER}/causeway.rules.yml`;
const TESTS = `${FOLDER}/causeway.rules.test.yml`;

interface Rule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly labels?: { readonly severity?: string };
  readonly annotations?: { readonly summary?: string };
}

const groups: { readonly rules: readonly Rule[] }[] = parse(readFileSync(RULES, "utf8")).groups;
const rules = groups.flatMap((group) => group.rules);
const alerts = rules.flatMap((rule) => (rule.alert === undefined ? [] : [rule]));

const promtool = (...words: string[]) => spawnSync("promtool", words, { encoding: "utf8" });

t.test("alert rules: promtool reads them", { skip }, async (t) => {
  const { status, stdout, stderr } = promtool("check", "rules", RULES);
  t.equal(status, 0, stdout + stderr);
});

t.test("alert rules: promtool plays every one of them", { skip }, async (t) => {
  const { status, stdout, stderr } = promtool("test", "rules", TESTS);
  t.equal(status, 0, stdout + stderr);
  const played: { readonly alert_rule_test?: readonly Played[] }[] = parse(
    readFileSync(TESTS, "utf8"),
  ).tests;
  const fired = played
    .flatMap((one) => one.alert_rule_test ?? [])
    .filter(({ exp_alerts }) => exp_alerts.length > 0)
    .map(({ alertname }) => alertname);
  t.strictSame([...new Set(fired)].sort(), alerts.map(({ alert }) => alert).sort());
});

interface Played {
  readonly alertname: string;
  readonly exp_alerts: readonly unknown[];
}

t.test("alert rules: no metric that an edge does not have", async (t) => {
  const known = new Set([
    ...DRILL_METRICS,
    ...EDGE_METRICS.flatMap(({ name, type }) =>
      type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
    ),
    ...rules.flatMap(({ record }) => record ?? []),
    "up",
  ]);
  const asked = rules.flatMap(({ expr }) => expr.match(/\b(causeway|process)[a-z0-9_:]+\b/g) ?? []);
  t.ok(asked.length >= alerts.length);
  t.strictSame(
    asked.filter((name) => !known.has(name)),
    [],
  );
});

t.test("alert rules: each says how bad it is, and has its row in the manual", async (t) => {
  const page = readFileSync("docs/operations.md", "utf8");
  const rows = new Map(
    [...page.matchAll(/^\| `(Causeway\w+)` \|[^|]*\| (yes|no) \|/gm)].map((row) => [
      row[1],
      row[2],
    ]),
  );
  for (const { alert, labels, annotations } of alerts) {
    const severity = labels?.severity ?? "none";
    t.match(severity, /^(critical|warning|info)$/, `${alert}: severity`);
    t.ok(annotations?.summary, `${alert}: summary`);
    t.equal(rows.get(alert), severity === "critical" ? "yes" : "no", `${alert}: row, and pages`);
  }
  t.equal(rows.size, alerts.length, "the manual has no alert that is gone");
});
