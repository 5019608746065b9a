import type { Command } from "commander";
import type { Order } from "../../agent/api/schemas.ts";
import type { Context, GlobalOptions } from "../context.ts";

/** `circuit …` and `peer …`: the few things a person may tell a running agent. */
export function registerOrders(program: Command, context: Context): void {
  const circuit = program.command("circuit").description("orders about a circuit");
  const orderCircuit = (verb: string, description: string) => {
    register(circuit, context, { verb, description, subject: "circuit", path: "/v1/circuits" });
  };
  orderCircuit("release", "let a circuit back that is held for flapping");
  orderCircuit("drain", "ask both ends to keep off it while there is another way");
  orderCircuit("undrain", "take a drain back");
  const peer = program.command("peer").description("orders about a BGP session");
  const description = "start one that waits for an operator (maxPrefix shutdown)";
  register(peer, context, { verb: "start", description, subject: "peer", path: "/v1/bgp/peers" });
}

interface Verb {
  readonly verb: string;
  readonly description: string;
  readonly subject: string;
  readonly path: string;
}

function register(parent: Command, context: Context, { verb, ...rest }: Verb): void {
  parent
    .command(verb)
    .description(rest.description)
    .argument("<name>", `name of the ${rest.subject}`)
    .action(async (name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const path = `${rest.path}/${encodeURIComponent(name)}/${verb}`;
      const answer = await context.client(options).order<Order>("causeway.order/v1", path);
      context.print(options, answer, ({ text }) => text);
    });
}
