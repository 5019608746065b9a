import type { SpeakerInput } from "../bgp/speaker/inputs.ts";
import type { SpeakerView } from "../bgp/speaker/view.ts";
import type { CircuitConfig, EdgeConfig } from "./config/edge-config.ts";
import type { Events } from "./event-journal.ts";
import type { FailbackKeeper } from "./failback/keeper.ts";
import type { FailbackView } from "./failback/machine.ts";

/** What became of an order, in one sentence. */
export type OrderOutcome =
  | { readonly kind: "done"; readonly isChanged: boolean; readonly text: string }
  /** It cannot be carried out as things are. */
  | { readonly kind: "refused"; readonly text: string }
  | { readonly kind: "unknown"; readonly known: readonly string[] };

/** The few things a person may tell a running edge; whatever lasts belongs into the file. */
export interface AgentOrders {
  /** A held circuit may come back: its failures are forgotten, and it soaks. */
  releaseCircuit(name: string): OrderOutcome;
  /** Both ends are asked to keep off the circuit while there is another; until undrained. */
  drainCircuit(name: string): OrderOutcome;
  undrainCircuit(name: string): OrderOutcome;
  /** Starts a session that waits for an operator, as after `maxPrefix: { action: shutdown }`. */
  startPeer(name: string): OrderOutcome;
}

export interface OrderParts {
  readonly failback: FailbackKeeper;
  readonly speaker: SpeakerView;
  readonly events: Events;
  config(): EdgeConfig;
  deliver(input: SpeakerInput): void;
}

export function createOrders(parts: OrderParts): AgentOrders {
  return {
    releaseCircuit: (name) => onCircuit(parts, name, releaseCircuit),
    drainCircuit: (name) => onCircuit(parts, name, (on, circuit) => drain(on, circuit, true)),
    undrainCircuit: (name) => onCircuit(parts, name, (on, circuit) => drain(on, circuit, false)),
    startPeer: (name) => startPeer(parts, name),
  };
}

function onCircuit(
  parts: OrderParts,
  name: string,
  act: (parts: OrderParts, circuit: CircuitConfig) => OrderOutcome,
): OrderOutcome {
  const { circuits } = parts.config();
  const circuit = circuits.find((one) => one.name === name);
  if (circuit === undefined) return { kind: "unknown", known: circuits.map((one) => one.name) };
  return act(parts, circuit);
}

function releaseCircuit(parts: OrderParts, circuit: CircuitConfig): OrderOutcome {
  const { name } = circuit;
  if (!viewsOf(parts, circuit).some(({ phase }) => phase === "held")) {
    return { kind: "refused", text: `${name} is not held: nothing to release` };
  }
  report(parts, "circuit release", name);
  parts.failback.release(name);
  const isUp = viewsOf(parts, circuit).some(({ phase }) => phase === "soaking");
  const next = isUp ? "it soaks now" : "it soaks once it is up";
  return { kind: "done", isChanged: true, text: `${name} is released: ${next}` };
}

function drain(parts: OrderParts, circuit: CircuitConfig, isOn: boolean): OrderOutcome {
  const { name } = circuit;
  const isChanged = viewsOf(parts, circuit).some(({ isDrained }) => isDrained !== isOn);
  const is = isOn ? "drained" : "not drained";
  if (!isChanged) return { kind: "done", isChanged, text: `${name} is ${is} already` };
  report(parts, isOn ? "circuit drain" : "circuit undrain", name);
  parts.failback.drain(name, isOn);
  const text = isOn
    ? `${name} is drained: both ends use it where nothing else is left, until it is undrained`
    : `${name} is no longer drained`;
  return { kind: "done", isChanged, text };
}

function startPeer(parts: OrderParts, name: string): OrderOutcome {
  const { speaker } = parts;
  const before = speaker.peer(name);
  if (before === undefined) {
    return { kind: "unknown", known: speaker.peers().map((peer) => peer.name) };
  }
  if (before.state !== "Idle") {
    const text = `${name} is started already: it is ${before.state}`;
    return { kind: "done", isChanged: false, text };
  }
  if (before.config.isShutdown) {
    const text = `${name} is shut down in the configuration: take "shutdown" out and reload`;
    return { kind: "refused", text };
  }
  if (before.isHeldOff) {
    return { kind: "refused", text: `${name} cannot start: ${before.downReason ?? "held off"}` };
  }
  report(parts, "peer start", name);
  parts.deliver({ kind: "admin", peer: name, action: "start", text: "" });
  return { kind: "done", isChanged: true, text: `${name} starts` };
}

function report({ events }: OrderParts, order: string, name: string): void {
  events.emit("info", "agent.order", { order, name });
}

const viewsOf = ({ failback }: OrderParts, circuit: CircuitConfig): readonly FailbackView[] =>
  circuit.sessions.flatMap(({ name }) => failback.view(name) ?? []);
