/** docs/operations.md against the code: exit codes, events and metrics, all of them and no others. */
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { EDGE_METRICS } from "../../../src/agent/metrics/edge-metrics.ts";
import { EXIT_CODES_HELP } from "../../../src/cli/exit.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "..");
const file = join(root, "docs", "operations.md");
const page = readFileSync(file, "utf8");

t.test("docs: exit codes are those of --help", async (t) => {
  const codes = [...EXIT_CODES_HELP.matchAll(/^ {2}(\d+) {2}(.+)$/gm)];
  t.ok(codes.length >= 6);
  for (const [, code, text] of codes) t.ok(page.includes(`| ${code} | ${text} |`), `exit ${code}`);
});

t.test("docs: every event the sources emit has its row, and no row is stale", async (t) => {
  const rooms = ["agent", "bgp", "bfd", "platform/linux"].map((room) => join(root, "src", room));
  const sources = rooms.flatMap((room) =>
    readdirSync(room, { recursive: true })
      .map(String)
      .filter((name) => name.endsWith(".ts") && !name.startsWith("api/"))
      .map((name) => readFileSync(join(room, name), "utf8")),
  );
  const emitted = new Set<string>();
  const ID = /"((?:agent|bgp|bfd|circuit|fib)\.[a-z-]+(?:\.[a-z-]+)*)"/g;
  for (const text of sources) for (const [, id] of text.matchAll(ID)) emitted.add(id ?? "");
  for (const made of ["circuit.up", "circuit.degraded", "circuit.down"]) emitted.add(made);
  for (const made of ["near", "exceeded"]) emitted.add(`bgp.prefix-limit.${made}`);
  for (const made of ["sent", "received"]) emitted.add(`bgp.notification.${made}`);
  const section = page.slice(page.indexOf("## Events"), page.indexOf("## Metrics"));
  const rows = section.split("\n").filter((line) => line.startsWith("| `"));
  const told = new Set(
    rows.flatMap((row) => [...(row.split("|")[1] ?? "").matchAll(/`([^`]+)`/g)].map((m) => m[1])),
  );
  for (const id of emitted) t.ok(told.has(id), `${id} has a row`);
  for (const id of told) t.ok(emitted.has(id ?? ""), `${id} is emitted`);
});

t.test("docs: the table of metrics is the registry's", async (t) => {
  const rows = EDGE_METRICS.map(({ name, type, help }) => `| \`${name}\` | ${type} | ${help} |`);
  const table = ["| metric | type | says |", "|---|---|---|", ...rows].join("\n");
  const [before, rest = ""] = page.split("<!-- metrics -->\n");
  const after = rest.slice(rest.indexOf("<!-- /metrics -->"));
  const wanted = `${before}<!-- metrics -->\n${table}\n${after}`;
  if (process.env.UPDATE_DOCS === "1") writeFileSync(file, wanted);
  t.equal(page, wanted, "run this test with UPDATE_DOCS=1 after changing a metric");
});

t.test("package: what the shipped drills and documents name is packed", async (t) => {
  const { files } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const isPacked = (path: string) =>
    files.some((kept: string) => path === kept || path.startsWith(`${kept}/`));
  const drills = "fixtures/drills";
  const all = readdirSync(join(root, drills), { recursive: true }).map(String);
  for (const name of all.filter((one) => one.endsWith(".yaml"))) {
    const text = readFileSync(join(root, drills, name), "utf8");
    const folder = dirname(join(drills, name));
    if (/^topology: [a-z-]+$/m.test(text)) continue; // made by the program, from no file
    for (const part of ["edge", "cloud"]) {
      if (new RegExp(`^${part}:$`, "m").test(text)) continue; // spelled out in the drill itself
      const named = new RegExp(`^${part}: (.+)$`, "m").exec(text)?.[1];
      t.ok(named && isPacked(join(folder, named)), `${name}: its ${part}`);
    }
    const rules = /^ {2}rules: (.+)$/m.exec(text)?.[1];
    if (rules !== undefined) t.ok(isPacked(join(folder, rules)), `${name}: its rules`);
  }
  for (const path of ["fixtures/agent/edge.yaml", "packaging/causeway.service"]) {
    t.ok(isPacked(path), path);
  }
});

const unit = join(root, "packaging", "causeway.service");
const words = ["security", "--offline=true", "--no-pager", "--threshold=25", unit];
const hasSystemd = spawnSync("systemd-analyze", ["--version"]).error === undefined;

t.test("package: the unit's exposure", { skip: !hasSystemd && "no systemd-analyze" }, async (t) => {
  const { status, stdout } = spawnSync("systemd-analyze", words, { encoding: "utf8" });
  t.equal(status, 0, stdout.split("\n").slice(-2).join(" "));
});
