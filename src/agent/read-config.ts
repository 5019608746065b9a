import { readFileSync } from "node:fs";
import { AppError } from "../core/app-error.ts";
import { processEnvironment } from "./config/environment.ts";
import { type LoadedConfig, loadEdgeConfig } from "./config/load.ts";

/** The configuration of a file on disk; AppError CONFIG_UNREADABLE where there is no such file. */
export function readEdgeConfig(file: string, environment = processEnvironment): LoadedConfig {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const message = `the configuration ${file} cannot be read: ${whyUnreadable(cause)}`;
    throw new AppError("CONFIG_UNREADABLE", message, { cause });
  }
  return loadEdgeConfig(file, text, environment);
}

function whyUnreadable(cause: NodeJS.ErrnoException): string {
  if (cause.code === "ENOENT") return "there is no such file";
  if (cause.code === "EISDIR") return "it is a directory";
  if (cause.code === "EACCES") return "permission denied; its owner or mode does not let this user";
  return cause.message;
}
