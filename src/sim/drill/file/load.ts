import { basename } from "node:path";
import {
  type ConfigProblem,
  type Document,
  type Path,
  readDocument,
} from "../../../agent/config/document.ts";
import { loadEdgeConfig } from "../../../agent/config/load.ts";
import { parseAddress } from "../../../core/address.ts";
import { containsAddress, parsePrefix } from "../../../core/prefix.ts";
import { parseDurationUs } from "../../../core/time.ts";
import type { CloudConfig } from "../../cloud/config/cloud-config.ts";
import { loadCloud } from "../../cloud/file/load.ts";
import { toldPrefixes } from "../../cloud/network.ts";
import { isSomewhere } from "../../cloud/tables/return-path.ts";
import type { SourceReport } from "../../report/report.ts";
import { sourceOf } from "../../report/sources.ts";
import { type Budgets, DEFAULT_INVARIANTS, type Drill, type Traffic } from "../drill.ts";
import { nodesBack, waysBack } from "../way-back.ts";
import { loadAlerting } from "./load-alerting.ts";
import { lintChanges } from "./load-changes.ts";
import { findPart, type Part, type PartName, trafficOf, type Whence } from "./load-parts.ts";
import { lintPeers, sessionFaults } from "./load-peers.ts";
import { readReload } from "./load-reload.ts";
import { lintRouters, loadRouters } from "./load-routers.ts";
import { toSteps, toStopCondition } from "./load-steps.ts";
import { lintVlans } from "./load-vlans.ts";
import { bandwidthBps } from "./parameters.ts";
import { type DrillFile, DrillSchema, type StepFile } from "./schema.ts";

export interface DrillLoad {
  readonly drill: Drill | undefined;
  /** Of all three files. */
  readonly problems: readonly ConfigProblem[];
  /** The edge's file, for processes that read it themselves; empty where no file holds it. */
  readonly edgeFile: string;
  /** What stands in it, or would. */
  readonly edgeText: string;
  /** All three, with their digests; those that could be read. */
  readonly sources: readonly SourceReport[];
}

/** How the loader gets at files: `resolve` a name against the drill's, `read` it or say why not. */
export interface FileAccess {
  resolve(from: string, name: string): string;
  read(file: string): { readonly text: string } | { readonly error: string };
}

