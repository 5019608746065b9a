/** Where a report comes from: digests of files, the tree it ran from, the machine under a lab. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { availableParallelism, release } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { HostReport, SourceReport } from "./report.ts";

export const sourceOf = (
  what: SourceReport["what"],
  file: string,
  content: string,
): SourceReport => ({ what, file, sha256: sha256(content) });

/** One digest for all files of a drill; it changes with any of them. */
export const configHashOf = (sources: readonly SourceReport[]): string =>
  sha256(sources.map((source) => `${source.what} ${source.sha256}\n`).join(""));

export const sha256 = (content: string | Uint8Array): string =>
  createHash("sha256").update(content).digest("hex");

/** What git calls the tree this code stands in; undefined outside a clone of it. */
export function describeCommit(): string | undefined {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "..");
  if (!existsSync(join(root, ".git"))) return undefined;
  try {
    const words = ["describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"];
    const stdio = ["ignore", "pipe", "ignore"] as const;
    return execFileSync("git", words, { cwd: root, encoding: "utf8", stdio: [...stdio] }).trim();
  } catch {
    return undefined; // git is not installed, or the clone is not ours to read
  }
}

export const describeHost = (): HostReport => ({
  kernel: `${process.platform} ${release()}`,
  arch: process.arch,
  cpus: availableParallelism(),
  node: process.version,
});
