import type { Command } from "commander";
import type { Health } from "../../agent/api/schemas.ts";
import type { Context, GlobalOptions } from "../context.ts";
import { ExitCode } from "../exit.ts";
import { drawHealth } from "../render/edge.ts";

/** `health`: for monitoring; ends with 5 where something is wrong. */
export function registerHealth(program: Command, context: Context): void {
  program
    .command("health")
    .description("whether the agent does its work and may be sent traffic")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const client = context.client(options);
      const answer = await client.get<Health>("causeway.health/v1", "/readyz");
      context.print(options, answer, drawHealth);
      if (!answer.isHealthy || !answer.isReady) context.exitCode = ExitCode.Unhealthy;
    });
}
