/** The page in parts: the story, lanes and states, what a long or a large drill costs, contrast. */
import t from "tap";
import { formatHtml } from "../../../../src/sim/report/page/html.ts";
import { lanesOf } from "../../../../src/sim/report/page/lanes.ts";
import { STYLE } from "../../../../src/sim/report/page/style.ts";
import type { DrillReport, TimelineEntry } from "../../../../src/sim/report/report.ts";
import { share, tellReason, tellStory } from "../../../../src/sim/report/story.ts";
import { ms, signed } from "../../../../src/sim/report/units.ts";
import { aFullReport, aReport } from "../../../support/drill-report.ts";

t.test("the story: what, when, lost", async (t) => {
  const story = tellStory(aFullReport());
  t.equal(story.what, "cut circuit-1");
  t.match(story.when, /^at \+100.0 ms, noticed by BFD after 50 ms, left by the edge 1 ms later, /);
  t.match(story.when, /as before at \+200.0 ms$/);
  t.match(
    story.lost,
    /^50 of 100 probes \(50.0 %\): 50 to the cloud; longest silence of a flow 51 ms; circuit-1 was asked for 120 % /,
  );
  const { faults } = aReport();
  const thrice = tellStory(aReport({ faults: [faults, faults, faults].flat() }));
  t.equal(thrice.what, "cut circuit-1, 3 times");
  t.match(thrice.when, /at worst noticed/);
  const unseen = faults.map((fault) => ({ ...fault, detectionMs: null, convergenceMs: null }));
  t.match(tellStory(aReport({ faults: unseen })).when, /never noticed/);
  t.match(tellStory(aReport({ faults: [], traffic: [] })), { what: "it did not begin" });
});

t.test("the reason says what was expected, and how much more is wrong", async (t) => {
  t.equal(tellReason(aReport()), "all 1 checks hold");
  const bad = { check: "x", status: "fail", expected: "1 s", observed: "2 s" } as const;
  const failed = aReport({ verdict: "FAIL", because: "x: 2 s", checks: [bad, bad] });
  t.equal(tellReason(failed), "x: 2 s (expected 1 s); 2 of 2 checks do not hold");
});

t.test("a loss is never told as 0 %", async (t) => {
  t.equal(share({ sent: 1_000_000, lost: 1, longestGapMs: 0 }), "< 0.01 %");
  t.equal(share({ sent: 10, lost: 0, longestGapMs: 0 }), "0 %");
  t.same([-0.5, 1000, 61_000.25].map(signed), ["-0.5 ms", "+1000.0 ms", "+61.000 s"]);
  t.same([0, 0.04, 1.25, 99.96, 664.2, 12_345].map(ms), [
    ...["0 ms", "0.04 ms", "1.3 ms", "100 ms", "664 ms", "12.35 s"],
  ]);
});

t.test("lanes: sessions as bars, routes as ways, calm rows give way", async (t) => {
  const { lanes, hiddenCount } = lanesOf(aFullReport(), 300);
  t.same(
    lanes.map(({ actor, subject }) => `${actor} ${subject}`),
    ["edge circuit-1", "edge to 10.64.0.0/16"],
  );
  t.same(
    lanes[0]?.bars.map(({ name, spans }) => [name, spans.map((span) => span.isUp)]),
    [["BFD", [true, false]]],
  );
  t.same(
    lanes[1]?.bars[0]?.spans.map(({ text, isUp }) => [text, isUp]),
    [
      ["circuit-1", true],
      ["no way", false],
    ],
  );
  t.equal(hiddenCount, 0);
  const many = aReport({
    topology: { edge: "e", ecr: "ecr", circuits: circuits(30) },
    timeline: circuits(30).map(({ name }) => up(name)),
  });
  const crowd = lanesOf(many, 300);
  t.equal(crowd.lanes.length, 8);
  t.equal(crowd.hiddenCount, 22);
});

