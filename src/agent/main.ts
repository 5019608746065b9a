/**
 * The daemon: an agent on the real host, with everything around it that needs Node. It loads the
 * file, opens the API, starts the agent, tells systemd, and then only reacts: to signals (docs/
 * operations.md has the list) and to the end.
 *
 * Order matters twice. At the start whatever may fail comes before the first packet: a file with
 * errors, a taken socket, a missing privilege. At the end peers hear why before anything is closed.
 * A bug of ours ends the process and leaves the kernel's routes alone: systemd starts it again, and
 * it adopts them. So does a restart on purpose, but its peers and the next run know of it.
 */
import type { SpeakerInput } from "../bgp/speaker/inputs.ts";
import { AppError, PlatformError } from "../core/app-error.ts";
import { seededRng } from "../core/rng.ts";
import { createLinuxHost, type LinuxHost } from "../platform/linux/host.ts";
import { Recorder } from "../platform/recorder.ts";
import { Agent } from "./agent.ts";
import { startWorkerBfdEngine } from "./bfd/worker-engine.ts";
import { BfdRecordings } from "./bfd-recordings.ts";
import type { EdgeConfig } from "./config/edge-config.ts";
import type { LoadedConfig } from "./config/load.ts";
import { formatProblems } from "./config/problem.ts";
import { prepareStateDirectory, reportCrash, representInput, writeRecording } from "./crash.ts";
import { type FailbackNotes, parseFailbackNote } from "./failback/note.ts";
import { endFrugalStart } from "./frugal.ts";
import { createPinoLog, type DaemonLog } from "./pino-log.ts";
import { readEdgeConfig } from "./read-config.ts";
import type { Recording } from "./recording.ts";
import { firstError, type ReadConfig, reloadConfig } from "./reload-config.ts";
import { leaveNote, takeNote } from "./restart-file.ts";
import { readState, writeState } from "./state-file.ts";
import { Systemd } from "./systemd.ts";
import { VERSION } from "./version.ts";

export interface RunOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly stderr: { write(text: string): unknown };
}

/**
 * What the process ends with: 0 after an orderly stop, 1 failed, 2 the file has errors, 75 where it
 * left to be started again (EX_TEMPFAIL of sysexits).
 */
export type RunOutcome = 0 | 1 | 2 | 75;

const RECORDING_OCTETS_MAX = 8 << 20;
const FAILBACK_NOTE = "failback.json";
const STATUS_MS = 5_000;
/** Sessions come up first; then there is time to tidy up. */
const SETTLE_MS = [2_000, 6_000] as const;
const DEBUG_MS = 600_000;

/** Runs until it is told to stop. */
export async function runAgent(file: string, options: RunOptions): Promise<RunOutcome> {
  const { config } = tell(read(file), options);
  if (config === undefined) return 2;
  let daemon: Daemon | undefined;
  try {
    daemon = new Daemon(file, config, options);
    await daemon.start();
  } catch (error) {
    await daemon?.abandon();
    if (!(error instanceof PlatformError)) throw error;
    options.stderr.write(`causeway: ${error.message}\n`);
    return 1;
  }
  return await daemon.ended;
}

/** A configuration, or why there is none. */
interface Read extends ReadConfig {
  /** Every problem, a line each. */
  readonly lines: string;
}

function read(file: string): Read {
  let loaded: LoadedConfig;
  try {
    loaded = readEdgeConfig(file);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { config: undefined, lines: `causeway: ${error.message}\n`, text: error.message };
  }
  const { config, problems } = loaded;
  return { config, lines: formatProblems(problems), text: firstError(problems) };
}

function tell(found: Read, { stderr }: RunOptions): Read {
  if (found.lines !== "") stderr.write(found.lines);
  return found;
}

