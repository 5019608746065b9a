/**
 * How routes go through the cloud, in virtual time: what the ECR chooses, what a transit router
 * lets pass between whom, which routes of a VPC's table are active, which way traffic then takes.
 */
import t from "tap";
import { CloudRig, circuit, ECR, edgeFile, readEdge, vbr } from "./cloud-rig.ts";

const TWO = (ecr = ECR, more = "") => `
cloud: { name: lab }
vbrs:${vbr(1)}${vbr(2)}
${ecr}
${more}`;

const VPC = "{ name: vpc-a, vswitches: [{ name: vsw, cidr: 10.64.0.0/24 }] }";
const NO_PREFIXES = "ecr: { name: ecr-1 }";

/** Prepends on circuit-2, so that the cloud takes it for the longer way. */
const STANDBY = edgeFile(
  circuit(1) + circuit(2),
  "failover: { mode: active-standby, order: [circuit-1, circuit-2] }",
);

t.test("ECR: equal AS_PATHs share the load, at most as many as ecmp says", async (t) => {
  const both = new CloudRig({ cloud: TWO() }).start();
  t.same(both.backVia(), ["circuit-1", "circuit-2"]);
  const one = new CloudRig({ cloud: TWO(ECR.replace("}", ", ecmp: 1 }")) }).start();
  t.equal(one.backVia().length, 1);
});

t.test("ECR: the shorter AS_PATH wins, the longer takes over", async (t) => {
  const rig = new CloudRig({ cloud: TWO(), edge: STANDBY }).start();
  t.same(rig.backVia(), ["circuit-1"]);
  rig.link("circuit-1").cut({ carrier: "unseen" });
  t.ok(rig.until(() => rig.backVia().join() === "circuit-2", 10) !== undefined);
});

t.test("VBR: routes of one customer reach another over sitelink only", async (t) => {
  const rig = new CloudRig({ cloud: TWO() }).start();
  t.notOk(rig.toldToEdge("circuit-2").includes("10.1.0.0/16"));
  const cloud = `
cloud: { name: lab }
vbrs:${vbr(1)}${vbr(2, "\n    sitelink: true")}
${ECR}`;
  // The one customer is on both circuits, and its own AS is in what it gets back.
  const linked = new CloudRig({ cloud, edge: edgeFile(circuit(1) + circuit(2)) });
  linked.start();
  t.ok(linked.tableOf("vbr-2").includes("10.1.0.0/16"));
  const rib = linked.cloud.agent("vbr-2")?.view.speaker.rib;
  t.equal(rib?.explain("10.1.0.0/16")?.candidates.length, 2, "its own and that of vbr-1");
  t.notOk(rig.cloud.agent("vbr-2")?.view.speaker.rib.explain("10.1.0.0/16")?.candidates[1]);
});

t.test("VBR: fakeAs is the AS its customer sees", async (t) => {
  const cloud = `
cloud: { name: lab, as: 64512 }
vbrs:${vbr(1, "\n    fakeAs: 45104")}
${ECR}`;
  const rig = new CloudRig({ cloud, edge: edgeFile(circuit(1)) }).start();
  t.equal(rig.edgeState("circuit-1"), "Established");
  t.equal(rig.fate("idc"), "delivered");
});

t.test("customer's MED: ignored, or compared where the knob says so", async (t) => {
  const edge = `${STANDBY.replace(/failover: .*/, "failover: { mode: ecmp }")}
policy:
  policies:
    far: [{ term: far, set: { med: 500 }, action: accept }]
`.replace(/(circuit-2\n(?: .*\n)+? {4}bfd: [^\n]*)/, "$1\n    export: [announce-own, far]");
  const ignored = new CloudRig({ cloud: TWO(), edge: withMed(edge) }).start();
  t.same(ignored.backVia(), ["circuit-1", "circuit-2"]);
  const cloud = TWO(ECR, "knobs: { customerMed: compared }");
  const compared = new CloudRig({ cloud, edge: withMed(edge) }).start();
  t.same(compared.backVia(), ["circuit-1"]);
});

