/**
 * Whether a claim of a drill holds right now, asked after every event of a lab: answers come from
 * what journals and tables said so far, kept as they grow.
 */

import type { JournalEntry } from "../../../agent/journal.ts";
import { parsePrefix } from "../../../core/prefix.ts";
import { peersOf } from "../../cloud/config/bgp-config.ts";
import { isInOperation } from "../../cloud/config/cloud-config.ts";
import { hubOfVbr, toldPrefixes } from "../../cloud/network.ts";
import type { Lab } from "../../lab/lab.ts";
import type { CircuitsByPrefix } from "../../lab/watch/fib-mirror.ts";
import { longestMatch } from "../../lab/watch/longest-match.ts";
import { EDGE_TABLE, type TablesByNode } from "../../lab/watch/route-history.ts";
import type { CheckReport } from "../../report/report.ts";
import type { Claim, Drill, LiveExpectation } from "../drill.ts";
import { guestsOf } from "../file/load-routers.ts";
import { DIRECTIONS } from "../traffic.ts";
import { type WayBack, waysBack } from "../way-back.ts";
import { SessionBook } from "./session-book.ts";

/** What was answered, and how much there was to read then. */
interface Judged {
  readonly newsCount: number;
  readonly holds: boolean;
}

const BASELINE: LiveExpectation = { kind: "baseline", withinUs: 0 };

type ClaimOf<K extends Claim["kind"]> = Extract<Claim, { readonly kind: K }>;

export class Claims {
  readonly #drill: Drill;
  readonly #lab: Lab;
  readonly #book: SessionBook;
  readonly #bfdSessions: ReadonlySet<string>;
  readonly #guests: ReturnType<typeof guestsOf>;
  /** Hubs and VBRs that had a session, and how much of the cloud's journal was read for that. */
  readonly #joined = new Set<string>();
  #cloudReadCount = 0;
  readonly #ways = new Map<string | undefined, readonly WayBack[]>();
  /** Where the journals stood at the last fault: alarms count from there. */
  #since = { edge: 0, cloud: 0 };
  /** Where the edge's journal stood when the step began that is being judged. */
  #stepSince = 0;
  #baseline: TablesByNode | undefined;
  /** How much there was to read when it was not ready. */
  #notReadyAt = -1;
  /** By the claim, which is asked again as the same object. */
  #judged = new WeakMap<LiveExpectation, Judged>();

