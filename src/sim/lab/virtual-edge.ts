/**
 * The edge's daemon on a virtual host: started, frozen, killed and started again, as often as a
 * drill asks. Journal and forwarding table go on over all of its lives.
 */
import { Agent } from "../../agent/agent.ts";
import type { StartBfdEngine } from "../../agent/bfd/engine.ts";
import { startInlineBfdEngine } from "../../agent/bfd/inline-engine.ts";
import type { EdgeConfig } from "../../agent/config/edge-config.ts";
import type { JournalEntry } from "../../agent/journal.ts";
import type { RestartNote } from "../../agent/restart.ts";
import type { Host } from "../../platform/contract.ts";
import type { VirtualHost } from "../../platform/virtual/host.ts";
import { type CircuitsByPrefix, mirrorFib } from "./fib-mirror.ts";

/** Where a test may put a bug into the edge; nothing of it is on a shipped path. */
export interface EdgeInjection {
  readonly config?: (config: EdgeConfig) => EdgeConfig;
  readonly host?: (host: Host) => Host;
  readonly startBfd?: (start: StartBfdEngine) => StartBfdEngine;
}

interface Life {
  readonly agent: Agent;
  readonly process: VirtualHost["process"];
  readonly mirror: { close(): void };
}

export class VirtualEdge {
  readonly #machine: VirtualHost;
  readonly #injection: EdgeInjection;
  readonly #entries: JournalEntry[] = [];
  readonly #routed: (table: CircuitsByPrefix) => void;
  #config: EdgeConfig;
  #life: Life;
  #lives = 1;

  /** `routed` is called with every new forwarding table, over all lives. */
  constructor(
    machine: VirtualHost,
    config: EdgeConfig,
    routed: (table: CircuitsByPrefix) => void,
    injection: EdgeInjection = {},
  ) {
    this.#machine = machine;
    this.#routed = routed;
    this.#injection = injection;
    const own = { ...config, api: { listen: undefined, socketPath: undefined } };
    this.#config = injection.config?.(own) ?? own;
    this.#life = this.#bear(machine, machine.process);
  }

  get agent(): Agent {
    return this.#life.agent;
  }

  get journal(): readonly JournalEntry[] {
    return this.#entries;
  }

  /** The agent while it runs and forwards; undefined while it is away or takes over. */
  get settled(): Agent | undefined {
    const { agent, process } = this.#life;
    return process.isRunning && agent.view.health.isReady ? agent : undefined;
  }

  get config(): EdgeConfig {
    return this.#config;
  }

  start(): void {
    this.#life.agent.start();
  }

  /** SIGSTOP; `thaw` is SIGCONT. */
  freeze(): void {
    this.#life.process.freeze();
  }

  thaw(): void {
    this.#life.process.thaw();
  }

  /** SIGKILL: the kernel keeps its routes. */
  kill(): void {
    this.#life.mirror.close();
    this.#life.process.kill();
  }

  /** Ends in order; what it does not take along is the agent's to say. */
  stop(text: string, done: () => void): void {
    this.#life.agent.stop(text, done);
  }

  /** Ends to be started again soon; `done` gets what `restart` is to be given. */
  leave(text: string, done: (note: RestartNote | undefined) => void): void {
    this.#life.agent.restart(text, done);
  }

  /** A new process in place of the one that ended, with what that left for it. */
  restart(note?: RestartNote): void {
    this.kill();
    this.#lives += 1;
    const { host, process } = this.#machine.spawn(`main-${this.#lives}`);
    this.#life = this.#bear(host, process, note);
    this.#life.agent.start();
  }

  reload(change: (config: EdgeConfig) => EdgeConfig): void {
    this.#config = change(this.#config);
    this.#life.agent.reload(this.#config);
  }

  #bear(plain: Host, process: VirtualHost["process"], restarted?: RestartNote): Life {
    const host = this.#injection.host?.(plain) ?? plain;
    const engine = startInlineBfdEngine(host);
    const startBfd = this.#injection.startBfd?.(engine) ?? engine;
    const agent = new Agent({ host, config: this.#config, startBfd, restarted });
    agent.journal.subscribe((entry) => this.#entries.push(entry));
    const mirror = mirrorFib(this.#config, plain.routes, agent.journal, this.#routed);
    return { agent, process, mirror };
  }
}