/** `announce-own` accepts, so the MED has to be set before it. */
function withMed(text: string): string {
  return text
    .replace("export: [announce-own, far]", "export: [far, announce-own]")
    .replace("set: { med: 500 }, action: accept", "set: { med: 500 }");
}

t.test("GRACEFUL_SHUTDOWN: honoured, or ignored where the knob says so", async (t) => {
  const maintain = (rig: CloudRig) => {
    rig.reloadEdge((config) => ({
      ...config,
      circuits: config.circuits.map((one) => ({
        ...one,
        sessions: one.sessions.map((session) => ({
          ...session,
          isInMaintenance: one.name === "circuit-1",
        })),
      })),
    }));
    rig.run(5);
    return rig.backVia();
  };
  const edge = edgeFile(circuit(1) + circuit(2));
  t.same(maintain(new CloudRig({ cloud: TWO(), edge }).start()), ["circuit-2"]);
  const deaf = TWO(ECR, "knobs: { gracefulShutdown: ignored }");
  const kept = maintain(new CloudRig({ cloud: deaf, edge }).start());
  t.same(kept, ["circuit-1", "circuit-2"]);
});

t.test("no-export: a customer's route stays in the cloud", async (t) => {
  const cloud = `
cloud: { name: lab }
vbrs:${vbr(1)}${vbr(2, "\n    sitelink: true")}
${ECR}`;
  const quiet = circuit(2, "\n    export: [reject-all]");
  const told = (mark: string) => {
    const first = circuit(1, "\n    export: [mark, announce-own]");
    const policy = `policy: { policies: { mark: [{ term: mark, set: { ${mark} } }] } }`;
    const edge = `${edgeFile(first + quiet)}${policy}\n`;
    const rig = new CloudRig({ cloud, edge }).start();
    t.ok(rig.tableOf("vbr-2").includes("10.1.0.0/16"), "by way of vbr-1");
    return rig.cloud.view().vbrs[1]?.peers[0]?.advertisedRouteCount;
  };
  t.equal(told("med: 5"), 2, "the VPC's and the other customer's");
  t.equal(told("community: { add: [no-export] }"), 1);
});

t.test("graceful restart: offered by the knob only", async (t) => {
  const offered = (cloud: string) => {
    const rig = new CloudRig({ cloud }).start();
    const peer = rig.edge.view.speaker.peer("circuit-1");
    return peer?.negotiated?.remoteCapabilities.some(({ kind }) => kind === "graceful-restart");
  };
  t.equal(offered(TWO()), false);
  t.equal(offered(TWO(ECR, "knobs: { gracefulRestart: helper }")), true);
});

t.test("VPC: a custom route beats the dynamic one, which comes back when it goes", async (t) => {
  const rig = new CloudRig({ cloud: TWO(NO_PREFIXES, `vpcs: [${VPC}]`) }).start();
  t.equal(rig.fate("vpc"), "delivered");
  t.equal(rig.fate("idc"), "delivered");
  const route = { do: "custom-route", vpc: "vpc-a", prefix: "10.1.0.0/16" } as const;
  const rowOf = (prefix: string) =>
    rig.cloud.view().vpcs[0]?.table.filter((row) => row.prefix === prefix);
  t.match(
    rig.cloud.do({ ...route, nextHop: "blackhole" }),
    {
      code: "RouteConflict.AlreadyExist",
    },
    "refused over a dynamic route that is there",
  );

  const custom = "routes: [{ prefix: 10.1.0.0/16, nextHop: blackhole }]";
  const vpcs = `vpcs: [${VPC.replace(" }]", ` }], ${custom}`)}]`;
  const early = new CloudRig({ cloud: TWO(NO_PREFIXES, vpcs) }).start();
  t.equal(early.fate("vpc"), "blackhole");
  const rows = early.cloud.view().vpcs[0]?.table.filter(({ prefix }) => prefix === "10.1.0.0/16");
  t.match(rows, [
    { type: "Custom", isActive: true },
    { type: "Dynamic", isActive: false, reason: "custom-route" },
  ]);
  t.equal(early.cloud.do({ ...route, nextHop: undefined }), undefined);
  early.run(2);
  t.equal(early.fate("vpc"), "delivered");
  t.match(rowOf("10.1.0.0/16"), [{ type: "Dynamic", isActive: true }]);
});

