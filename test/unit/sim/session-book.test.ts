import t from "tap";
import type { JournalEntry } from "../../../src/agent/journal.ts";
import { SessionBook } from "../../../src/sim/drill/judge/session-book.ts";

function entry(event: string, fields: JournalEntry["fields"]): JournalEntry {
  return { level: "info", event, fields, seq: 0, at: 0 as JournalEntry["at"], wallMs: 0 };
}

t.test("a session book reads on as the journal grows, and forgets nothing", async (t) => {
  const journal: JournalEntry[] = [];
  const book = new SessionBook(() => journal);
  t.notOk(book.isBgpUp("c1"));
  t.equal(book.lastOf("c1"), undefined);
  journal.push(entry("bgp.peer.up", { peer: "c1" }), entry("bfd.session.up", { session: "c1" }));
  t.ok(book.isBgpUp("c1"));
  t.ok(book.isBfdUp("c1"));
  t.notOk(book.isBgpUp("c2"), "another session is another page");
  journal.push(entry("bfd.session.down", { session: "c1", text: "detection time" }));
  t.ok(book.isBgpUp("c1"), "BGP hears of it later");
  t.notOk(book.isBfdUp("c1"));
  t.equal(book.lastOf("c1")?.fields.text, "detection time");
  journal.push(entry("bgp.peer.down", { peer: "c1" }), entry("bgp.peer.up", { peer: "c1" }));
  t.ok(book.isBgpUp("c1"), "the last word counts");
  journal.push(entry("agent.started", {}));
  t.notOk(book.isBgpUp("c1"), "one that was killed told of no end");
});
