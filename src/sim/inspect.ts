/**
 * What the commands `drill list`, `check`, `explain` and `faults` tell: drills are read, and
 * nothing is played.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { formatProblem } from "../agent/config/document.ts";
import { FILES } from "./disk-files.ts";
import type { Budgets, Drill, Step } from "./drill/drill.ts";
import { FAULT_KINDS, FAULTS, faultText } from "./drill/faults/faults.ts";
import { loadDrill } from "./drill/file/load.ts";
import type { Parameter } from "./drill/file/parameters.ts";
import { budgetsOf } from "./drill/judge/default-budgets.ts";
import { flowGroups } from "./drill/traffic.ts";
import { claimText, stopText, timesText } from "./drill/words.ts";
import { whyNotInNamespaces } from "./lab/namespaces/namespace-faults.ts";
import { whyNoRouters } from "./lab/virtual/other-routers.ts";
import { ms } from "./report/units.ts";

interface Streams {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** 0: every file is sound; 2: one is not. */
type Exit = 0 | 2;

/** The drills that come with the program. */
const SHIPPED = fileURLToPath(new URL("../../../fixtures/drills", import.meta.url));

export interface DrillRow {
  readonly file: string;
  readonly drill: string;
  readonly steps: number;
  readonly description: string;
}

/** Drills of files and folders; without any the shipped ones. What is no drill is told on `err`. */
export function listDrills(
  paths: readonly string[],
  streams: Streams,
): { readonly rows: readonly DrillRow[]; readonly exit: Exit } {
  const files = (paths.length === 0 ? [SHIPPED] : paths).flatMap(filesOf);
  const rows = files.flatMap((file) => {
    const drill = read(file, streams, "errors");
    if (drill === undefined) return [];
    const { name, description, steps } = drill;
    return [{ file, drill: name, steps: steps.length, description }];
  });
  return { rows, exit: rows.length === files.length ? 0 : 2 };
}

/** Of a folder the YAML files in it, by name. */
function filesOf(path: string): readonly string[] {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  if (!isFolder) return [path];
  const names = readdirSync(path).filter((name) => /\.ya?ml$/.test(name));
  return names.sort().map((name) => join(path, name));
}

/** Every problem with its place, and one line for each file that is sound. */
export function checkDrills(paths: readonly string[], streams: Streams): Exit {
  let exit: Exit = 0;
  for (const file of paths.flatMap(filesOf)) {
    const drill = read(file, streams, "all");
    if (drill === undefined) {
      exit = 2;
      continue;
    }
    streams.out(`${file}: drill ${drill.name} is sound, ${drill.steps.length} steps\n`);
  }
  return exit;
}

/** What a drill would do and how it would be judged, in the words of its report. */
export function explainDrill(file: string, streams: Streams): Exit {
  const drill = read(file, streams, "all");
  if (drill === undefined) return 2;
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ["steps", drill.steps.map(stepText)],
    ["broken off where", (drill.abort ?? []).map(stopText)],
    ["always", drill.always ?? []],
    ["budgets", budgetTexts(drill)],
    ["not in a lab of namespaces", labTexts(drill)],
  ];
  const lines = [
    `drill ${drill.name}: ${drill.description}`,
    `seed ${drill.seed}; edge ${drill.edge.name}, ${circuitsText(drill)}; ${trafficText(drill)}`,
    ...sections.flatMap(([title, own]) =>
      own.length === 0 ? [] : ["", title, ...own.map((line) => `  ${line}`)],
    ),
  ];
  streams.out(`${lines.join("\n")}\n`);
  return 0;
}

export interface FaultRowText {
  readonly fault: string;
  readonly of: string;
  /** What it must be given, and what it may. */
  readonly keys: string;
}

/** The table of faults as a file writes them. */
export function listFaults(): readonly FaultRowText[] {
  return FAULT_KINDS.map((fault) => {
    const { target, with: parameters } = FAULTS[fault];
    const keys = Object.values(parameters).map((one: Parameter<unknown>) => {
      const text = `${one.key}: ${shortly(one.schema.description ?? "")}`;
      return one.isRequired ? text : `[${text}]`;
    });
    return { fault, of: target, keys: keys.join("; ") };
  });
}