t.test(
  "VPC: custom routes to an instance are published on demand; conflicts by name",
  async (t) => {
    const custom = "routes: [{ prefix: 10.99.0.0/16, nextHop: instance, publish: true }]";
    const vpcs = `vpcs: [${VPC.replace(" }]", ` }], ${custom}`)}]`;
    const rig = new CloudRig({ cloud: TWO(NO_PREFIXES, vpcs), vpc: "10.99.0.1" }).start();
    t.ok(rig.toldToEdge("circuit-1").includes("10.99.0.0/16"));
    t.equal(rig.fate("idc"), "delivered");
    const add = (prefix: string) =>
      rig.cloud.do({ do: "custom-route", vpc: "vpc-a", prefix, nextHop: "hub" })?.code;
    t.equal(add("10.64.0.0/24"), "InvalidCIDRBlock.Duplicate");
    t.equal(add("100.64.0.0/10"), "InvalidCIDRBlock.Duplicate");
    t.equal(add("nonsense"), "InvalidCIDRBlock.Malformed");
    t.equal(add("100.70.0.0/16"), undefined, "inside of the service range it may be");
    t.equal(add("10.2.0.0/16"), undefined);
  },
);

t.test("VPC: a dynamic route inside of a vSwitch is not effective", async (t) => {
  const edge = STANDBY.replace("announce: [", "announce: [{ prefix: 10.64.0.128/25, rank: 2 }, ");
  const rig = new CloudRig({ cloud: TWO(NO_PREFIXES, `vpcs: [${VPC}]`), edge }).start();
  const row = rig.cloud.view().vpcs[0]?.table.find(({ prefix }) => prefix === "10.64.0.128/25");
  t.match(row, { type: "Dynamic", isActive: false, reason: "system-route" });
});

t.test("VPC: dynamic routes beyond the quota are received and inactive", async (t) => {
  const prefixes = Array.from({ length: 8 }, (_, index) => {
    return `{ prefix: 10.1.${index}.0/24, rank: 1 }`;
  });
  const edge = STANDBY.replace(/announce: .*/, `announce: [${prefixes.join(", ")}]`);
  const more = `vpcs: [${VPC}]\nquotas: { ecrRoutesPerVpcTable: 5 }`;
  const rig = new CloudRig({ cloud: TWO(NO_PREFIXES, more), edge, idc: "10.1.0.10" }).start();
  const dynamic = () => {
    const table = rig.cloud.view().vpcs[0]?.table ?? [];
    return table.filter(({ type }) => type === "Dynamic");
  };
  t.equal(dynamic().length, 8, "all are received");
  t.same(
    dynamic().flatMap(({ prefix, isActive }) => (isActive ? [prefix] : [])),
    ["10.1.0.0/24", "10.1.1.0/24", "10.1.2.0/24", "10.1.3.0/24", "10.1.4.0/24"],
  );
  rig.reloadEdge((config) => ({ ...config, announce: config.announce.slice(2) }));
  rig.run(5);
  t.equal(dynamic().filter(({ isActive }) => isActive).length, 5, "others take the free places");
});

t.test("VPC: on a transit router its table has another quota", async (t) => {
  const prefixes = Array.from({ length: 8 }, (_, index) => {
    return `{ prefix: 10.1.${index}.0/24, rank: 1 }`;
  });
  const edge = STANDBY_VPN.replace(/announce: .*/, `announce: [${prefixes.join(", ")}]`);
  const quotas = "\nquotas: { ecrRoutesPerVpcTable: 2, dynamicRoutesPerVpcTable: 5 }";
  const rig = new CloudRig({ cloud: TR() + quotas, edge }).start(20);
  const table = rig.cloud.view().vpcs[0]?.table ?? [];
  t.equal(table.filter(({ type, isActive }) => type === "Dynamic" && isActive).length, 5);
});

