/**
 * Network namespaces of one lab, named after this process. What it makes it removes, also after a
 * crash: the next lab reaps namespaces whose process is gone. Needs root and iproute2.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { PlatformError } from "../../../core/app-error.ts";
import { NetDevices } from "./net-devices.ts";

export interface VethEnd {
  readonly node: string;
  readonly device: string;
  /** `10.0.1.1/30` */
  readonly addresses: readonly string[];
}

const PREFIX = "causeway";

export class Namespaces {
  readonly #made = new Set<string>();
  /** Of interfaces; the low numbers are the kernel's to give. */
  #lastIndex = 100;
  /** What a fault changes, without a program in between. */
  readonly devices = new NetDevices((node) => this.nameOf(node));

  constructor() {
    reapAbandoned();
  }

  /** The namespace's full name, for `ip netns exec` and for hosts. */
  nameOf(node: string): string {
    return `${PREFIX}-${process.pid}-${node}`;
  }

  add(node: string, sysctls: Readonly<Record<string, number>>): void {
    const name = this.nameOf(node);
    this.#made.add(name);
    runIp(["netns", "add", name]);
    runIp(["-n", name, "link", "set", "lo", "up"]);
    const settings = Object.entries(sysctls).map(
      ([key, value]) => `[ ! -e /proc/sys/${key} ] || echo ${value} > /proc/sys/${key}`,
    );
    if (settings.length > 0) this.exec(node, "sh", ["-ec", settings.join("\n")]);
  }

