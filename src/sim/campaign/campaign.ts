/**
 * A campaign after reading: one base drill, axes, and so a list of runs, each known before the
 * first is played. A **variant** is a drill's files with everything but the seed decided; a **run**
 * is a variant with a seed. A run's id is a digest of all that decides its outcome, this version of
 * Causeway included, so a result that is there already need not be made again.
 */
import { createHash } from "node:crypto";
import type { Fault, FaultPlan, StepData } from "./faults.ts";
import { faultsText, stepsOf } from "./faults.ts";
import { type ConfigPath, type Value, withTop, withValue } from "./overlay.ts";

export interface Campaign {
  readonly name: string;
  readonly description: string;
  readonly file: string;
  /** The drill with what the campaign sets in every run. */
  readonly base: DrillFiles;
  /** Its files as they stand on disk. */
  readonly found: DrillFiles;
  readonly circuits: readonly string[];
  readonly seeds: readonly number[];
  readonly sweeps: readonly Sweep[];
  /** Undefined: the base drill's own steps are played. */
  readonly faults: { readonly plan: FaultPlan; readonly sets: readonly Fault[][] } | undefined;
}

/** A drill's file and the text of every file it refers to, by resolved name. */
export interface DrillFiles {
  readonly file: string;
  readonly text: string;
  readonly others: Readonly<Record<string, string>>;
  /** Names of the files that `edge.…` and `cloud.…` paths lead into. */
  readonly edge: string | undefined;
  readonly cloud: string | undefined;
}

export interface Sweep {
  readonly name: string;
  readonly paths: readonly ConfigPath[];
  readonly values: readonly Value[];
}

export interface Variant {
  readonly files: DrillFiles;
  /** Axis → value, faults first. */
  readonly axes: Readonly<Record<string, string>>;
  /** Undefined where the drill's own steps are played. */
  readonly faults: readonly Fault[] | undefined;
  /** One of each sweep. */
  readonly values: readonly Value[];
  /** Of the files: what a worker keeps its reading by. */
  readonly digest: string;
}

export interface Run {
  readonly index: number;
  readonly id: string;
  /** For people: `faults=cut circuit-1 seed=7`. */
  readonly key: string;
  readonly variant: Variant;
  readonly seed: number;
}

export const FAULTS_AXIS = "faults";

/** Names of the axes of a campaign without the seed, and their values in order. */
export function axesOf(campaign: Campaign): readonly (readonly [string, readonly string[]])[] {
  const faults = campaign.faults?.sets.map(faultsText);
  const sweeps = campaign.sweeps.map(({ name, values }) => [name, values.map(String)] as const);
  return faults === undefined ? sweeps : [[FAULTS_AXIS, faults] as const, ...sweeps];
}

export const variantCount = ({ faults, sweeps }: Campaign): number =>
  sweeps.reduce((product, { values }) => product * values.length, faults?.sets.length ?? 1);

export const runCount = (campaign: Campaign): number =>
  variantCount(campaign) * campaign.seeds.length;

/**
 * Every run in order, made as it is asked for: ten thousand runs of one variant hold one copy of
 * its files. `shard` of `shards` takes every so-manieth.
 */
export function* runsOf(
  campaign: Campaign,
  version: string,
  shard: { readonly of: number; readonly total: number } = { of: 1, total: 1 },
): Generator<Run> {
  let index = -1;
  for (const { faults, values } of combinations(campaign)) {
    let variant: Variant | undefined;
    for (const seed of campaign.seeds) {
      index += 1;
      if (index % shard.total !== shard.of - 1) continue;
      variant ??= variantOf(campaign, faults, values);
      yield runOf(variant, seed, index, version);
    }
  }
}

export function runOf(variant: Variant, seed: number, index: number, version: string): Run {
  const axes = Object.entries(variant.axes).map(([name, value]) => `${name}=${value}`);
  const id = digestOf([version, variant.digest, String(seed)]);
  return { index, id, key: [...axes, `seed=${seed}`].join(" "), variant, seed };
}

/** The files with the faults' steps in the drill and a value at every swept path. */
export function variantOf(
  campaign: Campaign,
  faults: readonly Fault[] | undefined,
  values: readonly Value[],
): Variant {
  const plan = campaign.faults?.plan;
  const axes: Record<string, string> = {};
  let { base: files } = campaign;
  if (plan !== undefined && faults !== undefined) {
    axes[FAULTS_AXIS] = faultsText(faults);
    files = withSteps(files, stepsOf(faults, plan, campaign.circuits));
  }
  for (const [index, sweep] of campaign.sweeps.entries()) {
    const value = values[index];
    if (value === undefined) continue;
    axes[sweep.name] = String(value);
    for (const path of sweep.paths) files = withPath(files, path, value) ?? files;
  }
  return { files, axes, faults, values, digest: digestOfFiles(files) };
}

export function withSteps(files: DrillFiles, steps: readonly StepData[]): DrillFiles {
  return { ...files, text: withTop(files.text, { steps }) };
}

/** Undefined where the path leads nowhere in its file. */
export function withPath(
  files: DrillFiles,
  { file, keys }: ConfigPath,
  value: unknown,
): DrillFiles | undefined {
  if (file === "drill") {
    const text = withValue(files.text, keys, value);
    return text === undefined ? undefined : { ...files, text };
  }
  const name = files[file];
  const text = name === undefined ? undefined : withValue(files.others[name] ?? "", keys, value);
  if (name === undefined || text === undefined) return undefined;
  return { ...files, others: { ...files.others, [name]: text } };
}

interface Combination {
  readonly faults: readonly Fault[] | undefined;
  readonly values: readonly Value[];
}

/** The last axis turns fastest. */
function* combinations(campaign: Campaign): Generator<Combination> {
  for (const faults of campaign.faults?.sets ?? [undefined]) {
    for (const values of tuples(campaign.sweeps.map((sweep) => sweep.values))) {
      yield { faults, values };
    }
  }
}

function* tuples(lists: readonly (readonly Value[])[]): Generator<readonly Value[]> {
  const [first, ...rest] = lists;
  if (first === undefined) {
    yield [];
    return;
  }
  for (const value of first) for (const tail of tuples(rest)) yield [value, ...tail];
}

export const digestOfFiles = ({ text, others }: DrillFiles): string =>
  digestOf([text, ...Object.values(others)]);

/** Lengths stand between the parts, so that no two lists of parts run together. */
export function digestOf(parts: readonly string[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest("hex").slice(0, 16);
}
