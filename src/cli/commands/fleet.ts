import { type Command, InvalidArgumentError } from "commander";
import { VERSION } from "../../agent/version.ts";
import type { Context, GlobalOptions } from "../context.ts";

interface FleetOptions extends GlobalOptions {
  readonly seed?: number;
  readonly edges?: number;
  readonly quiet?: boolean;
}

/** `fleet run FILE`: hundreds of edges, one region lost, in virtual time. */
export function registerFleet(program: Command, context: Context): void {
  program
    .command("fleet")
    .description("hundreds of edges in several regions, one of which is lost")
    .command("run")
    .description("play a fleet's file and judge it")
    .argument("<file>", "the fleet's file, YAML")
    .option("--seed <number>", "in place of the file's", parseCount(0, 0x7fff_ffff))
    .option("--edges <number>", "in place of the file's", parseCount(1, 4000))
    .option("-q, --quiet", "no narration on stderr")
    .addHelpText("after", HELP)
    .action(async (file: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<FleetOptions>();
      const { runFleet } = await import("../../sim/fleet/main.ts");
      const order = {
        file,
        version: VERSION,
        seed: options.seed,
        edges: options.edges,
        output: options.output === "json" ? ("json" as const) : ("text" as const),
        isQuiet: options.quiet === true,
      };
      const { stdout, stderr } = context.streams;
      context.exitCode = runFleet(order, {
        out: (text) => void stdout.write(text),
        err: (text) => void stderr.write(text),
      });
    });
}

const parseCount = (min: number, max: number) => (text: string) => {
  const count = Number(text);
  if (Number.isInteger(count) && count >= min && count <= max) return count;
  throw new InvalidArgumentError(`a whole number from ${min} to ${max} is wanted`);
};

const HELP = `
Exit codes of a fleet:
  0  it passed
  1  it could not be run, or not every session came up
  2  wrong arguments, or a file with errors
  3  an internal fault
  4  it failed`;