export function loadDrill(file: string, text: string, files: FileAccess): DrillLoad {
  const document = readDocument(file, text, DrillSchema);
  if (document.value === undefined) {
    const nothing = { edgeFile: "", edgeText: "", sources: [] };
    return { drill: undefined, problems: document.problems, ...nothing };
  }
  const source = document.value as DrillFile;
  const whence: Whence = { file, document, files };
  const problems: ConfigProblem[] = [];
  const find = (which: PartName): Part | undefined => {
    const found = findPart(which, source, whence);
    if ("text" in found) return found;
    problems.push(found);
    return undefined;
  };
  const [edgePart, cloudPart] = [find("edge"), find("cloud")];
  const { alerting, problems: ofAlerting } = loadAlerting(source, whence);
  problems.push(...ofAlerting);
  const others = loadRouters(source, whence);
  problems.push(...others.problems);
  const sources = [
    sourceOf("drill", basename(file), text),
    ...(edgePart === undefined ? [] : [sourceOf("edge", edgePart.name, edgePart.text)]),
    ...(cloudPart === undefined ? [] : [sourceOf("cloud", cloudPart.name, cloudPart.text)]),
    ...others.sources,
    ...(alerting === undefined
      ? []
      : [sourceOf("rules", alerting.rules.file, alerting.rules.text)]),
  ];
  const edge = edgePart && loadEdgeConfig(edgePart.file ?? edgePart.name, edgePart.text);
  const cloud = cloudPart && loadCloud(cloudPart.file ?? cloudPart.name, cloudPart.text);
  problems.push(...(edge?.problems ?? []).map((one) => edgePart?.place(one) ?? one));
  problems.push(...(cloud?.problems ?? []).map((one) => cloudPart?.place(one) ?? one));
  const parts = { edgeFile: edgePart?.file ?? "", edgeText: edgePart?.text ?? "", sources };
  const circuits = edge?.config?.circuits.map(({ name }) => name) ?? [];
  const steps = source.steps.flatMap((step, index) => {
    const read = toSteps(step, circuits, (written) => {
      const isRefused = "answer" in step && step.answer === "refused";
      const place = { path: ["steps", index], isRefused };
      const reload = readReload(written, place, edge?.config, whence);
      problems.push(...reload.problems);
      return reload.edge;
    });
    if (typeof read !== "string") return read;
    problems.push(
      document.at(["steps", index], { severity: "error", code: "D102", message: read }),
    );
    return [];
  });
  const abort = (source.abort ?? []).flatMap((condition, index) => {
    const read = toStopCondition(condition);
    if (typeof read !== "string") return read;
    const message = { severity: "error", code: "D102", message: read } as const;
    problems.push(document.at(["abort", index], message));
    return [];
  });
  if (edgePart && cloudPart && edge?.config !== undefined && cloud?.config !== undefined) {
    problems.push(...lintTogether(document, source, edge.config, cloud.config));
    const { routers } = others;
    problems.push(
      ...lintRouters(document, source, { routers, edge: edge.config, cloud: cloud.config }),
    );
    const ends = {
      edge: { part: edgePart, config: edge.config },
      cloud: { part: cloudPart, config: cloud.config },
    };
    problems.push(...lintVlans(document, source, ends));
  }
  const isSound = problems.every((problem) => problem.severity === "warning");
  if (!isSound || edge?.config === undefined || cloud?.config === undefined) {
    return { drill: undefined, problems, ...parts };
  }
  const traffic = toTraffic(source.traffic, trafficOf(source.topology));
  if (typeof traffic === "string") {
    problems.push(document.at(["traffic"], { severity: "error", code: "D102", message: traffic }));
    return { drill: undefined, problems, ...parts };
  }
  const strays = lintReturns(document, source, cloud.config, traffic);
  if (strays.length > 0) return { drill: undefined, problems: [...problems, ...strays], ...parts };
  const drill: Drill = {
    name: source.drill,
    description: source.description,
    seed: source.seed,
    edge: edge.config,
    cloud: cloud.config,
    ...(others.routers.length > 0 && { routers: others.routers }),
    traffic,
    steps,
    budgets: toBudgets(source.budgets),
    always: source.always === "default" ? DEFAULT_INVARIANTS : (source.always ?? []),
    ...(abort.length > 0 ? { abort } : {}),
    allow: source.allow ?? [],
    alerting,
  };
  return { drill, problems, ...parts };
}

const us = (text: string): number => parseDurationUs(text) ?? 0;

function toBudgets(written: DrillFile["budgets"]): Budgets {
  const source = written === "default" ? { default: true as const } : written;
  const limit = (text: string | undefined) => (text === undefined ? undefined : us(text));
  return {
    ...(source?.default === true ? { usesDefaults: true } : {}),
    detectionUsMax: limit(source?.detection),
    convergenceUsMax: limit(source?.convergence),
    outageUsMax: limit(source?.outage),
    lostPercentMax: source?.lostPercent,
    cloudUsMax: limit(source?.cloud),
    rtoUsMax:
      source?.rto &&
      Object.fromEntries(Object.entries(source.rto).map(([name, text]) => [name, us(text)])),
    routeChangesMax: source?.routeChanges,
    restoreUsMax: limit(source?.restore),
    restoreLostMax: source?.restoreLost,
    capacityPercentMax: source?.capacityPercent,
  };
}

/** The traffic, or the sentence that says what it lacks. */
function toTraffic(
  source: DrillFile["traffic"],
  known: { readonly idc: string; readonly vpc: string } | undefined,
): Traffic | string {
  const intervalUs = Math.max(1, us(source.interval));
  const { flows, rate, groups } = source;
  const { idc = known?.idc, vpc = known?.vpc } = groups === undefined ? source : {};
  const rateOf = (text: string | undefined) =>
    text === undefined ? undefined : bandwidthBps(text);
  if (groups === undefined) {
    if (idc === undefined || vpc === undefined || flows === undefined) {
      return `traffic needs "idc", "vpc" and "flows", or "groups" that have them`;
    }
    return { idc, vpc, flows, intervalUs, rateBps: rateOf(rate) };
  }
  const [first] = groups;
  const isAlsoOne = [source.idc, source.vpc, flows, rate].some((one) => one !== undefined);
  if (isAlsoOne || first === undefined)
    return `"groups" stand in place of idc, vpc, flows and rate`;
  return {
    ...{ idc: first.idc, vpc: first.vpc, intervalUs },
    flows: groups.reduce((sum, group) => sum + group.flows, 0),
    groups: groups.map((group) => ({ ...group, rateBps: rateOf(group.rate) })),
  };
}

