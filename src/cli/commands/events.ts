import type { Command } from "commander";
import type { Event, Events } from "../../agent/api/schemas.ts";
import { parseDurationUs } from "../../core/time.ts";
import type { Context, GlobalOptions } from "../context.ts";
import { CliError, ExitCode } from "../exit.ts";
import { drawEvent } from "../render/edge.ts";

interface EventsOptions extends GlobalOptions {
  readonly follow?: true;
  readonly since?: string;
}

/** `events`: the journal, and what comes next. JSON is one event a line. */
export function registerEvents(program: Command, context: Context): void {
  program
    .command("events")
    .description("what happened, in order")
    .option("-f, --follow", "stay, and print what happens")
    .option("--since <when>", "5m (that long ago), or a sequence number")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<EventsOptions>();
      const client = context.client(options);
      const { seq, ago } = parseSince(options.since);
      const held = await client.get<Events>("causeway.events/v1", "/v1/events", { since: seq });
      const fromMs = ago === undefined ? 0 : held.at.ms - ago;
      const print = (event: Event) => {
        const line = options.output === "json" ? JSON.stringify(event) : drawEvent(event);
        context.streams.stdout.write(`${line}\n`);
      };
      for (const event of held.events) if (event.at.ms >= fromMs) print(event);
      if (options.follow !== true) return;
      const query = { follow: true, since: held.lastSeq };
      for await (const event of client.follow("/v1/events", query)) print(event as Event);
      throw new CliError(ExitCode.Unreachable, "the agent ended");
    });
}

function parseSince(text: string | undefined): { seq?: number; ago?: number } {
  if (text === undefined) return {};
  if (/^\d+$/.test(text)) return { seq: Number(text) };
  const us = parseDurationUs(text);
  if (us !== undefined) return { ago: us / 1_000 };
  const message = `--since takes a duration (90s, 5m, 2h) or a sequence number, not "${text}"`;
  throw new CliError(ExitCode.Usage, message);
}
