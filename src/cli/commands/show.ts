import { Argument, type Command } from "commander";
import type {
  Bfd,
  BgpPeer,
  BgpRoutes,
  BgpSummary,
  Circuits,
  Fib,
  FibRoute,
} from "../../agent/api/schemas.ts";
import type { Context, GlobalOptions } from "../context.ts";
import { CliError, ExitCode } from "../exit.ts";
import { drawPeer, drawRejected, drawRoutes, drawSummary } from "../render/bgp.ts";
import { drawBfd, drawCircuits, drawFib, drawFibRoute } from "../render/edge.ts";

interface RoutesOptions extends GlobalOptions {
  readonly peer?: string;
  readonly rib: string;
  readonly family?: string;
  readonly limit: number;
}

const PAGE_ROWS = 5_000;

/** `show …`: what a running agent knows. */
export function registerShow(program: Command, context: Context): void {
  const show = program.command("show").description("what a running agent knows");
  registerShowBgp(show, context);
  show
    .command("bfd")
    .description("BFD sessions: state, intervals, detection time")
    .addArgument(new Argument("[word]", "as other routers have it").choices(["peers", "sessions"]))
    .action(async (_word: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const answer = await context.client(options).get<Bfd>("causeway.bfd/v1", "/v1/bfd");
      context.print(options, answer, drawBfd);
    });
  show
    .command("circuits")
    .description("circuits: link, BGP and BFD together")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const client = context.client(options);
      const answer = await client.get<Circuits>("causeway.circuits/v1", "/v1/circuits");
      context.print(options, answer, drawCircuits);
    });
  show
    .command("fib")
    .description("the forwarding table: groups, errors, drift")
    .argument("[prefix]", "where this prefix goes")
    .action(async (prefix: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const client = context.client(options);
      if (prefix === undefined) {
        const answer = await client.get<Fib>("causeway.fib/v1", "/v1/fib");
        context.print(options, answer, drawFib);
      } else {
        const path = "/v1/fib/route";
        const answer = await client.get<FibRoute>("causeway.fib.route/v1", path, { prefix });
        context.print(options, answer, drawFibRoute);
      }
    });
}

function registerShowBgp(show: Command, context: Context): void {
  const bgp = show.command("bgp").description("BGP sessions and routes");
  bgp
    .command("summary")
    .description("every session in one line, and why it is down")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const client = context.client(options);
      const answer = await client.get<BgpSummary>("causeway.bgp.summary/v1", "/v1/bgp/summary");
      context.print(options, answer, drawSummary);
    });
  bgp
    .command("neighbor")
    .alias("neighbors")
    .description("one session, whole")
    .argument("<peer>", "its name or address")
    .action(async (peer: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const path = `/v1/bgp/peers/${encodeURIComponent(peer)}`;
      const answer = await context.client(options).get<BgpPeer>("causeway.bgp.peer/v1", path);
      context.print(options, answer, drawPeer);
    });
  withRouteOptions(bgp.command("routes").description("routes of a RIB"))
    .option("--rib <rib>", "loc-rib, adj-rib-in or adj-rib-out (with --peer)", "loc-rib")
    .action(async (prefix: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<RoutesOptions>();
      const answer = await readRoutes(context, options, "/v1/bgp/routes", prefix);
      context.print(options, answer, drawRoutes);
    });
  withRouteOptions(bgp.command("rejected").description("routes kept out, and by what")).action(
    async (prefix: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<RoutesOptions>();
      const answer = await readRoutes(context, options, "/v1/bgp/rejected", prefix);
      context.print(options, answer, drawRejected);
    },
  );
}

const withRouteOptions = (command: Command): Command =>
  command
    .argument("[prefix]", "only routes under this prefix")
    .option("--peer <name>", "only routes of (or to) this peer")
    .option("--family <family>", "ipv4 or ipv6")
    .option("--limit <rows>", "rows at most", parseLimit, 1_000);

function parseLimit(text: string): number {
  const limit = Number(text);
  if (Number.isSafeInteger(limit) && limit > 0) return limit;
  throw new CliError(ExitCode.Usage, `--limit takes a number of rows, not "${text}"`);
}

/** Page by page, so that neither end holds a large table as one text. */
async function readRoutes(
  context: Context,
  options: RoutesOptions,
  path: string,
  within: string | undefined,
): Promise<BgpRoutes> {
  const client = context.client(options);
  const { peer, family, limit } = options;
  const rib = path.endsWith("/routes") ? options.rib : undefined;
  const ask = (offset: number, rows: number) =>
    client.get<BgpRoutes>("causeway.bgp.routes/v1", path, {
      ...{ peer, family, rib, within, offset, limit: Math.min(PAGE_ROWS, rows) },
    });
  let page = await ask(0, limit);
  const { routes } = page;
  while (page.nextOffset !== null && routes.length < limit) {
    page = await ask(page.nextOffset, limit - routes.length);
    routes.push(...page.routes);
  }
  if (page.nextOffset !== null) {
    context.streams.stderr.write(
      `causeway: only the first ${routes.length} routes; --limit shows more\n`,
    );
  }
  return { ...page, routes };
}
