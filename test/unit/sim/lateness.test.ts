/** What a lab says of its machine, and what judges make of it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import t from "tap";
import type { Budgets, Drill } from "../../../src/sim/drill/drill.ts";
import { judgeBudgets } from "../../../src/sim/drill/judge/judge.ts";
import { aReport } from "../../support/drill-report.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "..");
const WATCH = join(root, "dist", "src", "sim", "lab", "lateness.js");

/** Stopped from outside after its first word, as often as asked what it saw. */
const STOPPED = `
  const { LatenessWatch } = await import(${JSON.stringify(WATCH)});
  const now = () => Number(process.hrtime.bigint() / 1000n);
  const watch = new LatenessWatch();
  const from = now();
  await new Promise((done) => setTimeout(done, 100));
  console.log("ready");
  process.stdin.on("data", () => {
    console.log(watch.worstUs(from, now()), watch.worstUs(now() + 1e6, now() + 2e6));
  });
`;

t.test("a process that stood still was late, for as long as it stood", async (t) => {
  const folder = t.testdir({ "stopped.mjs": STOPPED });
  const child = spawn(process.execPath, [join(folder, "stopped.mjs")]);
  t.teardown(() => child.kill("SIGKILL"));
  child.stdout.setEncoding("utf8");
  await once(child.stdout, "data");
  let [worstUs, laterUs]: readonly (number | undefined)[] = [];
  // The thread may take its time to begin.
  for (let tries = 0; tries < 20 && (worstUs ?? 0) < 150_000; tries += 1) {
    child.kill("SIGSTOP");
    await sleep(200);
    child.kill("SIGCONT");
    await sleep(50);
    child.stdin.write("?");
    const [text] = await once(child.stdout, "data");
    [worstUs, laterUs] = String(text).trim().split(" ").map(Number);
  }
  t.ok((worstUs ?? 0) > 150_000, `${worstUs} us`);
  t.equal(laterUs, 0, "and not before or after");
});

t.test("a budget missed by no more than that is INCONCLUSIVE", async (t) => {
  const [fault] = aReport().faults;
  if (fault === undefined) throw new Error("it has a fault");
  const judged = (lateMs: number | undefined, detectionUsMax: number) => {
    const drill = { budgets: { detectionUsMax } as Budgets } as Drill;
    const late = { ...fault, detectionMs: 50, ...(lateMs !== undefined && { lateMs }) };
    return judgeBudgets(drill, [late], [])[0];
  };
  t.match(judged(undefined, 40_000), { status: "fail" }, "virtual time is never late");
  t.match(judged(9, 40_000), { status: "fail" });
  t.match(judged(12, 40_000), {
    status: "inconclusive",
    observed: "50 ms, and the machine was up to 12 ms late",
    margin: -10,
  });
  t.match(judged(12, 60_000), { status: "pass" });
});
