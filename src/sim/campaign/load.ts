/**
 * Reads a campaign and everything it refers to. Besides its own shape, every kind of fault, every
 * swept path and every value is tried once on the base drill, so that what cannot be played is said
 * before the first run, at its line of the campaign's file.
 */
import { type ConfigProblem, type Document, readDocument } from "../../agent/config/document.ts";
import { parseDurationUs } from "../../core/time.ts";
import type { Drill } from "../drill/drill.ts";
import { type FileAccess, loadDrill } from "../drill/file/load.ts";
import {
  type Campaign,
  type DrillFiles,
  FAULTS_AXIS,
  runCount,
  type Sweep,
  withPath,
  withSteps,
} from "./campaign.ts";
import {
  DEFAULT_KINDS,
  type FaultPlan,
  faultSets,
  faultsText,
  isOfCircuit,
  stepsOf,
  whyNoKind,
} from "./faults.ts";
import { dataOf, parsePath } from "./overlay.ts";
import { type CampaignFile, CampaignSchema, type FaultKind, isConfigPath } from "./schema.ts";

/** More runs than this are a mistake in a file, not a campaign. */
const RUNS_MAX = 1_000_000;

/** What is the same in every run, put into the files; or what is wrong with it. */
function withSet(
  document: Document,
  set: Readonly<Record<string, unknown>>,
  found: DrillFiles,
): DrillFiles | readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  let files = found;
  for (const [text, value] of Object.entries(set)) {
    const next = isConfigPath(text) ? withPath(files, parsePath(text), value) : undefined;
    const message = `${text} leads nowhere; a path is written as edge.circuits.*.bfd.interval`;
    if (next === undefined) {
      problems.push(document.at(["set", text], { severity: "error", code: "K102", message }));
    } else files = next;
  }
  return problems.length > 0 ? problems : files;
}

type Resolve = FileAccess["resolve"];

export interface CampaignLoad {
  readonly campaign: Campaign | undefined;
  readonly problems: readonly ConfigProblem[];
}

export function loadCampaign(file: string, text: string, files: FileAccess): CampaignLoad {
  const document = readDocument(file, text, CampaignSchema);
  if (document.value === undefined) return { campaign: undefined, problems: document.problems };
  const source = document.value as CampaignFile;
  const drillFile = files.resolve(file, source.drill);
  const found = files.read(drillFile);
  if ("error" in found) {
    const message = `cannot read ${drillFile}: ${found.error}`;
    const problem = document.at(["drill"], { severity: "error", code: "K101", message });
    return { campaign: undefined, problems: [problem] };
  }
  const captured = captureDrill(drillFile, found.text, files);
  if (captured.drill === undefined) return { campaign: undefined, problems: captured.problems };
  const set = withSet(document, source.set ?? {}, captured.files);
  if (!("text" in set)) return { campaign: undefined, problems: set };
  const campaign = toCampaign(file, source, { found: captured.files, base: set }, captured.drill);
  const judge: Judge = {
    document,
    firstProblem: (changed) => firstProblem(changed, files.resolve),
  };
  const all = [...captured.problems, ...lintCampaign(source, campaign, judge)];
  const problems = all.sort((a, b) => a.line - b.line || a.column - b.column);
  const isSound = problems.every(({ severity }) => severity === "warning");
  return { campaign: isSound ? campaign : undefined, problems };
}

function toCampaign(
  file: string,
  source: CampaignFile,
  { found, base }: Pick<Campaign, "found" | "base">,
  drill: Drill,
): Campaign {
  const circuits = drill.edge.circuits.map(({ name }) => name);
  const plan = source.faults === undefined ? undefined : toPlan(source.faults);
  return {
    name: source.campaign,
    description: source.description,
    file,
    found,
    base,
    circuits,
    seeds: toSeeds(source.seeds, drill.seed),
    sweeps: (source.sweep ?? []).map(toSweep),
    faults: plan && { plan, sets: faultSets(plan, circuits) },
  };
}

/** The drill as it stands on disk, with the text of every file its loader asked for. */
function captureDrill(
  file: string,
  text: string,
  files: FileAccess,
): { drill: Drill | undefined; files: DrillFiles; problems: readonly ConfigProblem[] } {
  const others: Record<string, string> = {};
  const { drill, problems } = loadDrill(file, text, {
    resolve: files.resolve,
    read(name) {
      const found = files.read(name);
      if ("text" in found) others[name] = found.text;
      return found;
    },
  });
  const data = dataOf(text) as Readonly<Record<string, unknown>> | null;
  const nameOf = (key: "edge" | "cloud") => {
    const named = data?.[key];
    return typeof named === "string" ? files.resolve(file, named) : undefined;
  };
  const captured = { file, text, others, edge: nameOf("edge"), cloud: nameOf("cloud") };
  return { drill, files: captured, problems };
}

/** The loader's way to the files of a variant: what was captured or changed, nothing else. */
export function accessTo({ others }: DrillFiles, resolve: Resolve): FileAccess {
  return {
    resolve,
    read(name) {
      const text = others[name];
      return text === undefined ? { error: "the base drill does not use it" } : { text };
    },
  };
}

