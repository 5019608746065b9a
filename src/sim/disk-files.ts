import { readFileSync } from "node:fs";
import { dirname, isAbsolute, join } from "node:path";
import type { FileAccess } from "./drill/file/load.ts";

/** Drills, campaigns and what they name, as the commands read them: from the disk. */
export const FILES: FileAccess = {
  // As the caller wrote it: messages then name files as their reader knows them.
  resolve: (from, name) => (isAbsolute(name) ? name : join(dirname(from), name)),
  read(file) {
    try {
      return { text: readFileSync(file, "utf8") };
    } catch (cause) {
      return { error: cause instanceof Error ? cause.message : String(cause) };
    }
  },
};
