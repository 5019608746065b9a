/**
 * Which sessions are up and what was last heard of each, kept while a journal grows: claims are
 * asked after every event of a world, so an answer must not cost the length of the journal.
 */
import type { EdgeConfig } from "../../../agent/config/edge-config.ts";
import type { JournalEntry } from "../../../agent/journal.ts";
import type { Micros } from "../../../core/time.ts";

interface SessionPage {
  isBgpUp: boolean;
  isBfdUp: boolean;
  last: JournalEntry;
}

/** What a lab notes in the journal of an agent that it killed, for that cannot tell of its end. */
export const AGENT_KILLED = "agent.killed";

export const killed = (at: Micros): JournalEntry => ({
  ...{ level: "warn", event: AGENT_KILLED, fields: { text: "SIGKILL" } },
  ...{ seq: 0, at, wallMs: 0 },
});

/** A life of the agent ends with all of its sessions, and the next one begins without any. */
export const endsSessions = (event: string): boolean =>
  event === AGENT_KILLED || event === "agent.started";

/** The circuit of each of an edge's sessions. */
export const circuitsBySession = ({ circuits }: EdgeConfig): ReadonlyMap<string, string> =>
  new Map(circuits.flatMap(({ name, sessions }) => sessions.map((one) => [one.name, name])));

export class SessionBook {
  readonly #journal: () => readonly JournalEntry[];
  readonly #pages = new Map<string, SessionPage>();
  #readCount = 0;

  /** `journal` answers the same entries again, with new ones behind them. */
  constructor(journal: () => readonly JournalEntry[]) {
    this.#journal = journal;
  }

  isBgpUp(session: string): boolean {
    this.#readOn();
    return this.#pages.get(session)?.isBgpUp ?? false;
  }

  isBfdUp(session: string): boolean {
    this.#readOn();
    return this.#pages.get(session)?.isBfdUp ?? false;
  }

  /** The last entry about a session. */
  lastOf(session: string): JournalEntry | undefined {
    this.#readOn();
    return this.#pages.get(session)?.last;
  }

  #readOn(): void {
    const entries = this.#journal();
    for (; this.#readCount < entries.length; this.#readCount += 1) {
      const entry = entries[this.#readCount];
      if (entry !== undefined) this.#note(entry);
    }
  }

  #note(entry: JournalEntry): void {
    if (endsSessions(entry.event)) {
      for (const page of this.#pages.values()) Object.assign(page, NOBODY);
    }
    const { peer, session } = entry.fields;
    for (const name of peer === session ? [peer] : [peer, session]) {
      if (name === undefined) continue;
      const page = this.#pageOf(String(name), entry);
      page.last = entry;
      if (entry.event === "bgp.peer.up") page.isBgpUp = true;
      else if (entry.event === "bgp.peer.down") page.isBgpUp = false;
      else if (entry.event === "bfd.session.up") page.isBfdUp = true;
      else if (entry.event === "bfd.session.down") page.isBfdUp = false;
    }
  }

  #pageOf(name: string, last: JournalEntry): SessionPage {
    const known = this.#pages.get(name);
    if (known !== undefined) return known;
    const page = { ...NOBODY, last };
    this.#pages.set(name, page);
    return page;
  }
}

const NOBODY = { isBgpUp: false, isBfdUp: false } as const;
