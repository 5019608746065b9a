/**
 * Which sessions of circuits both ends are asked to avoid, and until when. Phases and their
 * transitions are rows of `table.ts`; this machine keeps what the rows need: who is up, how often
 * each failed, which soaks and steps are under way.
 *
 * Avoided is not absent. A session that soaks, returns or is held stays Established with all its
 * routes at LOCAL_PREF 0, and what it announces carries GRACEFUL_SHUTDOWN (RFC 8326) and a longer
 * AS_PATH. So it is used the moment nothing better is left, prefix by prefix, on both ends, and it
 * is every group's backup in the kernel.
 *
 * Invariants. While any session of a family is up, one that is up is not avoided, unless an
 * operator drained it or a neighbour inside our AS may have a better way. A session that failed is
 * avoided until its soak is over while another is up and in use. One that failed `flaps` times
 * within `per` stays held until it is released.
 */
import type { Avoidance } from "../../bgp/rib/contract.ts";
import { Deadlines } from "../../core/deadlines.ts";
import type { Machine } from "../../core/machine.ts";
import { after, type Micros } from "../../core/time.ts";
import type { FailbackConfig } from "../config/edge-config.ts";
import { type FailbackEvent, type FailbackPhase, nextPhase } from "./table.ts";

/** A session of a circuit. */
export interface FailbackMember {
  readonly session: string;
  readonly circuit: string;
  readonly family: "ipv4" | "ipv6";
  /** `maintenance` in the configuration: it does not count as a way for others. */
  readonly isInMaintenance: boolean;
}

export type FailbackInput =
  | {
      readonly kind: "configure";
      /** undefined: circuits are used again at once. */
      readonly rule: FailbackConfig | undefined;
      readonly members: readonly FailbackMember[];
      /** Sessions inside our AS: the other edge may have a circuit, too. */
      readonly insiders: readonly string[];
    }
  /** What is known of sessions from the run before; before any of them is up. */
  | { readonly kind: "remember"; readonly sessions: readonly FailbackMemory[] }
  | { readonly kind: "up"; readonly session: string }
  | {
      readonly kind: "down";
      readonly session: string;
      /** False where we ended it ourselves. */
      readonly isFailure: boolean;
      readonly text: string;
    }
  | { readonly kind: "release"; readonly circuit: string }
  | { readonly kind: "drain"; readonly circuit: string; readonly isOn: boolean };

/** Of a session, what the next run of the agent has to know. */
export interface FailbackMemory {
  readonly session: string;
  readonly isHeld: boolean;
  readonly isDrained: boolean;
  readonly failure: string | undefined;
  /** Failures within `per`, as times on the clock of this run: negative, where they are older. */
  readonly failedAt: readonly Micros[];
}

export type FailbackEffect =
  | {
      readonly kind: "avoid";
      readonly session: string;
      readonly avoidance: Avoidance | undefined;
    }
  | {
      readonly kind: "phase";
      readonly session: string;
      readonly from: FailbackPhase;
      readonly to: FailbackPhase;
      readonly on: FailbackEvent;
    }
  /** An avoided session is used after all, since nothing else is up; or no longer. */
  | { readonly kind: "needed"; readonly session: string; readonly isNeeded: boolean };

export interface FailbackView {
  readonly phase: FailbackPhase;
  readonly since: Micros;
  /** When the soak or the step is over. */
  readonly until: Micros | undefined;
  /** Why the session was lost last. */
  readonly failure: string | undefined;
  /** Failures within `per`. */
  readonly failures: number;
  /** Used although it should not be: nothing else is up. */
  readonly isNeeded: boolean;
  readonly isDrained: boolean;
  readonly isAvoided: boolean;
}

interface Member {
  readonly config: FailbackMember;
  phase: FailbackPhase;
  since: Micros;
  isUp: boolean;
  isNeeded: boolean;
  isDrained: boolean;
  failure: string | undefined;
  failedAt: readonly Micros[];
  told: Avoidance | undefined;
}

export class Failback implements Machine<FailbackInput, FailbackEffect> {
  readonly #members = new Map<string, Member>();
  readonly #insiders = new Map<string, boolean>();
  /** One at most per session: the end of its soak, or of its step. */
  readonly #timers = new Deadlines<string>();
  #rule: FailbackConfig | undefined;

