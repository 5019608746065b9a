import { spawnSync } from "node:child_process";
import type { Test } from "tap";
import type { Log, LogEvent } from "../../src/core/log.ts";
import {
  createLinuxHost,
  type LinuxHost,
  type LinuxHostOptions,
} from "../../src/platform/linux/host.ts";
import { Namespaces, whyNoNamespaces } from "../../src/sim/lab/namespaces/namespaces.ts";

/** Two network namespaces, `a` and `b`, with a cable `wire` between them, and hosts in both. */
export class TwinNetns {
  readonly spaces = new Namespaces();
  readonly log: LogEvent[] = [];
  readonly #t: Test;

  constructor(t: Test) {
    this.#t = t;
    t.teardown(() => this.spaces.dispose());
    for (const node of ["a", "b"]) this.spaces.add(node, {});
    this.cable("wire", 0);
  }

  /** A further cable, with addresses 10.99.N.1/30 and .2, fd99:N::1/64 and ::2. */
  cable(device: string, number: number): void {
    const end = (node: "a" | "b", host: number) => ({
      node,
      device,
      addresses: [`10.99.${number}.${host}/30`, `fd99:${number}::${host}/64`],
    });
    this.spaces.veth(end("a", 1), end("b", 2));
  }

  host(node: "a" | "b", rest: Partial<LinuxHostOptions> = {}): LinuxHost {
    const log: Log = { write: (entry) => this.log.push(entry) };
    const host = createLinuxHost({
      ...{ name: node, netns: this.spaces.nameOf(node), log },
      ...rest,
    });
    this.#t.teardown(() => host.close());
    return host;
  }

  ip(node: "a" | "b", words: string): string {
    return this.spaces.exec(node, "ip", words.split(" "));
  }

  /** The outcome of a command in a namespace, whatever it is. */
  try(node: "a" | "b", words: string): { readonly status: number | null; readonly text: string } {
    const args = ["netns", "exec", this.spaces.nameOf(node), ...words.split(" ")];
    const { status, stdout, stderr } = spawnSync("ip", args, { encoding: "utf8" });
    return { status, text: stdout + stderr };
  }
}

/** For `t.test`: false where namespaces can be made, else the reason for a loud skip. */
export const skipWithoutNetns: string | false = whyNoNamespaces() ?? false;

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Waits until the claim holds; false where it does not within `patienceMs`. */
export async function until(claim: () => boolean, patienceMs = 10_000): Promise<boolean> {
  const deadline = performance.now() + patienceMs;
  while (performance.now() < deadline) {
    if (claim()) return true;
    await sleep(4);
  }
  return claim();
}
