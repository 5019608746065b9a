import type { ServerResponse } from "node:http";
import type { JournalEntry, JournalView } from "../journal.ts";
import { presentEvent } from "./present-edge.ts";

/** What a reader may be behind before it is let go; it resumes with Last-Event-ID. */
const BEHIND_OCTETS_MAX = 1 << 20;
const HEARTBEAT_MS = 15_000;

/**
 * The journal as server-sent events: what is held after `since`, then everything new. `gap` says
 * that entries between were no longer held.
 */
export function followEvents(response: ServerResponse, journal: JournalView, since: number): void {
  response.writeHead(200, {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store",
    connection: "keep-alive",
  });
  const send = (entry: JournalEntry) => {
    if (response.writableLength > BEHIND_OCTETS_MAX) {
      response.destroy();
      return;
    }
    const data = JSON.stringify(presentEvent(entry));
    response.write(`id: ${entry.seq}\nevent: ${entry.event}\ndata: ${data}\n\n`);
  };
  const held = journal.since(since);
  const first = held[0]?.seq ?? since + 1;
  if (first > since + 1) {
    const data = JSON.stringify({ fromSeq: since + 1, toSeq: first - 1 });
    response.write(`event: gap\ndata: ${data}\n\n`);
  }
  response.write(": following\n\n");
  for (const entry of held) send(entry);
  const subscription = journal.subscribe(send);
  const heartbeat = setInterval(() => response.write(": alive\n\n"), HEARTBEAT_MS);
  response.once("close", () => {
    subscription.close();
    clearInterval(heartbeat);
  });
}
