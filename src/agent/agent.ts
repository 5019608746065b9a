/**
 * The edge: one speaker, one BFD engine and one FIB on a host, joined. This file owns the order of
 * things (start, reload, stop) and the wiring; what is decided is decided elsewhere: BFD against
 * BGP in `coupling.ts`, paths in `liveness.ts`, the way back in `failback`, next hops in
 * `next-hops.ts`, the kernel in `fib.ts`. It runs unchanged on the real and on the virtual host, so
 * nothing in here knows Node.
 *
 * Invariants. A path that failed leaves the FIB in the call that learned of it, before BGP hears. A
 * path is used again only from the moment its session is Established, and as `failback` lets it. An
 * engine that dies makes BFD unknown, never Down, and is started again. Whatever fails at the start
 * or in a reload fails before anything changed; the exception are VLAN interfaces, which stay and
 * are adopted the next time.
 */
import type { PeerSlot } from "../bgp/rib/contract.ts";
import type { SpeakerEffect } from "../bgp/speaker/effects.ts";
import type { SpeakerInput } from "../bgp/speaker/inputs.ts";
import { Speaker } from "../bgp/speaker/speaker.ts";
import { PlatformError } from "../core/app-error.ts";
import type { Rng } from "../core/rng.ts";
import { after, type Micros, US_PER_SEC } from "../core/time.ts";
import type { Alarm, Host } from "../platform/contract.ts";
import { Driver, type DriverObserver } from "../platform/driver.ts";
import { createAgentView } from "./agent-view.ts";
import type { StartBfdEngine } from "./bfd/engine.ts";
import { BfdKeeper } from "./bfd-keeper.ts";
import { BfdPlacement } from "./bfd-placement.ts";
import { CircuitLinks } from "./circuit-links.ts";
import { Circuits } from "./circuits.ts";
import type { EdgeConfig } from "./config/edge-config.ts";
import { EventJournal } from "./event-journal.ts";
import { FailbackKeeper } from "./failback/keeper.ts";
import type { FailbackNotes } from "./failback/note.ts";
import { Fib } from "./fib.ts";
import { FibAudit } from "./fib-audit.ts";
import { sayGoodbye } from "./goodbye.ts";
import type { JournalView } from "./journal.ts";
import { LinkBook } from "./link-book.ts";
import { Liveness } from "./liveness.ts";
import { NextHops } from "./next-hops.ts";
import { type AgentOrders, createOrders } from "./orders.ts";
import { PathExits } from "./path-exits.ts";
import { FaultRecordings, type Recording } from "./recording.ts";
import { compareConfigs, type ReloadReport } from "./reload.ts";
import { type RestartNote, restartNote } from "./restart.ts";
import { Resumption } from "./resumption.ts";
import { buildSpeakerConfig, type SessionPlan, sessionPlans } from "./speaker-config.ts";
import { Transport } from "./transport.ts";
import type { AgentView, ReloadOutcome } from "./view.ts";

export interface AgentDeps {
  readonly host: Host;
  readonly config: EdgeConfig;
  readonly startBfd: StartBfdEngine;
  /** The speaker's own, where a replay is to draw the same; the host's if there is none. */
  readonly rng?: Rng;
  /** Of the run before, where it left to be started again. */
  readonly restarted?: RestartNote | undefined;
  /** What is held and drained outlives a run by them. */
  readonly failbackNotes?: FailbackNotes | undefined;
  /** Sees every input of the speaker and its answers, for a recorder. */
  readonly observer?: DriverObserver<SpeakerInput, SpeakerEffect>;
  /** A bug of ours cost a peer its session: writes what `observer` saw last, for a replay. */
  readonly record?: () => Recording;
}

/** What has no event of its own is looked at this often. */
const TICK_US = 5 * US_PER_SEC;