  /**
   * A cable between two nodes; both ends come up addressed. Ends of one number look to Linux like
   * hardware, whose lost carrier it announces once a second for the whole machine, other labs
   * included; with numbers of their own they are told of at once, like hardware on a quiet one.
   */
  veth(a: VethEnd, b: VethEnd): void {
    const [nsA, nsB] = [this.nameOf(a.node), this.nameOf(b.node)];
    const [indexA, indexB] = [this.#nextIndex(), this.#nextIndex()];
    const peer = ["type", "veth", "peer", "name", b.device, "index", indexB, "netns", nsB];
    runIp(["link", "add", a.device, "index", indexA, "netns", nsA, ...peer]);
    for (const end of [a, b]) {
      for (const address of end.addresses) this.address(end.node, end.device, address);
      this.ip(end.node, ["link", "set", end.device, "up"]);
    }
  }

  /** A node's end of a VLAN that rides on a device of another node. */
  vlan(trunk: { readonly node: string; readonly device: string }, id: number, end: VethEnd): void {
    const passing = `v${id}`;
    const kind = ["type", "vlan", "id", String(id)];
    this.ip(trunk.node, ["link", "add", "link", trunk.device, "name", passing, ...kind]);
    const there = ["netns", this.nameOf(end.node), "name", end.device];
    this.ip(trunk.node, ["link", "set", passing, ...there]);
    for (const address of end.addresses) this.address(end.node, end.device, address);
    this.ip(end.node, ["link", "set", end.device, "up"]);
  }

  #nextIndex(): string {
    this.#lastIndex += 1;
    return String(this.#lastIndex);
  }

  address(node: string, device: string, address: string): void {
    const noDad = address.includes(":") ? ["nodad"] : [];
    this.ip(node, ["addr", "add", address, "dev", device, ...noDad]);
  }

  ip(node: string, args: readonly string[]): void {
    runIp(["-n", this.nameOf(node), ...args]);
  }

  /**
   * The device of each question `route get …`, all in one process; nothing where any has none,
   * because the answers do not say to which question they belong.
   */
  routesOut(node: string, questions: readonly string[]): readonly string[] {
    const input = `${questions.join("\n")}\n`;
    const args = ["-n", this.nameOf(node), "-force", "-json", "-batch", "-"];
    const { stdout } = spawnSync("ip", args, { input, encoding: "utf8" });
    const devices = [...(stdout ?? "").matchAll(/"dev":"([^"]+)"/g)].map((match) => match[1] ?? "");
    return devices.length === questions.length ? devices : [];
  }

  tc(node: string, args: readonly string[]): void {
    run("tc", ["-n", this.nameOf(node), ...args]);
  }

  sysctl(node: string, key: string, value: number): void {
    this.exec(node, "sh", ["-c", `echo ${value} > /proc/sys/${key}`]);
  }

  /** Packets the node's kernel dropped because their TTL ran out, since it was made. */
  ttlExpired(node: string): number {
    if (!this.#made.has(this.nameOf(node))) return 0;
    const rows = this.exec(node, "cat", ["/proc/net/snmp"]).split("\n");
    const [names, values] = rows.filter((row) => row.startsWith("Icmp:"));
    const at = names?.split(" ").indexOf("OutTimeExcds") ?? -1;
    return Number(values?.split(" ")[at] ?? 0);
  }

  exec(node: string, program: string, args: readonly string[]): string {
    return run("ip", ["netns", "exec", this.nameOf(node), program, ...args]);
  }

  /** Never throws: what is already gone is gone. */
  dispose(): void {
    this.devices.close();
    for (const name of this.#made) spawnSync("ip", ["netns", "del", name]);
    this.#made.clear();
  }
}

/** Undefined where namespaces can be made; else the sentence that says what is missing. */
export function whyNoNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return "not root";
  const probe = `${PREFIX}-${process.pid}-probe`;
  const made = spawnSync("ip", ["netns", "add", probe], { encoding: "utf8" });
  if (made.error !== undefined) return "iproute2 (the program ip) is not installed";
  if (made.status !== 0) return `ip netns add: ${made.stderr.trim()}`;
  spawnSync("ip", ["netns", "del", probe]);
  return undefined;
}

/** Undefined where the kernel has VLANs; else what is missing. */
export const whyNoVlan = (): string | undefined =>
  inProbe("vlan", (probe) => {
    const made = runs("ip", ["-n", probe, "link", "add", "link", "lo", "name", "v", ...VLAN]);
    const isUnknown = made.status !== 0 && /not supported|unknown/i.test(made.stderr);
    return isUnknown ? "this kernel has no 802.1Q (8021q)" : undefined;
  });

const VLAN = ["type", "vlan", "id", "1"];

/** Undefined where a namespace has a limit on ICMP of its own (Linux 6.13). */
export const whyNoEchoLimit = (): string | undefined =>
  inProbe("icmp", (probe) => {
    const { status } = runs("ip", ["netns", "exec", probe, "test", "-w", ECHO_LIMIT]);
    return status === 0 ? undefined : "this kernel limits ICMP for the whole machine only";
  });

const ECHO_LIMIT = "/proc/sys/net/ipv4/icmp_msgs_per_sec";

/** Undefined where the kernel can degrade a line; else what is missing. */
export const whyNoNetem = (): string | undefined =>
  inProbe("netem", (probe) => {
    const { status } = runs("tc", ["-n", probe, "qdisc", "add", "dev", "lo", "root", "netem"]);
    return status === 0 ? undefined : "this kernel has no netem (sch_netem)";
  });

/** What this machine's kernel was found to lack: steps ask again, and it stays the same kernel. */
const LACKS = new Map<string, string | undefined>();

/** Asks in a namespace that is there for nothing else; undefined where nothing is missing. */
function inProbe(what: string, ask: (namespace: string) => string | undefined): string | undefined {
  if (LACKS.has(what)) return LACKS.get(what);
  const probe = `${PREFIX}-${process.pid}-${what}`;
  if (runs("ip", ["netns", "add", probe]).status !== 0) return "no namespace can be made";
  const lack = ask(probe);
  runs("ip", ["netns", "del", probe]);
  LACKS.set(what, lack);
  return lack;
}

function reapAbandoned(): void {
  const directory = "/run/netns";
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) {
    const pid = new RegExp(`^${PREFIX}-(\\d+)-`).exec(name)?.[1];
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) spawnSync("ip", ["netns", "del", name]);
  }
}

const runs = (program: string, args: readonly string[]) =>
  spawnSync(program, args, { encoding: "utf8" });

const runIp = (args: readonly string[]): string => run("ip", args);

function run(program: string, args: readonly string[]): string {
  const outcome = runs(program, args);
  if (outcome.status === 0) return outcome.stdout;
  const why = outcome.error?.message ?? outcome.stderr.trim();
  throw new PlatformError("PLATFORM_NAMESPACE", `"${program} ${args.join(" ")}" failed: ${why}`);
}
