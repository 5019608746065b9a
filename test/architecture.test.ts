/**
 * The ring table as data, and tidy rules no formatter keeps: this test reads the sources and fails on
 * an import that points the wrong way, a core that knows Node, an overlong line, a loose RFC citation.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** Who may import whom; a room may always import itself. Longest name wins. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  "src/core": [],
  "src/bgp/wire": ["src/core"],
  "src/bgp/fsm": ["src/core", "src/bgp/wire"],
  "src/bgp/policy": ["src/core", "src/bgp/wire"],
  "src/bgp/rib": ["src/core", "src/bgp/wire", "src/bgp/policy"],
  "src/bgp/speaker": ["src/core", "src/bgp/wire", "src/bgp/fsm", "src/bgp/rib", "src/bgp/policy"],
  "src/bgp": ["src/core", "src/bgp/*"],
  "src/bfd": ["src/core"],
  "src/platform": ["src/core"],
  "src/platform/linux": ["src/core", "src/platform"],
  "src/platform/virtual": ["src/core", "src/platform"],
  "src/decode": ["src/core", "src/bgp/wire", "src/bgp", "src/bfd"],
  "src/agent": ["src/core", "src/bgp", "src/bgp/*", "src/bfd", "src/platform", "src/platform/*"],
  "src/sim": [
    ...["src/core", "src/bgp", "src/bgp/*", "src/bfd", "src/platform", "src/platform/*"],
    "src/agent",
  ],
  "src/cli": ["*"],
};

/** npm packages and Node, by room; a room not named here may import none. */
const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  "src/core": ["ipaddr.js", "pure-rand"],
  "src/bfd": ["@noble/hashes"],
  "src/platform/linux": ["node:", "koffi"],
  "src/decode": ["node:"],
  "src/agent": [
    ...["node:", "yaml", "@sinclair/typebox", "ajv", "fastify", "@fastify/swagger"],
    ...["prom-client", "pino"],
  ],
  "src/sim": ["node:", "yaml", "@sinclair/typebox", "ajv", "piscina"],
  "src/cli": ["node:", "commander"],
};

const files = readdirSync(join(root, "src"), { recursive: true })
  .map((name) => posix.join("src", String(name).replaceAll("\\", "/")))
  .filter((name) => name.endsWith(".ts"));

const longestFirst = Object.keys(ROOMS).sort((a, b) => b.length - a.length);
const roomOf = (file: string) => longestFirst.find((room) => file.startsWith(`${room}/`));

const matches = (pattern: string, room: string) =>
  pattern === "*" ||
  pattern === room ||
  (pattern.endsWith("/*") && room.startsWith(pattern.slice(0, -1)));

function importsOf(text: string): string[] {
  const found = text.matchAll(
    /^\s*(?:import|export)\b[^;"']*?from\s+"([^"]+)"|^import\s+"([^"]+)"|\bimport\("([^"]+)"\)/gm,
  );
  return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? "");
}

t.test("imports point down: the ring table", async (t) => {
  t.ok(files.length >= 30, `the scan found ${files.length} files`);
  let edges = 0;
  for (const file of files) {
    const room = roomOf(file);
    if (room === undefined) {
      t.fail(`${file} stands in no room of the ring table`);
      continue;
    }
    for (const name of importsOf(readFileSync(join(root, file), "utf8"))) {
      edges += 1;
      if (name.startsWith(".")) {
        const target = roomOf(posix.normalize(posix.join(posix.dirname(file), name)));
        const isAllowed =
          target === room ||
          (target !== undefined && ROOMS[room]?.some((to) => matches(to, target)));
        if (!isAllowed) t.fail(`${file} imports ${name}: ${room} may not import ${target}`);
      } else {
        const isAllowed = PACKAGES[room]?.some((from) =>
          from.endsWith(":") ? name.startsWith(from) : name === from || name.startsWith(`${from}/`),
        );
        if (!isAllowed) t.fail(`${file} imports ${name}: no package of ${room}`);
      }
    }
  }
  t.ok(edges > 60, `${edges} imports were held against the table`);
});

t.test("tidy: line width, citations, no leftovers", async (t) => {
  for (const file of files) {
    const lines = readFileSync(join(root, file), "utf8").split("\n");
    for (const [index, line] of lines.entries()) {
      const place = `${file}:${index + 1}`;
      if (line.length > 100 && !line.includes("http"))
        t.fail(`${place} is ${line.length} columns wide`);
      if (/\b(TODO|FIXME|XXX)\b/.test(line)) t.fail(`${place} leaves work behind`);
      if (/\bRFC ?\d{3,5} (section|sec\.?) /i.test(line)) t.fail(`${place} cites without §`);
    }
    if (lines.length > 520) t.fail(`${file} has ${lines.length} lines: more than one room`);
  }
  t.pass("every file read");
});

t.test("docs/dependencies.md names every runtime dependency with its version", async (t) => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const page = readFileSync(join(root, "docs", "dependencies.md"), "utf8");
  const dependencies = Object.entries<string>(manifest.dependencies);
  t.ok(dependencies.length > 0);
  for (const [name, version] of dependencies) {
    t.ok(page.includes(`| ${name} | ${version} |`), `${name} ${version} has its row`);
    t.match(version, /^\d+\.\d+\.\d+$/, `${name} is pinned exactly`);
  }
});
