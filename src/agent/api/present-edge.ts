import type { BfdSessionView } from "../../bfd/sessions/contract.ts";
import { parsePrefix } from "../../core/prefix.ts";
import { US_PER_SEC } from "../../core/time.ts";
import { type CircuitView, useOf } from "../circuits.ts";
import type { FailbackView } from "../failback/machine.ts";
import type { FibGroupView } from "../fib.ts";
import type { JournalEntry, JournalView } from "../journal.ts";
import { bfdDiagnosticText } from "../liveness.ts";
import type { AgentView } from "../view.ts";
import { ApiError, familyName, nowOf, stampMs, stampOf } from "./present.ts";
import type {
  Bfd,
  Circuits,
  Config,
  Event,
  Events,
  Fib,
  FibGroup,
  FibRoute,
  Health,
} from "./schemas.ts";

/** How long the BFD engine may take to answer before the caller is told. */
const ENGINE_ANSWER_MS_MAX = 1_000;

/** The engine's sessions; an engine that does not answer in time is an error, not an empty list. */
export function askBfd(view: AgentView): Promise<readonly BfdSessionView[]> {
  return new Promise((resolve, reject) => {
    const message = `the BFD engine did not answer within ${ENGINE_ANSWER_MS_MAX} ms`;
    const timer = setTimeout(
      () => reject(new ApiError(504, "API_BFD_SILENT", message)),
      ENGINE_ANSWER_MS_MAX,
    );
    view.bfd((sessions) => {
      clearTimeout(timer);
      resolve(sessions);
    });
  });
}

export function presentBfd(view: AgentView, sessions: readonly BfdSessionView[]): Bfd {
  return {
    schema: "causeway.bfd/v1",
    at: nowOf(view),
    sessions: sessions.map((session) => {
      const { name, device, since, lastPacketAt, ...rest } = session;
      return {
        ...rest,
        session: name,
        device: device ?? null,
        since: stampOf(view, since),
        diagText: bfdDiagnosticText(session.diag),
        remoteDiagText: bfdDiagnosticText(session.remoteDiag),
        isStrict: view.path(name)?.isStrict ?? false,
        lastPacketAgoMs: lastPacketAt === undefined ? null : (view.now() - lastPacketAt) / 1_000,
        txLateness: histogramOf(session.txLateness),
        rxGap: histogramOf(session.rxGap),
      };
    }),
  };
}

export function presentCircuits(view: AgentView): Circuits {
  return {
    schema: "causeway.circuits/v1",
    at: nowOf(view),
    capacity: view.capacity ? { ...view.capacity, lost: view.capacity.lost ?? null } : null,
    circuits: view.circuits().map((circuit) => ({
      circuit: circuit.name,
      profile: circuit.config.profile,
      state: circuit.state,
      since: stampOf(view, circuit.since),
      reason: circuit.reason ?? null,
      device: circuit.config.device,
      vlan: circuit.config.vlan?.id ?? null,
      isLinkUp: circuit.isLinkUp,
      weight: circuit.config.weight,
      capacityBps: circuit.config.capacityBps ?? null,
      use: circuit.use,
      useReason: useReason(view, circuit) ?? null,
      sessions: circuit.sessions.map(({ peer, state, isUsable, failback }) => ({
        ...{ peer, state: state ?? null, bfd: view.path(peer)?.bfd ?? null, isUsable },
        failback: failback === undefined ? null : presentFailback(view, failback),
      })),
    })),
  };
}

function presentFailback(view: AgentView, failback: FailbackView) {
  const { since, until, failure, ...rest } = failback;
  return {
    ...rest,
    since: stampOf(view, since),
    until: until === undefined ? null : stampOf(view, until),
    failure: failure ?? null,
  };
}