/** What only the three files together can have wrong. */
function lintTogether(
  document: Document,
  source: DrillFile,
  edge: Drill["edge"],
  cloud: CloudConfig,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const error = (path: readonly (string | number)[], message: string) => {
    problems.push(document.at(path, { severity: "error", code: "D103", message }));
  };
  const circuits = edge.circuits.map((circuit) => circuit.name);
  const sessions = edge.circuits.flatMap((one) => one.sessions.map(({ name }) => name));
  const gateways = [...cloud.vbrs, ...cloud.vpns];
  for (const message of sessionFaults(edge, cloud)) error(["cloud"], message);
  for (const vbr of gateways) {
    if (!circuits.includes(vbr.circuit)) {
      error(["edge"], `${vbr.name} ends circuit "${vbr.circuit}", which the edge does not have`);
    }
  }
  const lintNames = (of: Pick<StepFile, "circuit" | "session" | "via">, path: Path) => {
    const isSession = sessions.includes(of.session ?? "");
    for (const name of [of.circuit, isSession ? "all" : of.session, ...(of.via ?? [])]) {
      if (name !== undefined && name !== "all" && !circuits.includes(name)) {
        error(path, `the edge has no circuit "${name}"; it has ${circuits.join(", ")}`);
      }
    }
  };
  for (const [index, step] of source.steps.entries()) lintNames(step, ["steps", index]);
  for (const [index, stop] of (source.abort ?? []).entries()) lintNames(stop, ["abort", index]);
  problems.push(...lintPeers(document, source, circuits, cloud));
  problems.push(...lintChanges(document, source, cloud));
  const announced = edge.announce.map((own) => own.prefix);
  const ends = source.traffic.groups ?? [source.traffic];
  for (const [index, { idc, vpc }] of ends.entries()) {
    const path = source.traffic.groups === undefined ? ["traffic"] : ["traffic", "groups", index];
    if (vpc !== undefined && !isWithin(vpc, toldPrefixes(cloud))) {
      error([...path, "vpc"], `${vpc} is in no prefix that ${cloud.name} tells`);
    } else if (vpc !== undefined && !isSomewhere(cloud, vpc)) {
      error([...path, "vpc"], `${vpc} is told of, but in no VPC, and there is no ECR to hold it`);
    }
    if (idc !== undefined && !isWithin(idc, announced)) {
      error([...path, "idc"], `${idc} is in no prefix the edge announces`);
    }
  }
  return problems;
}

/** A claim about a table that is not watched would hold or fail for no reason. */
function lintReturns(
  document: Document,
  source: DrillFile,
  cloud: CloudConfig,
  traffic: Traffic,
): ConfigProblem[] {
  const lint = (of: Pick<StepFile, "return" | "node">, path: Path): ConfigProblem[] => {
    const { node } = of;
    if (of.return === undefined || node === undefined) return [];
    if (waysBack({ cloud, traffic }, node).length > 0) return [];
    const known = nodesBack({ cloud, traffic }).join(", ");
    const message = `no traffic comes back by "${node}"; it does by ${known}`;
    return [document.at([...path, "node"], { severity: "error", code: "D103", message })];
  };
  return [
    ...source.steps.flatMap((step, index) => lint(step, ["steps", index])),
    ...(source.abort ?? []).flatMap((stop, index) => lint(stop, ["abort", index])),
  ];
}

function isWithin(address: string, prefixes: readonly string[]): boolean {
  const octets = parseAddress(address);
  return prefixes.some((text) => {
    const prefix = parsePrefix(text);
    return octets !== undefined && prefix !== undefined && containsAddress(prefix, octets);
  });
}
