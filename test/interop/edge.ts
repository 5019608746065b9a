/** The shipped daemon in a node of a bench, asked through its own command line. */
import { type ChildProcess, spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Bench, eventually, PLAIN } from "./routers.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const launcher = join(root, "bin", "causeway");

export interface PeerRow {
  readonly peer: string;
  readonly state: string;
  readonly prefixes?: { readonly received: number; readonly accepted: number };
  readonly [field: string]: unknown;
}

export class Edge {
  readonly #socket: string;
  readonly process: ChildProcess;
  readonly #write: (config: string) => string;

  /** `config` is the file's text without `api`, which is added here. */
  constructor(bench: Bench, node: string, config: string) {
    const socket = join(bench.folder, `edge-${node}.sock`);
    this.#socket = socket;
    this.#write = (text) =>
      bench.file(`edge-${node}.yaml`, `${text}\napi: { socket: ${socket} }\n`);
    const file = this.#write(config);
    this.process = bench.spawn(node, process.execPath, [launcher, "agent", "-c", file]);
  }

  reload(config: string): void {
    this.#write(config);
    this.process.kill("SIGHUP");
  }

  /** The journal so far. */
  events(): readonly { readonly event: string; readonly fields: Record<string, unknown> }[] {
    const lines = this.#run("events").split("\n");
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
  }

  /** The JSON answer of a command; an empty object while the daemon is not there yet. */
  // biome-ignore lint/suspicious/noExplicitAny: tests match on shapes
  ask(...command: string[]): any {
    try {
      return JSON.parse(this.#run(...command));
    } catch {
      return {};
    }
  }

  #run(...command: string[]): string {
    const [env, ...plain] = PLAIN;
    const words = [launcher, ...command, "-o", "json", "--socket", this.#socket];
    return spawnSync(env, [...plain, process.execPath, ...words], { encoding: "utf8" }).stdout;
  }

  peer(name: string): PeerRow | undefined {
    return this.ask("show", "bgp", "summary").peers?.find((row: PeerRow) => row.peer === name);
  }

  async established(peer: string, withinMs = 20_000): Promise<PeerRow | undefined> {
    return eventually(
      () => this.peer(peer),
      (row) => row?.state === "Established",
      { withinMs, what: `${peer} Established` },
    );
  }
}
