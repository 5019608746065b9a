import type { Command } from "commander";
import type { BgpExplain } from "../../agent/api/schemas.ts";
import type { Context, GlobalOptions } from "../context.ts";
import { drawExplanation } from "../render/bgp.ts";

/** `explain route P`: every candidate, and the step that removed it. */
export function registerExplain(program: Command, context: Context): void {
  program
    .command("explain")
    .description("why the agent decided as it did")
    .command("route")
    .description("every candidate for a prefix, and what removed it")
    .argument("<route>", "a prefix, or an address that one covers")
    .action(async (route: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const client = context.client(options);
      const schema = "causeway.bgp.explain/v1";
      const answer = await client.get<BgpExplain>(schema, "/v1/bgp/explain", { route });
      context.print(options, answer, drawExplanation);
    });
}
