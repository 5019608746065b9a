/** The cloud's file: what it may say, every fault at its line, the vendor's defaults. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { loadCloud } from "../../../../src/sim/cloud/file/load.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "..", "..");
const read = (file: string) => readFileSync(join(root, "fixtures", file), "utf8");

t.test("cloud file: every key is read", async (t) => {
  const { config, problems } = loadCloud("full.yaml", read("cloud/full.yaml"));
  t.same(problems, []);
  if (config === undefined) return;
  t.equal(config.as, 64512);
  const [first] = config.connections;
  t.match(first, { device: "hz-1a", bandwidthBps: 10_240_000_000, downDelayUs: 500_000 });
  t.same(
    config.vbrs.map(({ region }) => region),
    ["cn-hangzhou", "cn-hangzhou", "cn-shanghai", "cn-hangzhou", "cn-shanghai"],
    "a VBR stands in the region of its access point",
  );
  t.match(config.vbrs[0]?.healthCheck, { source: "100.96.0.1", intervalUs: 2e6, threshold: 8 });
  t.same(
    config.vpcs.map(({ attachment }) => attachment),
    ["ecr-1", "ecr-1", "tr-1", undefined],
    "a VPC learns from its transit router, else from the ECR, and of peerings from nobody",
  );
  t.match(config.transitRouters[0]?.attachments[0], {
    to: "ecr-1",
    association: "default",
    propagations: ["default"],
    isAdvertised: true,
  });
  t.same(
    config.transitRouters[0]?.routeMaps.map(({ direction, priority }) => [direction, priority]),
    [
      ["in", 10],
      ["out", 10],
      ["in", 20],
      ["out", 20],
    ],
  );
  t.equal(config.knobs.routeDelayUs, 3_000_000);
});

t.test("cloud file: what is not said is the vendor's default", async (t) => {
  const { config } = loadCloud(
    "short.yaml",
    `
cloud: { name: short }
vbrs:
  - { name: vbr-1, circuit: c1, local: 10.0.1.1/30, peer: 10.0.1.2, peerAs: 65010, bfd: {} }
  - { name: vbr-2, circuit: c2, local: 10.0.2.1/30, peer: 10.0.2.2, peerAs: 65010 }
ecr: { name: ecr-1, prefixes: [10.64.0.0/16] }
`,
  );
  t.equal(config?.as, 45104);
  t.match(config?.vbrs[0], { vlan: 0, mtu: 1500 });
  t.match(config?.vbrs[0]?.groups, [
    {
      ...{ name: "vbr-1", peerAs: 65010, fakeAs: undefined, md5Key: undefined },
      ...{ holdTimeSec: 30, keepaliveTimeSec: 10, routeQuota: 110 },
      peers: [
        {
          ...{ name: "c1", address: "10.0.1.2" },
          bfd: { txIntervalUs: 1e6, rxIntervalUs: 1e6, multiplier: 3, hops: 255 },
        },
      ],
    },
  ]);
  const bare = config?.vbrs[1]?.groups[0]?.peers[0];
  t.same([bare?.name, bare?.bfd], ["c2", undefined], "BFD is off until it is asked for");
  t.equal(config?.ecr?.ecmpPathsMax, 32);
  t.same(
    config?.connections.map(({ name, accessPoint, downDelayUs }) => [
      name,
      accessPoint,
      downDelayUs,
    ]),
    [
      ["c1", "ap-c1", 0],
      ["c2", "ap-c2", 0],
    ],
    "each circuit has a connection of its own on a device of its own",
  );
});

t.test("cloud file: faults of lines, VBRs and groups, each at its line", async (t) => {
  everyFaultAtItsLine(t, "bad-lines.yaml");
});

t.test("cloud file: faults of BGP groups and peers, each at its line", async (t) => {
  everyFaultAtItsLine(t, "bad-groups.yaml");
});

t.test("cloud file: faults of IPv6, each at its line", async (t) => {
  everyFaultAtItsLine(t, "bad-ipv6.yaml");
  const short = (more: string) => `
cloud: { name: short }
vbrs: [{ name: vbr-1, circuit: c1, local: 10.0.1.1/30, peer: 10.0.1.2, peerAs: 65010 }]
ecr: { name: ecr-1${more}`;
  t.match(loadCloud("no.yaml", short(", prefixes: [fd00:64::/32] }")).problems, [
    { code: "C126", path: "ecr.prefixes[0]" },
  ]);
  const vpc = "\nvpcs: [{ name: a, ipv6: fd00::/56, vswitches: [{ name: s, cidr: 10.0.0.0/24 }] }]";
  t.match(loadCloud("no.yaml", short(` }${vpc}`)).problems, [{ code: "C126" }]);
  const route = '{ name: tr-1, attachments: [], routes: [{ prefix: "fd00::/32", to: blackhole }] }';
  t.match(loadCloud("no.yaml", short(` }\ntransitRouters: [${route}]`)).problems, [
    { code: "C126", path: "transitRouters[0].routes[0].prefix" },
  ]);
});

t.test(
  "cloud file: IPv6 of a VBR is a second session, of a vSwitch a second network",
  async (t) => {
    const { config } = loadCloud("full.yaml", read("cloud/full.yaml"));
    const vbr = config?.vbrs.find(({ name }) => name === "vbr-2");
    t.match(vbr?.groups, [
      { name: "vbr-2", ipVersion: "ipv4", peers: [{ name: "circuit-2", address: "10.0.2.2" }] },
      { name: "vbr-2-v6", ipVersion: "ipv6", peers: [{ name: "circuit-2-v6" }] },
    ]);
    t.match(vbr?.groups[1]?.peers[0]?.bfd, { txIntervalUs: 200_000, hops: 1 });
    t.same(
      config?.vpcs[0]?.vswitches.map(({ cidr }) => cidr),
      ["10.64.0.0/24", "fd00:64:0:1::/64", "10.64.1.0/24"],
    );
  },
);

t.test("cloud file: a group's attributes go for all its peers, BFD for each", async (t) => {
  const { config } = loadCloud("full.yaml", read("cloud/full.yaml"));
  const vbr = config?.vbrs.find(({ name }) => name === "vbr-5");
  t.match(vbr?.groups[0], { peerAs: 65010, fakeAs: 64998, routeQuota: 100 });
  const peers = vbr?.groups.flatMap((group) => group.peers) ?? [];
  t.same(
    peers.map(({ name, address, bfd }) => [name, address, bfd?.txIntervalUs, bfd?.hops]),
    [
      ["circuit-5", "10.0.5.2", 300_000, 255],
      ["second-router", "10.0.5.3", 300_000, 1],
      ["circuit-5-3", "10.0.5.4", undefined, undefined],
      ["circuit-5-v6", "fd00:0:0:5::2", 300_000, 255],
    ],
    "the gateway's peer has the circuit's name, others a number; timers are the VBR's",
  );
});

t.test("cloud file: faults of VPCs and transit routers, each at its line", async (t) => {
  everyFaultAtItsLine(t, "bad-routes.yaml");
});

t.test("cloud file: faults of peering connections, each at its line", async (t) => {
  everyFaultAtItsLine(t, "bad-peerings.yaml");
});

t.test("cloud file: failover groups and features of devices, each at its line", async (t) => {
  everyFaultAtItsLine(t, "bad-failover-groups.yaml");
});

t.test("cloud file: quotas, each at its line", async (t) => {
  everyFaultAtItsLine(t, "bad-quotas.yaml");
});

t.test("cloud file: a quota of its own raises or lifts the vendor's", async (t) => {
  const text = read("cloud/bad-quotas.yaml").split("\nquotas:")[0];
  const lifted = `quotas: { connectionsPerAccessPoint: unlimited, unpaidConnections: 11 }\n`;
  const { problems } = loadCloud("lifted.yaml", `${text}\n${lifted}`);
  const told = problems.filter(({ code }) => code === "C108").map(({ message }) => message);
  t.match(told, [/pc-1 has 6 VBRs, .* allows 5 \(QuotaExceeded\.vbrPerpConn\)/]);
});

t.test("cloud file: what names no region is in the first, as what names that", async (t) => {
  const text = (hub: string) => `
cloud: { name: home }
regions: [{ name: r1, cdt: true }, { name: r2, cdt: true }]
accessPoints: [{ name: ap-1 }, { name: ap-2, region: r1 }]
connections: [{ name: pc-1, accessPoint: ap-1 }, { name: pc-2, accessPoint: ap-2 }]
vbrs:
  - { name: a, circuit: c1, connection: pc-1, local: 10.0.1.1/30, peer: 10.0.1.2, peerAs: 65010, bfd: {} }
  - { name: b, circuit: c2, connection: pc-2, local: 10.0.2.1/30, peer: 10.0.2.2, peerAs: 65010, bfd: {} }
failoverGroups: [{ name: ha, vbrs: [a, b] }]
ecr: { name: ecr-1 }
${hub}`;
  t.same(loadCloud("home.yaml", text("")).problems, []);
  const tr = (name: string, attachments: string, region = "") =>
    `  - { name: ${name}, attachments: [${attachments}]${region} }\n`;
  const both = "{ name: a, kind: vbr, to: a }, { name: b, kind: vbr, to: b }";
  t.same(loadCloud("home.yaml", text(`transitRouters:\n${tr("tr-1", both)}`)).problems, []);
  const ecr = "{ name: e, kind: ecr }";
  const twins = `transitRouters:\n${tr("tr-1", ecr)}${tr("tr-2", ecr, ", region: r1")}`;
  t.match(loadCloud("home.yaml", text(twins)).problems, [
    { code: "C121", path: "transitRouters[0].attachments[0]" },
    { code: "C121", path: "transitRouters[1].attachments[0]" },
  ]);
  const single = text(twins)
    .replace(/^regions.*\n/m, "")
    .replaceAll("r1", "region-1");
  t.equal(loadCloud("home.yaml", single).problems.length, 2, "and in a file without regions");
});

/** The file marks each line with the codes of what is wrong with it. */
function everyFaultAtItsLine(t: Test, file: string): void {
  const text = read(`cloud/${file}`);
  const wanted = text.split("\n").flatMap((line, index) => {
    const codes = /# ((?:C\d+ ?)+)$/.exec(line)?.[1]?.trim().split(" ") ?? [];
    return codes.map((code) => `${index + 1} ${code}`);
  });
  const { config, problems } = loadCloud(file, text);
  t.equal(config, undefined);
  const found = problems.map(({ line, code }) => `${line} ${code}`);
  t.same(found.toSorted(), wanted.toSorted());
  for (const { message } of problems) t.notMatch(message, /undefined|NaN|\[object/, message);
}

t.test("cloud file: without an ECR everything is joined to something else", async (t) => {
  const text = read("lab/cloud-transit-vbrs.yaml");
  t.equal(loadCloud("c.yaml", text).config?.ecr, undefined);
  const broken = text
    .replace("{ name: to-vbr-2, kind: vbr, to: vbr-2 }", "{ name: to-ecr, kind: ecr }")
    .replace(/^.*to: vpc-1 }\n/m, "");
  t.match(
    loadCloud("c.yaml", broken).problems.map(({ code, message }) => `${code} ${message}`),
    [
      /C124 vbr-2 is joined to nothing: there is no ECR here; attach it to a transit router/,
      /C112 vbr-2 is on no ECR or transit router/,
      /C124 vpc-1 is joined to nothing/,
      /C106 there is no ECR here: add the key "ecr"/,
    ],
  );
});
