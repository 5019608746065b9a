/**
 * The files of a fleet, as people would have written them: one for each edge, one for the cloud of
 * each region. They go through the loaders of the agent and of the cloud like any other file.
 *
 *   edge e ══ circuit i ══ VBR (region (e + i) mod R) ── ECR of that region
 *
 * Every region's ECR announces the same service prefix, so an edge that loses one region has
 * another.
 */
import type { EdgeConfig } from "../../agent/config/edge-config.ts";
import { loadEdgeConfig } from "../../agent/config/load.ts";
import { AppError } from "../../core/app-error.ts";
import type { CloudConfig } from "../cloud/config/cloud-config.ts";
import { loadCloud } from "../cloud/file/load.ts";
import type { Fleet } from "./fleet.ts";

/** The service in every region. */
export const SERVICE = { prefix: "10.255.0.0/16", address: "10.255.0.10" } as const;
const EDGE_AS = 65_010;

export interface CircuitPlan {
  readonly name: string;
  readonly region: number;
  readonly vbr: string;
  /** Edge and VBR, in one /30. */
  readonly edgeAddress: string;
  readonly vbrAddress: string;
}

export interface EdgePlan {
  readonly name: string;
  /** A host behind it. */
  readonly address: string;
  readonly prefix: string;
  readonly circuits: readonly CircuitPlan[];
}

export const ecrName = (region: number): string => `r${region + 1}-ecr`;

export function planEdges(fleet: Fleet): readonly EdgePlan[] {
  return Array.from({ length: fleet.edges }, (_, edge) => {
    const base = `10.${edge >> 8}.${edge & 255}`;
    const circuits = Array.from({ length: fleet.circuits }, (_, circuit): CircuitPlan => {
      const region = (edge + circuit) % fleet.regions;
      const link = (edge * fleet.circuits + circuit) * 4;
      const address = (host: number) =>
        `172.${16 + (link >> 16)}.${(link >> 8) & 255}.${(link & 255) + host}`;
      return {
        name: `circuit-${circuit + 1}`,
        region,
        vbr: `r${region + 1}-e${edge + 1}`,
        edgeAddress: address(2),
        vbrAddress: address(1),
      };
    });
    return { name: `edge-${edge + 1}`, address: `${base}.10`, prefix: `${base}.0/24`, circuits };
  });
}

export function edgeConfig(fleet: Fleet, plan: EdgePlan, index: number): EdgeConfig {
  const { interval, multiplier } = fleet.bfd;
  const circuits = plan.circuits.map(
    ({ name, edgeAddress, vbrAddress }, at) => `
  - name: ${name}
    profile: alibaba-vbr
    interface: { device: c${at + 1}, vlan: 0 }
    local: ${edgeAddress}/30
    remote: ${vbrAddress}
    bfd: { interval: ${interval}, multiplier: ${multiplier}, hops: 255 }`,
  );
  const text = `router:
  name: ${plan.name}
  as: ${EDGE_AS}
  id: 10.254.${index >> 8}.${index & 255}
circuits:${circuits.join("")}
announce:
  - { prefix: ${plan.prefix}, rank: 1 }
failover: { mode: ecmp }
fib: { kind: kernel }
api: { listen: off, socket: off }
`;
  const { config, problems } = loadEdgeConfig(`${plan.name}.yaml`, text);
  return config ?? refuse(problems);
}

/** The cloud of one region: a VBR for each circuit that ends there. */
export function cloudConfig(
  fleet: Fleet,
  edges: readonly EdgePlan[],
  region: number,
): CloudConfig | undefined {
  const { interval, multiplier } = fleet.bfd;
  const vbrs = edges.flatMap((edge) =>
    edge.circuits
      .filter((circuit) => circuit.region === region)
      .map(
        ({ vbr, edgeAddress, vbrAddress }) => `
  - name: ${vbr}
    circuit: ${vbr}
    local: ${vbrAddress}/30
    peer: ${edgeAddress}
    peerAs: ${EDGE_AS}
    bfd: { tx: ${interval}, rx: ${interval}, multiplier: ${multiplier}, hops: 255 }`,
      ),
  );
  if (vbrs.length === 0) return undefined;
  const text = `cloud: { name: region-${region + 1}, as: 45104 }
vbrs:${vbrs.join("")}
ecr: { name: ${ecrName(region)}, prefixes: [${SERVICE.prefix}] }
`;
  const { config, problems } = loadCloud(`region-${region + 1}.yaml`, text);
  return config ?? refuse(problems);
}

function refuse(
  problems: readonly { readonly severity: string; readonly message: string }[],
): never {
  const first = problems.find(({ severity }) => severity === "error");
  throw new AppError("FLEET_PLAN", first?.message ?? "the fleet's files cannot be read");
}
