/**
 * Steps of a drill's file, read against the table of faults: what a step lacks, what it has too
 * much, and the two that stand for several (`circuit: all`, `flap`).
 */
import { Value } from "@sinclair/typebox/value";
import { parseDurationUs } from "../../../core/time.ts";
import type { Claim, Expectation, FaultStep, Step, StopCondition } from "../drill.ts";
import { FAULTS, type Fault, type FaultKind } from "../faults/faults.ts";
import { type FindEdge, inWords, type Parameter } from "./parameters.ts";
import type { StepFile, StopFile } from "./schema.ts";

/** The steps it stands for, or the sentence that says what is wrong with it. */
export function toSteps(
  source: StepFile,
  circuits: readonly string[],
  find: FindEdge,
): readonly Step[] | string {
  if (source.do !== "expect") return toFaults(source, circuits, find);
  const surplus = surplusOf(source, CLAIM_KEYS);
  if (surplus !== undefined) return surplus;
  const expect = toExpectation(source);
  if (typeof expect === "string") return expect;
  return [{ do: "expect", atUs: source.at === undefined ? undefined : us(source.at), expect }];
}

const us = (text: string): number => parseDurationUs(text) ?? 0;

function toFaults(
  source: StepFile,
  circuits: readonly string[],
  find: FindEdge,
): readonly Step[] | string {
  const kind = source.do as FaultKind;
  const row = FAULTS[kind];
  const parameters: readonly [string, Parameter<unknown>][] = Object.entries(row.with);
  const isOfCircuit = row.target === "circuit";
  const keys = parameters.map(([, { key }]) => key);
  const surplus = surplusOf(source, ["at", ...(isOfCircuit ? ["circuit"] : []), ...keys]);
  if (surplus !== undefined) return surplus;
  if (source.at === undefined) return `"${kind}" needs "at": when it happens`;
  if (isOfCircuit && source.circuit === undefined) return `"${kind}" needs "circuit"`;
  const written: Readonly<Record<string, unknown>> = { ...source };
  for (const [, { key, isRequired, schema }] of parameters) {
    const value = written[key];
    if (isRequired && value === undefined) return `"${kind}" needs "${key}"`;
    if (value === undefined || Value.Check(schema, value)) continue;
    return `"${key}" of "${kind}" is ${schema.description}`;
  }
  const values = Object.fromEntries(
    parameters.map(([name, { key, read }]) => [name, read(written[key], find)]),
  );
  const { check } = row as { check?: (of: unknown) => string | undefined };
  const lack = check?.(values);
  if (lack !== undefined) return `"${kind}": ${lack}`;
  const atUs = us(source.at);
  const named = source.circuit === "all" ? circuits : [source.circuit];
  const made = (isOfCircuit ? named : [undefined]).flatMap((circuit) => {
    const one = { do: kind, atUs, ...values, ...(circuit !== undefined && { circuit }) };
    return expand(one as unknown as Fault & { readonly atUs: number });
  });
  return made.sort((a, b) => a.atUs - b.atUs);
}

/** A line that flaps is cut for half of every period. */
function expand(step: Fault & { readonly atUs: number }): readonly FaultStep[] {
  if (step.do !== "flap") return [step];
  const { circuit, direction, carrier, periodUs, times } = step;
  return Array.from({ length: times }, (_, turn) => step.atUs + turn * periodUs).flatMap(
    (atUs): FaultStep[] => [
      { do: "cut", atUs, circuit, direction, carrier },
      { do: "restore", atUs: atUs + Math.floor(periodUs / 2), circuit },
    ],
  );
}

const CLAIM_KEYS = [
  ...["at", "session", "is", "vpc", "route", "return", "via", "event", "of", "node", "flows"],
  ...["symmetric", "baseline", "quiet", "alert", "within", "for"],
];

function surplusOf(source: StepFile, keys: readonly string[]): string | undefined {
  const surplus = Object.keys(source).filter((key) => key !== "do" && !keys.includes(key));
  if (surplus.length === 0) return undefined;
  const known = keys.length === 0 ? "none" : inWords(keys);
  return `"${source.do}" has no key "${surplus.join('", "')}"; it takes ${known}`;
}

