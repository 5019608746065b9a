import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { CIRCUIT_USES } from "../../../src/agent/circuits.ts";
import { EDGE_METRICS } from "../../../src/agent/metrics/edge-metrics.ts";
import { BFD_STATES } from "../../../src/bfd/sessions/contract.ts";
import { BGP_STATES } from "../../../src/bgp/fsm/state.ts";
import { noPromtool } from "../../support/promtool.ts";

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly gridPos: Readonly<Record<"h" | "w" | "x" | "y", number>>;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const dashboard = JSON.parse(readFileSync("packaging/grafana/causeway.json", "utf8"));
const panels: readonly Panel[] = dashboard.panels;
const annotations: readonly { readonly expr: string }[] = dashboard.annotations.list;
const drawn = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
const exprs = [...drawn, ...annotations.map(({ expr }) => expr)];

t.test("dashboard: no metric that an edge does not have", async (t) => {
  const known = new Set(
    EDGE_METRICS.flatMap(({ name, type }) => (type === "histogram" ? `${name}_bucket` : name)),
  );
  const { query } = dashboard.templating.list[1].query;
  const asked = [...exprs, query].flatMap((expr) => expr.match(/\b(causeway|process)_\w+/g) ?? []);
  t.ok(asked.length > 20);
  t.strictSame(
    asked.filter((name) => !known.has(name)),
    [],
  );
});

t.test("dashboard: every state of an enum is drawn, in its order", async (t) => {
  const enums = {
    BGP: BGP_STATES,
    BFD: BFD_STATES,
    Failback: CIRCUIT_USES,
    Circuits: ["down", "degraded", "up"],
  };
  for (const [title, states] of Object.entries(enums)) {
    const panel = panels.find((one) => one.title === title && one.type === "state-timeline");
    const expr = panel?.targets?.[0]?.expr ?? "";
    const found = [...expr.matchAll(/(\d) \* [^"]*"\$instance",state="([\w-]+)"/g)];
    t.strictSame(
      found.map(([, number, state]) => [number, state]),
      states.slice(1).map((state, index) => [String(index + 1), state]),
      title,
    );
  }
});

t.test("dashboard: panels have a place, a title and a legend each", async (t) => {
  t.equal(new Set(panels.map(({ id }) => id)).size, panels.length);
  const cells = new Set<string>();
  for (const { title, targets = [], gridPos } of panels) {
    const { h, w, x, y } = gridPos;
    t.ok(x + w <= 24, title);
    for (let column = x; column < x + w; column += 1) {
      for (let line = y; line < y + h; line += 1) {
        t.notOk(cells.has(`${column} ${line}`), `${title} covers nothing`);
        cells.add(`${column} ${line}`);
      }
    }
    for (const { legendFormat } of targets) t.match(legendFormat, /\{\{instance\}\}/, title);
  }
});

t.test("dashboard: promtool reads every expression", { skip: noPromtool }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-dashboard-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const rules = exprs.map((expr, index) => {
    return { record: `panel:${index}`, expr: expr.replaceAll("$__rate_interval", "1m") };
  });
  const file = join(folder, "exprs.yml");
  writeFileSync(file, JSON.stringify({ groups: [{ name: "dashboard", rules }] }));
  const { status, stdout, stderr } = spawnSync("promtool", ["check", "rules", file], {
    encoding: "utf8",
  });
  t.equal(status, 0, stdout + stderr);
});
