import { availableParallelism } from "node:os";
import { type Command, InvalidArgumentError } from "commander";
import { VERSION } from "../../agent/version.ts";
import type { Context, GlobalOptions } from "../context.ts";

interface CampaignOptions extends GlobalOptions {
  readonly parallel: number;
  readonly shard: { readonly of: number; readonly total: number };
  readonly failFast?: boolean;
  readonly fresh?: boolean;
  readonly out?: string;
  readonly quiet?: boolean;
}

/** `campaign run FILE` plays a drill in every way its file asks for, on as many threads. */
export function registerCampaign(program: Command, context: Context): void {
  const campaign = program
    .command("campaign")
    .description("every failure, many seeds, swept parameters: thousands of drills");
  campaign
    .command("run")
    .description("play the runs of a campaign that are not played yet")
    .argument("<file>", "the campaign's file, YAML")
    .option("--parallel <n>", "threads", parseParallel, availableParallelism())
    .option("--shard <i/n>", "play every nth run only, beginning with the ith", parseShard, ALL)
    .option("--fail-fast", "start no run after the first that fails")
    .option("--fresh", "forget the results that are there")
    .option("--out <folder>", "where results and reports go (campaign-NAME)")
    .option("-q, --quiet", "no progress on stderr")
    .addHelpText("after", HELP)
    .action(async (file: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CampaignOptions>();
      const { runCampaign } = await import("../../sim/campaign/main.ts");
      const order = {
        file,
        version: VERSION,
        parallel: options.parallel,
        shard: options.shard,
        isFailFast: options.failFast === true,
        isFresh: options.fresh === true,
        folder: options.out,
        output: options.output === "json" ? ("json" as const) : ("text" as const),
        isQuiet: options.quiet === true,
      };
      context.exitCode = await runCampaign(order, streamsOf(context));
    });
  campaign
    .command("report")
    .description("draw the reports of results that are there, of all shards")
    .argument("<file>", "the campaign's file, YAML")
    .option("--out <folder>", "where the results are (campaign-NAME)")
    .action(async (file: string, _options: unknown, command: Command) => {
      const { out, output } = command.optsWithGlobals<CampaignOptions>();
      const { reportCampaign } = await import("../../sim/campaign/main.ts");
      const order = {
        file,
        version: VERSION,
        folder: out,
        output: output === "json" ? ("json" as const) : ("text" as const),
      };
      context.exitCode = await reportCampaign(order, streamsOf(context));
    });
}

const ALL = { of: 1, total: 1 };

const streamsOf = ({ streams }: Context) => ({
  out: (text: string) => void streams.stdout.write(text),
  err: streams.stderr,
});

function parseParallel(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= 256) return count;
  throw new InvalidArgumentError("a number of threads is a whole number from 1 to 256");
}

function parseShard(text: string): { readonly of: number; readonly total: number } {
  const [of = 0, total = 0] = /^\d+\/\d+$/.test(text) ? text.split("/").map(Number) : [];
  if (of >= 1 && of <= total) return { of, total };
  throw new InvalidArgumentError("a shard is written i/n, as 2/4, with i from 1 to n");
}

const HELP = `
Exit codes of a campaign:
  0  every run passed
  1  a run could not be played or is inconclusive, or the campaign was interrupted
  2  wrong arguments, or a file with errors
  3  an internal fault
  4  a run failed`;
