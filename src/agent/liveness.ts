/**
 * What is known about the path to each peer, from BFD and from the links, and what follows for BGP
 * and forwarding. Decisions about BFD are rows of `coupling.ts`; this file remembers what the rows
 * need: the last BFD state, whether the peer said AdminDown, where BGP stands, who holds it.
 *
 * Two things may hold a peer in Idle, a strict BFD session and a dead link; the speaker hears the
 * sum. A link that dies fails its peers at once (fast external failover) and holds them, so that
 * its return opens the connection at once, too.
 */
import type { BfdSessionView, BfdState, BfdStateChange } from "../bfd/sessions/contract.ts";
import type { BgpState } from "../bgp/fsm/state.ts";
import { Deadlines } from "../core/deadlines.ts";
import { after, formatDurationUs, type Micros } from "../core/time.ts";
import type { Alarm, Clock } from "../platform/contract.ts";
import { couple, type KnownState, UNPROTECTED_GRACE_US } from "./coupling.ts";
import type { Events } from "./event-journal.ts";
import type { SessionPlan } from "./speaker-config.ts";

/** What liveness has done to others; each names one peer. */
export interface LivenessActions {
  hold(peer: string, isOn: boolean, reason: string): void;
  fail(peer: string, cause: "bfd-down" | "link-down", text: string): void;
  retry(peer: string): void;
  leavePath(peer: string, text: string): void;
}

/** What the agent knows of a peer's path without asking the engine. */
export interface PathView {
  /** undefined where no BFD is configured. */
  readonly bfd: KnownState | undefined;
  readonly since: Micros;
  readonly diag: number;
  readonly remoteState: BfdState | undefined;
  readonly isStrict: boolean;
  /** Why BGP is held in Idle, one sentence; undefined while it is not. */
  readonly heldBecause: string | undefined;
  /** Why the path was left last; undefined while nothing is wrong with it. */
  readonly failure: string | undefined;
}

interface PathState {
  plan: SessionPlan;
  bfd: KnownState;
  since: Micros;
  diag: number;
  remoteState: BfdState | undefined;
  bgp: BgpState;
  wasUpThisSession: boolean;
  bfdHold: string | undefined;
  linkHold: string | undefined;
  failure: string | undefined;
}

export class Liveness {
  readonly #clock: Clock;
  readonly #events: Events;
  readonly #actions: LivenessActions;
  readonly #paths = new Map<string, PathState>();
  /** One wait per peer: Established without BFD. */
  readonly #grace = new Deadlines<string>();
  readonly #alarm: Alarm;

  constructor(clock: Clock, events: Events, actions: LivenessActions) {
    this.#clock = clock;
    this.#events = events;
    this.#actions = actions;
    this.#alarm = clock.createAlarm(() => this.#graceOver());
  }

  /** The sessions there are from now on; call `engineStarted` once the engine has its sessions. */
  configure(plans: readonly SessionPlan[]): void {
    const named = new Map(plans.map((plan) => [plan.neighbor.name, plan]));
    for (const name of this.#paths.keys()) {
      if (!named.has(name)) {
        this.#paths.delete(name);
        this.#grace.disarm(name);
      }
    }
    for (const [name, plan] of named) {
      const path = this.#paths.get(name);
      if (path === undefined) this.#paths.set(name, newPath(plan, this.#clock.now()));
      else this.#replan(path, plan);
    }
    this.#rearm();
  }

  /** The engine watches every session it was given: what is not known yet begins at Down. */
  engineStarted(): void {
    for (const path of this.#paths.values()) {
      if (path.plan.neighbor.bfd === undefined || path.bfd !== "Unknown") continue;
      this.#move(path, path.plan.neighbor.isShutdown ? "AdminDown" : "Down", "not up yet");
    }
  }

  engineFailed(text: string): void {
    this.#events.emit("error", "bfd.engine.failed", { text });
    for (const path of this.#paths.values()) {
      if (path.plan.neighbor.bfd !== undefined) this.#move(path, "Unknown", text);
    }
  }

