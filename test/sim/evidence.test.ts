/** Evidence of a drill, read by readers that did not write it. */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { readCapture } from "../../src/decode/capture/pcap.ts";
import { runMrt } from "../../src/decode/mrt/mrt.ts";
import { type DrillOrder, runDrills } from "../../src/sim/main.ts";
import type { DrillReport } from "../../src/sim/report/report.ts";
import { decodeJson } from "../support/decode-run.ts";
import { DRILLS } from "../support/drills.ts";
import { skipWithoutNetns as noNetns } from "../support/netns.ts";
import { noPromtool } from "../support/promtool.ts";

const folder = mkdtempSync(join(tmpdir(), "causeway-evidence-"));
t.teardown(() => rmSync(folder, { recursive: true }));

/** Plays a shipped drill; `kept` is where its evidence goes. */
async function play(
  name: string,
  kept?: string,
  mode: DrillOrder["mode"] = "virtual",
): Promise<DrillReport> {
  const json = join(folder, "report.json");
  const order: DrillOrder = {
    ...{ files: [join(DRILLS, `${name}.yaml`)], mode },
    ...{ seed: undefined, output: "json", version: "test", isQuiet: true, isKept: false },
    ...{ write: { json }, evidence: kept },
  };
  await runDrills(order, { out: () => undefined, err: () => undefined });
  return JSON.parse(readFileSync(json, "utf8"));
}

/** `causeway decode --mrt`: its lines, and what it complained of. */
async function mrtLines(file: string): Promise<{ lines: string[]; complaints: string }> {
  const said = { stdout: "", stderr: "" };
  const sink = (name: "stdout" | "stderr") => ({
    write: (text: string) => {
      said[name] += text;
      return true;
    },
  });
  const stdin = (async function* () {})();
  const io = { stdin, stdout: sink("stdout"), stderr: sink("stderr") };
  await runMrt({ inputs: [join(folder, file)], output: "text" }, io);
  return { lines: said.stdout.trimEnd().split("\n"), complaints: said.stderr };
}

const NAME = "two-circuits";
const report = await play(NAME, folder);

t.test("evidence: every file is what the report says, and who is watched plays on", async (t) => {
  const kinds = (report.evidence ?? []).map(({ what }) => what);
  t.same(kinds, [
    ...["edge-journal", "cloud-journal", "routes", "probes", "metrics"],
    ...["capture", "capture", "bgp-messages", "rib", "rib", "rib"],
  ]);
  for (const { file, sha256, entries } of report.evidence ?? []) {
    const content = readFileSync(join(folder, file));
    t.equal(createHash("sha256").update(content).digest("hex"), sha256, file);
    t.ok(entries > 0, file);
    if (/\.(pcapng|mrt)$/.test(file)) continue;
    t.equal(content.toString().split("\n").length - 1, entries, file);
  }
  t.equal((await play(NAME)).traceHash, report.traceHash);
});

t.test("evidence: a capture of each line, in order and without a fault", async (t) => {
  for (const circuit of ["circuit-1", "circuit-2"]) {
    const file = join(folder, `${NAME}.${circuit}.pcapng`);
    let last = 0;
    let count = 0;
    for (const frame of readCapture(readFileSync(file))) {
      if ("error" in frame) throw new Error(frame.error);
      t.ok(frame.timeSec >= last);
      last = frame.timeSec;
      count += 1;
    }
    const said = report.evidence?.find((one) => one.file.includes(`${circuit}.pcapng`));
    t.equal(count, said?.entries);
    const { exitCode, lines } = await decodeJson({ inputs: [file] });
    t.equal(exitCode, 0, `${circuit}: every message is accepted`);
    t.same(
      lines.filter(({ error }) => error !== undefined),
      [],
    );
    const kinds = new Set(lines.map(({ message }) => String(message?.type)));
    for (const kind of ["OPEN", "KEEPALIVE", "UPDATE", "BFD"]) t.ok(kinds.has(kind), kind);
  }
});