  constructor(drill: Drill, lab: Lab) {
    this.#guests = guestsOf(drill);
    this.#drill = drill;
    this.#lab = lab;
    this.#book = new SessionBook(() => lab.edgeJournal());
    const withBfd = new Set(
      drill.cloud.vbrs.flatMap(peersOf).flatMap((one) => (one.bfd ? one.address : [])),
    );
    this.#bfdSessions = new Set(
      drill.edge.circuits
        .flatMap(({ sessions }) => sessions)
        .filter(({ bfd, localAddress }) => bfd !== undefined && withBfd.has(localAddress ?? ""))
        .map(({ name }) => name),
    );
  }

  /** The drill begins: this is what `baseline` means. */
  begin(): void {
    this.#baseline = this.#lab.routes.snapshot();
  }

  /** Alarms count from here. */
  faultBegins(): void {
    const [edge, cloud] = [this.#lab.edgeJournal(), this.#lab.cloudJournal()];
    this.#since = { edge: edge.length, cloud: cloud.length };
    this.#judged = new WeakMap();
  }

  /** `quiet` counts from here. */
  stepBegins(): void {
    this.#stepSince = this.#lab.edgeJournal().length;
    this.#judged = new WeakMap();
  }

  /** Asked after every event of a world: nothing is missing less than it was before news came. */
  isReady(): boolean {
    const newsCount = this.#newsCount();
    if (newsCount === this.#notReadyAt) return false;
    this.#notReadyAt = newsCount;
    return this.missing() === undefined;
  }

  /** What a drill stands on, for its report; asked when everything is ready. */
  preChecks(): readonly CheckReport[] {
    const { edge, cloud } = this.#drill;
    const { routes } = this.#lab;
    const sessions = edge.circuits.flatMap((circuit) => circuit.sessions);
    const told = toldPrefixes(cloud);
    const counts: readonly (readonly [string, readonly boolean[]])[] = [
      ["sessions are up", sessions.map(({ name }) => this.#isUp(name))],
      [
        "prefixes of the cloud have a way",
        told.map((one) => routes.via(EDGE_TABLE, one).length > 0),
      ],
      ["flows arrive", this.#flowsArrive()],
    ];
    return counts.map(([check, holds]) => {
      const held = holds.filter((one) => one).length;
      const status = held === holds.length ? "pass" : "fail";
      return { check, status, expected: "all", observed: `${held} of ${holds.length}` };
    });
  }

  #flowsArrive(): readonly boolean[] {
    const fates = this.#lab.flowFates();
    const all = DIRECTIONS.flatMap((direction) => fates[direction]);
    return all.map(({ outcome }) => outcome === "delivered" || outcome === "not known yet");
  }

  /** What is not as it was before the first fault, in words; undefined where everything is. */
  left(): string | undefined {
    const missing = this.missing();
    if (missing !== undefined) return missing;
    const isBack = this.holds(BASELINE);
    return isBack ? undefined : "a forwarding table is not what it was";
  }

  /** The first thing that is not ready yet, in words. */
  missing(): string | undefined {
    const { edge, cloud } = this.#drill;
    const { routes } = this.#lab;
    const waiting = cloud.vbrs.filter((vbr) => !isInOperation(cloud, vbr));
    for (const vbr of cloud.vbrs) {
      if (waiting.includes(vbr)) continue;
      const hub = hubOfVbr(cloud, vbr);
      if (hub === undefined || this.#isJoined(hub, vbr.name)) continue;
      return `${vbr.name} has no session with ${hub}`;
    }
    for (const circuit of edge.circuits) {
      if (waiting.some((vbr) => vbr.circuit === circuit.name)) continue;
      for (const session of circuit.sessions) {
        if (!this.#isUp(session.name))
          return `${session.name} is not up: ${this.#lastWord(session.name)}`;
      }
    }
    for (const { node, peer } of this.#guests) {
      if (!this.#isJoined(node, peer)) return `${node} has no session with ${peer}`;
    }
    for (const prefix of toldPrefixes(cloud)) {
      if (routes.via(EDGE_TABLE, prefix).length === 0) return `the edge has no route to ${prefix}`;
    }
    const mute = this.#waysBack(undefined).find((way) => !this.#isBack(way));
    return mute && `${mute.join(" or ")} sends nothing to the edge yet`;
  }

  /** Asked after every event of a world, and judged anew only where there is news. */
  holds(expect: LiveExpectation): boolean {
    const newsCount =
      expect.kind === "flows" || expect.kind === "symmetric" ? -1 : this.#newsCount();
    const last = this.#judged.get(expect);
    if (newsCount >= 0 && last?.newsCount === newsCount) return last.holds;
    const holds = this.#judge(expect);
    this.#judged.set(expect, { newsCount, holds });
    return holds;
  }

  #judge(expect: LiveExpectation): boolean {
    switch (expect.kind) {
      case "session":
        return this.#sessionsAre(expect);
      case "reachable":
        return this.#isReachable() === expect.is;
      case "route":
      case "return":
        return this.#vias(expect).every((via) => areSame(via, expect.via));
      case "event":
        return this.#isTold(expect) === (expect.is === "told");
      case "flows":
        return this.#flowsAre() === expect.are;
      case "symmetric":
        return this.#isSymmetric();
      case "quiet":
        return this.#said(expect.of) === undefined;
      case "baseline": {
        const was = this.#baseline;
        if (was === undefined) return false;
        const is = this.#lab.routes.snapshot();
        return [...is.keys()].every((node) => areSameTables(was.get(node), is.get(node)));
      }
    }
  }

  /** What is instead of what was claimed, for the end of a sentence. */
  instead(expect: LiveExpectation): string {
    if (expect.kind === "route" || expect.kind === "return") {
      const wrong = this.#vias(expect).find((via) => !areSame(via, expect.via)) ?? [];
      return `, it goes ${wrong.length > 0 ? `via ${wrong.join(" and ")}` : "nowhere"}`;
    }
    if (expect.kind === "session" && expect.circuit !== "all") {
      return `, ${this.#lastWord(expect.circuit)}`;
    }
    if (expect.kind === "flows") return `, they are ${this.#flowsAre()}`;
    if (expect.kind === "quiet") return `, it tells ${this.#said(expect.of)}`;
    return "";
  }

  /** Grows with everything that claims are judged by, but for where flows go. */
  #newsCount(): number {
    const { routes } = this.#lab;
    return this.#lab.edgeJournal().length + this.#lab.cloudJournal().length + routes.changeCount;
  }

  #sessionsAre({ circuit, is }: ClaimOf<"session">): boolean {
    const sessions = this.#drill.edge.circuits.flatMap(({ name, sessions: own }) => {
      const isMeant = circuit === "all" || name === circuit;
      return isMeant ? own : own.filter((session) => session.name === circuit);
    });
    return sessions.every((session) => this.#isUp(session.name) === (is === "up"));
  }

  #isReachable(): boolean {
    const { routes } = this.#lab;
    return toldPrefixes(this.#drill.cloud).every(
      (prefix) => routes.via(EDGE_TABLE, prefix).length > 0,
    );
  }

  /** One list of circuits for each table that the claim is about. */
  #vias(claim: ClaimOf<"route" | "return">): readonly (readonly string[])[] {
    const { routes } = this.#lab;
    if (claim.kind === "route") return [routes.via(EDGE_TABLE, claim.prefix)];
    const ways = this.#waysBack(claim.node);
    return ways.map((way) => routes.viaFirst(way, claim.prefix));
  }

  /** They follow from the file; claims are asked again and again. */
  #waysBack(node: string | undefined): readonly WayBack[] {
    const known = this.#ways.get(node);
    if (known !== undefined) return known;
    const ways = waysBack(this.#drill, node);
    this.#ways.set(node, ways);
    return ways;
  }

  /** It has a route to something that the edge announces, or to more than that. */
  #isBack(way: WayBack): boolean {
    const tables = way.map((node) => this.#lab.routes.table(node));
    return this.#drill.edge.announce.some((own) => {
      const prefix = parsePrefix(own.prefix);
      return prefix !== undefined && (longestMatch(tables, prefix) ?? []).length > 0;
    });
  }

  #isTold({ event, of, node }: ClaimOf<"event">): boolean {
    const isIt = ({ event: told, fields }: JournalEntry) =>
      told === event &&
      (of === undefined || [fields.circuit, fields.session, fields.peer].includes(of));
    if (node === "edge") return this.#lab.edgeJournal().slice(this.#since.edge).some(isIt);
    return this.#lab
      .cloudJournal()
      .slice(this.#since.cloud)
      .some((entry) => entry.node === node && isIt(entry));
  }

  /** The first event since this step began that names it. */
  #said(name: string): string | undefined {
    const since = this.#lab.edgeJournal().slice(this.#stepSince);
    return since.find(({ fields }) => Object.values(fields).includes(name))?.event;
  }

  #flowsAre(): ClaimOf<"flows">["are"] {
    const fates = this.#lab.flowFates();
    const all = DIRECTIONS.flatMap((direction) => fates[direction]);
    const delivered = all.filter(({ outcome }) => outcome === "delivered").length;
    if (delivered === all.length) return "delivered";
    return delivered === 0 ? "lost" : "partly-lost";
  }

  #isSymmetric(): boolean {
    const circuits = this.#lab.flowCircuits();
    return circuits["to-cloud"].every(
      (circuit, flow) => circuit !== null && circuit === circuits["to-edge"][flow],
    );
  }

  /** Once is enough: the ECR has heard this VBR. */
  #isJoined(hub: string, vbr: string): boolean {
    const session = `${hub} ${vbr}`;
    if (this.#joined.has(session)) return true;
    const journal = this.#lab.cloudJournal();
    for (; this.#cloudReadCount < journal.length; this.#cloudReadCount += 1) {
      const entry = journal[this.#cloudReadCount];
      if (entry?.event !== "bgp.peer.up") continue;
      this.#joined.add(`${entry.node} ${entry.fields.peer}`);
    }
    return this.#joined.has(session);
  }

  #isUp(session: string): boolean {
    const book = this.#book;
    const needsBfd = this.#bfdSessions.has(session);
    return book.isBgpUp(session) && (!needsBfd || book.isBfdUp(session));
  }

  #lastWord(session: string): string {
    const about = this.#book.lastOf(session);
    if (about === undefined) return "nothing was heard of it";
    const text = about.fields.text ?? about.fields.reason;
    return text === undefined ? about.event : `${about.event}, ${text}`;
  }
}

/** The same names in any order; asked after every event of a world. */
function areSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((name) => other.includes(name));
}

function areSameTables(
  one: CircuitsByPrefix = new Map(),
  other: CircuitsByPrefix = new Map(),
): boolean {
  const prefixes = new Set([...one.keys(), ...other.keys()]);
  return [...prefixes].every((prefix) => {
    return areSame(one.get(prefix) ?? [], other.get(prefix) ?? []);
  });
}