t.test("lanes: an alert fires until the last of its instances is resolved", async (t) => {
  const entry = (atMs: number, state: "firing" | "resolved"): TimelineEntry => {
    return { atMs, lane: "alerts", actor: "alerts", event: `alert.${state}`, text: "Slow c1" };
  };
  const timeline = [
    ...[entry(10, "firing"), entry(20, "firing"), entry(30, "resolved"), entry(40, "resolved")],
    entry(50, "firing"),
  ];
  const { lanes } = lanesOf(aReport({ timeline }), 90);
  const row = lanes.find(({ actor }) => actor === "alerts");
  t.same(
    row?.bars[0]?.spans.map(({ fromMs, untilMs }) => [fromMs, untilMs]),
    [
      [10, 40],
      [50, 90],
    ],
  );
});

const circuits = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `c${index}`, vbr: `v${index}` }));
const up = (name: string): TimelineEntry => {
  return { atMs: -1, lane: "edge", actor: "edge", event: "bgp.peer.up", text: `${name}: up` };
};

t.test("the page shows the network at three moments, routes, shares and flows", async (t) => {
  const page = formatHtml([aFullReport()]);
  for (const part of ["<b>Before</b>", "<b>During</b>", "<b>At the end</b>", "no way", "lost"]) {
    t.ok(page.includes(part), part);
  }
  t.match(page, /class="way broken"/);
  t.match(page, /class="cross"/);
  t.match(page, /flow by flow \(1\)/);
  t.match(page, /one way only/);
  t.match(page, /<small>recovery<\/small><b>61 ms<\/b>/);
  t.match(page, /restore circuit-1<\/td>.*<td class=n>20 ms<\/td>/);
  t.match(page, /120 %.*too much for 90 ms/);
  t.match(page, /<div class="gauge pass"><i style="width:53%">/);
  t.notMatch(page, /NaN|Infinity|undefined|null/);
});

t.test("thirty long drills stay below 5 MB", async (t) => {
  const buckets = Array.from({ length: 300 }, (_, index) => index % 3);
  const lossOverTime: DrillReport["lossOverTime"] = {
    fromMs: -100,
    bucketMs: 1,
    directions: (["to-cloud", "to-edge"] as const).map((direction) => {
      return { direction, sent: buckets.map(() => 10), lost: buckets };
    }),
  };
  const one = aFullReport({ lossOverTime });
  const faults = Array.from({ length: 12 }, () => one.faults).flat();
  const timeline = Array.from({ length: 24 }, (_, index) =>
    one.timeline.map((entry) => ({ ...entry, atMs: 12 * index + entry.atMs / 100 })),
  ).flat();
  const flows = Array.from({ length: 128 }, () => one.flows ?? []).flat();
  const page = formatHtml(Array.from({ length: 30 }, () => ({ ...one, faults, timeline, flows })));
  t.ok(page.length < 5_000_000, `${page.length} octets`);
});

t.test("text and ground differ enough in both schemes (WCAG 2.1, 4.5 to 1)", async (t) => {
  const [light = "", dark = ""] = STYLE.split("@media (prefers-color-scheme: dark)");
  const grounds: Readonly<Record<string, readonly string[]>> = {
    ink: ["page", "card", "pass-soft", "fail-soft", "unsure-soft", "up", "route", "cell"],
    soft: ["page", "card", "pass-soft", "fail-soft", "unsure-soft"],
    pass: ["page", "card", "pass-soft"],
    fail: ["page", "card", "fail-soft"],
    unsure: ["page", "card", "unsure-soft"],
    fault: ["card"],
    repair: ["page", "card"],
    on: ["up", "route"],
  };
  for (const [scheme, css] of Object.entries({ light, dark })) {
    for (const [ink, under] of Object.entries(grounds)) {
      for (const ground of under) {
        const ratio = contrast(colour(css, ink), colour(css, ground));
        t.ok(ratio >= 4.5, `${scheme}: --${ink} on --${ground} is ${ratio.toFixed(1)} to 1`);
      }
    }
  }
});

function colour(css: string, name: string): number {
  const hex = new RegExp(`--${name}: #([0-9a-f]{6})`).exec(css)?.[1];
  if (hex === undefined) throw new RangeError(`no --${name}`);
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const contrast = (one: number, other: number): number =>
  (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
