/**
 * Fault sets of a campaign and the steps of a drill that play one. Single faults are every kind on
 * every circuit, and those of the edge itself; double faults are every two of them at different
 * places, in both orders where time passes between them. What is claimed afterwards follows from
 * the set alone, so that a set which was made smaller still makes sense: with a circuit that
 * nothing touched the VPC is reachable, without any it is not, and after the repair every session
 * is up.
 */
import { parseDurationUs } from "../../core/time.ts";
import { FAULTS } from "../drill/faults/faults.ts";
import type { FaultKind } from "./schema.ts";

/** A step of a drill file, as plain data. */
export type StepData = Readonly<Record<string, unknown>>;

export interface Fault {
  readonly kind: FaultKind;
  /** Undefined where it is of the edge itself. */
  readonly circuit: string | undefined;
}

export interface FaultPlan {
  readonly upTo: 1 | 2;
  readonly kinds: readonly FaultKind[];
  readonly gapUs: number;
  /** From the last fault to the claims about it. */
  readonly watchUs: number;
  readonly isRepaired: boolean;
}

export const DEFAULT_KINDS: readonly FaultKind[] = [
  { do: "cut" },
  { do: "cut", direction: "to-cloud" },
  { do: "cut", direction: "to-edge" },
  { do: "shut-port" },
  { do: "restart-vbr", how: "silent", down: "3s" },
  { do: "restart-vbr", how: "graceful", down: "3s" },
];

export function faultSets(plan: FaultPlan, circuits: readonly string[]): readonly Fault[][] {
  const singles: Fault[] = [
    ...circuits.flatMap((circuit) =>
      plan.kinds.filter(isOfCircuit).map((kind) => ({ kind, circuit })),
    ),
    ...plan.kinds
      .filter((kind) => !isOfCircuit(kind))
      .map((kind) => ({ kind, circuit: undefined })),
  ];
  const sets: Fault[][] = singles.map((fault) => [fault]);
  if (plan.upTo === 1) return sets;
  for (const [index, first] of singles.entries()) {
    for (const [other, second] of singles.entries()) {
      const isOnce = other > index || plan.gapUs > 0;
      if (isOnce && first.circuit !== second.circuit) sets.push([first, second]);
    }
  }
  return sets;
}

/** A kind that no drill knows is taken for one of a circuit; the drill's schema refuses it. */
export const isOfCircuit = ({ do: what }: FaultKind): boolean => targetOf(what) === "circuit";

const targetOf = (what: string): "circuit" | "edge" | "cloud" =>
  what in FAULTS ? FAULTS[what as keyof typeof FAULTS].target : "circuit";

/** Why a kind cannot stand in a campaign; undefined where it can. */
export function whyNoKind(kind: FaultKind): string | undefined {
  if ("at" in kind || "circuit" in kind || kind.do === "expect" || kind.do === "restore") {
    return `a kind of fault says what happens to a circuit, without "at" and "circuit"`;
  }
  if (isOfCircuit(kind) || endsByItself(kind) || kind.do === "withdraw-own") return undefined;
  const lasting = kind.do === "stop-router" ? ` without "for"` : "";
  return `"${kind.do}"${lasting} is nothing that a campaign knows how to undo`;
}

/** Of those of the edge. */
const endsByItself = (kind: FaultKind): boolean =>
  ENDING.has(kind.do) || (kind.do === "stop-router" && "for" in kind);

/** `cut circuit-1 to-cloud + shut-port circuit-2`: names a set in keys, reports and heat maps. */
export function faultsText(faults: readonly Fault[]): string {
  const words = faults.map(({ kind, circuit }) => {
    const { do: what, ...rest } = kind;
    const where = circuit ?? "the edge";
    return [what, where, ...Object.values(rest).map(String)].join(" ");
  });
  return words.length === 0 ? "none" : words.join(" + ");
}

/** The steps that play a set: faults, a claim, the repair, a claim. */
export function stepsOf(
  faults: readonly Fault[],
  plan: FaultPlan,
  circuits: readonly string[],
): readonly StepData[] {
  const steps: StepData[] = faults.map(({ kind, circuit }, index) => ({
    ...kind,
    at: text(FIRST_US + index * plan.gapUs),
    ...(circuit !== undefined && { circuit }),
  }));
  const lastUs = FIRST_US + Math.max(0, faults.length - 1) * plan.gapUs;
  const watchedUs = Math.max(
    lastUs + plan.watchUs,
    ...faults.map(({ kind }, index) => FIRST_US + index * plan.gapUs + downUs(kind)),
  );
  steps.push({ do: "expect", at: text(watchedUs), ...claimOf(faults, circuits) });
  if (!plan.isRepaired) return steps;
  for (const fault of faults) {
    const repair = repairOf(fault);
    if (repair !== undefined) steps.push({ ...repair, at: text(watchedUs) });
  }
  steps.push({ do: "expect", session: "all", is: "up", within: REPAIRED_WITHIN });
  steps.push({ do: "expect", vpc: true, is: "reachable", within: CLAIMED_WITHIN });
  return steps;
}

/** Undefined where the fault ends by itself. */
function repairOf({ kind, circuit }: Fault): StepData | undefined {
  if (kind.do === "withdraw-own") return { do: "announce-own", prefix: kind.prefix };
  return circuit === undefined || downUs(kind) > 0 ? undefined : { do: "restore", circuit };
}

function claimOf(faults: readonly Fault[], circuits: readonly string[]): StepData {
  const hit = new Set(faults.map(({ circuit }) => circuit));
  const isWhole = circuits.some((circuit) => !hit.has(circuit));
  const isDead = !isWhole && faults.every(({ kind }) => DEADLY.has(kind.do));
  if (isDead) return { vpc: true, is: "unreachable", within: CLAIMED_WITHIN };
  // A router that restarts comes back by itself; what is slow or lossy may be used or not.
  const isAtOnce = isWhole && !hit.has(undefined);
  return { vpc: true, is: "reachable", within: isAtOnce ? CLAIMED_WITHIN : REPAIRED_WITHIN };
}

/** How long a fault lasts that ends by itself; 0 where it has to be repaired. */
function downUs(kind: FaultKind): number {
  const ofEdge = isOfCircuit(kind) ? undefined : (kind.for ?? EDGE_DOWN[kind.do]);
  const written = kind.down ?? ofEdge;
  return typeof written === "string" ? (parseDurationUs(written) ?? 0) : 0;
}

const text = (us: number): string => `${us}us`;

const FIRST_US = 500_000;
const CLAIMED_WITHIN = "1s";
/** Idle-hold back-off may keep a session for several seconds longer than the line needs. */
const REPAIRED_WITHIN = "120s";
/** Where nothing is said. */
const EDGE_DOWN: Readonly<Record<string, string>> = { kill: "2s", upgrade: "2s" };
const ENDING: ReadonlySet<string> = new Set(["kill", "upgrade", "freeze", "starve"]);
/** After these a circuit carries nothing. */
const DEADLY: ReadonlySet<string> = new Set(["cut", "shut-port"]);
