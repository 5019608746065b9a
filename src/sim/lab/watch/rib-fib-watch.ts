/**
 * Whether the edge's kernel holds what its RIB decided: asked some time after the last change of
 * either, for a table on its way may differ. The kernel is read itself, not what the agent believes
 * of it, so that an agent which forgot to tell the kernel is found out.
 */
import type { Agent } from "../../../agent/agent.ts";
import { formatAddress } from "../../../core/address.ts";
import { parsePrefix } from "../../../core/prefix.ts";
import type { VirtualHost } from "../../../platform/virtual/host.ts";
import { ip } from "../../../platform/virtual/ip.ts";
import type { World } from "../../../platform/virtual/world.ts";

/** What a table may take to follow, and then some. */
const GRACE_US = 500_000;
/** A drill looks at few prefixes; of more it samples the first. */
const PREFIXES_MAX = 2_000;

export class RibFibWatch {
  readonly #world: World;
  readonly #machine: VirtualHost;
  /** Undefined while no daemon runs, or one that is only just there. */
  readonly #agent: () => Agent | undefined;
  readonly #faults: string[] = [];
  #isDue = false;
  #suspects: ReadonlyMap<string, string> = new Map();

  constructor(world: World, machine: VirtualHost, agent: () => Agent | undefined) {
    this.#world = world;
    this.#machine = machine;
    this.#agent = agent;
  }

  /** In words, the first of each prefix. */
  get faults(): readonly string[] {
    return this.#faults;
  }

  /** Something changed. */
  changed(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#world.at(this.#world.now + GRACE_US, () => {
      this.#isDue = false;
      this.#compare();
    });
  }

  /** A prefix that differs in the same way twice in a row has had its time. */
  #compare(): void {
    const found = this.#differences();
    for (const [prefix, text] of found) {
      if (this.#suspects.get(prefix) !== text) continue;
      const sentence = `${prefix}: ${text}`;
      if (!this.#faults.includes(sentence)) this.#faults.push(sentence);
    }
    const isNews = [...found].some(([prefix, text]) => this.#suspects.get(prefix) !== text);
    this.#suspects = found;
    if (isNews) this.changed();
  }

  #differences(): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    const agent = this.#agent();
    if (agent === undefined) return found;
    for (const [prefix, wanted] of nextHops(agent)) {
      const held = this.#held(prefix);
      const isAlike = wanted.size === held.size && [...wanted].every((hop) => held.has(hop));
      if (isAlike) continue;
      const [rib, fib] = [wanted, held].map((hops) => [...hops].sort().join(" and ") || "nothing");
      found.set(prefix, `the RIB says ${rib}, the kernel has ${fib}`);
    }
    return found;
  }

  #held(prefix: string): ReadonlySet<string> {
    const parsed = parsePrefix(prefix);
    if (parsed === undefined) return new Set();
    const target = this.#machine.kernel.stack.fib.lookup(ip(formatAddress(parsed.address)));
    return new Set(target?.hops.flatMap((hop) => hop.gateway?.text ?? []));
  }
}

/** Of every prefix the decision process chose for, learned from a peer: all paths in use. */
function nextHops(agent: Agent): ReadonlyMap<string, ReadonlySet<string>> {
  const { speaker } = agent.view;
  const { rib } = speaker;
  const found = new Map<string, Set<string>>();
  for (const { prefix, slot } of rib.routes({ rib: "loc-rib", offset: 0, limit: PREFIXES_MAX })) {
    if (speaker.peerName(slot) === "local") continue;
    const used = rib
      .explain(prefix)
      ?.candidates.filter(({ isBest, isMultipath }) => isBest || isMultipath);
    found.set(prefix, new Set(used?.map(({ nextHop }) => nextHop)));
  }
  return found;
}
