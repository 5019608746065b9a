/** What a drill did and claims, in the words of its report. */
import type { CloudConfig } from "../cloud/config/cloud-config.ts";
import type { Deed } from "../report/measure.ts";
import type { FaultReport, TrafficReport } from "../report/report.ts";
import { ms } from "../report/units.ts";
import type { Expectation, FaultStep, StopCondition } from "./drill.ts";
import { circuitOf, FAULTS, faultText } from "./faults/faults.ts";

/** A deed before it happened. */
export function describe(step: FaultStep, cloud: CloudConfig): Omit<Deed, "atUs" | "begunUs"> {
  const { kind, change, isOfPort }: Described = FAULTS[step.do];
  const circuit = circuitOf(step);
  const alone = circuit === undefined ? [] : [circuit];
  const own = isOfPort === true ? alone.flatMap((name) => portOf(cloud, name)) : alone;
  const touches = step.do === "reload" ? step.edge.touches : own;
  return { kind, text: faultText(step), circuit, touches, change };
}

interface Described extends Pick<Deed, "kind"> {
  readonly change?: Deed["change"];
  readonly isOfPort?: true;
}

/** Every circuit on the cloud's port of this one. */
function portOf({ vbrs }: CloudConfig, circuit: string): readonly string[] {
  const port = vbrs.find((vbr) => vbr.circuit === circuit)?.connection;
  const riders = vbrs.filter(({ connection }) => connection === port).map((vbr) => vbr.circuit);
  return riders.length === 0 ? [circuit] : riders;
}

/** The claim as a sentence, the name of its check. */
export function claimText(expect: Expectation): string {
  switch (expect.kind) {
    case "session":
      return `${expect.circuit === "all" ? "every circuit" : expect.circuit} is ${expect.is}`;
    case "reachable":
      return `the VPC is ${expect.is ? "reachable" : "unreachable"}`;
    case "event":
      return `${expect.node} ${expect.is === "told" ? "tells" : "does not tell"} ${whatOf(expect)}`;
    case "alert": {
      const labels = Object.entries(expect.of).map(([label, value]) => ` ${label}=${value}`);
      return `${expect.alert ?? "any alert"}${labels.join("")} is ${expect.is}`;
    }
    case "flows":
      return `flows are ${expect.are.replace("-", " ")}`;
    case "symmetric":
      return "every flow takes one circuit both ways";
    case "baseline":
      return "both tables are what they were before";
    case "quiet":
      return `the edge tells nothing of ${expect.of}`;
    case "return":
      return expect.via.length === 0
        ? `${expect.node ?? "the cloud"} has no way back to ${expect.prefix}`
        : `the way back to ${expect.prefix}${ofNode(expect)} is ${expect.via.join(" and ")}`;
    case "route":
      return expect.via.length === 0
        ? `no route to ${expect.prefix}`
        : `${expect.prefix} goes via ${expect.via.join(" and ")}`;
  }
}

const ofNode = ({ node }: { readonly node?: string | undefined }): string =>
  node === undefined ? "" : ` of ${node}`;

const whatOf = ({ event, of }: { readonly event: string; readonly of: string | undefined }) =>
  of === undefined ? event : `${event} of ${of}`;

/** When a drill is broken off. */
export function stopText({ claim, forUs }: StopCondition): string {
  const lasting = forUs === 0 ? "" : ` for ${ms(forUs / 1000)}`;
  if (claim.kind === "outage") return `a flow is lost${lasting}`;
  return `${claimText({ ...claim, withinUs: 0 })}${lasting}`;
}

/** How soon a claim must hold, and how long. */
export function timesText({ withinUs, forUs }: Expectation): string {
  const within = `within ${ms(withinUs / 1000)}`;
  if (forUs === undefined) return within;
  const lasting = `for ${ms(forUs / 1000)}`;
  return withinUs === 0 ? lasting : `${within}, then ${lasting}`;
}

/** The one sentence of a drill that passed: the worst figures of its faults, and all its loss. */
export function summary(
  faults: readonly FaultReport[],
  traffic: readonly TrafficReport[],
  checkCount: number,
): string {
  const ofLines = faults.filter((fault) => fault.circuit !== null);
  const worst = (name: "detection" | "convergence") => {
    const values = ofLines.flatMap((fault) => fault[`${name}Ms`] ?? []);
    if (values.length === 0) return `${name} not measured`;
    const missing = values.length < ofLines.length ? " or not measured" : "";
    return `${name} ${ms(Math.max(...values))}${missing}`;
  };
  const sum = (of: "sent" | "lost") => traffic.reduce((total, row) => total + row[of], 0);
  const gapMs = Math.max(0, ...traffic.map((row) => row.longestGapMs));
  const lost =
    sum("lost") === 0
      ? `none of ${sum("sent")} probes lost`
      : `${sum("lost")} of ${sum("sent")} probes lost, longest gap ${ms(gapMs)}`;
  const figures = ofLines.length === 0 ? [] : [worst("detection"), worst("convergence")];
  const prefix = ofLines.length > 1 ? `${ofLines.length} faults, at worst ` : "";
  return `${prefix}${[...figures, lost].join(", ")}; all ${checkCount} checks hold`;
}
