import type { BfdAuthConfig } from "../../bfd/sessions/contract.ts";
import { encodeUtf8 } from "../../core/utf8.ts";
import type { Secret } from "./edge-config.ts";
import type { ConfigEnvironment } from "./environment.ts";
import { type Path, type Problems, sentence } from "./problem.ts";
import type { SecretFile } from "./schema.ts";

/** What a secret is for decides how long it may be. */
export interface SecretUse {
  readonly what: string;
  readonly octetsMax: number;
}

/** RFC 2385 §4.5 leaves the length open; Linux takes 80 octets. */
export const MD5_KEY: SecretUse = { what: "a TCP MD5 key", octetsMax: 80 };

/** RFC 5880 §4.2 to §4.4: an octet string as long as the digest, a password of 16. */
export const BFD_KEYS: Readonly<Record<BfdAuthConfig["type"], SecretUse>> = {
  "simple-password": { what: "a BFD password", octetsMax: 16 },
  "keyed-md5": { what: "a keyed MD5 key", octetsMax: 16 },
  "meticulous-keyed-md5": { what: "a keyed MD5 key", octetsMax: 16 },
  "keyed-sha1": { what: "a keyed SHA1 key", octetsMax: 20 },
  "meticulous-keyed-sha1": { what: "a keyed SHA1 key", octetsMax: 20 },
};

/** Follows references to secrets; what they hold goes into memory and never into a message. */
export class SecretReader {
  readonly #environment: ConfigEnvironment;
  readonly #isPlaintextAllowed: boolean;
  readonly #problems: Problems;

  constructor(environment: ConfigEnvironment, isPlaintextAllowed: boolean, problems: Problems) {
    this.#environment = environment;
    this.#isPlaintextAllowed = isPlaintextAllowed;
    this.#problems = problems;
  }

  /** Undefined where it cannot be had; then that has been reported. */
  read(source: SecretFile, path: Path, use: SecretUse): Secret | undefined {
    const text = this.#textOf(source, path);
    if (text === undefined) return undefined;
    const octets = encodeUtf8(text).length;
    if (octets === 0 || octets > use.octetsMax) {
      const message = `the secret has ${octets} octets; ${use.what} has 1 to ${use.octetsMax}`;
      this.#problems.report("E505", path, message);
      return undefined;
    }
    return secretOf(text);
  }

  #textOf(source: SecretFile, path: Path): string | undefined {
    if (typeof source === "string") {
      if (this.#isPlaintextAllowed) return source;
      const message =
        "a secret in plain text; write { credential: NAME }, { file: PATH } or { env: NAME }, " +
        "or set allowPlaintextSecrets: true for a lab";
      this.#problems.report("E501", path, message);
      return undefined;
    }
    const { credential, file, env } = source;
    const given = [credential, file, env].filter((one) => one !== undefined);
    if (given.length !== 1) {
      const message = sentence(
        `${given.length} of credential, file and env are given; exactly one is needed`,
      );
      this.#problems.report("E502", path, message);
      return undefined;
    }
    if (credential !== undefined) return this.#readCredential(credential, [...path, "credential"]);
    if (file !== undefined) return this.#readFile(file, [...path, "file"], true);
    return this.#readVariable(env ?? "", [...path, "env"]);
  }

  /** systemd hands credentials out as files of a directory only the service can read. */
  #readCredential(name: string, path: Path): string | undefined {
    const directory = this.#environment.variable("CREDENTIALS_DIRECTORY");
    if (directory !== undefined) return this.#readFile(`${directory}/${name}`, path, false);
    const message = sentence(
      `no credential "${name}": CREDENTIALS_DIRECTORY is not set, so this is no systemd`,
      `service with LoadCredential=${name}`,
    );
    this.#problems.report("E502", path, message);
    return undefined;
  }

  #readFile(file: string, path: Path, isModeJudged: boolean): string | undefined {
    const read = this.#environment.readSecretFile(file);
    if (!read.ok) {
      this.#problems.report("E502", path, `cannot read the secret in ${file}: ${read.fault}`);
      return undefined;
    }
    const { text, mode } = read.value;
    if (isModeJudged && mode !== undefined && (mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8).padStart(4, "0");
      const message = sentence(
        `${file} has mode ${octal}: others than its owner can read it; 0400 is enough`,
      );
      this.#problems.report("W503", path, message);
    }
    return text.replace(/\r?\n$/, "");
  }

  #readVariable(name: string, path: Path): string | undefined {
    const value = this.#environment.variable(name);
    if (value === undefined) {
      this.#problems.report("E502", path, `the environment variable ${name} is not set`);
      return undefined;
    }
    const message = sentence(
      `the environment variable ${name} shows in /proc and is inherited by children; a`,
      "file or a credential is not",
    );
    this.#problems.report("W504", path, message);
    return value;
  }
}

export const secretOf = (text: string): Secret => ({
  reveal: () => text,
  toString: () => "***",
  toJSON: () => "***",
});
