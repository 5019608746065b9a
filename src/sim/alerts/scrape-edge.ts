/** One scrape of an edge: in virtual time its own registry, in a lab its page over the socket. */
import { request } from "node:http";
import type { Agent } from "../../agent/agent.ts";
import { WORK_METRICS } from "../../agent/metrics/edge-metrics.ts";
import type { ScrapeLog } from "./scrape-log.ts";

/** Without what only a real process has: memory, processor time, the lag of its loop. */
export function scrapeAgent(agent: Agent, log: ScrapeLog, slot: number): void {
  agent.view.bfd((bfd) => {
    for (const { name, collect } of WORK_METRICS) {
      for (const sample of collect({ view: agent.view, bfd })) log.addSample(slot, name, sample);
    }
  });
}

/**
 * Scrapes again and again by the clock of this process: a scrape is of the slot it falls into, so
 * slots of a process that was held up are skipped, and an answer that comes too late is missing.
 */
export class SocketScraper {
  readonly log: ScrapeLog;
  readonly #socketPath: string;
  readonly #intervalMs: number;
  readonly #startMs = performance.now();
  #timer: NodeJS.Timeout | undefined;

  /** The log begins now. */
  constructor(socketPath: string, log: ScrapeLog) {
    this.log = log;
    this.#socketPath = socketPath;
    this.#intervalMs = log.intervalUs / 1000;
    this.#scrape();
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  #scrape(): void {
    const sinceMs = performance.now() - this.#startMs;
    // A timer may be early by part of a millisecond.
    const slot = Math.max(this.log.count, Math.floor(sinceMs / this.#intervalMs));
    while (this.log.count < slot) this.log.skip(this.log.count);
    this.log.due(slot);
    const waitMs = (slot + 1) * this.#intervalMs - sinceMs;
    this.#timer = setTimeout(() => this.#scrape(), waitMs);
    this.#ask(slot);
  }

  #ask(slot: number): void {
    const options = {
      ...{ socketPath: this.#socketPath, path: "/metrics", headers: { host: "localhost" } },
      timeout: this.#intervalMs,
    };
    const asked = request(options, (answer) => {
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("end", () => {
        if (answer.statusCode === 200) this.log.addPage(slot, Buffer.concat(parts).toString());
      });
    });
    asked.on("timeout", () => asked.destroy());
    // Nobody there is an answer, too: the scrape has no values.
    asked.on("error", () => undefined);
    asked.end();
  }
}
