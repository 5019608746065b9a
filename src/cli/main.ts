/** Entry of `bin/causeway`: words in, exit code out. */
import { CommanderError } from "commander";
import { VERSION } from "../agent/version.ts";
import { AppError } from "../core/app-error.ts";
import { Context, type Streams } from "./context.ts";
import { CliError, ExitCode } from "./exit.ts";
import { expandCommandWords } from "./prefixes.ts";
import { buildProgram } from "./program.ts";

/** Runs one command; answers with what the process is to end with. Never throws. */
export async function run(words: readonly string[], streams: Streams): Promise<number> {
  const context = new Context(streams);
  const program = buildProgram(context, VERSION);
  try {
    await program.parseAsync(expandCommandWords(program, words), { from: "user" });
    return context.exitCode;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : ExitCode.Usage;
    if (error instanceof CliError) {
      streams.stderr.write(`causeway: ${error.message}\n`);
      return error.exitCode;
    }
    const text = error instanceof AppError ? error.message : describeBug(error);
    streams.stderr.write(`causeway: ${text}\n`);
    return ExitCode.Failed;
  }
}

const describeBug = (error: unknown): string =>
  error instanceof Error ? (error.stack ?? error.message) : String(error);

/** As `run`, on the process's own streams; a reader that goes away early is no error. */
export async function main(words: readonly string[]): Promise<void> {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(ExitCode.Ok);
    process.stderr.write(`causeway: the answer could not be written: ${error.message}\n`);
    process.exit(ExitCode.Failed);
  });
  const { stdin, stdout, stderr, env } = process;
  process.exitCode = await run(words, { stdin, stdout, stderr, env });
}
