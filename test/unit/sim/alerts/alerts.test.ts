/** Claims about alerts: what a file may say, what is scraped, what promtool is told, who is right. */
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { micros } from "../../../../src/core/time.ts";
import { type AlertInstance, promtool, written } from "../../../../src/sim/alerts/engine.ts";
import { readRules, shippedRules } from "../../../../src/sim/alerts/rules.ts";
import { SocketScraper } from "../../../../src/sim/alerts/scrape-edge.ts";
import { ScrapeLog } from "../../../../src/sim/alerts/scrape-log.ts";
import {
  judgeAlert,
  type OpenClaim,
  reportAlerts,
} from "../../../../src/sim/drill/judge/alert-claims.ts";
import { claimText } from "../../../../src/sim/drill/words.ts";
import { readDrill, shippedText } from "../../../support/drills.ts";
import { noPromtool } from "../../../support/promtool.ts";

const name = "alerts/alert-fires.yaml";
const text = shippedText(name);

function load(step: string, drill = text) {
  const cut = drill.replace(/^ {2}- .*do: cut.*$/m, `  - ${step}`);
  return readDrill(cut, { name });
}

function refusal(step: string, drill?: string): string {
  const [problem] = load(step, drill).problems;
  return problem === undefined ? "accepted" : `${problem.code} ${problem.line} ${problem.message}`;
}

t.test("a claim about an alert: what it needs, and what is refused with its place", async (t) => {
  const line = text.slice(0, text.search(/^ {2}- .*do: cut/m)).split("\n").length;
  const cases: [string, RegExp][] = [
    ["alert: Nope, is: firing, within: 1m", /D103 .*causeway.rules.yml has no alert "Nope"/],
    ["alert: any, is: up, within: 1m", /D102 .*"is: firing", "is: resolved" or "is: silent"/],
    ["alert: any, is: silent, within: 1m", /D102 .*"is: silent" needs "for"/],
    ["alert: any, is: firing, for: 1m", /D102 .*"is: firing" needs "within"/],
    ["alert: any, is: firing, of: circuit-1, within: 1m", /D102 .*as { peer: circuit-1 }/],
    ["event: bgp.peer.down, of: { peer: circuit-1 }, within: 1m", /D102 .*"of" of an event/],
    ["alert: no-name, is: firing, within: 1m", /an alert of the rules, or any/],
  ];
  for (const [step, expected] of cases) {
    const told = refusal(`{ do: expect, ${step} }`);
    t.match(told, expected);
    t.match(told, new RegExp(` ${line} `), `${step}: at its line`);
  }
  const { drill } = load(
    "{ do: expect, alert: any, of: { peer: circuit-1 }, is: firing, within: 1m }",
  );
  const [first] = drill?.steps ?? [];
  t.equal(first?.do === "expect" && claimText(first.expect), "any alert peer=circuit-1 is firing");
});

t.test("the rules of a drill: its own, or those that ship", async (t) => {
  const step = "{ do: expect, alert: CausewayAllPathsDown, is: firing, within: 1m }";
  const own = load(step);
  t.equal(own.drill?.alerting?.intervalUs, 5_000_000);
  t.equal(own.sources.find(({ what }) => what === "rules")?.file.endsWith(".yml"), true);
  const shipped = load(step, text.replace(/^alerting:\n( {2}.*\n)+/m, ""));
  t.equal(shipped.drill?.alerting?.rules.text, own.drill?.alerting?.rules.text);
  t.match(
    refusal(
      step,
      text.replace("../../packaging/prometheus/causeway.rules.yml", "../lab/edge.yaml"),
    ),
    /D101/,
  );
  t.match(refusal(step, text.replace("interval: 5s", "interval: 1ms")), /D102 .*100ms or more/);
  t.match(readRules("r.yml", "groups: ["), /^r.yml is no YAML/);
  t.match(readRules("r.yml", "a: 1"), /^r.yml has no alert/);
  t.ok(shippedRules().alerts.length > 10);
});

const INSTANCE: AlertInstance = {
  ...{ alert: "A", labels: { instance: "e", peer: "c1" }, severity: "warning" },
  slots: [3, 4, 5, 8],
};

/** Ten scrapes a second apart, from 100 s on. */
const log = new ScrapeLog(micros(100_000_000), 1_000_000);
log.due(9);

function judged(
  claim: Partial<OpenClaim["claim"]>,
  fromSec: number,
  faultSec = 0,
): [string, string] {
  const { status, observed } = judgeAlert(
    {
      claim: { kind: "alert", alert: "A", of: {}, is: "firing", withinUs: 0, ...claim },
      fromUs: micros((100 + fromSec) * 1_000_000),
      faultUs: micros((100 + faultSec) * 1_000_000),
      check: { check: "", expected: "" },
    },
    log,
    [INSTANCE],
  );
  return [status, observed];
}

