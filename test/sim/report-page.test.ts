/** The page of a drill in a real browser: silent console, no request, verdict in sight. */
import { execFile } from "node:child_process";
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { formatHtml } from "../../src/sim/report/page/html.ts";
import { aFullReport, aReport } from "../support/drill-report.ts";

function findBrowser(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const files = ["chromium", "chromium-browser", "google-chrome"].flatMap((name) =>
    folders.map((folder) => join(folder, name)),
  );
  return files.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const browser = findBrowser();
const skip = browser === undefined ? "no chromium on this machine: the page is NOT tested" : false;

const LONG = "a-name-of-thirty-two-letters-000";
const REPORTS = [
  aFullReport(),
  aReport({ drill: LONG, description: LONG.repeat(4) }),
  aFullReport({ verdict: "FAIL", because: `${LONG.repeat(3)}: 664 ms`, drill: LONG }),
  aReport({ verdict: "INCONCLUSIVE", faults: [], traffic: [], timeline: [], lossOverTime: null }),
];

interface Visit {
  readonly dom: string;
  readonly console: readonly string[];
  readonly requests: readonly string[];
}

async function visit(page: string, folder: string): Promise<Visit> {
  const file = join(folder, "page.html");
  const netLog = join(folder, "net.json");
  writeFileSync(file, page);
  const flags = [
    "--headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking",
    "--disable-component-update --disable-sync --disable-default-apps --disable-extensions",
    "--enable-logging=stderr --dump-dom --virtual-time-budget=1000",
  ].flatMap((line) => line.split(" "));
  // What the browser itself wants from its maker finds no host; only this machine is reachable.
  flags.push("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1");
  const own = [`--user-data-dir=${join(folder, "profile")}`, `--log-net-log=${netLog}`];
  const url = pathToFileURL(file).href;
  const [dom, stderr] = await new Promise<[string, string]>((resolve, reject) => {
    const options = { timeout: 60_000, maxBuffer: 16 * 1024 * 1024 };
    execFile(browser ?? "", [...flags, ...own, url], options, (error, out, err) => {
      if (error) reject(error);
      else resolve([out, err]);
    });
  });
  const log = readFileSync(netLog, "utf8");
  return {
    dom,
    console: stderr.split("\n").filter((line) => line.includes("CONSOLE")),
    requests: log.split("\n").filter((line) => {
      const isRequest = line.includes('"url":"') && line.includes('"initiator":');
      return isRequest && !line.includes('"initiator":"not an origin"');
    }),
  };
}

t.test("a report's page asks for nothing and complains of nothing", { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-page-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const { dom, console, requests } = await visit(formatHtml(REPORTS), folder);
  t.match(dom, /<h1 id="top">2 of 4 drills passed<\/h1>/);
  t.match(dom, /<dt>What happened<\/dt><dd>cut circuit-1<\/dd>/);
  t.match(dom, /<svg[^>]*>/);
  t.notMatch(dom, /<script/);
  t.same(console, []);
  t.same(requests, []);
});

t.test("nothing sticks out at the width of a telephone or a desk", { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-page-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const { dom } = await visit(framed(formatHtml(REPORTS)), folder);
  const told = /<pre>([^<]*)<\/pre>/.exec(dom)?.[1] ?? "nothing was measured";
  t.same(told.trim().split("\n"), ["400: 0 too wide", "1400: 0 too wide"]);
  const wide = await visit(framed(`<p style="width:500px">wide`), folder);
  t.match(wide.dom, /400: 1\d\d too wide/, "the measure can fail");
});

/** The page in frames of two widths; the frame's parent measures, the page itself has no script. */
function framed(page: string): string {
  const quoted = page.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  const frames = [400, 1400].map(
    (width) =>
      `<iframe style="width:${width}px;height:800px;border:0" srcdoc="${quoted}"></iframe>`,
  );
  return `<!doctype html>${frames.join("")}<pre></pre><script>onload = () => {
  const pre = document.querySelector("pre");
  for (const frame of document.querySelectorAll("iframe")) {
    const { scrollWidth, clientWidth } = frame.contentDocument.documentElement;
    pre.textContent += frame.clientWidth + ": " + (scrollWidth - clientWidth) + " too wide\\n";
  }
};</script>`;
}

t.test("the watch itself can fail: a page that fetches and shouts is seen", { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-page-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const loud = `<script>console.error("loud")</script><img src="http://127.0.0.1:9/x.png">`;
  const { console, requests } = await visit(loud, folder);
  t.ok(console.length > 0);
  t.ok(requests.some((url) => url.includes("127.0.0.1:9")));
});