  bfdChanged(change: BfdStateChange): void {
    const path = this.#paths.get(change.session);
    if (path?.plan.neighbor.bfd === undefined) return;
    path.diag = change.diag;
    path.remoteState = change.remoteState;
    const cause = causeOf(change);
    this.#report(change, change.to === "Up" ? "BFD is Up" : `BFD ${change.to}: ${cause}`);
    this.#move(path, change.to, cause);
  }

  /**
   * A peer that says AdminDown to a session that was not Up changes no state of ours, so nobody
   * tells; a strict session that waits for it would wait for ever. The agent asks now and then.
   */
  get isWaitingForBfd(): boolean {
    for (const path of this.#paths.values()) if (path.bfdHold !== undefined) return true;
    return false;
  }

  bfdSnapshot(sessions: readonly BfdSessionView[]): void {
    for (const session of sessions) {
      const path = this.#paths.get(session.name);
      if (path === undefined || path.bfd !== session.state || session.state === "Up") continue;
      if (path.remoteState === session.remoteState) continue;
      path.remoteState = session.remoteState;
      this.#move(path, path.bfd, `the peer says ${session.remoteState}`);
    }
  }

  peerChanged(peer: string, to: BgpState): void {
    const path = this.#paths.get(peer);
    if (path === undefined) return;
    path.bgp = to;
    if (to !== "Established") {
      this.#grace.disarm(peer);
    } else {
      path.failure = undefined;
      path.wasUpThisSession = path.bfd === "Up";
      if (path.plan.neighbor.bfd !== undefined && path.bfd !== "Up") {
        this.#grace.arm(peer, after(this.#clock.now(), UNPROTECTED_GRACE_US));
      }
    }
    this.#rearm();
  }

  linkChanged(device: string, isUp: boolean, text: string): void {
    for (const path of this.#paths.values()) {
      if (path.plan.device !== device || (path.linkHold === undefined) === isUp) continue;
      const { name } = path.plan.neighbor;
      if (isUp) {
        this.#hold(path, { linkHold: undefined });
        continue;
      }
      path.failure = text;
      this.#actions.leavePath(name, text);
      this.#actions.fail(name, "link-down", text);
      this.#hold(path, { linkHold: text });
    }
  }

  /** The speaker knows its peers only now: which of them have no link. */
  failAgain(): void {
    for (const { plan, linkHold } of this.#paths.values()) {
      if (linkHold !== undefined) this.#actions.fail(plan.neighbor.name, "link-down", linkHold);
    }
  }

  view(peer: string): PathView | undefined {
    const path = this.#paths.get(peer);
    if (path === undefined) return undefined;
    const { bfd } = path.plan.neighbor;
    return {
      bfd: bfd === undefined ? undefined : path.bfd,
      since: path.since,
      diag: path.diag,
      remoteState: path.remoteState,
      isStrict: bfd?.isStrict ?? false,
      heldBecause: path.linkHold ?? path.bfdHold,
      failure: path.failure,
    };
  }

  /** Nothing is decided any more. */
  stop(): void {
    this.#grace.disarmAll();
    this.#alarm.set(undefined);
    this.#paths.clear();
  }

  #replan(path: PathState, plan: SessionPlan): void {
    const hadBfd = path.plan.neighbor.bfd !== undefined;
    path.plan = plan;
    if (plan.neighbor.bfd?.isStrict !== true) this.#hold(path, { bfdHold: undefined });
    if (plan.neighbor.bfd === undefined) {
      path.bfd = "Unknown";
      this.#grace.disarm(plan.neighbor.name);
    } else if (hadBfd && path.bfd !== "Unknown") {
      this.#move(path, path.bfd, "the configuration changed");
    }
  }

