import type { Command } from "commander";
import type { Context } from "../context.ts";
import { ExitCode } from "../exit.ts";

/** What may still hang after the agent ended must not keep the process. */
const LINGER_MS_MAX = 1_000;

/** `agent -c FILE`: the daemon itself, in the foreground, as systemd wants it. */
export function registerAgent(program: Command, context: Context): void {
  program
    .command("agent")
    .description("run the edge in the foreground (SIGTERM stops, SIGQUIT restarts, SIGHUP reloads)")
    .requiredOption("-c, --config <file>", "the edge's configuration")
    .action(async ({ config }: { readonly config: string }) => {
      const { beginFrugalStart } = await import("../../agent/frugal.ts");
      beginFrugalStart();
      const { runAgent } = await import("../../agent/main.ts");
      const { env, stderr } = context.streams;
      let outcome: ExitCode = ExitCode.Failed;
      try {
        outcome = await runAgent(config, { env, stderr });
      } finally {
        context.exitCode = outcome;
        setTimeout(() => process.exit(outcome), LINGER_MS_MAX).unref();
      }
    });
}
