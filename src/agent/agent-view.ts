import type { SpeakerView } from "../bgp/speaker/view.ts";
import type { Micros } from "../core/time.ts";
import type { Host } from "../platform/contract.ts";
import type { BfdKeeper } from "./bfd-keeper.ts";
import type { Circuits } from "./circuits.ts";
import type { EdgeConfig } from "./config/edge-config.ts";
import type { Fib } from "./fib.ts";
import type { Liveness } from "./liveness.ts";
import type { AgentView, HealthCheck, HealthView, ReloadOutcome } from "./view.ts";

export interface AgentViewParts {
  readonly host: Pick<Host, "clock" | "wallClock">;
  readonly speaker: SpeakerView;
  readonly fib: Fib;
  readonly circuits: Circuits;
  readonly liveness: Liveness;
  readonly bfd: BfdKeeper;
  config(): EdgeConfig;
  isRunning(): boolean;
  startedAt(): Micros;
  lastReload(): ReloadOutcome;
}

/** More than the two clocks drift apart: the wall clock was set. */
const CLOCK_SET_MS = 100;

/** Assembles what others may see of an agent. */
export function createAgentView(parts: AgentViewParts): AgentView {
  const { clock, wallClock } = parts.host;
  let offsetMs: number | undefined;
  /** The same moment has the same stamp whenever it is asked for, until somebody sets the clock. */
  const wallOffsetMs = () => {
    const now = wallClock.nowMs() - clock.now() / 1_000;
    if (offsetMs === undefined || Math.abs(now - offsetMs) > CLOCK_SET_MS) offsetMs = now;
    return offsetMs;
  };
  return {
    get config() {
      return parts.config();
    },
    speaker: parts.speaker,
    get fib() {
      return parts.fib.view;
    },
    circuits: () => parts.circuits.view(),
    get capacity() {
      return parts.circuits.capacity;
    },
    path: (peer) => parts.liveness.view(peer),
    bfd: (done) => parts.bfd.snapshot(done),
    bfdRecording: (told) => parts.bfd.record(told),
    get health() {
      return judgeHealth(parts);
    },
    get lastReload() {
      return parts.lastReload();
    },
    now: () => clock.now(),
    wallMs: (at) => Math.round(at / 1_000 + wallOffsetMs()),
    get startedAt() {
      return parts.startedAt();
    },
  };
}

function judgeHealth(parts: AgentViewParts): HealthView {
  const { failure } = parts.bfd;
  const { lastFailure } = parts.fib.view.counters;
  const peers = parts.speaker.peers().filter((peer) => !peer.config.isShutdown);
  const established = peers.filter((peer) => peer.state === "Established").length;
  const reload = parts.lastReload();
  const checks: HealthCheck[] = [
    { name: "started", isOk: parts.isRunning(), text: parts.isRunning() ? "running" : "stopped" },
    { name: "bfd-engine", isOk: failure === undefined, text: failure ?? "running" },
    {
      name: "fib",
      isOk: lastFailure === undefined,
      text: lastFailure ? `${lastFailure.subject}: ${lastFailure.text}` : "as wanted",
    },
    {
      name: "sessions",
      isOk: established > 0 || peers.length === 0,
      text: `${established} of ${peers.length} Established`,
    },
    { name: "config", isOk: reload.isSuccess, text: reload.text },
  ];
  const isOk = (name: HealthCheck["name"]) => checks.every((c) => c.name !== name || c.isOk);
  return {
    isHealthy: isOk("started") && isOk("bfd-engine") && isOk("fib"),
    isReady: isOk("started") && isOk("sessions"),
    checks,
  };
}