export class Agent {
  readonly #host: Host;
  readonly #events: EventJournal;
  readonly #recordings: FaultRecordings;
  readonly #speaker: Speaker;
  readonly #driver: Driver<SpeakerInput, SpeakerEffect>;
  readonly #transport: Transport;
  readonly #links: LinkBook;
  readonly #circuitLinks: CircuitLinks;
  readonly #nextHops: NextHops;
  readonly #liveness: Liveness;
  readonly #fib: Fib;
  readonly #audit: FibAudit;
  readonly #failback: FailbackKeeper;
  readonly #circuits: Circuits;
  readonly #placement: BfdPlacement;
  readonly #bfd: BfdKeeper;
  readonly #tick: Alarm;
  readonly #exits: PathExits;
  readonly #peerOfSlot = new Map<PeerSlot, string>();
  /** Peers without a session whose routes and path stay in use, for they restart. */
  readonly #awaited = new Set<string>();
  readonly view: AgentView;
  readonly orders: AgentOrders;
  #config: EdgeConfig;
  #plans: ReadonlyMap<string, SessionPlan> = new Map();
  #phase: "new" | "running" | "stopping" = "new";
  readonly #resumption: Resumption;
  /** Routes of the run before may still be in the kernel. */
  #isReapDue = true;
  #startedAt: Micros;
  #lastReload: ReloadOutcome;