  handle(input: FailbackInput, now: Micros, out: FailbackEffect[]): void {
    switch (input.kind) {
      case "configure":
        this.#configure(input, now, out);
        break;
      case "remember":
        for (const memory of input.sessions) this.#remember(memory, now, out);
        break;
      case "up":
      case "down":
        this.#sessionChanged(input, now, out);
        break;
      case "release":
        for (const member of this.#membersOf(input.circuit)) this.#release(member, now, out);
        break;
      case "drain":
        for (const member of this.#membersOf(input.circuit)) {
          if (member.isDrained === input.isOn) continue;
          member.isDrained = input.isOn;
          const isBack = !input.isOn && member.isUp && this.#rule !== undefined;
          if (isBack) this.#apply(member, "undrained", now, out);
        }
        break;
    }
    this.#settle(out);
  }

  expire(now: Micros, out: FailbackEffect[]): void {
    for (let due = this.#timers.takeDue(now); due !== undefined; due = this.#timers.takeDue(now)) {
      const member = this.#members.get(due);
      if (member === undefined) continue;
      this.#apply(member, member.phase === "soaking" ? "soaked" : "stepped", now, out);
    }
    this.#settle(out);
  }

  nextDeadline(): Micros | undefined {
    return this.#timers.next();
  }

  view(session: string, now: Micros): FailbackView | undefined {
    const member = this.#members.get(session);
    if (member === undefined) return undefined;
    const { phase, since, failure, isNeeded, isDrained } = member;
    return {
      phase,
      since,
      failure,
      isDrained,
      isNeeded: isNeeded && member.isUp && phase !== "in-use",
      until: this.#timers.at(session),
      failures: this.#recent(member, now).length,
      isAvoided: member.told !== undefined,
    };
  }

  /** Sessions that the next run has to know of. */
  memory(now: Micros): readonly FailbackMemory[] {
    return [...this.#members.values()].flatMap((member) => {
      const { config, phase, isDrained, failure } = member;
      const failedAt = this.#recent(member, now);
      const isHeld = phase === "held";
      if (!isHeld && !isDrained && failedAt.length === 0) return [];
      return [{ session: config.session, isHeld, isDrained, failure, failedAt }];
    });
  }

  #remember(memory: FailbackMemory, now: Micros, out: FailbackEffect[]): void {
    const member = this.#members.get(memory.session);
    if (member === undefined) return;
    member.isDrained = memory.isDrained;
    if (this.#rule === undefined) return;
    member.failedAt = memory.failedAt;
    if (!memory.isHeld) return;
    member.failure = memory.failure;
    this.#apply(member, "remembered", now, out);
  }