/** What a value looks like, out of the words an error has for it. */
function shortly(description: string): string {
  const example = /, as ([^ ,]+)/.exec(description)?.[1];
  const range = /from (\d+) to (\d+)/.exec(description);
  if (example !== undefined) return example;
  if (range !== null) return `${range[1]}…${range[2]}`;
  return description.startsWith("a name of") ? "NAME" : description;
}

function read(file: string, { err }: Streams, told: "all" | "errors"): Drill | undefined {
  const found = FILES.read(file);
  if ("error" in found) {
    err(`causeway: cannot read ${file}: ${found.error}\n`);
    return undefined;
  }
  const { drill, problems } = loadDrill(file, found.text, FILES);
  for (const problem of problems) {
    if (told === "all" || problem.severity === "error") err(`${formatProblem(problem)}\n`);
  }
  return drill;
}

function stepText(step: Step): string {
  const at = step.atUs === undefined ? "then" : `at ${ms(step.atUs / 1000)}`;
  const text =
    step.do === "expect"
      ? `expect: ${claimText(step.expect)}, ${timesText(step.expect)}`
      : faultText(step);
  return `${at.padEnd(12)}${text}`;
}

const circuitsText = ({ edge, cloud }: Drill): string =>
  `${edge.circuits.map(({ name }) => name).join(", ")}; cloud ${cloud.name}`;

function trafficText({ traffic }: Drill): string {
  const groups = flowGroups(traffic).map(({ flows, idc, vpc }) => `${flows} flows ${idc} ↔ ${vpc}`);
  return `${groups.join(", ")}, a probe every ${ms(traffic.intervalUs / 1000)} each way`;
}

const LIMITS: readonly (readonly [string, (budgets: Budgets) => number | undefined, string])[] = [
  ["detection", ({ detectionUsMax }) => detectionUsMax, "us"],
  ["convergence", ({ convergenceUsMax }) => convergenceUsMax, "us"],
  ["cloud", ({ cloudUsMax }) => cloudUsMax, "us"],
  ["outage", ({ outageUsMax }) => outageUsMax, "us"],
  ["rto p50", ({ rtoUsMax }) => rtoUsMax?.p50, "us"],
  ["rto p99", ({ rtoUsMax }) => rtoUsMax?.p99, "us"],
  ["rto max", ({ rtoUsMax }) => rtoUsMax?.max, "us"],
  ["lost", ({ lostPercentMax }) => lostPercentMax, " %"],
  ["changes of one way", ({ routeChangesMax }) => routeChangesMax, ""],
  ["restore", ({ restoreUsMax }) => restoreUsMax, "us"],
  ["lost by a repair", ({ restoreLostMax }) => restoreLostMax, " probes"],
  ["of a capacity", ({ capacityPercentMax }) => capacityPercentMax, " %"],
];

/** Of each circuit, where they differ from one to the other. */
function budgetTexts(drill: Drill): readonly string[] {
  const names = drill.edge.circuits.map(({ name }) => name);
  return LIMITS.flatMap(([title, limit, unit]) => {
    const texts = names.map((name) => {
      const value = limit(budgetsOf(drill, name));
      if (value === undefined) return undefined;
      return unit === "us" ? ms(value / 1000) : `${value}${unit}`;
    });
    if (texts.every((one) => one === undefined)) return [];
    const [first] = texts;
    const isSame = texts.every((one) => one === first);
    const told = names.map((name, index) => `${name} ${texts[index] ?? "none"}`);
    return [`${title} at most ${isSame ? first : told.join(", ")}`];
  });
}

function labTexts(drill: Drill): readonly string[] {
  const noRouters = whyNoRouters(drill);
  const ofSteps = drill.steps.flatMap((step, index) => {
    const reason = step.do === "expect" ? undefined : whyNotInNamespaces(step);
    return reason === undefined ? [] : [`step ${index + 1} cannot ${reason}`];
  });
  return noRouters === undefined ? ofSteps : [`it cannot ${noRouters}`, ...ofSteps];
}
