import { readFileSync, statSync } from "node:fs";
import { err, ok, type Result } from "../../core/result.ts";

/** What loading a configuration needs from outside of its text: where secrets are. */
export interface ConfigEnvironment {
  variable(name: string): string | undefined;
  /** The text and permission bits of a file, or the system's words. */
  readSecretFile(file: string): Result<SecretText, string>;
}

export interface SecretText {
  readonly text: string;
  /** Undefined where the host knows no permissions. */
  readonly mode: number | undefined;
}

/** This process: its environment and its files. */
export const processEnvironment: ConfigEnvironment = {
  variable: (name) => process.env[name],
  readSecretFile: (file) => {
    try {
      return ok({ text: readFileSync(file, "utf8"), mode: statSync(file).mode });
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const code = "code" in error ? String(error.code) : "";
      return err(SYSTEM_WORDS[code] ?? error.message);
    }
  },
};

/**
 * Every secret is there and says `rehearsal`: a production file can be checked and rehearsed where
 * its secrets are not, as in the CI of a change.
 */
export const rehearsalEnvironment: ConfigEnvironment = {
  variable: () => "rehearsal",
  readSecretFile: () => ok({ text: "rehearsal", mode: undefined }),
};

const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "permission denied",
  EISDIR: "it is a directory",
};
