import { formatDurationUs } from "../../core/time.ts";
import { lossesOf } from "../capacity.ts";
import { buildFailback } from "./build-failback.ts";
import type { CircuitDraft, Draft } from "./draft.ts";
import { type Problems, sentence } from "./problem.ts";
import { formatBandwidth, parseBandwidthBps } from "./units.ts";

/** Which circuit carries what, before and after the loss of one. */
export function lintFailover(draft: Draft, problems: Problems): void {
  const ordered = lintOrder(draft, problems);
  if (ordered !== undefined) lintCapacity(draft, ordered, problems);
  lintMultipath(draft, problems);
  lintFailback(draft, problems);
}

/** The circuits in the order they are used; undefined where the file does not say. */
function lintOrder(draft: Draft, problems: Problems): readonly CircuitDraft[] | undefined {
  const { failover } = draft.file;
  const { circuits } = draft;
  const order = failover?.order;
  if (order === undefined) return circuits;
  const names = circuits.map((circuit) => circuit.source.name);
  const path = ["failover", "order"];
  if (failover?.mode !== "active-standby") {
    const message = "ecmp uses all circuits at once; an order goes with active-standby";
    problems.report("E414", path, message, "key");
    return circuits;
  }
  for (const [index, name] of order.entries()) {
    const known = names.join(", ") || "none";
    if (!names.includes(name)) {
      problems.report(
        "E414",
        [...path, index],
        `there is no circuit "${name}"; there are ${known}`,
      );
    } else if (order.indexOf(name) !== index) {
      problems.report("E414", [...path, index], `"${name}" is in the order twice`);
    }
  }
  const missing = names.filter((name) => !order.includes(name));
  if (missing.length > 0) {
    problems.report("E414", path, `the order leaves out ${missing.join(", ")}`);
    return undefined;
  }
  return order.flatMap((name) => circuits.filter((circuit) => circuit.source.name === name));
}

function lintCapacity(draft: Draft, ordered: readonly CircuitDraft[], problems: Problems): void {
  const { failover } = draft.file;
  const loadBps = parseBandwidthBps(failover?.load ?? "");
  if (loadBps === undefined) return;
  const unknown = ordered.filter(({ source }) => source.capacity === undefined);
  if (unknown.length > 0) {
    const names = unknown.map(({ source }) => source.name).join(", ");
    const message = `whether a loss can be carried is unknown: no capacity is written for ${names}`;
    problems.report("W413", ["failover", "load"], message);
    return;
  }
  const lines = ordered.map((circuit) => ({
    name: circuit.source.name,
    capacityBps: capacityOf(circuit),
    weight: circuit.source.weight ?? 1,
  }));
  for (const { lost, leftBps } of lossesOf(failover?.mode ?? "ecmp", lines)) {
    if (leftBps >= loadBps) continue;
    const rest =
      leftBps === 0 ? "nothing carries" : `the others carry ${formatBandwidth(leftBps)} of`;
    const message = `after the loss of "${lost}" ${rest} the load of ${formatBandwidth(loadBps)}`;
    problems.report("W412", ["failover", "load"], message);
  }
}

function lintMultipath({ file, circuits }: Draft, problems: Problems): void {
  if (file.failover?.mode === "active-standby" || circuits.length < 2) return;
  const { ebgp, relax } = file.multipath ?? {};
  if (ebgp !== undefined && ebgp < circuits.length) {
    const message = sentence(
      `multipath.ebgp ${ebgp} leaves out some of the ${circuits.length} circuits that`,
      "ecmp is to use",
    );
    problems.report("W313", ["multipath", "ebgp"], message);
  }
  const remotes = circuits.map((circuit) => circuit.sessions[0]?.remoteAs ?? 0);
  const ases = new Set(remotes.filter((as) => as !== 0));
  if (ases.size > 1 && relax !== true) {
    const message = sentence(
      `the circuits lead to AS ${[...ases].join(" and ")}; ecmp joins paths of`,
      "different ASes only with multipath.relax: true",
    );
    const at = file.failover === undefined ? ["circuits"] : ["failover", "mode"];
    problems.report("W313", at, message, "key");
  }
}

function lintFailback({ file }: Draft, problems: Problems): void {
  const failback = buildFailback(file.failover?.failback ?? {});
  if (failback?.flapsMax === undefined) return;
  const { soakUs, stepUs, perUs } = failback;
  if (perUs > soakUs + stepUs) return;
  const message = sentence(
    `failures are forgotten after ${formatDurationUs(perUs)}, before a circuit is back in use`,
    `(${formatDurationUs(soakUs + stepUs)}): only one that fails while it soaks is ever held`,
  );
  problems.report("W416", ["failover", "failback"], message, "key");
}

const capacityOf = ({ source }: CircuitDraft): number =>
  parseBandwidthBps(source.capacity ?? "") ?? 0;