  /** `cause` says why in words that follow a colon. */
  #move(path: PathState, to: KnownState, cause: string, isGraceOver = false): void {
    const row = couple({
      from: path.bfd,
      to,
      isRemoteAdminDown: path.remoteState === "AdminDown",
      isStrict: path.plan.neighbor.bfd?.isStrict ?? false,
      bgp: path.bgp,
      isGraceOver,
    });
    if (path.bfd !== to) path.since = this.#clock.now();
    path.bfd = to;
    const peer = path.plan.neighbor.name;
    for (const action of row.actions) {
      if (action === "leave-path") {
        path.failure = `BFD Down: ${cause}`;
        this.#actions.leavePath(peer, path.failure);
      } else if (action === "cease" || action === "forget") {
        this.#actions.fail(peer, "bfd-down", cause);
      } else if (action === "hold") this.#hold(path, { bfdHold: `strict BFD: ${cause}` });
      else if (action === "release") this.#hold(path, { bfdHold: undefined });
      else if (action === "retry") this.#actions.retry(peer);
      else this.#events.emit("warn", "bfd.session.unprotected", { peer, text: row.because });
    }
    if (to === "Up") {
      path.wasUpThisSession = true;
      this.#grace.disarm(peer);
      this.#rearm();
    }
  }

  /** Changes one holder; the speaker hears of it where the sum or its reason changes. */
  #hold(path: PathState, change: Partial<Pick<PathState, "bfdHold" | "linkHold">>): void {
    const before = path.linkHold ?? path.bfdHold;
    Object.assign(path, change);
    const now = path.linkHold ?? path.bfdHold;
    if (before === now) return;
    this.#actions.hold(path.plan.neighbor.name, now !== undefined, now ?? before ?? "");
  }

  #graceOver(): void {
    const now = this.#clock.now();
    for (let peer = this.#grace.takeDue(now); peer !== undefined; ) {
      const path = this.#paths.get(peer);
      if (path !== undefined && !path.wasUpThisSession) {
        this.#move(path, path.bfd, "BFD was never Up", true);
      }
      peer = this.#grace.takeDue(now);
    }
    this.#rearm();
  }

  #rearm(): void {
    this.#alarm.set(this.#grace.next());
  }

  #report(change: BfdStateChange, text: string): void {
    const isUp = change.to === "Up";
    if (!isUp && change.from !== "Up") {
      const fields = { session: change.session, from: change.from, to: change.to, text };
      this.#events.emit("debug", "bfd.session.changed", fields);
      return;
    }
    this.#events.emit(isUp ? "info" : "warn", isUp ? "bfd.session.up" : "bfd.session.down", {
      session: change.session,
      from: change.from,
      to: change.to,
      diag: change.diag,
      diagText: bfdDiagnosticText(change.diag),
      remoteState: change.remoteState,
      remoteDiag: change.remoteDiag,
      detectionTimeUs: change.detectionTimeUs,
      detectedAtUs: change.at,
      lastPacketAtUs: change.lastPacketAt,
      suspectSelf: change.isSuspectSelf,
      text,
    });
  }
}

function newPath(plan: SessionPlan, now: Micros): PathState {
  return {
    plan,
    bfd: "Unknown",
    since: now,
    diag: 0,
    remoteState: undefined,
    bgp: "Idle",
    wasUpThisSession: false,
    bfdHold: undefined,
    linkHold: undefined,
    failure: undefined,
  };
}

/** What BFD saw, in words that follow a colon. */
function causeOf(change: BfdStateChange): string {
  if (change.to === "Up") return "the path is proven";
  if (change.to === "AdminDown") return "taken down by us";
  if (change.to === "Init") return "the peer is heard, and does not hear us yet";
  if (change.remoteState === "AdminDown") return "taken down by the peer";
  if (change.diag === DIAG_EXPIRED) {
    const within = formatDurationUs(change.detectionTimeUs);
    const doubt = change.isSuspectSelf ? "; our own loop was late, the path may be innocent" : "";
    return `nothing heard for ${within}${doubt}`;
  }
  return bfdDiagnosticText(change.diag);
}

const DIAG_EXPIRED = 1;

/** RFC 5880 §4.1, bfd.LocalDiag. */
export const bfdDiagnosticText = (diag: number): string =>
  DIAGNOSTICS[diag] ?? `diagnostic ${diag}`;

const DIAGNOSTICS: readonly string[] = [
  "no diagnostic",
  "control detection time expired",
  "echo function failed",
  "neighbor signaled session down",
  "forwarding plane reset",
  "path down",
  "concatenated path down",
  "administratively down",
  "reverse concatenated path down",
];