function toExpectation(source: StepFile): Expectation | string {
  const { within, for: lasting } = source;
  if (within === undefined && lasting === undefined) {
    return `"expect" needs "within": how long it may take, or "for": how long it must last`;
  }
  const claim = toClaim(source);
  if (typeof claim === "string") return claim;
  const times = { withinUs: within === undefined ? 0 : us(within) };
  return { ...claim, ...times, ...(lasting === undefined ? {} : { forUs: us(lasting) }) };
}

/** A condition that breaks the drill off, or what is wrong with it. */
export function toStopCondition(source: StopFile): StopCondition | string {
  const { outage, for: lasting, ...claim } = source;
  const written = Object.keys(claim);
  if (outage !== undefined) {
    if (written.length === 0 && lasting === undefined) {
      return { claim: { kind: "outage" }, forUs: us(outage) };
    }
    return `"outage" stands alone: it says how long a flow may be lost`;
  }
  if (written.includes("within")) return `a stop condition has no "within", only "for"`;
  const found = toClaim({ ...source, do: "expect" });
  if (typeof found === "string") return found.replace('"expect"', "a stop condition");
  if (found.kind === "alert") return "alerts are judged when a drill is over: none can stop it";
  if (found.kind === "quiet") return `"quiet" is about a step, and is no stop condition`;
  return { claim: found, forUs: lasting === undefined ? 0 : us(lasting) };
}

function toClaim(source: StepFile): Claim | string {
  const { session, is, vpc, route, via } = source;
  if (source.alert !== undefined) return toAlertClaim(source.alert, source);
  if (session !== undefined) {
    if (is !== "up" && is !== "down") return `"expect" of a session needs "is: up" or "is: down"`;
    return { kind: "session", circuit: session, is };
  }
  if (route !== undefined) {
    if (via === undefined) return `"expect" of a route needs "via": its circuits, [] for none`;
    return { kind: "route", prefix: route, via };
  }
  if (source.return !== undefined) {
    if (via === undefined) return `"expect" of a return needs "via": its circuits, [] for none`;
    return { kind: "return", prefix: source.return, via, node: source.node };
  }
  if (source.event !== undefined) {
    const { event, of, node = "edge" } = source;
    if (is !== undefined && is !== "told" && is !== "untold") {
      return `"expect" of an event needs "is: told" or "is: untold"`;
    }
    if (typeof of === "object") return `"of" of an event is a name`;
    return { kind: "event", event, of, node, is: is ?? "told" };
  }
  if (source.flows !== undefined) return { kind: "flows", are: source.flows };
  if (source.symmetric === true) return { kind: "symmetric" };
  if (source.baseline === true) return { kind: "baseline" };
  if (source.quiet !== undefined) return { kind: "quiet", of: source.quiet };
  if (vpc === true && (is === "reachable" || is === "unreachable")) {
    return { kind: "reachable", is: is === "reachable" };
  }
  const others = `"event", "alert", "flows", "symmetric", "baseline", "quiet"`;
  return `"expect" needs "session", "route", "return", ${others} or "vpc: true" with "is"`;
}

function toAlertClaim(alert: string, { is, of = {}, within, for: lasting }: StepFile) {
  if (is !== "firing" && is !== "resolved" && is !== "silent") {
    return `"expect" of an alert needs "is: firing", "is: resolved" or "is: silent"`;
  }
  if (typeof of === "string") return `"of" of an alert are labels, as { peer: ${of} }`;
  if (is === "silent" && (within !== undefined || lasting === undefined)) {
    return `an alert that "is: silent" needs "for": how long, and no "within"`;
  }
  if (is !== "silent" && within === undefined) {
    return `an alert that "is: ${is}" needs "within": how long it may take`;
  }
  return { kind: "alert", alert: alert === "any" ? undefined : alert, is, of } as const;
}
