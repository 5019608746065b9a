/**
 * The routers we are held against, each in a network namespace of its own: BIRD, FRR and GoBGP as
 * Debian ships them. Every daemon started here is stopped here; files live in one temporary folder.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Namespaces, whyNoNamespaces } from "../../src/sim/lab/namespaces/namespaces.ts";

const PROGRAMS = {
  bird: "/usr/sbin/bird",
  frr: "/usr/lib/frr/bgpd",
  gobgp: "/usr/bin/gobgpd",
} as const;
export type RouterKind = keyof typeof PROGRAMS;

/** Runs a program without the options the test runner forces upon every Node it starts. */
export const PLAIN = ["/usr/bin/env", "-u", "NODE_OPTIONS"] as const;

/** False where the test can run; else the reason, to be printed. In CI as root it is never a skip. */
export function whySkip(...kinds: readonly RouterKind[]): string | false {
  const why =
    whyNoNamespaces() ??
    kinds.map((kind) => PROGRAMS[kind]).find((path) => !existsSync(path) && path !== undefined);
  if (why === undefined) return false;
  if (process.env.CAUSEWAY_REQUIRE_INTEROP === "1") throw new Error(`interop must run: ${why}`);
  return why.startsWith("/") ? `${why} is not installed` : why;
}

/** One test's namespaces and daemons. Call `dispose` in the teardown, whatever happened. */
export class Bench {
  readonly namespaces = new Namespaces();
  readonly folder = mkdtempSync(join(tmpdir(), "causeway-interop-"));
  readonly #children: ChildProcess[] = [];

  constructor() {
    chmodSync(this.folder, 0o777);
  }

  /** Two nodes and the cable between them, devices `left` and `right`. */
  pair(left: string, right: string, addresses: readonly (readonly [string, string])[]): void {
    for (const node of [left, right]) {
      this.namespaces.add(node, { "net/ipv4/ip_forward": 1, "net/ipv6/conf/all/forwarding": 1 });
    }
    this.namespaces.veth(
      { node: left, device: "left", addresses: addresses.map((pair) => pair[0]) },
      { node: right, device: "right", addresses: addresses.map((pair) => pair[1]) },
    );
  }

  /** Runs a long-lived program inside a node. */
  spawn(node: string, program: string, args: readonly string[]): ChildProcess {
    const netns = ["netns", "exec", this.namespaces.nameOf(node), ...PLAIN, program];
    const child = spawn("ip", [...netns, ...args], { stdio: ["ignore", "pipe", "pipe"] });
    let words = "";
    const keep = (chunk: unknown) => {
      words = (words + String(chunk)).slice(-20_000);
    };
    child.stdout?.on("data", keep);
    child.stderr?.on("data", keep);
    child.on("exit", (code) => {
      if (code !== 0 && code !== null) console.error(`# ${program} exited ${code}: ${words}`);
    });
    this.#children.push(child);
    return child;
  }

  file(name: string, text: string): string {
    const path = join(this.folder, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, text);
    chmodSync(path, 0o644);
    return path;
  }