/** Why a circuit is not in use although it may be up, and until when; undefined where it is. */
function useReason(view: AgentView, { use, sessions }: CircuitView): string | undefined {
  const worst = sessions.find(({ failback }) => failback && useOf(failback) === use)?.failback;
  if (worst === undefined || use === "in-use" || use === "out") return undefined;
  const { failures, failure, until, isNeeded } = worst;
  const used = isNeeded ? "; used all the same, since nothing else is up" : "";
  if (use === "drained") return "an operator drained it";
  if (use === "held") return `it failed ${failures} times, last: ${failure}${used}`;
  const waitUs = Math.max(0, (until ?? 0) - view.now());
  const waitSec = Math.ceil(waitUs / US_PER_SEC);
  const next = use === "soaking" ? "returns" : "is in use";
  const last = failure === undefined ? "" : `, if it stays up (${failure})`;
  return `it ${next} in ${waitSec}s${last}${used}`;
}

export function presentFib(view: AgentView): Fib {
  const { fib } = view;
  const { errors, drift, lastFailure } = fib.counters;
  return {
    schema: "causeway.fib/v1",
    at: nowOf(view),
    kind: fib.kind,
    routes: fib.routes,
    isSynced: fib.isSynced,
    pendingOperations: fib.pendingOperations,
    groups: fib.groups().map(presentGroup),
    errors: errors.map((entry) => ({ ...entry })),
    lastFailure: lastFailure ? { ...lastFailure } : null,
    drift,
  };
}

export function presentFibRoute(view: AgentView, prefix: string): FibRoute {
  if (parsePrefix(prefix) === undefined) {
    throw new ApiError(400, "API_PREFIX_INVALID", `"${prefix}" is no prefix without host bits`);
  }
  const group = view.fib.route(prefix);
  if (group === undefined) {
    throw new ApiError(404, "API_ROUTE_UNKNOWN", `the FIB has no route for ${prefix}`);
  }
  const at = nowOf(view);
  return { schema: "causeway.fib.route/v1", at, prefix, group: presentGroup(group) };
}

export function presentGroup(group: FibGroupView): FibGroup {
  return {
    id: group.id,
    family: familyName(group.afi),
    via: group.via,
    circuits: [...group.circuits],
    hops: group.hops.map((hop) => ({ ...hop })),
  };
}

export function presentEvents(view: AgentView, journal: JournalView, since: number): Events {
  return {
    schema: "causeway.events/v1",
    at: nowOf(view),
    lastSeq: journal.lastSeq,
    events: journal.since(since).map(presentEvent),
  };
}

export function presentEvent(entry: JournalEntry): Event {
  const fields: Event["fields"] = {};
  for (const [name, value] of Object.entries(entry.fields)) {
    if (value !== undefined) fields[name] = value;
  }
  const { seq, level, event } = entry;
  return { seq, at: stampMs(entry.wallMs), monotonicUs: entry.at, level, event, fields };
}

export function presentHealth(view: AgentView): Health {
  const { isHealthy, isReady, checks } = view.health;
  const list = checks.map(({ name, isOk, text }) => ({ name, isOk, text }));
  return { schema: "causeway.health/v1", at: nowOf(view), isHealthy, isReady, checks: list };
}

/** Compiled policies are shown by name, secrets as `***`, keys of BFD not at all. */
export function presentConfig(view: AgentView): Config {
  return {
    schema: "causeway.config/v1",
    at: nowOf(view),
    generation: view.lastReload.generation,
    config: redact(view.config),
  };
}

function redact(value: unknown): unknown {
  if (typeof value === "function") return undefined;
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return "***";
  if ("toJSON" in value && typeof value.toJSON === "function") return value.toJSON();
  if (Array.isArray(value)) return value.map(redact);
  if ("evaluate" in value && "name" in value) return value.name;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redact(inner)]));
}

const histogramOf = (histogram: BfdSessionView["txLateness"]) => ({
  boundsUs: [...histogram.boundsUs],
  counts: [...histogram.counts],
  sumUs: histogram.sumUs,
});
