/**
 * The edge's daemon on a virtual host: started, frozen, killed and started again, as often as a
 * drill asks. Journal and forwarding table go on over all of its lives.
 */
import { Agent } from "../../../agent/agent.ts";
import type { StartBfdEngine } from "../../../agent/bfd/engine.ts";
import { startInlineBfdEngine } from "../../../agent/bfd/inline-engine.ts";
import type { EdgeConfig } from "../../../agent/config/edge-config.ts";
import type { FailbackNote } from "../../../agent/failback/note.ts";
import type { JournalEntry } from "../../../agent/journal.ts";
import { type ReadConfig, reloadConfig } from "../../../agent/reload-config.ts";
import type { RestartNote } from "../../../agent/restart.ts";
import type { SpeakerView } from "../../../bgp/speaker/view.ts";
import type { Host } from "../../../platform/contract.ts";
import type { VirtualHost } from "../../../platform/virtual/host.ts";
import { killed } from "../../drill/judge/session-book.ts";
import { lateObserver, type SpeakerObserver } from "../../evidence/bgp-log.ts";
import { withoutApi } from "../edge-faults.ts";
import { type CircuitsByPrefix, mirrorFib } from "../watch/fib-mirror.ts";
import { type UpdateOffence, type UpdateRules, watchUpdates } from "../watch/update-watch.ts";

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
  readonly #rules: UpdateRules | undefined;
  readonly #offences: UpdateOffence[] = [];
  #config: EdgeConfig;
  #life: Life;
  #lives = 1;
  #observe: ((speaker: SpeakerView) => SpeakerObserver) | undefined;
  /** Its state directory: what a run leaves of failures for the next. */
  #failback: FailbackNote | undefined;

  /** `routed` is called with every new forwarding table, over all lives. */
  constructor(
    machine: VirtualHost,
    config: EdgeConfig,
    routed: (table: CircuitsByPrefix) => void,
    {
      injection = {},
      rules,
    }: { readonly injection?: EdgeInjection; readonly rules?: UpdateRules | undefined } = {},
  ) {
    this.#rules = rules;
    this.#machine = machine;
    this.#routed = routed;
    this.#injection = injection;
    this.#config = this.#own(config);
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

  /** Who sees what the speaker of each life is told and answers; to be set before `start`. */
  observe(observe: (speaker: SpeakerView) => SpeakerObserver): void {
    this.#observe = observe;
  }

  /** What its UPDATEs did wrong, over all lives. */
  get offences(): readonly UpdateOffence[] {
    return this.#offences;
  }

  get config(): EdgeConfig {
    return this.#config;
  }

  start(): void {
    this.#life.agent.start();
  }

  /** Calls `read` when the process can answer, and not at all where it ends before. */
  ask(read: (agent: Agent) => void): void {
    const { agent, process } = this.#life;
    process.post(() => read(agent));
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
    const { mirror, process, agent } = this.#life;
    if (process.isRunning) this.#entries.push(killed(agent.view.now()));
    mirror.close();
    process.kill();
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

  /** What a health input or an operator changes; a daemon that is away finds it when it starts. */
  reload(change: (config: EdgeConfig) => EdgeConfig): void {
    this.reloadFrom({ config: change(this.#config), text: "" });
  }

  /** SIGHUP with another file; answers with the reason where it is refused. */
  reloadFrom({ config, text }: ReadConfig): string | undefined {
    const own = config && this.#own(config);
    const { agent, process } = this.#life;
    const refusal = process.isRunning ? reloadConfig(agent, { config: own, text }) : undefined;
    if (own !== undefined && refusal === undefined) this.#config = own;
    return refusal;
  }

  #own(config: EdgeConfig): EdgeConfig {
    const own = withoutApi(config);
    return this.#injection.config?.(own) ?? own;
  }

  #bear(plain: Host, process: VirtualHost["process"], restarted?: RestartNote): Life {
    const watched = watchUpdates(plain, this.#rules, (one) => this.#offences.push(one));
    const host = this.#injection.host?.(watched.host) ?? watched.host;
    const engine = startInlineBfdEngine(host);
    const startBfd = this.#injection.startBfd?.(engine) ?? engine;
    const agent: Agent = new Agent({
      ...{ host, config: this.#config, startBfd, restarted },
      observer: lateObserver(() => this.#observe?.(agent.view.speaker)),
      failbackNotes: {
        read: () => this.#failback,
        write: (note) => {
          this.#failback = note;
          return undefined;
        },
      },
    });
    watched.see(agent.view);
    agent.journal.subscribe((entry) => this.#entries.push(entry));
    const mirror = mirrorFib(this.#config, plain.routes, agent.journal, this.#routed);
    return { agent, process, mirror };
  }
}
