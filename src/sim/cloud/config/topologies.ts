/**
 * The vendor's high-reliability topologies, and a VPN as backup, each by one name: a cloud's file
 * and the edge's that fits it, as text. They are read like any other file, so what a drill runs by
 * name is what its author can write down, look at and change.
 */
export const TOPOLOGIES = [
  "optimal-disaster-recovery",
  "powerful-disaster-recovery",
  "development",
  "load-balancing",
  "vpn-backup",
] as const;
export type TopologyName = (typeof TOPOLOGIES)[number];

export interface Topology {
  readonly cloud: string;
  readonly edge: string;
  /** Hosts on either side that its prefixes cover. */
  readonly traffic: { readonly idc: string; readonly vpc: string };
}

interface Shape {
  /** As the vendor calls it (`HighReliableType`), and what that is. */
  readonly comment: string;
  /** Of each circuit in order: access point and access device. */
  readonly circuits: readonly (readonly [accessPoint: string, device: string])[];
  /** Circuits that stand in for each other at once; two and two. */
  readonly pairs: readonly (readonly [number, number])[];
  readonly hasVpn: boolean;
  /** More circuits on one access point than an account has unasked. */
  readonly perAccessPoint?: number;
}

const SHAPES: Readonly<Record<TopologyName, Shape>> = {
  "optimal-disaster-recovery": {
    comment: "MultiApMultiDevice: 4 circuits, 2 access points with 2 devices each; 99.99 %.",
    circuits: [
      ["ap-1", "device-1a"],
      ["ap-1", "device-1b"],
      ["ap-2", "device-2a"],
      ["ap-2", "device-2b"],
    ],
    pairs: [
      [1, 3],
      [2, 4],
    ],
    hasVpn: false,
  },
  "powerful-disaster-recovery": {
    comment: "MultiApSingleDevice: 2 circuits on 2 access points; 99.95 %.",
    circuits: [
      ["ap-1", "device-1a"],
      ["ap-2", "device-2a"],
    ],
    pairs: [[1, 2]],
    hasVpn: false,
  },
  development: {
    comment: "SingleApMultiDevice: 2 circuits on 2 devices of one access point; no SLA.",
    circuits: [
      ["ap-1", "device-1a"],
      ["ap-1", "device-1b"],
    ],
    pairs: [[1, 2]],
    hasVpn: false,
  },
  "load-balancing": {
    comment: "SingleApMultiConnection: 4 circuits on one access point, for bandwidth; no SLA.",
    circuits: [
      ["ap-1", "device-1a"],
      ["ap-1", "device-1b"],
      ["ap-1", "device-1a"],
      ["ap-1", "device-1b"],
    ],
    pairs: [
      [1, 2],
      [3, 4],
    ],
    hasVpn: false,
    perAccessPoint: 16,
  },
  "vpn-backup": {
    comment: "One circuit, and an IPsec connection of a transit router as the last way.",
    circuits: [["ap-1", "device-1a"]],
    pairs: [],
    hasVpn: true,
  },
};

const CUSTOMER_AS = 65010;
const VPN = { local: "169.254.10.1", peer: "169.254.10.2" } as const;

export function topology(name: TopologyName): Topology {
  const shape = SHAPES[name];
  return {
    cloud: cloudText(name, shape),
    edge: edgeText(name, shape),
    traffic: { idc: "10.1.0.10", vpc: "10.64.0.10" },
  };
}

export const isTopologyName = (name: string): name is TopologyName =>
  TOPOLOGIES.some((known) => known === name);

function cloudText(name: TopologyName, shape: Shape): string {
  const { circuits, pairs, hasVpn, perAccessPoint } = shape;
  const points = [...new Set(circuits.map(([point]) => point))];
  const lines = [
    `# ${shape.comment}`,
    `cloud: { name: ${name} }`,
    "accessPoints:",
    ...points.map((point) => `  - { name: ${point} }`),
    "connections:",
    ...circuits.map(([point, device], index) => {
      return `  - { name: pc-${index + 1}, accessPoint: ${point}, accessDevice: ${device} }`;
    }),
    "vbrs:",
    ...circuits.flatMap((_, index) => vbrLines(index + 1)),
    ...(pairs.length === 0 ? [] : ["failoverGroups:"]),
    ...pairs.map(([a, b]) => `  - { name: vbrha-${a}-${b}, vbrs: [vbr-${a}, vbr-${b}] }`),
    ...(hasVpn ? TRANSIT_LINES : ["ecr: { name: ecr-1, prefixes: [10.64.0.0/16] }"]),
    ...(perAccessPoint === undefined
      ? []
      : [`quotas: { connectionsPerAccessPoint: ${perAccessPoint} }`]),
  ];
  return `${lines.join("\n")}\n`;
}

const vbrLines = (number: number): readonly string[] => [
  `  - name: vbr-${number}`,
  `    circuit: circuit-${number}`,
  `    connection: pc-${number}`,
  `    local: 10.0.${number}.1/30`,
  `    peer: 10.0.${number}.2`,
  `    peerAs: ${CUSTOMER_AS}`,
  "    bfd: { tx: 300ms, rx: 300ms, multiplier: 3, hops: 255 }",
];

const TRANSIT_LINES: readonly string[] = [
  "ecr: { name: ecr-1 }",
  "vpcs:",
  "  - { name: vpc-1, vswitches: [{ name: vsw-1, cidr: 10.64.0.0/24 }] }",
  "vpns:",
  "  - name: vpn-1",
  "    circuit: vpn",
  `    local: ${VPN.local}/30`,
  `    peer: ${VPN.peer}`,
  `    peerAs: ${CUSTOMER_AS}`,
  "transitRouters:",
  "  - name: tr-1",
  "    attachments:",
  "      - { name: to-ecr, kind: ecr }",
  "      - { name: to-vpc, kind: vpc, to: vpc-1 }",
  "      - { name: to-vpn, kind: vpn, to: vpn-1 }",
];

function edgeText(name: TopologyName, { circuits, hasVpn }: Shape): string {
  const lines = [
    `# The edge of ${name}.`,
    `router: { name: edge-1, as: ${CUSTOMER_AS}, id: 10.255.0.1 }`,
    "circuits:",
    ...circuits.flatMap((_, index) => circuitLines(index + 1)),
    ...(hasVpn ? VPN_LINES : []),
    "announce: [{ prefix: 10.1.0.0/16, rank: 1 }]",
    hasVpn
      ? "failover: { mode: active-standby, order: [circuit-1, vpn] }"
      : "failover: { mode: ecmp }",
    "fib: { kind: kernel }",
  ];
  return `${lines.join("\n")}\n`;
}

const circuitLines = (number: number): readonly string[] => [
  `  - name: circuit-${number}`,
  "    profile: alibaba-vbr",
  `    interface: { device: c${number}, vlan: 0 }`,
  `    local: 10.0.${number}.2/30`,
  `    remote: 10.0.${number}.1`,
  "    bfd: { interval: 300ms, multiplier: 3, hops: 255 }",
];

const VPN_LINES: readonly string[] = [
  "  - name: vpn",
  "    interface: { device: tun0, vlan: 0 }",
  `    local: ${VPN.peer}/30`,
  `    remote: ${VPN.local}`,
  "    remoteAs: 45104",
  "    bfd: off",
  "    import: [cloud-in]",
  "    export: [announce-own]",
];