t.test("ECR: allowed prefixes stand for the VPC's own, all of them or the covered", async (t) => {
  const two = "[{ name: a, cidr: 10.64.0.0/24 }, { name: b, cidr: 10.65.0.0/24 }]";
  const told = (mode: string) => {
    const vpc = `{ name: v, vswitches: ${two}, allowedPrefixes: [10.64.0.0/16], prefixMode: ${mode} }`;
    const rig = new CloudRig({ cloud: TWO(NO_PREFIXES, `vpcs: [${vpc}]`) }).start();
    t.equal(rig.fate("idc"), "delivered", `${mode}: what is told is carried`);
    return [...rig.toldToEdge("circuit-1")].sort();
  };
  t.same(told("match"), ["10.64.0.0/16"]);
  t.same(told("incremental"), ["10.64.0.0/16", "10.65.0.0/24"]);
});

t.test("ECR: VPCs on it do not reach each other through it", async (t) => {
  const other = "{ name: vpc-b, vswitches: [{ name: vsw, cidr: 10.66.0.0/24 }] }";
  const rig = new CloudRig({ cloud: TWO(NO_PREFIXES, `vpcs: [${VPC}, ${other}]`) }).start();
  t.notOk(rig.tableOf("vpc-a").includes("10.66.0.0/24"));
  t.ok(rig.toldToEdge("circuit-1").includes("10.66.0.0/24"));
});

const TR = (more = "", attachments = "") => `
cloud: { name: lab }
vbrs:${vbr(1)}
${NO_PREFIXES}
vpcs: [${VPC}]
vpns:
  - { name: vpn-1, circuit: vpn, local: 169.254.10.1/30, peer: 169.254.10.2, peerAs: 65010 }
transitRouters:
  - name: tr-1
    attachments:
      - { name: to-ecr, kind: ecr }
      - { name: to-vpc, kind: vpc, to: vpc-a }
      - { name: to-vpn, kind: vpn, to: vpn-1 }${attachments}${more}
`;
const VPN_CIRCUIT = `
  - name: vpn
    interface: { device: tun0, vlan: 0 }
    local: 169.254.10.2/30
    remote: 169.254.10.1
    remoteAs: 45104
    bfd: off
    import: [cloud-in]
    export: [EXPORT]`;
const VPN_EDGE = (how: string, failover: string) =>
  edgeFile(circuit(1) + VPN_CIRCUIT.replace("EXPORT", how), failover);
const STANDBY_VPN = VPN_EDGE(
  "announce-own",
  "failover: { mode: active-standby, order: [circuit-1, vpn] }",
);

t.test("VPN: carries the traffic of both directions when the circuit is gone", async (t) => {
  const rig = new CloudRig({ cloud: TR(), edge: STANDBY_VPN }).start(20);
  t.equal(rig.edgeState("vpn"), "Established");
  t.same([rig.outVia(), rig.backVia()], [["circuit-1"], ["circuit-1"]]);
  rig.link("circuit-1").cut({ carrier: "unseen" });
  const isMoved = () => rig.outVia().join() === "vpn" && rig.backVia().join() === "vpn";
  const sec = rig.until(isMoved, 30);
  t.ok(sec !== undefined && sec < 6, `by the VPN after ${sec} s`);
  rig.link("circuit-1").repair();
  const isBack = () => rig.outVia().join() === "circuit-1" && rig.backVia().join() === "circuit-1";
  t.ok(rig.until(isBack, 200) !== undefined, "and back");
});

