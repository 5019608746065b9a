import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { FileAccess } from "./drill/load.ts";

/** Drills, campaigns and what they name, as the commands read them: from the disk. */
export const FILES: FileAccess = {
  resolve: (from, name) => resolve(dirname(from), name),
  read(file) {
    try {
      return { text: readFileSync(file, "utf8") };
    } catch (cause) {
      return { error: cause instanceof Error ? cause.message : String(cause) };
    }
  },
};