  constructor(deps: AgentDeps) {
    const { host, config } = deps;
    const { clock } = host;
    this.#host = host;
    this.#config = config;
    this.#startedAt = clock.now();
    this.#lastReload = { generation: 0, at: clock.now(), isSuccess: false, text: "not started" };
    const events = new EventJournal(host);
    this.#events = events;
    this.#recordings = new FaultRecordings(clock, deps.record);
    this.#speaker = new Speaker({ rng: deps.rng ?? host.rng });
    this.#driver = new Driver(
      this.#speaker,
      clock,
      (effect) => this.#perform(effect),
      deps.observer,
    );
    this.#transport = new Transport(host.tcp, (input) => this.#driver.deliver(input));
    this.#links = new LinkBook(host.links, (device) => this.#linkChanged(device));
    this.#circuitLinks = new CircuitLinks(host.links, this.#links, events);
    this.#nextHops = new NextHops(host.routes, this.#links, (nextHop, state) => {
      this.#driver.deliver({ kind: "next-hop", nextHop, state });
    });
    this.#liveness = new Liveness(clock, events, {
      hold: (peer, isOn, reason) => this.#driver.deliver({ kind: "hold-off", peer, isOn, reason }),
      fail: (peer, cause, text) => {
        // At the start links are judged before the speaker knows its peers.
        if (this.#speaker.view.peer(peer) === undefined) return;
        this.#driver.deliver({ kind: "path-failed", peer, cause, text });
      },
      retry: (peer) => this.#driver.deliver({ kind: "path-restored", peer }),
      leavePath: (peer, text) => this.#leavePath(peer, text),
    });
    this.#exits = new PathExits({
      ...{ routes: host.routes, clock, events },
      groups: () => this.#fib.exits(),
      protect: (table) => this.#bfd.protect(table),
    });
    this.#fib = this.#createFib();
    this.#resumption = new Resumption(host, events, deps.restarted);
    const hasConverged = () => this.#resumption.hasConverged(this.#speaker.view);
    this.#audit = new FibAudit({
      fib: this.#fib,
      routes: host.routes,
      clock,
      events,
      hasConverged,
    });
    this.#failback = new FailbackKeeper({
      ...{ host, events, notes: deps.failbackNotes },
      avoid: (peer, avoidance) => this.#driver.deliver({ kind: "avoid", peer, avoidance }),
    });
    this.#circuits = new Circuits({
      ...{ clock, events, links: this.#links, liveness: this.#liveness, failback: this.#failback },
      speaker: this.#speaker.view,
    });
    this.#placement = new BfdPlacement(this.#links, host.routes, events);
    this.#bfd = this.#createBfdKeeper(deps.startBfd);
    this.#tick = clock.createAlarm(() => this.#onTick());
    this.view = createAgentView({
      ...{ host, fib: this.#fib, circuits: this.#circuits, liveness: this.#liveness },
      ...{ speaker: this.#speaker.view, bfd: this.#bfd },
      config: () => this.#config,
      isRunning: () => this.#phase === "running",
      startedAt: () => this.#startedAt,
      lastReload: () => this.#lastReload,
    });
    this.orders = createOrders({
      ...{ failback: this.#failback, speaker: this.#speaker.view, events },
      config: () => this.#config,
      deliver: (input) => this.#driver.deliver(input),
    });
  }

  get journal(): JournalView {
    return this.#events;
  }

  /** Throws PlatformError, with a sentence for people, where the host cannot do what is asked. */
  start(): void {
    const config = this.#config;
    this.#circuitLinks.prepare(config.circuits);
    this.#links.start();
    try {
      this.#transport.configure(config.listen, sessionPlans(config));
      this.#configureBfd(config);
    } catch (error) {
      this.#transport.closeListeners();
      this.#links.close();
      this.#audit.stop();
      throw error;
    }
    this.#phase = "running";
    this.#startedAt = this.#host.clock.now();
    this.#events.emit("info", "agent.started", {
      name: config.name,
      localAs: config.localAs,
      fib: this.#host.routes.kind,
      circuits: config.circuits.length,
    });
    this.#resumption.begin(config, (restarted) => {
      if (this.#phase !== "running") return;
      this.#driver.deliver(restarted);
      this.#configureSpeaker(this.#config);
      this.#liveness.failAgain();
    });
    this.#adopt(config);
    this.#lastReload = this.#outcome(true, "started");
    this.#tick.set(after(this.#host.clock.now(), TICK_US));
  }

  /**
   * Takes over a configuration. Throws PlatformError and changes nothing where the host cannot do
   * it; sessions whose connection itself is another one now are reset, the rest stays up.
   */
  reload(config: EdgeConfig): ReloadReport {
    const before = this.#config;
    try {
      this.#circuitLinks.prepare(config.circuits);
      this.#transport.configure(config.listen, sessionPlans(config));
    } catch (error) {
      if (error instanceof PlatformError) this.reloadFailed(error.message);
      throw error;
    }
    const report = compareConfigs(before, config);
    this.#config = config;
    this.#adopt(config);
    this.#reconfigureBfd();
    for (const peer of report.reconnect) {
      const text = "the configuration of the connection changed";
      this.#driver.deliver({ kind: "admin", peer, action: "reset", text });
    }
    this.#fib.refresh();
    this.#lastReload = this.#outcome(true, "reloaded");
    const { added, removed, reset, restartNeeded } = report;
    this.#events.emit("info", "agent.reloaded", {
      generation: this.#lastReload.generation,
      added: added.join(" "),
      removed: removed.join(" "),
      reset: reset.join(" "),
      restartNeeded: restartNeeded.join(" "),
    });
    return report;
  }

  /** A configuration that could not even be read: nothing changes, and everybody can see it. */
  reloadFailed(text: string): void {
    this.#lastReload = this.#outcome(false, text);
    this.#events.emit("error", "agent.reload.failed", { text });
  }

  /**
   * Leaves in order: Cease/Administrative Shutdown with `text` to every peer (RFC 9003), BFD
   * AdminDown, our kernel routes removed, sockets closed. `done` is called once, within seconds.
   */
  stop(text: string, done: () => void): void {
    if (this.#phase !== "running") {
      done();
      return;
    }
    this.#leave(text, false);
    const { failures } = this.#host.routes.flush();
    const [first] = failures;
    if (first !== undefined) {
      const { op, subject, errno, text: why } = first;
      const fields = { op, subject, errno, text: why, failures: failures.length };
      this.#events.emit("error", "fib.error", fields);
    }
    sayGoodbye(this.#host.clock, this.#bfd, this.#events, done);
  }

  /**
   * Leaves to be started again soon (RFC 4724 §4.1): peers with graceful restart keep our routes,
   * BFD says AdminDown, and the kernel goes on forwarding. `done` is called once, within seconds,
   * with what the next run has to be given.
   */
  restart(text: string, done: (note: RestartNote | undefined) => void): void {
    if (this.#phase !== "running") {
      done(undefined);
      return;
    }
    const peers = this.#speaker.view.peers();
    const note = restartNote(this.#config, peers, this.#host.wallClock.nowMs());
    this.#leave(text, true);
    sayGoodbye(this.#host.clock, this.#bfd, this.#events, () => done(note));
  }

  /** Nothing is decided any more, and peers have heard why. */
  #leave(text: string, isRestart: boolean): void {
    this.#phase = "stopping";
    this.#events.emit("info", isRestart ? "agent.restarting" : "agent.stopping", { text });
    this.#tick.set(undefined);
    this.#exits.stop();
    this.#liveness.stop();
    this.#failback.stop();
    this.#audit.stop();
    this.#links.close();
    this.#transport.closeListeners();
    this.#driver.deliver({ kind: "stop", text, isRestart });
    this.#driver.stop();
  }

  /** Gives a configuration to everything that runs. */
  #adopt(config: EdgeConfig): void {
    const plans = sessionPlans(config);
    this.#plans = new Map(plans.map((plan) => [plan.neighbor.name, plan]));
    this.#liveness.configure(plans);
    // Whoever must wait is held before the speaker could open a connection.
    if (this.#bfd.isRunning) this.#liveness.engineStarted();
    for (const device of devicesOf(plans)) this.#judgeLink(device);
    this.#nextHops.configure(plans);
    if (!this.#resumption.isPending) this.#configureSpeaker(config);
  }

  #configureSpeaker(config: EdgeConfig): void {
    const preservesForwarding = this.#host.routes.kind === "kernel";
    const speaker = { ...buildSpeakerConfig(config), preservesForwarding };
    this.#driver.deliver({ kind: "configure", config: speaker });
    this.#failback.configure(config);
    this.#circuits.configure(config);
  }

  #configureBfd(config: EdgeConfig): void {
    this.#bfd.configure(this.#placement.sessions(config));
  }

  #perform(effect: SpeakerEffect): void {
    switch (effect.kind) {
      case "tcp-connect":
      case "tcp-send":
      case "tcp-close":
      case "tcp-pause":
      case "tcp-adopt":
        this.#transport.perform(effect);
        break;
      case "session":
        this.#sessionChanged(effect);
        break;
      case "routes":
        this.#fib.apply(effect.changes);
        break;
      case "next-hop-interest":
        this.#nextHops.interest(effect.added, effect.removed);
        break;
      case "selection-due": {
        const { family, because } = effect;
        const fields = { afi: family.afi, safi: family.safi, because };
        this.#events.emit("info", "bgp.selection.due", fields);
        break;
      }
      case "restart-overdue": {
        const { peer } = effect;
        const text = "the peer did not come back within its Restart Time";
        this.#events.emit("warn", "bgp.restart.overdue", { peer, text });
        this.#leavePath(peer, text);
        break;
      }
      case "feed-complete":
        this.#events.emit("info", "bgp.feed.complete", { peer: effect.peer });
        break;
      case "end-of-rib": {
        const { peer, family } = effect;
        const fields = { peer, afi: family.afi, safi: family.safi };
        this.#events.emit("info", "bgp.feed.received", fields);
        break;
      }
      case "log":
        this.#events.emit(effect.level, effect.event, this.#recordings.with(effect));
        break;
    }
  }

  #sessionChanged(effect: Extract<SpeakerEffect, { readonly kind: "session" }>): void {
    const { peer, from, to, reason, text } = effect;
    const slot = this.#speaker.view.peer(peer)?.slot;
    this.#liveness.peerChanged(peer, to);
    if (to === "Established" && slot !== undefined) {
      this.#peerOfSlot.set(slot, peer);
      this.#awaited.delete(peer);
      this.#events.emit("info", "bgp.peer.up", { peer, from, to, text });
      this.#fib.join(slot);
      this.#failback.up(peer);
    } else if (from === "Established") {
      const isRunning = this.#phase === "running"; // a run that ends moves nothing
      const kept = this.#speaker.view.peer(peer)?.keptFamilies ?? [];
      const isAwaited = isRunning && kept.length > 0;
      // RFC 4724 §4.2: a peer that restarts forwards meanwhile.
      if (isAwaited) this.#awaited.add(peer);
      else if (isRunning) this.#leavePath(peer, text);
      this.#events.emit("warn", "bgp.peer.down", { peer, from, to, reason, text, isAwaited });
      if (!isAwaited) this.#failback.down(peer, reason, text);
    } else {
      this.#events.emit("debug", "bgp.peer.changed", { peer, from, to, reason, text });
    }
    this.#circuits.update();
  }

  #leavePath(peer: string, text: string): void {
    for (const [slot, name] of this.#peerOfSlot) if (name === peer) this.#fib.leave(slot, text);
    if (this.#awaited.delete(peer)) this.#failback.down(peer, undefined, text);
    this.#circuits.update();
  }

  #createFib(): Fib {
    const { routes, clock, rng } = this.#host;
    return new Fib({
      ...{ routes, clock, events: this.#events },
      seed: rng.int(-0x8000_0000, 0x7fff_ffff),
      hopOf: ({ slot, nextHop }) => {
        const plan = this.#plans.get(this.#peerOfSlot.get(slot) ?? "");
        const way = this.#nextHops.resolve(nextHop, plan);
        return way && { ...way, weight: plan?.circuit?.weight ?? 1 };
      },
      groupsChanged: () => this.#exits.changed(),
      pathOf: (slot) => {
        const peer = this.#peerOfSlot.get(slot) ?? this.#speaker.view.peerName(slot);
        return { peer, circuit: this.#plans.get(peer)?.circuit?.name ?? peer };
      },
    });
  }

  #createBfdKeeper(startBfd: StartBfdEngine): BfdKeeper {
    return new BfdKeeper(startBfd, this.#host.clock, {
      started: () => this.#liveness.engineStarted(),
      failed: (text) => {
        this.#liveness.engineFailed(text);
        this.#circuits.update();
      },
      state: (change, exit) => {
        if (exit !== undefined) this.#exits.report(change, exit);
        this.#liveness.bfdChanged(change);
        this.#circuits.update();
      },
      log: (entry) => this.#events.emit(entry.level, entry.event, entry.fields),
    });
  }

  #linkChanged(device: string): void {
    const plans = [...this.#plans.values()];
    const tied = [...devicesOf(plans)].filter(
      (one) =>
        one === device ||
        plans.some((plan) => plan.device === one && plan.circuit?.vlan?.parent === device),
    );
    // VLANs fall with their parent, and news of each comes on its own: none is to be moved to
    // a sibling that is down already.
    for (const one of tied) if (one !== device) this.#links.reread(one);
    for (const one of tied) this.#judgeLink(one);
    this.#nextHops.refresh();
    this.#fib.refresh();
    this.#audit.soon();
    this.#reconfigureBfd();
    this.#circuits.update();
  }

  #judgeLink(device: string): void {
    const parent = [...this.#plans.values()].find((plan) => plan.device === device)?.circuit?.vlan
      ?.parent;
    this.#liveness.linkChanged(
      device,
      this.#links.isUp(device),
      this.#links.describe(device, parent),
    );
  }

  #onTick(): void {
    this.#tick.set(after(this.#host.clock.now(), TICK_US));
    if (this.#nextHops.refresh()) this.#fib.refresh();
    if (this.#liveness.isWaitingForBfd) {
      this.#bfd.snapshot((sessions) => {
        if (this.#phase === "running") this.#liveness.bfdSnapshot(sessions);
      });
    }
    const restored = this.#circuitLinks.restore(this.#config.circuits);
    for (const device of restored) this.#linkChanged(device);
    this.#reconfigureBfd();
    if (this.#isReapDue && this.#resumption.hasConverged(this.#speaker.view))
      this.#isReapDue = !this.#audit.start();
  }

  /** Local addresses may have come or gone. */
  #reconfigureBfd(): void {
    try {
      this.#configureBfd(this.#config);
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      this.#events.emit("error", "bfd.engine.failed", { text: error.message });
    }
  }

  #outcome(isSuccess: boolean, text: string): ReloadOutcome {
    const generation = this.#lastReload.generation + (isSuccess ? 1 : 0);
    return { generation, at: this.#host.clock.now(), isSuccess, text };
  }
}

const devicesOf = (plans: readonly SessionPlan[]): ReadonlySet<string> =>
  new Set(plans.flatMap((plan) => plan.device ?? []));
