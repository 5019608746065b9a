import { type Command, InvalidArgumentError, Option } from "commander";
import { VERSION } from "../../agent/version.ts";
import type { Context, GlobalOptions } from "../context.ts";
import { formatTable } from "../render/table.ts";

interface DrillOptions extends GlobalOptions {
  readonly mode: "virtual" | "lab";
  readonly seed?: number;
  readonly quiet?: boolean;
  readonly full?: boolean;
  readonly keep?: boolean;
  readonly html?: string;
  readonly markdown?: string;
  readonly junit?: string;
  readonly json?: string;
  readonly csv?: string;
  readonly openmetrics?: string;
  readonly operator?: string;
  readonly approver?: string;
  readonly evidence?: string;
}

/** `drill run FILE…` plays drills and judges them, `drill diff A B` compares two runs. */
export function registerDrill(program: Command, context: Context): void {
  const drill = program
    .command("drill")
    .description("rehearse failures of the line, and measure what they cost");
  registerDiff(drill, context);
  registerSchema(drill, context);
  registerInspection(drill, context);
  drill
    .command("run")
    .description("play drills, print their reports")
    .argument("<files...>", "drill files, YAML")
    .addOption(
      new Option("--mode <mode>", "virtual: one virtual clock; lab: real sockets and routes")
        .choices(["virtual", "lab"])
        .default("virtual"),
    )
    .option("--seed <number>", "in place of the file's seed", parseSeed)
    .option("-q, --quiet", "no narration on stderr")
    .option("--full", "of several drills those that passed are told whole, too")
    .option("--keep", "a lab stays up after its report, to be played with, until Ctrl-C")
    .option("--html <file>", "write the reports as one page, readable offline and without scripts")
    .option("--markdown <file>", "write them as Markdown")
    .option("--junit <file>", "write them as JUnit XML, for a pipeline")
    .option("--json <file>", "write them as JSON, one report a line")
    .option("--csv <file>", "write their timelines as CSV")
    .option("--openmetrics <file>", "write their figures as metrics, for a textfile collector")
    .option("--operator <name>", "who runs them, for the reports")
    .option("--approver <name>", "who allowed it, for the reports")
    .option("--evidence <folder>", "keep journals, probes, metrics, packets and BGP there")
    .addHelpText("after", EXIT_HELP)
    .action(async (files: readonly string[], _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<DrillOptions>();
      const { runDrills } = await import("../../sim/main.ts");
      const order = {
        files,
        mode: options.mode,
        seed: options.seed,
        output: options.output === "json" ? ("json" as const) : ("text" as const),
        version: VERSION,
        isQuiet: options.quiet === true,
        isFull: options.full === true,
        isKept: options.keep === true,
        evidence: options.evidence,
        operator: options.operator,
        approver: options.approver,
        write: {
          html: options.html,
          markdown: options.markdown,
          junit: options.junit,
          json: options.json,
          csv: options.csv,
          openmetrics: options.openmetrics,
        },
      };
      context.exitCode = await runDrills(order, streamsOf(context));
    });
}

/** `drill schema`: what other programs may rely on in `--json`. */
function registerSchema(program: Command, { streams }: Context): void {
  program
    .command("schema")
    .description("JSON Schema of a report, for programs that read --json")
    .action(async () => {
      const { drillReportJsonSchema } = await import("../../sim/report/schema.ts");
      streams.stdout.write(`${JSON.stringify(drillReportJsonSchema(), null, 2)}\n`);
    });
}

