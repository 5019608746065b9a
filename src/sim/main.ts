/**
 * What the commands `causeway drill` and `causeway cloud` do, apart from reading their arguments.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { formatProblem } from "../agent/config/document.ts";
import { AppError } from "../core/app-error.ts";
import { promtool } from "./alerts/engine.ts";
import { loadCloud } from "./cloud/file/load.ts";
import { FILES } from "./disk-files.ts";
import type { Drill } from "./drill/drill.ts";
import { type DrillLoad, loadDrill } from "./drill/file/load.ts";
import { type RunOptions, runDrill } from "./drill/runner.ts";
import { saveEvidence } from "./evidence/save.ts";
import type { Lab } from "./lab/lab.ts";
import { VirtualLab } from "./lab/virtual/virtual-lab.ts";
import { formatCsv } from "./report/formats/csv.ts";
import { formatJunit } from "./report/formats/junit.ts";
import { formatMarkdown } from "./report/formats/markdown.ts";
import { formatOpenMetrics } from "./report/formats/openmetrics.ts";
import { formatEntry, formatReport, formatReportLine, formatTally } from "./report/formats/text.ts";
import { formatHtml } from "./report/page/html.ts";
import type { DrillReport, SourceReport } from "./report/report.ts";
import { configHashOf, describeCommit, describeHost } from "./report/sources.ts";

/** Exit codes of drills: 0 pass, 1 could not run, 2 usage or file, 3 our own bug, 4 failed. */
export const DrillExit = { Pass: 0, NotRun: 1, Usage: 2, Internal: 3, Failed: 4 } as const;
export type DrillExit = (typeof DrillExit)[keyof typeof DrillExit];

export interface DrillOrder {
  readonly files: readonly string[];
  readonly mode: "virtual" | "lab";
  readonly seed: number | undefined;
  readonly output: "text" | "json";
  readonly version: string;
  /** Narrates on stderr while it runs. */
  readonly isQuiet: boolean;
  /** Of many drills those that passed are told whole, too, not on a line each. */
  readonly isFull?: boolean;
  /** After the report a lab stays up, to be played with, until Ctrl-C. */
  readonly isKept: boolean;
  /** Files to write when all drills are done, whatever their verdicts. */
  readonly write: Readonly<Partial<Record<ReportFormat, string | undefined>>>;
  /** Who runs the drills and who allowed it, for the reports. */
  readonly operator?: string | undefined;
  readonly approver?: string | undefined;
  /** A folder for the records behind the figures; none are kept without it. */
  readonly evidence?: string | undefined;
}

/** `json` is one report a line. */
export type ReportFormat = "html" | "markdown" | "junit" | "json" | "csv" | "openmetrics";

const FORMATS: Readonly<Record<ReportFormat, (reports: readonly DrillReport[]) => string>> = {
  html: formatHtml,
  markdown: formatMarkdown,
  junit: formatJunit,
  csv: formatCsv,
  openmetrics: formatOpenMetrics,
  json: (reports) => reports.map((report) => `${JSON.stringify(report)}\n`).join(""),
};

interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Runs drills one after the other; the worst exit code of all is the answer. */
export async function runDrills(order: DrillOrder, streams: Streams): Promise<DrillExit> {
  let worst: DrillExit = DrillExit.Pass;
  const reports: DrillReport[] = [];
  const told = new Set<string>();
  for (const file of order.files) {
    const code = await runOne(file, { order, streams, reports, told });
    if (code > worst) worst = code;
  }
  if (isBrief(order)) streams.out(formatTally(reports, order.files.length - reports.length));
  const written = writeReports(order, reports, streams);
  return written > worst ? written : worst;
}

/** Of many drills a line each is enough; the page and the JSON have the rest. */
const isBrief = ({ files, output, isFull }: DrillOrder): boolean =>
  files.length > 1 && output === "text" && isFull !== true;

function tell(report: DrillReport, order: DrillOrder): string {
  if (order.output === "json") return `${JSON.stringify(report)}\n`;
  if (!isBrief(order)) return formatReport(report);
  const line = formatReportLine(report);
  return report.verdict === "PASS" ? line : `${formatReport(report)}${line}`;
}

function writeReports(
  order: DrillOrder,
  reports: readonly DrillReport[],
  streams: Streams,
): DrillExit {
  let worst: DrillExit = DrillExit.Pass;
  for (const format of Object.keys(FORMATS) as ReportFormat[]) {
    const file = order.write[format];
    if (file === undefined) continue;
    try {
      writeFileSync(file, FORMATS[format](reports));
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause);
      streams.err(`causeway: cannot write ${file}: ${text}\n`);
      worst = DrillExit.NotRun;
    }
  }
  return worst;
}