t.test("evidence: the edge's BGP as BGP4MP_ET, at the microseconds of its journal", async (t) => {
  const { lines, complaints } = await mrtLines(`${NAME}.bgp.mrt`);
  t.match(complaints, / 0 errors\n$/);
  const down = lines.filter((line) => line.includes("|STATE|") && line.endsWith("|6|1"));
  t.equal(down.length, 1);
  const journal = readFileSync(join(folder, `${NAME}.edge-journal.jsonl`), "utf8");
  const entries = journal.trimEnd().split("\n");
  const told = entries.map((line) => JSON.parse(line)).find((one) => one.event === "bgp.peer.down");
  const wallSec = (Date.parse(report.startedAt) * 1000 + told.at) / 1e6;
  t.equal(down[0]?.split("|")[1], wallSec.toFixed(6));
  t.ok(
    lines.some((line) => /^BGP4MP_ET\|.*\|A\|10.0.1.1\|45104\|10.64.0.0\/16\|45104\|/.test(line)),
  );
  t.ok(lines.some((line) => /^BGP4MP_ET_LOCAL\|.*\|A\|10.0.1.1\|45104\|10.1.0.0\/16\|/.test(line)));
});

t.test("evidence: the RIB before, during and after, as TABLE_DUMP_V2", async (t) => {
  const ways = async (moment: string) => {
    const { lines, complaints } = await mrtLines(`${NAME}.rib-${moment}.mrt`);
    t.match(complaints, / 0 errors\n$/);
    const routes = lines.map((line) => line.split("|"));
    return routes.map(([type, , , peer, as, prefix]) => [type, peer, as, prefix].join(" "));
  };
  const own = "TABLE_DUMP2 0.0.0.0 65010 10.1.0.0/16";
  const from = (peer: string) => `TABLE_DUMP2 ${peer} 45104 10.64.0.0/16`;
  t.same(await ways("baseline"), [own, from("10.0.1.1"), from("10.0.2.1")]);
  t.same(await ways("during"), [own, from("10.0.2.1")]);
  t.same(await ways("after"), await ways("baseline"));
});

t.test("evidence: Prometheus takes what was scraped", { skip: noPromtool }, async (t) => {
  const file = join(folder, `${NAME}.metrics.om`);
  t.match(readFileSync(file, "utf8"), /\n# EOF\n$/);
  const words = ["tsdb", "create-blocks-from", "openmetrics", file, join(folder, "tsdb")];
  const { status, stdout, stderr } = spawnSync("promtool", words, { encoding: "utf8" });
  t.equal(status, 0, stdout + stderr);
});

t.test("evidence: of namespaces the same, as kernels had it", { skip: noNetns }, async (t) => {
  const name = "vpc-withdrawn";
  const measured = await play(name, folder, "lab");
  const kinds = (measured.evidence ?? []).map(({ what }) => what);
  for (const what of ["metrics", "capture", "bgp-messages", "rib"])
    t.ok(kinds.includes(what as "rib"));
  const { lines, complaints } = await mrtLines(`${name}.bgp.mrt`);
  t.match(complaints, / 0 errors\n$/);
  t.ok(lines.some((line) => /^BGP4MP_ET\|.*\|W\|10\.0\.1\.1\|45104\|10\.64\.0\.0\/16$/.test(line)));
  const routes = async (moment: string) => (await mrtLines(`${name}.rib-${moment}.mrt`)).lines;
  t.equal((await routes("baseline")).filter((line) => line.includes("|10.64.0.0/16|")).length, 2);
  t.equal((await routes("during")).filter((line) => line.includes("|10.64.0.0/16|")).length, 0);
  const { lines: packets } = await decodeJson({
    inputs: [join(folder, `${name}.circuit-1.pcapng`)],
  });
  t.same(
    packets.filter(({ error }) => error !== undefined),
    [],
  );
  const types = new Set(packets.map(({ message }) => String(message?.type)));
  for (const type of ["OPEN", "UPDATE", "BFD"]) t.ok(types.has(type), type);
});