const us = (text: string | undefined, fallback: number): number =>
  (text === undefined ? undefined : parseDurationUs(text)) ?? fallback;

function toPlan(source: NonNullable<CampaignFile["faults"]>): FaultPlan {
  return {
    upTo: source.upTo ?? 1,
    kinds: (source.kinds as readonly FaultKind[] | undefined) ?? DEFAULT_KINDS,
    gapUs: us(source.gap, 500_000),
    watchUs: us(source.watch, 5_000_000),
    isRepaired: source.repair ?? true,
  };
}

function toSeeds(source: CampaignFile["seeds"], ofDrill: number): readonly number[] {
  if (source === undefined) return [ofDrill];
  if ("count" in source) return Array.from({ length: source.count }, (_, i) => source.from + i);
  return source;
}

function toSweep({ name, path, values }: NonNullable<CampaignFile["sweep"]>[number]): Sweep {
  const paths = (typeof path === "string" ? [path] : path).map(parsePath);
  const ends = paths.flatMap(({ keys }) => keys.slice(-2).join("."));
  return { name: name ?? ends[0] ?? "value", paths, values };
}

interface Judge {
  readonly document: Document;
  /** Why these files cannot be played. */
  firstProblem(files: DrillFiles): string | undefined;
}

function lintCampaign(
  source: CampaignFile,
  campaign: Campaign,
  { document, firstProblem }: Judge,
): readonly ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const error = (path: readonly (string | number)[], message: string) => {
    problems.push(document.at(path, { severity: "error", code: "K102", message }));
  };
  lintNames(campaign, error);
  if (new Set(campaign.seeds).size < campaign.seeds.length) error(["seeds"], "a seed occurs twice");
  if (runCount(campaign) > RUNS_MAX) {
    error([], `these axes make ${runCount(campaign)} runs, more than ${RUNS_MAX}`);
  }
  for (const { path, text, files } of trials(source, campaign, error)) {
    const first = firstProblem(files);
    if (first !== undefined) error(path, `${text}: ${first}`);
  }
  return problems;
}

type Tell = (path: readonly (string | number)[], message: string) => void;

function lintNames(campaign: Campaign, error: Tell): void {
  const names = [FAULTS_AXIS, "seed"];
  for (const [index, { name, values }] of campaign.sweeps.entries()) {
    if (names.includes(name)) {
      error(["sweep", index], `two axes are called "${name}"; give one a "name"`);
    }
    names.push(name);
    const words = values.map(String);
    const twice = words.find((word, at) => words.indexOf(word) !== at);
    if (twice !== undefined) error(["sweep", index, "values"], `the value ${twice} occurs twice`);
  }
}

interface Trial {
  readonly path: readonly (string | number)[];
  /** What is tried. */
  readonly text: string;
  readonly files: DrillFiles;
}

/** What is set, every kind of fault alone, then every value of every sweep alone. */
function* trials(source: CampaignFile, campaign: Campaign, error: Tell): Generator<Trial> {
  const { faults, circuits, base } = campaign;
  const [circuit = ""] = circuits;
  if (source.set !== undefined) yield { path: ["set"], text: "with all this set", files: base };
  for (const [index, kind] of faults?.plan.kinds.entries() ?? []) {
    if (faults === undefined) return;
    const path = source.faults?.kinds === undefined ? ["faults"] : ["faults", "kinds", index];
    const set = [{ kind, circuit: isOfCircuit(kind) ? circuit : undefined }];
    const why = whyNoKind(kind);
    if (why !== undefined) {
      error(path, why);
      continue;
    }
    const files = withSteps(base, stepsOf(set, faults.plan, circuits));
    yield { path, text: faultsText(set), files };
  }
  const [set = []] = faults?.sets ?? [];
  const steps = faults && stepsOf(set, faults.plan, circuits);
  const files = steps === undefined ? base : withSteps(base, steps);
  for (const [index, sweep] of campaign.sweeps.entries()) {
    yield* trialsOf(files, sweep, ["sweep", index], error);
  }
}

function* trialsOf(
  files: DrillFiles,
  sweep: Sweep,
  path: readonly [string, number],
  error: Tell,
): Generator<Trial> {
  for (const [index, value] of sweep.values.entries()) {
    let changed = files;
    for (const at of sweep.paths) {
      const next = withPath(changed, at, value);
      if (next === undefined) {
        error([...path, "path"], `${[at.file, ...at.keys].join(".")} leads nowhere`);
        return;
      }
      changed = next;
    }
    yield { path: [...path, "values", index], text: String(value), files: changed };
  }
}

function firstProblem(files: DrillFiles, resolve: Resolve): string | undefined {
  const { drill, problems } = loadDrill(files.file, files.text, accessTo(files, resolve));
  if (drill !== undefined) return undefined;
  const [first] = problems.filter(({ severity }) => severity === "error");
  return first?.message ?? "it cannot be played";
}
