/**
 * Writes `docs/rfc-matrix.md`: clause → code that cites it → tests whose titles name it, then the
 * MUST clauses of `test/conformance/must-clauses.json` and the deviations the sources confess.
 * `--stdout` prints the page instead. Exits with 1 where a MUST clause that we implement has no test.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const CORPUS_TEST = "test/conformance/hostile/messages.test.ts";
const PAGE = join(root, "docs", "rfc-matrix.md");

/**
 * Clauses in a text: `RFC 5880 §6.7.2–§6.7.4, §6.8.6` names four, `RFC 7606 §3 c:` one letter. In
 * prose, where `§` may mean another document, a section counts only in such a list.
 */
export function clausesIn(text, isProse = false) {
  const clauses = [];
  let rfc;
  let before;
  let end = 0;
  for (const match of text.matchAll(/RFC (\d{4,5})|(–?)§(\d[\d.]*)(?: ([a-k])(?=[:,]))?/g)) {
    const [whole, number, dash, dotted, letter] = match;
    const isListed = /^( |,? ?(and )?)$/.test(text.slice(end, match.index));
    end = match.index + whole.length;
    if (isProse && number === undefined && !isListed) rfc = undefined;
    if (number !== undefined) {
      rfc = number;
      before = undefined;
      continue;
    }
    if (rfc === undefined) continue;
    const section = dotted.replace(/\.$/, "");
    if (dash === "–" && before !== undefined) clauses.push(...between(rfc, before, section));
    clauses.push({ rfc, section: letter === undefined ? section : `${section} ${letter}` });
    before = section;
  }
  return clauses;
}

/** The sections after `first` and before `last` where both count in the same place. */
function between(rfc, first, last) {
  const stem = first.slice(0, first.lastIndexOf(".") + 1);
  const [from, to] = [first, last].map((section) => Number(section.slice(stem.length)));
  if (!last.startsWith(stem) || Number.isNaN(from) || Number.isNaN(to)) return [];
  const sections = [];
  for (let at = from + 1; at < to; at += 1) sections.push({ rfc, section: `${stem}${at}` });
  return sections;
}

function filesUnder(folder) {
  return readdirSync(join(root, folder), { recursive: true })
    .map((name) => `${folder}/${String(name).replaceAll("\\", "/")}`)
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
    .sort();
}