interface Run {
  readonly order: DrillOrder;
  readonly streams: Streams;
  /** Of the drills that were played so far. */
  readonly reports: DrillReport[];
  /** Problems said so far: drills share edges, and one warning is enough. */
  readonly told: Set<string>;
}

async function runOne(file: string, run: Run): Promise<DrillExit> {
  const { order, streams, reports, told } = run;
  const found = FILES.read(file);
  if ("error" in found) {
    streams.err(`causeway: cannot read ${file}: ${found.error}\n`);
    return DrillExit.Usage;
  }
  const load = loadDrill(file, found.text, FILES);
  for (const problem of load.problems.map(formatProblem)) {
    if (!told.has(problem)) streams.err(`${problem}\n`);
    told.add(problem);
  }
  if (load.drill === undefined) return DrillExit.Usage;
  const drill = order.seed === undefined ? load.drill : { ...load.drill, seed: order.seed };
  try {
    const keep = order.isKept && order.mode === "lab" ? new Keep(streams) : undefined;
    const edgeFile = order.mode === "lab" ? edgeFileOf(load) : load.edgeFile;
    const isAsked = drill.alerting !== undefined || order.evidence !== undefined;
    const isScraped = isAsked && order.mode === "lab";
    const socketPath = keep?.socketPath ?? (isScraped ? edgeSocket() : undefined);
    const lab = await openLab(drill, order.mode, edgeFile, socketPath);
    if (!order.isQuiet) streams.err(`drill ${drill.name}: ${lab.substrate}\n`);
    const report = await play(drill, lab, { order, sources: load.sources }, streams, keep);
    reports.push(report);
    if (report.verdict === "PASS") return DrillExit.Pass;
    return report.verdict === "FAIL" ? DrillExit.Failed : DrillExit.NotRun;
  } catch (cause) {
    const isOurs = !(cause instanceof AppError) || cause.code === "INTERNAL_INVARIANT";
    const text = cause instanceof Error ? (isOurs ? cause.stack : cause.message) : String(cause);
    streams.err(`causeway: drill ${drill.name}: ${text}\n`);
    return isOurs ? DrillExit.Internal : DrillExit.NotRun;
  }
}

/** Ctrl-C ends the lab like a drill that could not run: nothing of it stays behind. */
async function play(
  drill: Drill,
  lab: Lab,
  { order, sources }: { readonly order: DrillOrder; readonly sources: readonly SourceReport[] },
  streams: Streams,
  keep: Keep | undefined,
): Promise<DrillReport> {
  let interrupted: ((reason: AppError) => void) | undefined;
  const interruption = new Promise<never>((_, reject) => {
    interrupted = reject;
  });
  const onSignal = () => {
    if (!isReported) interrupted?.(new AppError("DRILL_INTERRUPTED", "interrupted"));
  };
  let isReported = false;
  process.once("SIGINT", onSignal).once("SIGTERM", onSignal);
  const startedAt = lab.mode === "virtual" ? VIRTUAL_START : new Date().toISOString();
  const commit = describeCommit();
  const run = runDrill(drill, lab, {
    version: order.version,
    startedAt,
    header: {
      ...(commit === undefined ? {} : { commit }),
      configHash: configHashOf(sources),
      sources,
      ...(order.operator === undefined ? {} : { operator: order.operator }),
      ...(order.approver === undefined ? {} : { approver: order.approver }),
      ...(lab.mode === "lab" ? { host: describeHost() } : {}),
    },
    ...(order.evidence === undefined ? {} : { evidence: evidenceTo(order.evidence) }),
    rulesEngine: promtool,
    progress: (entry) => {
      if (!order.isQuiet) streams.err(`${formatEntry(entry)}\n`);
    },
    traceHash: () => (lab instanceof VirtualLab ? lab.traceHash : null),
    ...(lab.mode === "virtual" && { repeat: () => hashOf(drill) }),
    async reported(report) {
      isReported = true;
      streams.out(tell(report, order));
      await keep?.untilSignal(lab);
    },
  });
  try {
    return await Promise.race([run, interruption]);
  } catch (cause) {
    await lab.stop();
    throw cause;
  } finally {
    process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
  }
}

/** Of another virtual run of the same drill. */
async function hashOf(drill: Drill): Promise<string | null> {
  const lab = new VirtualLab(drill);
  const quiet = { version: "", startedAt: VIRTUAL_START, progress: () => undefined };
  const report = await runDrill(drill, lab, { ...quiet, traceHash: () => lab.traceHash });
  return report.traceHash;
}

