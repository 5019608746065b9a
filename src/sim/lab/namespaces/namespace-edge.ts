/**
 * The edge's process of a namespace lab: started, stopped by signals, killed and started again. Its
 * journal and its kernel table go on over all of its lives.
 */
import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { JournalEntry } from "../../../agent/journal.ts";
import type { RestartNote } from "../../../agent/restart.ts";
import { PlatformError } from "../../../core/app-error.ts";
import { LinuxClock } from "../../../platform/linux/clock.ts";
import { killed } from "../../drill/judge/session-book.ts";
import type { CircuitsByPrefix } from "../watch/fib-mirror.ts";
import type { UpdateOffence } from "../watch/update-watch.ts";
import type { EdgeCommand, EdgeOrder, EdgeReport } from "./edge-process.ts";

export interface EdgeListener {
  entry(): void;
  table(table: CircuitsByPrefix): void;
  /** A command was not answered as the drill says. */
  disobeyed(text: string): void;
}

/** MRT records, for an evidence folder. */
export interface EdgeObserver {
  message(record: Uint8Array): void;
  /** What `dump-rib` of that number asked for. */
  rib(number: number, records: readonly Uint8Array[]): void;
}

const octetsOf = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, "base64"));

/** What the process may take to say goodbye. */
const GOODBYE_MS_MAX = 3000;
/** Before it can be started again BFD says AdminDown for a Detection Time, 3 s at the most. */
const LEAVE_MS_MAX = 10_000;

export class NamespaceEdge {
  #order: EdgeOrder;
  readonly #heardOf: EdgeListener;
  readonly #entries: JournalEntry[] = [];
  readonly #offences: UpdateOffence[] = [];
  #child: ChildProcess | undefined;
  #observer: EdgeObserver | undefined;
  #left: ((note: RestartNote | undefined) => void) | undefined;

  /** Calls `entry` after each of the journal, `table` with every forwarding table. */
  constructor(order: EdgeOrder, heardOf: EdgeListener) {
    this.#order = order;
    this.#heardOf = heardOf;
  }

  get journal(): readonly JournalEntry[] {
    return this.#entries;
  }

  /** Hears every BGP message of the edge, and its dumps; to be set before `start`. */
  observe(observer: EdgeObserver): void {
    this.#observer = observer;
    this.#order = { ...this.#order, isObserved: true };
  }

  /** What its UPDATEs did wrong, over all lives. */
  get offences(): readonly UpdateOffence[] {
    return this.#offences;
  }

  /** Resolves once the agent runs; `restarted` is what the process before has left for it. */
  async start(restarted?: RestartNote): Promise<void> {
    const entry = fileURLToPath(new URL("./edge-process.js", import.meta.url));
    const child = fork(entry, [], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    this.#child = child;
    child.send({ ...this.#order, restarted });
    await new Promise<void>((resolve, reject) => {
      child.on("message", (message) => {
        const report = message as EdgeReport;
        if (report.kind === "started") resolve();
        else if (report.kind === "failed") reject(new PlatformError("LAB_EDGE", report.text));
        else if (report.kind === "disobeyed") this.#heardOf.disobeyed(report.text);
        else this.#heard(report);
      });
      child.once("exit", (code) =>
        reject(new PlatformError("LAB_EDGE", `the edge's process ended with code ${code}`)),
      );
    });
  }

  signal(signal: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void {
    if (signal === "SIGKILL") this.#entries.push(killed(new LinuxClock().now()));
    this.#child?.kill(signal);
  }

  /** The file it began with, again. */
  reset(): void {
    const { configText: _, ...order } = this.#order;
    const { configFile: name } = order;
    this.command({ kind: "reload", name, text: readFileSync(name, "utf8"), answer: "accepted" });
    this.#order = order;
  }

  /** A process that is away finds the new file when it starts. */
  command(command: EdgeCommand): void {
    if (command.kind === "reload" && command.answer === "accepted") {
      this.#order = { ...this.#order, configText: command.text };
    }
    if (this.#child?.connected === true) this.#child.send(command);
  }

  /** Ends the process to be started again soon; answers with what `start` is to be given then. */
  async leave(): Promise<RestartNote | undefined> {
    const note = await new Promise<RestartNote | undefined>((resolve) => {
      this.#left = resolve;
      this.command({ kind: "leave" });
      setTimeout(() => resolve(undefined), LEAVE_MS_MAX).unref();
    });
    await this.stop();
    return note;
  }

  /** In order, and by force where that takes too long. */
  async stop(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    child.kill("SIGCONT");
    if (child.connected) child.disconnect();
    const timer = setTimeout(() => child.kill("SIGKILL"), GOODBYE_MS_MAX);
    await gone;
    clearTimeout(timer);
  }

  #heard(report: Exclude<EdgeReport, { readonly kind: "started" | "failed" | "disobeyed" }>): void {
    if (report.kind === "left") {
      this.#left?.(report.note);
    } else if (report.kind === "failback") {
      this.#order = { ...this.#order, failback: report.note };
    } else if (report.kind === "routes") {
      this.#heardOf.table(new Map(report.table));
    } else if (report.kind === "bgp") {
      this.#observer?.message(octetsOf(report.record));
    } else if (report.kind === "rib") {
      this.#observer?.rib(report.number, report.records.map(octetsOf));
    } else if (report.kind === "offence") {
      this.#offences.push(report.offence);
    } else {
      this.#entries.push(report.entry);
      this.#heardOf.entry();
    }
  }
}