class Daemon {
  readonly ended: Promise<RunOutcome>;
  readonly #file: string;
  readonly #options: RunOptions;
  #config: EdgeConfig;
  readonly #log: DaemonLog;
  readonly #host: LinuxHost;
  readonly #agent: Agent;
  readonly #systemd: Systemd;
  readonly #recorder: Recorder<SpeakerInput>;
  readonly #bfdRecordings: BfdRecordings | undefined;
  readonly #signals: readonly (readonly [NodeJS.Signals, () => void])[];
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #stateDirectory: string | undefined;
  #closeApi: (() => Promise<void>) | undefined;
  #end: (outcome: RunOutcome) => void = () => undefined;
  #isStopping = false;
  #status = "";

  constructor(file: string, config: EdgeConfig, options: RunOptions) {
    this.#file = file;
    this.#config = config;
    this.#options = options;
    this.#log = createPinoLog(config.log.level);
    this.#systemd = new Systemd(options.env);
    // systemd names the one it made (StateDirectory=).
    this.#stateDirectory = config.stateDirectory ?? (options.env.STATE_DIRECTORY || undefined);
    const { name, fib } = config;
    const { table, proto, metric } = fib;
    this.#host = createLinuxHost({
      ...{ name, log: this.#log },
      routes:
        fib.kind === "kernel" ? { kind: "kernel", table, proto, metric } : { kind: "virtual" },
    });
    const seed = this.#host.rng.int(-0x8000_0000, 0x7fff_ffff);
    this.#recorder = new Recorder({
      ...{ machine: "speaker", octetsMax: RECORDING_OCTETS_MAX, represent: representInput, seed },
      isPinned: ({ kind }) => kind === "configure" || kind === "restarted",
    });
    this.#agent = new Agent({
      ...{ host: this.#host, config, observer: this.#recorder, rng: seededRng(seed) },
      record: () => this.#writeRecording(),
      startBfd: startWorkerBfdEngine({ name }),
      restarted: takeNote(this.#stateDirectory),
      failbackNotes: this.#failbackNotes(),
    });
    this.#bfdRecordings = this.#stateDirectory === undefined ? undefined : this.#recordBfd();
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#signals = [
      ["SIGTERM", () => this.#stop("SIGTERM")],
      ["SIGINT", () => this.#stop("SIGINT")],
      ["SIGQUIT", () => this.#restart()],
      ["SIGHUP", () => this.#reload()],
      ["SIGUSR2", () => this.#debug()],
    ];
  }

  /** Throws PlatformError where the host cannot do what the file asks for. */
  async start(): Promise<void> {
    process.on("uncaughtException", this.#crash);
    prepareStateDirectory(this.#stateDirectory);
    await this.#openApi();
    this.#agent.start();
    for (const [signal, act] of this.#signals) process.on(signal, act);
    this.#systemd.notify("READY=1");
    for (const ms of SETTLE_MS) this.#timers.push(setTimeout(endFrugalStart, ms));
    this.#tellStatus();
    this.#timers.push(setInterval(() => this.#tellStatus(), STATUS_MS));
    const { watchdogMs } = this.#systemd;
    if (watchdogMs !== undefined) {
      this.#timers.push(setInterval(() => this.#feedWatchdog(), watchdogMs));
    }
  }

  /** Gives back what a failed start has taken. */
  async abandon(): Promise<void> {
    process.off("uncaughtException", this.#crash);
    for (const [signal, act] of this.#signals) process.off(signal, act);
    for (const timer of this.#timers) clearInterval(timer);
    this.#bfdRecordings?.close();
    await this.#closeApi?.();
    this.#host.close();
  }

  #failbackNotes(): FailbackNotes | undefined {
    const directory = this.#stateDirectory;
    if (directory === undefined) return undefined;
    return {
      read: () => parseFailbackNote(readState(directory, FAILBACK_NOTE)),
      write: (note) => writeState(directory, FAILBACK_NOTE, note),
    };
  }

  async #openApi(): Promise<void> {
    const { api } = this.#config;
    if (api.listen === undefined && api.socketPath === undefined) return;
    // A daemon without an API does not pay for one.
    const [{ startApi }, { EdgeMetrics }] = await Promise.all([
      import("./api/server.ts"),
      import("./metrics/metrics.ts"),
    ]);
    const { view, journal, orders } = this.#agent;
    const metrics = new EdgeMetrics(view);
    const server = await startApi(api, { view, journal, orders, metrics: () => metrics.page() });
    this.#closeApi = async () => {
      metrics.stop();
      await server.close();
    };
  }

  #stop(signal: NodeJS.Signals): void {
    if (!this.#mayStop()) return;
    this.#agent.stop(`${this.#config.name} is stopped by its administrator (${signal})`, () => {
      void this.abandon().then(() => this.#end(0));
    });
  }

  /** Leaves the kernel's routes, and a note that says so to the next run. */
  #restart(): void {
    if (!this.#mayStop()) return;
    const text = `${this.#config.name} is restarted by its administrator (SIGQUIT)`;
    this.#agent.restart(text, (note) => {
      const failure = note && leaveNote(this.#stateDirectory, note);
      if (failure !== undefined) this.#options.stderr.write(`causeway: ${failure}\n`);
      void this.abandon().then(() => this.#end(75));
    });
  }

  #mayStop(): boolean {
    if (this.#isStopping) {
      // Asked twice: whoever asks is in a hurry.
      this.#end(1);
      return false;
    }
    this.#isStopping = true;
    this.#systemd.notify("STOPPING=1");
    return true;
  }

  /** A file with errors changes nothing, and says so. */
  #reload(): void {
    if (this.#isStopping) return;
    this.#systemd.notify("RELOADING=1");
    const found = tell(read(this.#file), this.#options);
    const refusal = reloadConfig(this.#agent, found);
    if (found.config !== undefined && refusal === undefined) {
      this.#config = found.config;
      this.#log.level = found.config.log.level;
    } else if (found.config !== undefined) {
      this.#options.stderr.write(`causeway: ${refusal}\n`);
    }
    this.#systemd.notify("READY=1");
  }

  /** The log says everything for ten minutes, and the recordings are written. */
  #debug(): void {
    this.#log.level = "debug";
    const restore = setTimeout(() => {
      this.#log.level = this.#config.log.level;
    }, DEBUG_MS);
    restore.unref();
    const { path, failure } = this.#writeRecording();
    const at = this.#host.clock.now();
    const fields = { recording: path, failure };
    this.#log.write({ level: "info", event: "agent.debug", fields }, at);
    this.#bfdRecordings?.write();
  }

  #writeRecording(): Recording {
    return writeRecording(this.#stateDirectory, "speaker", () => this.#recorder.text());
  }

  #recordBfd(): BfdRecordings {
    return new BfdRecordings({
      ...{ clock: this.#host.clock, view: this.#agent.view, journal: this.#agent.journal },
      write: (text) => writeRecording(this.#stateDirectory, "bfd", () => text),
      written: ({ path, failure }, session) => {
        const fields = { session, recording: path, failure };
        const level = failure === undefined ? "info" : "error";
        this.#log.write({ level, event: "bfd.recorded", fields }, this.#host.clock.now());
      },
    });
  }

  #tellStatus(): void {
    const { view } = this.#agent;
    const peers = view.speaker.peers();
    const up = peers.filter((peer) => peer.state === "Established").length;
    const { ipv4, ipv6 } = view.fib.routes;
    const status = `${up}/${peers.length} peers up, ${ipv4 + ipv6} routes`;
    if (status === this.#status) return;
    this.#status = status;
    this.#systemd.notify(`STATUS=${status}`);
  }

  /** Fed only while the loop runs and the BFD engine answers. */
  #feedWatchdog(): void {
    this.#agent.view.bfd(() => this.#systemd.notify("WATCHDOG=1"));
  }

  readonly #crash = (error: Error): void => {
    const recording = this.#writeRecording();
    const fields = {
      version: VERSION,
      text: error.stack ?? error.message,
      recording: recording.path,
    };
    this.#log.write({ level: "error", event: "agent.crashed", fields }, this.#host.clock.now());
    reportCrash(this.#options.stderr, error, recording);
    process.exit(1);
  };
}