t.test("firing, resolved, silent: judged at the evaluations of their time", async (t) => {
  const sec = 1_000_000;
  t.same(judged({ withinUs: 2.4 * sec }, 0.5), ["fail", "it never fired"]);
  t.same(judged({ withinUs: 2.5 * sec }, 0.5), ["pass", "after 2500 ms"]);
  t.same(judged({ withinUs: 0 }, 4.2), ["pass", "after 0 ms"], "an alert is a state");
  t.same(judged({ withinUs: 3 * sec, forUs: 2 * sec }, 0)[0], "pass");
  t.same(judged({ withinUs: 3 * sec, forUs: 3 * sec }, 0), ["fail", "no longer after 6000 ms"]);
  t.same(judged({ withinUs: 9 * sec, of: { peer: "c2" } }, 0)[0], "fail", "labels are told apart");
  t.same(judged({ is: "resolved", withinUs: 1 * sec }, 4), ["fail", "still fires after 1000 ms"]);
  t.same(judged({ is: "resolved", withinUs: 2 * sec }, 4), ["pass", "after 2000 ms"]);
  t.same(judged({ is: "resolved", withinUs: 2 * sec, forUs: 2 * sec }, 4)[0], "fail");
  t.same(judged({ is: "resolved", withinUs: 2 * sec }, 0), ["fail", "it never fired"]);
  t.same(judged({ is: "resolved", withinUs: 1 * sec }, 6, 5.5), ["fail", "it never fired"]);
  t.same(judged({ is: "silent", forUs: 2.9 * sec }, 0)[0], "pass");
  t.same(judged({ is: "silent", forUs: 3 * sec }, 0), ["fail", "fired at 3000 ms: A c1"]);
  t.same(judged({ is: "silent", forUs: 1 * sec }, 6), ["fail", "fired at 3000 ms: A c1"]);
  t.same(judged({ is: "silent", forUs: 1 * sec }, 6, 5.5)[0], "pass", "counts from the fault");
  const told = reportAlerts(log, [INSTANCE], micros(99_000_000));
  t.same(
    told.map(({ firedAtMs, resolvedAtMs }) => [firedAtMs, resolvedAtMs]),
    [
      [4000, 7000],
      [9000, 10_000],
    ],
  );
});

t.test("values in promtool's notation", async (t) => {
  t.equal(written([1, 1, 1, 0, 2], 5), "1x2 0 2");
  t.equal(written([undefined, undefined, 1], 6), "_x2 1 stale _x2");
  t.equal(written([1, undefined, 3], 3), "1 stale 3");
  t.equal(written([], 1), "_x1");
  const isSkipped = (slot: number) => slot === 1 || slot === 4;
  t.equal(written([1, undefined, 1], 6, isSkipped), "1 _x1 1 stale _x1 _x1");
});

t.test("a page of the text format is read as it was written", async (t) => {
  const read = new ScrapeLog(micros(0), 1_000_000);
  read.due(0);
  read.addPage(0, '# HELP a b\n# TYPE a gauge\na{x="1 } 2",y="\\"q\\""} 2.5e-7\nb 3\n');
  read.addSample(0, "c", { labels: { x: 'a"\\\n' }, value: 1, suffix: "_sum" });
  t.same(read.series, [
    { name: "a", labels: 'x="1 } 2",y="\\"q\\""', values: [2.5e-7] },
    { name: "b", labels: "", values: [3] },
    { name: "c_sum", labels: 'x="a\\"\\\\\\n"', values: [1] },
  ]);
});

const RULES = `groups:
- name: g
  rules:
  - { alert: Low, expr: 'level < 1e-6', labels: { severity: info } }
  - { alert: Gone, expr: 'up{job="causeway"} == 0', for: 2s }
`;

t.test("promtool says what fires, label by label", { skip: noPromtool }, async (t) => {
  const levels = new ScrapeLog(micros(0), 1_000_000);
  for (const [slot, level] of [2, 2.5e-7, 2.5e-7, 1].entries()) {
    levels.add(slot, "level", 'of="a \\"b\\", {c}"', level);
  }
  levels.due(8);
  t.same(await promtool({ log: levels, rules: RULES, instance: "e" }), [
    {
      alert: "Low",
      labels: { instance: "e", job: "causeway", of: 'a "b", {c}' },
      ...{ severity: "info", slots: [1, 2] },
    },
    {
      alert: "Gone",
      labels: { instance: "e", job: "causeway" },
      ...{ severity: undefined, slots: [6, 7, 8] },
    },
  ]);
  const late = new ScrapeLog(micros(0), 1_000_000);
  for (const slot of [3, 7]) late.add(slot, "level", "", 0);
  late.due(8);
  const found = await promtool({ log: late, rules: RULES, instance: "e" });
  const low = typeof found === "string" ? undefined : found.find(({ alert }) => alert === "Low");
  t.same(low?.slots, [3, 7], "at the scrapes that had it");
  t.match(
    await promtool({ log: levels, rules: RULES.replace("<", "<<"), instance: "e" }),
    /^promtool cannot evaluate the rules: .*rules.yml.*parse error/,
  );
});

t.test("scrapes of a process that was held up are of nobody's fault", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-scraper-"));
  const socketPath = join(folder, "edge.sock");
  const server = createServer((_, response) => response.end("level 1\n"));
  server.listen(socketPath);
  await once(server, "listening");
  const scraper = new SocketScraper(socketPath, new ScrapeLog(micros(0), 100_000));
  t.teardown(() => {
    scraper.close();
    server.close();
    rmSync(folder, { recursive: true });
  });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 350);
  while (scraper.log.count < 2) await once(server, "request");
  const slots = Array.from({ length: scraper.log.count }, (_, slot) => slot);
  const asked = slots.filter((slot) => !scraper.log.isSkipped(slot));
  t.ok((asked[1] ?? 0) >= 3, "the second is of the slot it falls into");
  t.equal(asked[0], 0);
});

t.test("without promtool there is a sentence", async (t) => {
  const empty = mkdtempSync(join(tmpdir(), "causeway-no-promtool-"));
  const { PATH } = process.env;
  t.teardown(() => {
    process.env.PATH = PATH;
    rmSync(empty, { recursive: true });
  });
  process.env.PATH = empty;
  t.match(await promtool({ log, rules: RULES, instance: "e" }), /promtool is not installed/);
});