/** Drills that are only read: `list`, `check`, `explain`, and `faults`, which there are. */
function registerInspection(drill: Command, context: Context): void {
  const isJson = (command: Command) => command.optsWithGlobals<GlobalOptions>().output === "json";
  const tell = (rows: readonly object[], command: Command) => {
    const { stdout } = context.streams;
    if (isJson(command)) for (const row of rows) stdout.write(`${JSON.stringify(row)}\n`);
    else if (rows.length > 0) {
      const head = Object.keys(rows[0] ?? {});
      stdout.write(`${formatTable(head, rows.map(Object.values))}\n`);
    }
  };
  drill
    .command("list")
    .description("drills of files and folders; without any, those that come with the program")
    .argument("[paths...]", "files or folders")
    .action(async (paths: readonly string[], _options: unknown, command: Command) => {
      const { listDrills } = await import("../../sim/inspect.ts");
      const { rows, exit } = listDrills(paths, streamsOf(context));
      tell(rows, command);
      context.exitCode = exit;
    });
  drill
    .command("check")
    .description("read drills with all their files, and play nothing: 0 sound, 2 with errors")
    .argument("<paths...>", "files or folders")
    .action(async (paths: readonly string[]) => {
      const { checkDrills } = await import("../../sim/inspect.ts");
      context.exitCode = checkDrills(paths, streamsOf(context));
    });
  drill
    .command("explain")
    .description("what a drill would do, and what it would be judged by")
    .argument("<file>", "a drill file, YAML")
    .action(async (file: string) => {
      const { explainDrill } = await import("../../sim/inspect.ts");
      context.exitCode = explainDrill(file, streamsOf(context));
    });
  drill
    .command("faults")
    .description("what a step can do, with its keys; those in brackets may be left out")
    .action(async (_options: unknown, command: Command) => {
      const { listFaults } = await import("../../sim/inspect.ts");
      tell(listFaults(), command);
    });
}

interface DiffOptions extends GlobalOptions {
  readonly tolerance?: number;
}

/** `drill diff A B`: what got worse between two runs of the same drills. */
function registerDiff(drill: Command, context: Context): void {
  drill
    .command("diff")
    .description("compare reports written with --json: what got worse, or predicted with measured")
    .argument("<before>", "reports of before, JSON")
    .argument("<after>", "reports of after, JSON")
    .option(
      "--tolerance <percent>",
      "how far a figure may move (10; 20 between virtual and lab)",
      parsePercent,
    )
    .addHelpText("after", DIFF_HELP)
    .action(async (before: string, after: string, _options: unknown, command: Command) => {
      const { tolerance, output } = command.optsWithGlobals<DiffOptions>();
      const { diffDrills } = await import("../../sim/diff.ts");
      const order = {
        before,
        after,
        tolerancePercent: tolerance,
        output: output === "json" ? ("json" as const) : ("text" as const),
      };
      context.exitCode = diffDrills(order, streamsOf(context));
    });
}

/** `cloud -c FILE`: the emulated cloud on this machine's sockets. */
export function registerCloud(program: Command, context: Context): void {
  program
    .command("cloud")
    .description("the emulated cloud side: VBRs and an ECR that speak BGP and BFD")
    .requiredOption("-c, --config <file>", "the cloud's file, YAML")
    .action(async (options: { readonly config: string }) => {
      const { runCloud } = await import("../../sim/main.ts");
      context.exitCode = await runCloud(options.config, streamsOf(context));
    });
}

const streamsOf = ({ streams }: Context) => ({
  out: (text: string) => void streams.stdout.write(text),
  err: (text: string) => void streams.stderr.write(text),
});

function parseSeed(text: string): number {
  const seed = Number(text);
  if (Number.isInteger(seed) && seed >= 0 && seed <= 0x7fff_ffff) return seed;
  throw new InvalidArgumentError("a seed is a whole number from 0 to 2147483647");
}

function parsePercent(text: string): number {
  const percent = Number(text);
  if (text.trim() !== "" && percent >= 0 && percent <= 1000) return percent;
  throw new InvalidArgumentError("a tolerance is a percentage from 0 to 1000");
}

const DIFF_HELP = `
Exit codes of a comparison:
  0  nothing is worse
  2  wrong arguments, or a file that holds no report
  4  something is worse, or a lab did not measure what virtual time predicted`;

const EXIT_HELP = `
Exit codes of a drill:
  0  every drill passed
  1  a drill could not be run, or its outcome is inconclusive
  2  wrong arguments, or a file with errors
  3  an internal fault
  4  a drill failed`;
