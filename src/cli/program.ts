/**
 * The command line as a tree of commands. Each group stands in its own file under `commands/` and
 * registers itself; the tree is built whole for every call, which costs less than a millisecond
 * because a command imports what it needs only when it runs.
 */
import { Command } from "commander";
import { registerAgent } from "./commands/agent.ts";
import { registerCampaign } from "./commands/campaign.ts";
import { registerConfig } from "./commands/config.ts";
import { registerDecode } from "./commands/decode.ts";
import { registerCloud, registerDrill } from "./commands/drill.ts";
import { registerEvents } from "./commands/events.ts";
import { registerExplain } from "./commands/explain.ts";
import { registerFleet } from "./commands/fleet.ts";
import { registerHealth } from "./commands/health.ts";
import { registerOrders } from "./commands/order.ts";
import { registerReplay } from "./commands/replay.ts";
import { registerShow } from "./commands/show.ts";
import { type Context, parseOutput, SOCKET_PATH } from "./context.ts";
import { EXIT_CODES_HELP } from "./exit.ts";

export function buildProgram(context: Context, version: string): Command {
  const { streams } = context;
  const program = new Command("causeway")
    .description(
      "Customer edge of a cloud private line: BGP and BFD, its own FIB, rehearsed failover",
    )
    .version(version, "-V, --version")
    .option("-o, --output <format>", "table or json", parseOutput, "table")
    .option(
      "--socket <path>",
      "the agent's Unix socket (CAUSEWAY_SOCKET)",
      streams.env.CAUSEWAY_SOCKET || SOCKET_PATH,
    )
    .addHelpText(
      "after",
      `
Command words may be cut short as long as they mean one thing: causeway sh bgp su
${EXIT_CODES_HELP}`,
    );
  registerAgent(program, context);
  registerConfig(program, context);
  registerShow(program, context);
  registerExplain(program, context);
  registerEvents(program, context);
  registerHealth(program, context);
  registerOrders(program, context);
  registerDecode(program, context);
  registerDrill(program, context);
  registerCampaign(program, context);
  registerFleet(program, context);
  registerReplay(program, context);
  registerCloud(program, context);
  quietly(program, context);
  return program;
}

/** The parser never ends the process and never writes but to the streams it is given. */
function quietly(command: Command, context: Context): void {
  command.exitOverride();
  command.configureOutput({
    writeOut: (text) => void context.streams.stdout.write(text),
    writeErr: (text) => void context.streams.stderr.write(text),
    outputError: (text, write) => write(text.replace(/^error: /, "causeway: ")),
  });
  command.showSuggestionAfterError(true);
  for (const child of command.commands) quietly(child, context);
}
