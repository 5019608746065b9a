import type { BfdSessionView } from "../../bfd/sessions/contract.ts";
import { ApiError } from "../api/present.ts";
import { askBfd } from "../api/present-edge.ts";
import type { AgentView } from "../view.ts";
import { EDGE_METRICS, type Scrape } from "./edge-metrics.ts";
import { LoopLag } from "./loop-lag.ts";
import { ScrapeRegistry } from "./registry.ts";

/** Asked once: a figure that moves with rounding or the wall clock reads as restarts. */
const STARTED_SEC = Math.round(performance.timeOrigin / 1_000);

/** The metrics page of one edge: read from views when it is asked for. */
export class EdgeMetrics {
  readonly #view: AgentView;
  readonly #registry = new ScrapeRegistry<Scrape>(EDGE_METRICS);
  readonly #loopLag = new LoopLag();

  constructor(view: AgentView) {
    this.#view = view;
    this.#loopLag.start();
  }

  async page(): Promise<{ readonly contentType: string; readonly text: string }> {
    const { user, system } = process.cpuUsage();
    const text = await this.#registry.text({
      view: this.#view,
      bfd: await this.#bfd(),
      loopLag: this.#loopLag.view(),
      process: {
        node: process.version,
        rssOctets: process.memoryUsage.rss(),
        cpuSec: (user + system) / 1_000_000,
        startedSec: STARTED_SEC,
      },
    });
    return { contentType: this.#registry.contentType, text };
  }

  stop(): void {
    this.#loopLag.stop();
  }

  /** The rest of the page does not wait for an engine that is silent. */
  async #bfd(): Promise<readonly BfdSessionView[]> {
    try {
      return await askBfd(this.#view);
    } catch (error) {
      if (error instanceof ApiError) return [];
      throw error;
    }
  }
}