t.test(
  "transit router: priority 5000 keeps VPN and ECR apart, a route map joins them",
  async (t) => {
    const edge = readEdge(STANDBY_VPN);
    t.ok(edge.circuits.length === 2);
    const apart = new CloudRig({ cloud: TR(), edge: STANDBY_VPN }).start(20);
    const candidates = (rig: CloudRig) =>
      rig.cloud.agent("ecr-1")?.view.speaker.rib.explain("10.1.0.0/16")?.candidates.length;
    t.equal(candidates(apart), 1, "the ECR knows of its own VBR only");
    t.ok(apart.tableOf("vpc-a").includes("10.1.0.0/16"));
    const map = `
    routeMaps:
      - priority: 10
        direction: out
        result: permit
        match: { sources: [to-vpn], destinationKinds: [ecr] }`;
    // The VPN has a prefix of its own, or the table would not choose its route.
    const own = STANDBY_VPN.replace(
      "rank: 1 }",
      "rank: 1 }, { prefix: 10.3.0.0/16, rank: 2 }",
    ).replace(
      "    bfd: { interval: 300ms",
      "    export: [only-first, announce-own]\n    bfd: { interval: 300ms",
    );
    const policy = `
policy:
  policies:
    only-first: [{ term: second, match: { prefix: 10.3.0.0/16 }, action: reject }]
`;
    const joined = new CloudRig({ cloud: TR(map), edge: own + policy }).start(20);
    t.ok(joined.tableOf("tr-1").includes("10.3.0.0/16"));
    t.ok(joined.tableOf("ecr-1").includes("10.3.0.0/16"), "the map comes before priority 5000");
    const off = { do: "route-map", transitRouter: "tr-1", direction: "out", priority: 10 } as const;
    joined.cloud.do({ ...off, isOn: false });
    joined.run(2);
    t.notOk(joined.tableOf("ecr-1").includes("10.3.0.0/16"), "out of force, 5000 rejects again");
    t.match(joined.cloud.do({ ...off, priority: 99, isOn: true }), { code: "Causeway.NotFound" });
  },
);

t.test("transit router: AS_PATH before preference, preference between equals", async (t) => {
  const map = (preference: number) => `
    routeMaps:
      - priority: 10
        direction: in
        result: permit
        match: { sources: [to-ecr] }
        set: { preference: ${preference} }`;
  const equal = VPN_EDGE("announce-own", "failover: { mode: ecmp }");
  const both = new CloudRig({ cloud: TR(), edge: equal }).start(20);
  t.same(both.backVia(64), ["circuit-1", "vpn"], "all equal: ECMP");
  const worse = new CloudRig({ cloud: TR(map(60)), edge: equal }).start(20);
  t.same(worse.backVia(64), ["vpn"], "the lower preference wins");
  const prepended = new CloudRig({ cloud: TR(map(60)), edge: STANDBY_VPN }).start(20);
  t.same(prepended.backVia(64), ["circuit-1"], "but not over a shorter AS_PATH");
});

