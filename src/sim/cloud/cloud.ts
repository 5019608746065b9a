import { Agent } from "../../agent/agent.ts";
import type { StartBfdEngine } from "../../agent/bfd/engine.ts";
import type { JournalEntry } from "../../agent/journal.ts";
import type { Host } from "../../platform/contract.ts";
import type { CloudConfig, VbrConfig } from "./cloud-config.ts";
import { ecrNode, type NodePlan, vbrNode } from "./nodes.ts";

/** What a cloud runs on: a host and a BFD engine for each of its nodes, by name. */
export interface CloudGround {
  readonly plan: NodePlan;
  host(node: string): Host;
  startBfd(node: string): StartBfdEngine;
}

export type CloudEntry = JournalEntry & { readonly node: string };

/**
 * The emulated cloud in operation: one agent a node, on whatever hosts it was given. It starts,
 * stops and restarts nodes and changes what the VPC announces; links are the lab's to break.
 */
export class Cloud {
  readonly #config: CloudConfig;
  readonly #ground: CloudGround;
  readonly #agents = new Map<string, Agent>();
  readonly #entries: CloudEntry[] = [];
  readonly #prefixes: Set<string>;

  constructor(config: CloudConfig, ground: CloudGround) {
    this.#config = config;
    this.#ground = ground;
    this.#prefixes = new Set(config.ecr.prefixes);
  }

  /** Throws PlatformError where a node cannot start; nodes started before stay up for `stop`. */
  start(): void {
    this.#run(this.#config.ecr.name, ecrNode(this.#config, this.#ground.plan, [...this.#prefixes]));
    for (const vbr of this.#config.vbrs) this.startVbr(vbr);
  }

  startVbr(vbr: VbrConfig): void {
    this.#run(vbr.name, vbrNode(this.#config, vbr, this.#ground.plan));
  }

  /** Ends one node; `text` goes to its peers where it still reaches them. */
  stopNode(name: string, text: string, done: () => void): void {
    const agent = this.#agents.get(name);
    this.#agents.delete(name);
    if (agent === undefined) done();
    else agent.stop(text, done);
  }

  stop(text: string, done: () => void): void {
    const names = [...this.#agents.keys()];
    let waiting = names.length;
    if (waiting === 0) done();
    for (const name of names) {
      this.stopNode(name, text, () => {
        waiting -= 1;
        if (waiting === 0) done();
      });
    }
  }

  withdraw(...prefixes: readonly string[]): void {
    for (const prefix of prefixes) this.#prefixes.delete(prefix);
    this.#announceAgain();
  }

  announce(...prefixes: readonly string[]): void {
    for (const prefix of prefixes) this.#prefixes.add(prefix);
    this.#announceAgain();
  }

  vbrOf(circuit: string): VbrConfig {
    const vbr = this.#config.vbrs.find((one) => one.circuit === circuit);
    if (vbr === undefined) throw new RangeError(`no VBR terminates circuit "${circuit}"`);
    return vbr;
  }

  agent(name: string): Agent | undefined {
    return this.#agents.get(name);
  }

  /** Everything the nodes' journals said, in the order it happened. */
  journal(): readonly CloudEntry[] {
    return this.#entries;
  }

  #announceAgain(): void {
    const agent = this.#agents.get(this.#config.ecr.name);
    agent?.reload(ecrNode(this.#config, this.#ground.plan, [...this.#prefixes]));
  }

  #run(name: string, config: ReturnType<typeof ecrNode>): void {
    const agent = new Agent({
      host: this.#ground.host(name),
      config,
      startBfd: this.#ground.startBfd(name),
    });
    agent.journal.subscribe((entry) => this.#entries.push({ ...entry, node: name }));
    this.#agents.set(name, agent);
    agent.start();
  }
}
