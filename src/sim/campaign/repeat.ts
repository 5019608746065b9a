/** A failing run as files that stand alone, and the one command that repeats it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import type { Campaign, DrillFiles } from "./campaign.ts";
import { withTop } from "./overlay.ts";

export interface Repeatable {
  readonly id: string;
  readonly seed: number;
  readonly files: DrillFiles;
  /** What it is, for the comment on top of the drill. */
  readonly text: string;
}

/**
 * Writes the drill into `folder`, beside it those of its files that the campaign changed; the
 * others stay where they are. Returns the command.
 */
export function writeRepeatable(campaign: Campaign, folder: string, run: Repeatable): string {
  mkdirSync(folder, { recursive: true });
  const { files } = run;
  const top: Record<string, string> = {};
  for (const key of ["edge", "cloud"] as const) {
    const name = files[key];
    if (name === undefined) continue;
    const text = files.others[name];
    const isChanged = text !== undefined && text !== campaign.found.others[name];
    if (isChanged) writeFileSync(join(folder, `${run.id}-${basename(name)}`), text);
    top[key] = isChanged ? `${run.id}-${basename(name)}` : relative(folder, resolve(name));
  }
  const file = join(folder, `${run.id}.yaml`);
  const comment = `# ${run.text.replaceAll(/\s+/g, " ")}\n`;
  writeFileSync(file, comment + withTop(files.text, top));
  return `causeway drill run ${relative(process.cwd(), file)} --seed ${run.seed}`;
}
