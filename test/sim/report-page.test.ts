/** The page of a drill in a real browser: silent console, no request, verdict in sight. */
import { execFile } from "node:child_process";
import { accessSync, constants, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import t from "tap";
import { formatHtml } from "../../src/sim/report/html.ts";
import { aReport } from "../support/drill-report.ts";

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
  const { dom, console, requests } = await visit(formatHtml([aReport()]), folder);
  t.match(dom, /<strong>PASS<\/strong>/);
  t.match(dom, /<svg[^>]*>/);
  t.same(console, []);
  t.same(requests, []);
});

t.test("the watch itself can fail: a page that fetches and shouts is seen", { skip }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-page-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const loud = `<script>console.error("loud")</script><img src="http://127.0.0.1:9/x.png">`;
  const { console, requests } = await visit(loud, folder);
  t.ok(console.length > 0);
  t.ok(requests.some((url) => url.includes("127.0.0.1:9")));
});