  async dispose(): Promise<void> {
    for (const child of this.#children) child.kill("SIGTERM");
    const gone = () => this.#children.every((child) => child.exitCode !== null || child.killed);
    for (let tries = 0; tries < 20 && !gone(); tries += 1) await sleep(50);
    await sleep(150);
    for (const child of this.#children) {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    }
    this.namespaces.dispose();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Asks again until the answer pleases; the last answer is thrown where it never does. */
export async function eventually<Answer>(
  ask: () => Answer | Promise<Answer>,
  pleases: (answer: Answer) => boolean,
  options: { readonly withinMs?: number; readonly what: string },
): Promise<Answer> {
  const deadline = performance.now() + (options.withinMs ?? 20_000);
  for (;;) {
    const answer = await ask();
    if (pleases(answer)) return answer;
    if (performance.now() > deadline) {
      throw new Error(`${options.what}: still ${JSON.stringify(answer)?.slice(0, 2000)}`);
    }
    await sleep(100);
  }
}

/** BIRD 2 in a node. `ask("show protocols all")` is birdc's answer. */
export class Bird {
  readonly #socket: string;
  readonly #start: (...more: readonly string[]) => ChildProcess;
  readonly #write: (config: string) => string;
  process: ChildProcess;

  constructor(bench: Bench, node: string, config: string) {
    this.#write = (text) => bench.file(`bird-${node}.conf`, `log stderr all;\n${text}`);
    const path = this.#write(config);
    this.#socket = join(bench.folder, `bird-${node}.ctl`);
    const args = ["-f", "-c", path, "-s", this.#socket];
    this.#start = (...more) => bench.spawn(node, PROGRAMS.bird, [...args, ...more]);
    this.process = this.#start();
  }

  /** After `ask("graceful restart")`: the second half of it, with whatever is configured now. */
  recover(config: string): void {
    this.#write(config);
    this.process = this.#start("-R");
  }

  ask(command: string): string {
    const args = ["-s", this.#socket, ...command.split(" ")];
    return spawnSync("/usr/sbin/birdc", args, { encoding: "utf8" }).stdout ?? "";
  }
}

/** FRR's bgpd, zebra and bfdd in a node. `ask("show bgp summary json")` is vtysh's answer. */
export class Frr {
  readonly #folder: string;
  readonly #bench: Bench;
  readonly #node: string;
  readonly #starts = new Map<string, () => ChildProcess>();
  bgpd: ChildProcess | undefined;

  /** Each daemon knows its own words only: `config` is bgpd's, `bfdConfig` bfdd's. */
  constructor(bench: Bench, node: string, config: string, bfdConfig = "") {
    this.#bench = bench;
    this.#node = node;
    this.#folder = join(bench.folder, `frr-${node}`);
    mkdirSync(this.#folder);
    chmodSync(this.#folder, 0o777);
    const texts = { zebra: "", bfdd: bfdConfig, bgpd: config };
    for (const daemon of ["zebra", "bfdd", "bgpd"] as const) {
      const path = bench.file(`frr-${node}/${daemon}.conf`, texts[daemon]);
      const files = ["-i", join(this.#folder, `${daemon}.pid`), "--vty_socket", this.#folder];
      const zserv = ["-z", join(this.#folder, "zserv.api")];
      const bfd = daemon === "zebra" ? [] : [`--bfdctl=${join(this.#folder, "bfdd.sock")}`];
      const log = ["--log", "stdout", "--log-level", "warnings"];
      const args = [...files, ...zserv, ...(daemon === "bfdd" ? bfd : []), ...log, "-f", path];
      this.#starts.set(daemon, () => bench.spawn(node, `/usr/lib/frr/${daemon}`, args));
      this.#start(daemon);
    }
  }

  /** bgpd was killed, and is started with what is configured now. */
  recover(config: string): void {
    this.#bench.file(`frr-${this.#node}/bgpd.conf`, config);
    this.#start("bgpd");
  }

  #start(daemon: "zebra" | "bfdd" | "bgpd"): void {
    const path = join(this.#folder, `${daemon}.vty`);
    rmSync(path, { force: true });
    const process = this.#starts.get(daemon)?.();
    if (daemon === "bgpd") this.bgpd = process;
    waitForFile(path);
  }

  ask(...commands: string[]): string {
    const netns = ["netns", "exec", this.#bench.namespaces.nameOf(this.#node), "vtysh"];
    const words = commands.flatMap((command) => ["-c", command]);
    const args = [...netns, "--vty_socket", this.#folder, ...words];
    return spawnSync("ip", args, { encoding: "utf8" }).stdout ?? "";
  }

  json(command: string): Record<string, unknown> {
    try {
      return JSON.parse(this.ask(`${command} json`)) as Record<string, unknown>;
    } catch {
      return {};
    }
  }
}

/** GoBGP in a node. `ask(["neighbor"])` is the gobgp command's JSON answer. */
export class Gobgp {
  readonly #bench: Bench;
  readonly #node: string;

  constructor(bench: Bench, node: string, config: string) {
    this.#bench = bench;
    this.#node = node;
    const path = bench.file(`gobgpd-${node}.toml`, config);
    bench.spawn(node, PROGRAMS.gobgp, ["-f", path, "--api-hosts", "127.0.0.1:50051"]);
  }

  ask(args: readonly string[]): string {
    const netns = ["netns", "exec", this.#bench.namespaces.nameOf(this.#node), "/usr/bin/gobgp"];
    return spawnSync("ip", [...netns, ...args], { encoding: "utf8" }).stdout ?? "";
  }
}

function waitForFile(path: string): void {
  for (let tries = 0; tries < 100 && !existsSync(path); tries += 1) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  }
}
