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

/** Scrapes again and again by the clock of this process; what comes too late is missing. */
export class SocketScraper {
  readonly log: ScrapeLog;
  readonly #socketPath: string;
  readonly #timer: NodeJS.Timeout;
  #slot = 0;

  constructor(socketPath: string, log: ScrapeLog) {
    this.log = log;
    this.#socketPath = socketPath;
    this.#scrape();
    this.#timer = setInterval(() => this.#scrape(), log.intervalUs / 1000);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #scrape(): void {
    const slot = this.#slot;
    this.#slot += 1;
    this.log.due(slot);
    const options = {
      ...{ socketPath: this.#socketPath, path: "/metrics", headers: { host: "localhost" } },
      timeout: this.log.intervalUs / 1000,
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
