/** Reports drawn from JSON: buckets, HTML, Markdown and JUnit, with hostile names in them. */
import t from "tap";
import type { ProbeColumns } from "../../../src/sim/lab/lab.ts";
import { formatJunit } from "../../../src/sim/report/formats/junit.ts";
import { formatMarkdown } from "../../../src/sim/report/formats/markdown.ts";
import { bucketLoss, roundStep } from "../../../src/sim/report/page/buckets.ts";
import { formatHtml } from "../../../src/sim/report/page/html.ts";
import { aReport } from "../../support/drill-report.ts";

function columns(sentUs: readonly number[], lost: readonly number[]): ProbeColumns {
  return {
    count: sentUs.length,
    flow: new Uint16Array(sentUs.length),
    sentUs: Float64Array.from(sentUs),
    arrivedUs: Float64Array.from(sentUs, (at, row) => (lost.includes(row) ? 0 : at + 5)),
  };
}

t.test("buckets hold every probe once", async (t) => {
  const sent = Array.from({ length: 1000 }, (_, row) => 7_000 + row * 1_000);
  const probes = {
    flows: 1,
    directions: { "to-cloud": columns(sent, [0, 500, 999]), "to-edge": columns(sent, []) },
  };
  const loss = bucketLoss(probes, 10_000, 1_000);
  t.equal(loss?.fromMs, -3);
  t.equal(loss?.bucketMs, 5);
  const [toCloud, toEdge] = loss?.directions ?? [];
  const sum = (values: readonly number[] = []) => values.reduce((a, b) => a + b, 0);
  t.equal(sum(toCloud?.sent), 1000);
  t.equal(sum(toEdge?.sent), 1000);
  t.equal(sum(toEdge?.lost), 0);
  t.same(
    toCloud?.lost.flatMap((count, bucket) => (count > 0 ? [bucket] : [])),
    [0, 100, 199],
  );
  const none = {
    flows: 1,
    directions: { "to-cloud": columns([], []), "to-edge": columns([], []) },
  };
  t.equal(bucketLoss(none, 0, 1_000), null);
  t.ok((bucketLoss(probes, 0, 300_000)?.bucketMs ?? 0) >= 300, "not below the probe interval");
});

t.test("steps are 1, 2 or 5 times a power of ten", async (t) => {
  t.same([0, 1, 1.5, 3, 6, 11, 21, 51, 4999].map(roundStep), [1, 1, 2, 5, 10, 20, 50, 100, 5000]);
});

const HOSTILE = `</style><script>alert("1 & '2'")</script>\u0000|x`;

t.test("HTML: verdict first, nothing fetched, nothing run, names are only text", async (t) => {
  const page = formatHtml([aReport({ description: HOSTILE, because: HOSTILE })]);
  t.match(page, /^<!doctype html>/);
  t.notMatch(page, /<script/);
  t.notMatch(page, /https?:/);
  t.match(page, /&lt;script&gt;/);
  t.ok(page.indexOf("PASS</span>") < page.indexOf("<svg"), "the verdict is above the picture");
  t.equal(page.match(/class="mark fault"/g)?.length, 2, "the whole drill and the closer look");
  t.match(page, /class="lost"/);
  const two = formatHtml([aReport(), aReport({ verdict: "FAIL", drill: "other" })]);
  t.match(two, /<h1 id="top">1 of 2 drills passed<\/h1>/);
});

t.test("HTML: a drill that sent no probe and an empty list", async (t) => {
  const report = aReport({
    verdict: "INCONCLUSIVE",
    faults: [],
    traffic: [],
    timeline: [],
    lossOverTime: null,
  });
  t.match(formatHtml([report]), /INCONCLUSIVE<\/span>/);
  t.notMatch(formatHtml([report]), /NaN|Infinity|undefined/);
  t.match(formatHtml([]), /0 of 0 drills passed/);
});

t.test("Markdown: one line a cell, whatever is in it", async (t) => {
  const text = formatMarkdown([aReport({ description: HOSTILE })]);
  t.match(text, /^# ✅ a-drill: PASS\n/);
  const ours = /<\/?(details|summary)>/g;
  t.notMatch(text.replace(ours, ""), /(?<!\\)[<>]/);
  t.equal(text.match(ours)?.length, 8, "two folded parts");
  for (const line of text.split("\n").filter((one) => one.startsWith("| cut"))) {
    t.equal(line.match(/(?<!\\)\|/g)?.length, 8);
  }
});

t.test("JUnit: fail is a failure, inconclusive an error", async (t) => {
  const checks = (["pass", "fail", "inconclusive"] as const).map((status) => ({
    check: `${status} ${HOSTILE}`,
    status,
    expected: "1",
    observed: "2",
  }));
  const xml = formatJunit([aReport({ checks })]);
  t.match(xml, /tests="3" failures="1" errors="1"/);
  t.equal(xml.match(/<failure /g)?.length, 1);
  t.equal(xml.match(/<error /g)?.length, 1);
  t.notMatch(xml, /<script/);
  t.notOk(xml.includes("\u0000"));
});