  #configure(
    input: Extract<FailbackInput, { readonly kind: "configure" }>,
    now: Micros,
    out: FailbackEffect[],
  ): void {
    this.#rule = input.rule;
    const before = new Map(this.#members);
    this.#members.clear();
    for (const config of input.members) {
      const known = before.get(config.session);
      const member = known === undefined ? newMember(config, now) : { ...known, config };
      this.#members.set(config.session, member);
      if (input.rule === undefined) this.#apply(member, "switched-off", now, out);
    }
    for (const session of before.keys()) {
      if (!this.#members.has(session)) this.#timers.disarm(session);
    }
    const insiders = new Map(this.#insiders);
    this.#insiders.clear();
    for (const name of input.insiders) this.#insiders.set(name, insiders.get(name) ?? false);
  }

  #sessionChanged(
    input: Extract<FailbackInput, { readonly kind: "up" | "down" }>,
    now: Micros,
    out: FailbackEffect[],
  ): void {
    const { session, kind } = input;
    if (this.#insiders.has(session)) this.#insiders.set(session, kind === "up");
    const member = this.#members.get(session);
    if (member === undefined || member.isUp === (kind === "up")) return;
    member.isUp = kind === "up";
    if (this.#rule === undefined) return;
    if (input.kind === "up") this.#apply(member, "up", now, out);
    else if (input.isFailure) this.#fail(member, input.text, now, out);
    else this.#apply(member, "ended", now, out);
  }

  #fail(member: Member, text: string, now: Micros, out: FailbackEffect[]): void {
    member.failure = text;
    member.failedAt = [...this.#recent(member, now), now];
    const isTooOften = member.failedAt.length >= (this.#rule?.flapsMax ?? Infinity);
    this.#apply(member, isTooOften ? "failed-too-often" : "failed", now, out);
  }

  #release(member: Member, now: Micros, out: FailbackEffect[]): void {
    if (member.phase !== "held") return;
    member.failedAt = [];
    this.#apply(member, "released", now, out);
    if (member.isUp) this.#apply(member, "up", now, out);
  }

  #apply(member: Member, on: FailbackEvent, now: Micros, out: FailbackEffect[]): void {
    const { phase: from } = member;
    const { session } = member.config;
    const to = nextPhase(from, on);
    if (to === from) return;
    member.phase = to;
    member.since = now;
    this.#timers.disarm(session);
    if (to === "soaking") this.#timers.arm(session, after(now, this.#rule?.soakUs ?? 0));
    // Whoever carries the traffic already has no steps to take.
    const stepUs = member.isNeeded ? 0 : (this.#rule?.stepUs ?? 0);
    if (to === "returning") this.#timers.arm(session, after(now, stepUs));
    if (to === "in-use") member.failure = undefined;
    out.push({ kind: "phase", session, from, to, on });
  }

  /** Who is needed, and what both ends are asked: ways are opened before others are closed. */
  #settle(out: FailbackEffect[]): void {
    const members = [...this.#members.values()];
    for (const family of ["ipv4", "ipv6"] as const) {
      const group = members.filter((member) => member.config.family === family);
      const needed = this.#needed(group);
      for (const member of group) {
        const isNeeded = needed.has(member);
        if (member.isNeeded === isNeeded) continue;
        member.isNeeded = isNeeded;
        if (!member.isUp || member.phase === "in-use") continue;
        out.push({ kind: "needed", session: member.config.session, isNeeded });
      }
      for (const member of group) {
        if (this.#wish(member, group.length) === undefined) this.#tell(member, undefined, out);
      }
      for (const member of group) this.#tell(member, this.#wish(member, group.length), out);
    }
  }

  /**
   * Those that must not be avoided for want of others. They stay it until another is in use, so
   * that traffic is not sent from one doubtful path to the next. Where none is up it is all of
   * them: whichever comes first is used from its first route on.
   */
  #needed(group: readonly Member[]): ReadonlySet<Member> {
    const isElsewhere = [...this.#insiders.values()].some((isUp) => isUp);
    const eligible = group.filter(({ isDrained }) => !isDrained);
    const up = eligible.filter(({ isUp, config }) => isUp && !config.isInMaintenance);
    if (isElsewhere || up.some(({ phase }) => phase === "in-use")) return new Set();
    if (up.length === 0) return new Set(eligible.filter(({ isUp }) => !isUp));
    const before = up.filter(({ isNeeded }) => isNeeded);
    return new Set(before.length > 0 ? before : up);
  }

  #wish(member: Member, prependCount: number): Avoidance | undefined {
    if (member.isDrained) return { isShutdownAnnounced: true, prependCount };
    if (member.phase === "in-use" || member.isNeeded) return undefined;
    return { isShutdownAnnounced: member.phase !== "returning", prependCount };
  }

  #tell(member: Member, wish: Avoidance | undefined, out: FailbackEffect[]): void {
    const { told } = member;
    const isSame =
      wish?.isShutdownAnnounced === told?.isShutdownAnnounced &&
      wish?.prependCount === told?.prependCount;
    if (isSame) return;
    member.told = wish;
    out.push({ kind: "avoid", session: member.config.session, avoidance: wish });
  }

  #recent({ failedAt }: Member, now: Micros): readonly Micros[] {
    const perUs = this.#rule?.perUs ?? 0;
    return failedAt.filter((at) => now - at < perUs);
  }

  #membersOf(circuit: string): readonly Member[] {
    return [...this.#members.values()].filter(({ config }) => config.circuit === circuit);
  }
}

const newMember = (config: FailbackMember, now: Micros): Member => ({
  config,
  phase: "in-use",
  since: now,
  isUp: false,
  isNeeded: false,
  isDrained: false,
  failure: undefined,
  failedAt: [],
  told: undefined,
});