/** Written as soon as the drill was judged: a report that names files has them. */
function evidenceTo(folder: string): NonNullable<RunOptions["evidence"]> {
  return (records) => {
    try {
      mkdirSync(folder, { recursive: true });
      return saveEvidence(records, records.drill.name, (file, content) =>
        writeFileSync(join(folder, file), content),
      );
    } catch (cause) {
      const text = cause instanceof Error ? cause.message : String(cause);
      throw new AppError("DRILL_EVIDENCE", `cannot keep the evidence: ${text}`);
    }
  };
}

/** Where the edge of a lab answers whoever asks it. */
function edgeSocket(): string {
  return join(temporaryFolder("causeway-lab-"), "edge.sock");
}

/** Gone when this process ends. */
function temporaryFolder(stem: string): string {
  if (TEMPORARY.length === 0) {
    process.once("exit", () => {
      for (const folder of TEMPORARY) rmSync(folder, { recursive: true, force: true });
    });
  }
  const folder = mkdtempSync(join(tmpdir(), stem));
  TEMPORARY.push(folder);
  return folder;
}

const TEMPORARY: string[] = [];

/** Another process reads the edge's file, so one that no file holds is given one for a while. */
function edgeFileOf({ edgeFile, edgeText }: DrillLoad): string {
  if (edgeFile !== "") return edgeFile;
  const made = join(temporaryFolder("causeway-edge-"), "edge.yaml");
  writeFileSync(made, edgeText);
  return made;
}

/** What only a lab needs (sockets, netlink) is not loaded for virtual time. */
async function openLab(
  drill: Drill,
  mode: "virtual" | "lab",
  edgeFile: string,
  socketPath: string | undefined,
): Promise<Lab> {
  if (mode === "virtual") return new VirtualLab(drill);
  const { LoopbackLab } = await import("./lab/loopback/loopback-lab.ts");
  const { NamespaceLab } = await import("./lab/namespaces/namespace-lab.ts");
  const { whyNoNamespaces } = await import("./lab/namespaces/namespaces.ts");
  const because = whyNoNamespaces();
  return because === undefined
    ? new NamespaceLab(drill, edgeFile, socketPath)
    : new LoopbackLab(drill, socketPath, because);
}

/** A lab kept up after its report: the edge answers on a socket, standard input breaks the line. */
class Keep {
  readonly socketPath = edgeSocket();
  readonly #streams: Streams;

  constructor(streams: Streams) {
    this.#streams = streams;
  }

  async untilSignal(lab: Lab): Promise<void> {
    this.#streams.err(`
The lab stays up until Ctrl-C. Ask the edge from another terminal:
  bin/causeway show bgp summary --socket ${this.socketPath}
  bin/causeway events -f --socket ${this.socketPath}
Break the line here: cut CIRCUIT, restore CIRCUIT, shut CIRCUIT, withdraw PREFIX, announce PREFIX
`);
    const input = createInterface({ input: process.stdin });
    input.on("line", (line) => this.#obey(lab, line.trim().split(/\s+/)));
    await new Promise<void>((resolve) => {
      process.once("SIGINT", () => resolve()).once("SIGTERM", () => resolve());
    });
    input.close();
  }

  #obey(lab: Lab, [verb = "", what = ""]: string[]): void {
    try {
      if (verb === "cut") {
        lab.perform({ do: "cut", circuit: what, direction: "both", carrier: "hidden" });
      } else if (verb === "restore") lab.perform({ do: "restore", circuit: what });
      else if (verb === "shut") lab.perform({ do: "shut-port", circuit: what });
      else if (verb === "withdraw") lab.perform({ do: "withdraw", prefix: what });
      else if (verb === "announce") lab.perform({ do: "announce", prefix: what });
      else if (verb !== "") this.#streams.err(`unknown command "${verb}"\n`);
    } catch (cause) {
      this.#streams.err(`${cause instanceof Error ? cause.message : String(cause)}\n`);
    }
  }
}

/** Runs the cloud of a file on this machine's sockets until a signal; the exit code. */
export async function runCloud(file: string, streams: Streams): Promise<DrillExit> {
  const found = FILES.read(file);
  if ("error" in found) {
    streams.err(`causeway: cannot read ${file}: ${found.error}\n`);
    return DrillExit.Usage;
  }
  const { config, problems } = loadCloud(file, found.text);
  for (const problem of problems) streams.err(`${formatProblem(problem)}\n`);
  if (config === undefined) return DrillExit.Usage;
  const { serveCloud } = await import("./cloud/serve.ts");
  try {
    await serveCloud(config, (line) => streams.out(`${line}\n`));
    return DrillExit.Pass;
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    streams.err(`causeway: ${cause.message}\n`);
    return DrillExit.NotRun;
  }
}

/** Where virtual wall clocks begin, so that a virtual report repeats to the letter. */
const VIRTUAL_START = "2026-01-01T00:00:00.000Z";
