import type { Command } from "commander";
import { AppError } from "../../core/app-error.ts";
import type { Context, GlobalOptions } from "../context.ts";
import { CliError, ExitCode } from "../exit.ts";

interface CheckOptions extends GlobalOptions {
  readonly withoutSecrets?: true;
}

/** `check FILE` and `config schema`: what can be said of a configuration without an agent. */
export function registerConfig(program: Command, context: Context): void {
  const { streams } = context;
  program
    .command("check")
    .description("every problem of a configuration, at its place; changes nothing")
    .argument("<file>", "the edge's configuration")
    .option("--without-secrets", "take every secret as given: for where they are not, as in CI")
    .action(async (file: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CheckOptions>();
      const { config, problems } = await readConfig(file, options.withoutSecrets === true);
      const { formatProblems } = await import("../../agent/config/problem.ts");
      const isOk = config !== undefined;
      if (options.output === "json") {
        const answer = { schema: "causeway.config.check/v1", file, isOk, problems };
        streams.stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
      } else {
        streams.stderr.write(formatProblems(problems));
        const { length } = problems;
        const count = length === 0 ? "" : `, with ${length} warning${length === 1 ? "" : "s"}`;
        if (isOk) streams.stdout.write(`${file} is in order${count}\n`);
      }
      if (!isOk) context.exitCode = ExitCode.Usage;
    });
  program
    .command("config")
    .description("about configuration files")
    .command("schema")
    .description("JSON Schema of the edge's configuration, for editors")
    .action(async () => {
      const { edgeJsonSchema } = await import("../../agent/config/schema.ts");
      streams.stdout.write(`${JSON.stringify(edgeJsonSchema(), null, 2)}\n`);
    });
}

async function readConfig(file: string, isWithoutSecrets: boolean) {
  const { readEdgeConfig } = await import("../../agent/read-config.ts");
  const { processEnvironment, rehearsalEnvironment } = await import(
    "../../agent/config/environment.ts"
  );
  try {
    return readEdgeConfig(file, isWithoutSecrets ? rehearsalEnvironment : processEnvironment);
  } catch (error) {
    if (error instanceof AppError) throw new CliError(ExitCode.Usage, error.message);
    throw error;
  }
}
