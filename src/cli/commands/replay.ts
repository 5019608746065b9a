import type { Command } from "commander";
import type { Context, GlobalOptions } from "../context.ts";

interface ReplayOptions extends GlobalOptions {
  readonly config?: string;
  readonly verbose?: boolean;
}

/** `replay FILE`: what a live agent recorded, through the same code again. */
export function registerReplay(program: Command, context: Context): void {
  program
    .command("replay")
    .description("run an agent's recording again: are the answers the same?")
    .argument(
      "<file>",
      "a recording from the agent's stateDirectory (speaker-….jsonl, bfd-….jsonl)",
    )
    .option("--config <file>", "the configuration the agent ran on, for its policies")
    .option("--verbose", "show every effect")
    .addHelpText("after", HELP)
    .action(async (file: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReplayOptions>();
      const { runReplay } = await import("../../sim/replay/main.ts");
      const order = {
        file,
        configFile: options.config,
        output: options.output === "json" ? ("json" as const) : ("text" as const),
        isVerbose: options.verbose === true,
      };
      const { stdout, stderr } = context.streams;
      context.exitCode = runReplay(order, {
        out: (text) => void stdout.write(text),
        err: (text) => void stderr.write(text),
      });
    });
}

const HELP = `
Exit codes of a replay:
  0  every input was answered as it was when it was recorded
  1  that cannot be said: the recording begins in the middle, or holds no answers
  2  wrong arguments, or a file that is no recording of an agent
  4  an input was answered otherwise; the first one is named`;