t.test(
  "transit router: route maps deny, prepend and set communities, one after another",
  async (t) => {
    const maps = `
    routeMaps:
      - priority: 10
        direction: in
        result: permit
        nextPriority: 20
        match: { sources: [to-ecr], prefixes: [10.1.0.0/16], prefixMode: complete, asns: [65010] }
        set: { communities: ["64512:7"], prepend: [64601, 64602] }
      - priority: 20
        direction: in
        result: permit
        match: { communities: ["64512:7"] }
        set: { communities: ["64512:8"], communityMode: replace }
      - priority: 30
        direction: in
        result: deny
        match: { prefixes: [10.2.0.0/16], prefixMode: include }`;
    const edge = edgeFile(circuit(1)).replace(
      "rank: 1 }",
      "rank: 1 }, { prefix: 10.2.9.0/24, rank: 2 }",
    );
    const cloud = TR(maps)
      .replace(/vpns:\n.*\n/, "")
      .replace(/ *- \{ name: to-vpn.*\n/, "\n");
    const rig = new CloudRig({ cloud, edge }).start();
    t.notOk(rig.tableOf("tr-1").includes("10.2.9.0/24"), "denied");
    const rib = rig.cloud.agent("tr-1")?.view.speaker.rib;
    const [best] = rib?.explain("10.1.0.0/16")?.candidates ?? [];
    t.same(
      best?.attributes.communities,
      [(64512 << 16) | 8].map((value) => value >>> 0),
    );
    const [segment] = best?.attributes.asPath ?? [];
    t.same(segment && [...Object.values(segment)].find(Array.isArray), [64601, 64602, 65010]);
  },
);

t.test("transit router: an attachment knows the table it is associated to", async (t) => {
  const cloud = TR("", "")
    .replace("name: tr-1", "name: tr-1\n    tables: [default, alone]")
    .replace("kind: vpc, to: vpc-a", "kind: vpc, to: vpc-a, association: alone");
  const rig = new CloudRig({ cloud, edge: STANDBY_VPN }).start(20);
  t.ok(rig.toldToEdge("circuit-1").includes("10.64.0.0/24"), "it propagates to the default table");
  t.notOk(rig.tableOf("vpc-a").includes("10.1.0.0/16"), "its own table has learnt nothing");
  const quiet = TR("", "").replace(
    "kind: vpc, to: vpc-a",
    "kind: vpc, to: vpc-a, advertise: false",
  );
  const unsynced = new CloudRig({ cloud: quiet, edge: STANDBY_VPN }).start(20);
  t.notOk(unsynced.tableOf("vpc-a").includes("10.1.0.0/16"), "route sync is off");
});

t.test("transit router: a static route is in force while BGP knows nothing", async (t) => {
  const routes = `
    routes: [{ prefix: 10.1.0.0/16, to: blackhole }, { prefix: 10.9.0.0/16, to: to-vpc }]`;
  const rig = new CloudRig({ cloud: TR(routes), edge: STANDBY_VPN }).start(20);
  t.equal(rig.fate("vpc"), "delivered", "BGP comes before static");
  t.ok(rig.toldToEdge("circuit-1").includes("10.9.0.0/16"), "told like any other route");
  for (const name of ["circuit-1", "vpn"]) rig.link(name).cut({ carrier: "seen" });
  t.ok(rig.until(() => rig.fate("vpc") === "blackhole", 40) !== undefined);
  for (const name of ["circuit-1", "vpn"]) rig.link(name).repair();
  t.ok(rig.until(() => rig.fate("vpc") === "delivered", 200) !== undefined);
});

const REGIONS = (mode: string) => `
cloud: { name: lab }
regions: [{ name: near, cdt: true, latency: 20ms }, { name: far, cdt: true, latency: 20ms }]
accessPoints: [{ name: ap-near, region: near }, { name: ap-far, region: far }]
connections:
  - { name: pc-1, accessPoint: ap-near }
  - { name: pc-2, accessPoint: ap-far }
vbrs:${vbr(1, "\n    connection: pc-1")}${vbr(2, "\n    connection: pc-2")}
ecr: { name: ecr-1, transitMode: ${mode} }
vpcs: [{ name: vpc-a, region: near, vswitches: [{ name: vsw, cidr: 10.64.0.0/24 }] }]
`;

t.test("regions: near-by prefers the VBR of the VPC's region, ecmp does not look", async (t) => {
  const near = new CloudRig({ cloud: REGIONS("near-by") }).start();
  t.same(near.backVia(), ["circuit-1"]);
  t.same(near.outVia(), ["circuit-1", "circuit-2"], "the customer chooses for itself");
  near.link("circuit-1").cut({ carrier: "unseen" });
  t.ok(near.until(() => near.backVia().join() === "circuit-2", 10) !== undefined);
  const ecmp = new CloudRig({ cloud: REGIONS("ecmp") }).start();
  t.same(ecmp.backVia(64), ["circuit-1", "circuit-2"]);
});

t.test("regions: one is lost with its ports and routers, and comes back", async (t) => {
  const rig = new CloudRig({ cloud: REGIONS("near-by") }).start();
  rig.cloud.do({ do: "region", region: "far", isUp: false });
  rig.run(5);
  t.not(rig.edgeState("circuit-2"), "Established");
  t.equal(rig.fate("idc"), "delivered");
  rig.cloud.do({ do: "region", region: "far", isUp: true });
  const isBack = () => rig.outVia().join() === "circuit-1,circuit-2";
  t.ok(rig.until(isBack, 200) !== undefined);
});

t.test("transit routers of two regions: the nearer way, then the other one's", async (t) => {
  const cloud = `${REGIONS("near-by").replace("ecr: { name: ecr-1, transitMode: near-by }", NO_PREFIXES)}
transitRouters:
  - name: tr-near
    region: near
    attachments:
      - { name: ecr, kind: ecr }
      - { name: vpc, kind: vpc, to: vpc-a }
      - { name: peer, kind: tr, to: tr-far }
  - name: tr-far
    region: far
    attachments:
      - { name: ecr, kind: ecr }
      - { name: peer, kind: tr, to: tr-near }
`;
  const rig = new CloudRig({ cloud }).start(20);
  t.same(rig.backVia(), ["circuit-1"]);
  t.equal(rig.fate("idc"), "delivered");
  rig.link("circuit-1").cut({ carrier: "unseen" });
  t.ok(rig.until(() => rig.backVia().join() === "circuit-2", 10) !== undefined);
  t.equal(rig.fate("vpc"), "delivered");
});

t.test("transit routers of three regions: by the region's name, or ECMP over them", async (t) => {
  const attached = (name: string, more = "") => `
  - name: tr-${name}
    region: ${name}${more}
    attachments:
      - { name: ecr, kind: ecr }`;
  const peers = (...names: readonly string[]) =>
    names.map((name) => `\n      - { name: to-${name}, kind: tr, to: tr-${name} }`).join("");
  const cloud = (more: string) => `
cloud: { name: lab }
regions: [{ name: c, cdt: true }, { name: a, cdt: true }, { name: b, cdt: true }]
accessPoints: [{ name: ap-a, region: a }, { name: ap-b, region: b }]
connections: [{ name: pc-1, accessPoint: ap-b }, { name: pc-2, accessPoint: ap-a }]
vbrs:${vbr(1, "\n    connection: pc-1")}${vbr(2, "\n    connection: pc-2")}
ecr: { name: ecr-1 }
vpcs: [{ name: vpc-a, region: c, vswitches: [{ name: vsw, cidr: 10.64.0.0/24 }] }]
transitRouters:${attached("a")}${peers("c")}${attached("b")}${peers("c")}
  - name: tr-c
    region: c${more}
    attachments:
      - { name: vpc, kind: vpc, to: vpc-a }${peers("a", "b")}
`;
  const rig = new CloudRig({ cloud: cloud("") }).start(20);
  t.same(rig.backVia(64), ["circuit-2"], "region a comes before region b");
  const ecmp = new CloudRig({ cloud: cloud("\n    multiRegionEcmp: true") }).start(20);
  t.same(ecmp.backVia(64), ["circuit-1", "circuit-2"]);
});

t.test("service range: told in its halves, an endpoint answers in its vSwitch", async (t) => {
  const more = `vpcs: [${VPC}]\nendpoints: [{ name: ep-1, vpc: vpc-a, address: 10.64.0.50 }]`;
  const ecr = "ecr: { name: ecr-1, prefixes: [100.64.0.0/11, 100.96.0.0/11] }";
  const rig = new CloudRig({ cloud: TWO(ecr, more), vpc: "10.64.0.50" }).start();
  t.equal(rig.fate("idc"), "delivered");
  t.same(
    rig.toldToEdge("circuit-1").filter((prefix) => prefix.startsWith("100.")),
    ["100.64.0.0/11", "100.96.0.0/11"],
  );
});