/** Titles of a test file that cite an RFC; a template's holes stay as they are written. */
function titlesIn(text) {
  const titles = [];
  for (const match of text.matchAll(/\.test\(\s*(["`])((?:(?!\1)[^\\]|\\.)*)\1/g)) {
    if (match[2].includes("RFC ")) titles.push(match[2]);
  }
  return titles;
}

/** Rows of the hostile corpus are titles, too: a test is made of each. */
function corpusTitles() {
  const corpus = readFileSync(join(root, "fixtures", "wire", "hostile.jsonl"), "utf8");
  return corpus
    .trim()
    .split("\n")
    .map((line) => ({ file: CORPUS_TEST, title: `${JSON.parse(line).clause}, ` }));
}

/** Comments come in lines; a citation may be broken between them. */
const unwrapped = (text) => text.replace(/\n\s*(?:\*|\/\/)? */g, " ");

function deviationsIn(text) {
  const found = [];
  const comments = text.match(/\/\*[\s\S]*?\*\/|(?:^[ \t]*\/\/.*\n?)+/gm) ?? [];
  for (const comment of comments) {
    const plain = comment
      .replace(/^\s*\/\*+|\*\/\s*$/g, "")
      .replace(/^[ \t]*(?:\*|\/\/) ?/gm, "")
      .trim();
    for (const paragraph of plain.split(/\n\s*\n/)) {
      const at = paragraph.indexOf("Deviation:");
      if (at >= 0)
        found.push(
          paragraph
            .slice(at + "Deviation:".length)
            .replace(/\s+/g, " ")
            .trim(),
        );
    }
  }
  return found;
}

/** What the tree says: cited clauses, test titles, MUST clauses with their tests, deviations. */
export function readMatrix() {
  const cited = new Map();
  const entry = ({ rfc, section }) => {
    const key = `${rfc} ${section}`;
    const known = cited.get(key) ?? { rfc, section, code: new Set(), tests: new Set() };
    cited.set(key, known);
    return known;
  };
  const deviations = [];
  for (const file of filesUnder("src")) {
    const text = readFileSync(join(root, file), "utf8");
    for (const clause of clausesIn(unwrapped(text), true)) entry(clause).code.add(file);
    deviations.push(...deviationsIn(text).map((deviation) => ({ file, deviation })));
  }
  const titles = [];
  for (const file of filesUnder("test")) {
    for (const title of titlesIn(readFileSync(join(root, file), "utf8"))) {
      const clauses = clausesIn(title);
      for (const clause of clauses) entry(clause).tests.add(file);
      titles.push({ file, title, clauses });
    }
  }
  for (const { file, title } of corpusTitles()) {
    for (const clause of clausesIn(title)) entry(clause).tests.add(file);
  }
  const list = readFileSync(join(root, "test", "conformance", "must-clauses.json"), "utf8");
  const musts = JSON.parse(list).map((must) => ({ ...must, tests: testsOf(must, titles) }));
  return { cited: [...cited.values()].sort(byClause), musts, deviations };
}

/** A test of a MUST clause cites its section, letters aside, and says `title`. */
function testsOf({ rfc, section, title }, titles) {
  if (title === undefined) return [];
  const files = titles
    .filter((test) => test.title.includes(title))
    .filter((test) => test.clauses.some((at) => at.rfc === rfc && at.section === section))
    .map((test) => test.file);
  return [...new Set(files)];
}

/** MUST clauses nobody tests although nobody says that they are missing. */
export const untested = (matrix) =>
  matrix.musts.filter((must) => must.missing === undefined && must.tests.length === 0);

function byClause(one, other) {
  const numbers = ({ rfc, section }) => [rfc, ...section.split(/[. ]/)].map(rank);
  const [mine, theirs] = [numbers(one), numbers(other)];
  for (let at = 0; at < Math.max(mine.length, theirs.length); at += 1) {
    const difference = (mine[at] ?? -1) - (theirs[at] ?? -1);
    if (difference !== 0) return difference;
  }
  return 0;
}

const rank = (part) => (/^\d+$/.test(part) ? Number(part) : part.charCodeAt(0));

export function page(matrix) {
  const lines = [
    "# RFC matrix",
    "",
    "Generated by `npm run rfc-matrix` from citations in `src` and titles of tests; a test keeps it",
    "so. How the tests are kept: [testing.md](testing.md).",
  ];
  lines.push("", "## What MUST be, and its test", "");
  lines.push("| clause | in our words | test |", "|---|---|---|");
  for (const must of matrix.musts) {
    const proof = must.missing === undefined ? links(must.tests) : `**none**: ${must.missing}`;
    lines.push(`| RFC ${must.rfc} §${must.section} | ${must.must} | ${proof} |`);
  }
  let rfc;
  for (const clause of matrix.cited) {
    if (clause.rfc !== rfc) {
      rfc = clause.rfc;
      lines.push("", `## RFC ${rfc}`, "", "| clause | code | tests |", "|---|---|---|");
    }
    lines.push(`| §${clause.section} | ${links(clause.code)} | ${links(clause.tests)} |`);
  }
  lines.push("", "## Deviations", "");
  for (const { file, deviation } of matrix.deviations) {
    lines.push(`- ${link(file)}: ${deviation}`);
  }
  return `${lines.join("\n")}\n`;
}

const link = (file) => `[${file.replace(/^(src|test)\//, "")}](../${file})`;
const links = (files) => [...files].map(link).join(", ") || "–";

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const matrix = readMatrix();
  if (process.argv.includes("--stdout")) process.stdout.write(page(matrix));
  else writeFileSync(PAGE, page(matrix));
  for (const { rfc, section, must } of untested(matrix)) {
    process.stderr.write(`no test for RFC ${rfc} §${section}: ${must}\n`);
    process.exitCode = 1;
  }
}
