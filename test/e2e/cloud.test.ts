/** `causeway cloud` as a process: its tables by their names, on addresses of this machine only. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import t from "tap";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");
const vbr = (number: number, port: number, more: string) =>
  `  - { name: vbr-${number}, circuit: circuit-${number}, local: 127.91.${number}.1/30, ` +
  `peer: 127.91.${number}.2, peerAs: 65010, port: ${port}, bfd: off${more} }\n`;
const cloud = (port: number) => `
cloud: { name: lab }
vbrs:
${vbr(1, port, ", routes: [{ prefix: 10.64.0.0/24, to: ri-1 }], networks: [10.64.0.0/24]")}${vbr(2, port, "")}
vpcs:
  - name: vpc-1
    vswitches: [{ name: vsw-1, cidr: 10.64.0.0/24 }]
    routes: [{ prefix: 10.1.0.0/16, nextHop: peering, via: [{ peering: ri-1 }] }]
  - { name: vpc-2, vswitches: [{ name: vsw-1, cidr: 10.65.0.0/24 }] }
peerings: [{ name: ri-1, vbr: vbr-1, vpc: vpc-1 }]
transitRouters:
  - name: tr-1
    attachments:
      - { name: to-vpc, kind: vpc, to: vpc-2 }
      - { name: to-vbr, kind: vbr, to: vbr-2 }
`;

t.test("cloud: routes of a VPC, a VBR and a transit router, without an ECR", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "causeway-cloud-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "cloud.yaml");
  writeFileSync(file, cloud(20_000 + (process.pid % 20_000)));
  // As from a shell: what the test runner loads into its children is not for the program.
  const words = [process.execPath, join(root, "bin", "causeway"), "cloud", "-c", file];
  const stdio = ["pipe", "pipe", "inherit"] as const;
  const child = spawn("/usr/bin/env", ["-u", "NODE_OPTIONS", ...words], { stdio: [...stdio] });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line.includes("vbr-2 bgp.peer.up")) {
      child.stdin.write("routes vpc-1\nroutes vbr-1\nroutes tr-1\nroutes x\nquit\n");
    }
  }
  t.equal(await ended, 0);
  for (const wanted of [
    "vpc-1 10.64.0.0/24 System local Active",
    "vpc-1 10.1.0.0/16 Custom ri-1 Active",
    "vbr-1 10.64.0.0/24 Static ri-1 Active",
    'no table "x"; known are tr-1, vpc-1, vpc-2, vbr-1, vbr-2',
  ]) {
    t.ok(lines.includes(wanted), wanted);
  }
});
