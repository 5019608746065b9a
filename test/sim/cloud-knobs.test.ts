/**
 * What nobody documents, turned the other way: each knob of the cloud's file once as it is by
 * default and once as it also could be, in virtual time, against the shipped agent.
 */
import t from "tap";
import {
  CloudRig,
  circuit,
  cloudFile,
  ECR,
  edgeFile,
  readCloud,
  readEdge,
  vbr,
} from "./cloud-rig.ts";

const CLOUD = (knobs: string, vbrs = vbr(1) + vbr(2), more = "") => `
cloud: { name: lab }
vbrs:${vbrs}
${ECR}
${more}
${knobs === "" ? "" : `knobs: { ${knobs} }`}
`;
const PORTS = `
accessPoints: [{ name: ap-1 }, { name: ap-2 }]
connections:
  - { name: pc-1, accessPoint: ap-1, bandwidth: 1Gbps, downDelay: 2s }
  - { name: pc-2, accessPoint: ap-2 }
`;
const on = (number: number) => vbr(number, `\n    connection: pc-${number}`);
const LINKED = vbr(1) + vbr(2, "\n    sitelink: true");
/** Announces by the first circuit only, changed by a policy. */
const marked = (set: string, circuits = circuit(2, "\n    export: [reject-all]")) =>
  `${edgeFile(circuit(1, "\n    export: [mark, announce-own]") + circuits)}
policy: { policies: { mark: [{ term: mark, set: { ${set} } }] } }
`;
const prefixes = (numbers: readonly number[]) =>
  `announce: [${numbers.map((one) => `{ prefix: 10.1.${one}.0/24, rank: 1 }`).join(", ")}]`;

t.test(
  "shutPortDelay: a port the cloud shuts is down at once, or after DownDelayTime",
  async (t) => {
    const shutAt = (knobs: string) => {
      const rig = new CloudRig({ cloud: CLOUD(knobs, on(1) + on(2), PORTS) }).start();
      rig.cloud.do({ do: "port", connection: "pc-1", isOpen: false });
      return rig.until(() => rig.cloud.view().connections[0]?.port === "Down", 5);
    };
    t.equal(shutAt(""), 0);
    t.equal(shutAt("shutPortDelay: down-delay"), 2);
  },
);

t.test("portUpDelay, orderTransition, jobTransition: how long the cloud takes", async (t) => {
  const rigOf = (knobs: string) =>
    new CloudRig({ cloud: CLOUD(knobs, on(1) + on(2), PORTS) }).start();
  const opens = (knobs: string) => {
    const rig = rigOf(knobs);
    rig.cloud.do({ do: "port", connection: "pc-1", isOpen: false });
    rig.run(1);
    rig.cloud.do({ do: "port", connection: "pc-1", isOpen: true });
    return rig.until(() => rig.cloud.view().connections[0]?.port === "Up", 60);
  };
  t.equal(opens(""), 0);
  t.equal(opens("portUpDelay: 12s"), 12);
  const terminates = (knobs: string) => {
    const rig = rigOf(knobs);
    rig.cloud.do({ do: "order-vbr", vbr: "vbr-1", order: "terminate" });
    return rig.until(() => rig.cloud.view().vbrs[0]?.status === "terminated", 60);
  };
  t.equal(terminates(""), 5);
  t.equal(terminates("orderTransition: 20s"), 20);
  const tests = (knobs: string) => {
    const rig = rigOf(knobs);
    const job = { name: "j", region: "region-1", resources: ["pc-1"], durationUs: 60e6 };
    rig.cloud.do({ do: "create-job", job: { ...job, isStartedNow: true } });
    return rig.until(() => rig.cloud.view().jobs[0]?.state === "Testing", 60);
  };
  t.equal(tests(""), 5);
  t.equal(tests("jobTransition: 30s"), 30);
});

t.test("healthCheckRecovery: answers in a row that make a circuit well again", async (t) => {
  const recovers = (knobs: string) => {
    const probed = vbr(1, "\n    healthCheck: { source: 100.96.0.1 }");
    const rig = new CloudRig({ cloud: CLOUD(knobs, probed + vbr(2)) }).start();
    const isFailed = () => rig.cloud.view().vbrs[0]?.healthCheck?.isFailed === true;
    rig.ground.edge.answersEcho = () => false;
    t.ok(rig.until(isFailed, 30) !== undefined);
    rig.ground.edge.answersEcho = () => true;
    return Math.round(rig.until(() => !isFailed(), 60) ?? Number.NaN);
  };
  const [eight, two] = [recovers(""), recovers("healthCheckRecovery: 2")];
  t.equal(eight - two, 12, `six echoes, 2 s apart: ${eight} s and ${two} s`);
});

t.test("businessLock: an overdue connection's port is down, or only refuses changes", async (t) => {
  const locked = (knobs: string) => {
    const rig = new CloudRig({ cloud: CLOUD(knobs, on(1) + on(2), PORTS) }).start();
    rig.cloud.do({ do: "business", connection: "pc-1", status: "FinancialLocked" });
    rig.run(30);
    const job = { name: "j", region: "region-1", resources: ["pc-1"], durationUs: 60e6 };
    const fault = rig.cloud.do({ do: "create-job", job: { ...job, isStartedNow: true } });
    t.equal(fault?.code, "IncorrectBusinessStatus.ResourceId");
    return rig.edgeState("circuit-1");
  };
  t.not(locked(""), "Established");
  t.equal(locked("businessLock: no-changes"), "Established");
});

t.test(
  "policerQueue: what is above the bandwidth waits a while, or is dropped at once",
  async (t) => {
    const dropped = (knobs: string) => {
      const cloud = CLOUD(knobs, vbr(1, "\n    bandwidth: 50Mbps"));
      const rig = new CloudRig({ cloud, edge: edgeFile(circuit(1)) }).start();
      const socket = rig.ground.idc.udp.open(
        { localAddress: "10.1.0.10", port: 5000, ttl: 64 },
        () => {},
      );
      for (let count = 0; count < 400; count += 1) {
        socket.send(new Uint8Array(1400), "10.64.0.10", 5001);
      }
      rig.run(1);
      t.equal(rig.edgeState("circuit-1"), "Established");
      const counters = rig.link("circuit-1").counters("edge", "vbr-1");
      return counters?.dropped.get("queue-full") ?? 0;
    };
    t.equal(dropped(""), 0);
    t.ok(dropped("policerQueue: 10ms") > 300);
    t.equal(dropped("policerQueue: 0s"), 399, "the packet on the wire, and no other");
  },
);

t.test("defaultBandwidth: of a VBR that names none", async (t) => {
  const bandwidth = (knobs: string) =>
    readCloud(CLOUD(knobs, on(1) + on(2), PORTS)).vbrs.map(({ bandwidthBps }) => bandwidthBps);
  t.same(bandwidth(""), [undefined, undefined]);
  t.same(bandwidth("defaultBandwidth: connection"), [1e9, undefined]);
  t.same(bandwidth("defaultBandwidth: 200Mbps"), [2e8, 2e8]);
});

t.test("bfdRole, bfdEncapsulation: who begins, and by which port", async (t) => {
  const bfd = (knobs: string, hops = 255) => {
    const cloud = CLOUD(knobs).replaceAll("hops: 255", `hops: ${hops}`);
    const edge = edgeFile(circuit(1) + circuit(2));
    const isSingle = knobs.includes("single-hop");
    const rig = new CloudRig({ cloud, edge: isSingle ? edge.replaceAll("255", "1") : edge });
    rig.start(20);
    t.equal(rig.edgeState("circuit-1"), "Established", knobs);
    t.equal(rig.edge.view.path("circuit-1")?.bfd, "Up", knobs);
    return rig.cloud.agent("vbr-1")?.view.config.circuits[0]?.sessions[0]?.bfd;
  };
  t.match(bfd(""), { mode: "multihop", minTtl: 1, isPassive: false });
  t.match(bfd("bfdRole: passive"), { mode: "multihop", isPassive: true });
  t.match(bfd("bfdEncapsulation: single-hop"), { mode: "single-hop", minTtl: 255 });
  t.match(bfd("bfdEncapsulation: multihop", 1), { mode: "multihop", minTtl: 255 });
});

t.test(
  "jobTypes: failover-test jobs on connections only, or on VBRs and peers as well",
  async (t) => {
    const ask = (rig: CloudRig, type: "VIRTUALBORDERROUTER" | "BGPPEER", resource: string) => {
      const job = { name: "j", region: "region-1", type, resources: [resource] };
      const more = { durationUs: 60e6, isStartedNow: true };
      return rig.cloud.do({ do: "create-job", job: { ...job, ...more } })?.code;
    };
    const strict = new CloudRig({ cloud: CLOUD("", on(1) + on(2), PORTS) }).start();
    t.equal(ask(strict, "VIRTUALBORDERROUTER", "vbr-1"), "IllegalParam.ResourceType");
    for (const [type, name] of [
      ["VIRTUALBORDERROUTER", "vbr-1"],
      ["BGPPEER", "circuit-1"],
    ] as const) {
      const rig = new CloudRig({ cloud: CLOUD("jobTypes: all", on(1) + on(2), PORTS) }).start();
      t.equal(ask(rig, type, "nobody"), "IllegalParam.ResourceId");
      t.equal(ask(rig, type, name), undefined);
      rig.run(10);
      t.not(rig.edgeState("circuit-1"), "Established", type);
      t.equal(rig.cloud.view().connections[0]?.port, "Up", "its port stays");
      t.same(rig.outVia(), ["circuit-2"]);
      const back = rig.until(() => rig.edgeState("circuit-1") === "Established", 180);
      t.ok(back !== undefined && back > 50, `${type}: back ${back} s later`);
    }
    const rig = new CloudRig({ cloud: CLOUD("jobTypes: all", on(1) + on(2), PORTS) }).start();
    rig.cloud.do({ do: "order-vbr", vbr: "vbr-1", order: "terminate" });
    t.equal(ask(rig, "BGPPEER", "circuit-1"), "IncorrectStatus.ResourceId");
  },
);

t.test("flowLimit: one flow of a fast line is capped, many together are not", async (t) => {
  const dropped = (knobs: string, flows: number, bandwidth = "1000Mbps") => {
    const cloud = CLOUD(knobs, vbr(1, `\n    bandwidth: ${bandwidth}`));
    const rig = new CloudRig({ cloud, edge: edgeFile(circuit(1)) }).start();
    const sockets = Array.from({ length: flows }, (_, index) => {
      const at = { localAddress: "10.1.0.10", port: 5000 + index, ttl: 64 };
      return rig.ground.idc.udp.open(at, () => {});
    });
    // 1000 packets of 1428 octets within 60 ms are 190 Mbit/s.
    for (let turn = 0; turn < 60; turn += 1) {
      for (let count = 0; count < 17; count += 1) {
        sockets[count % flows]?.send(new Uint8Array(1400), "10.64.0.10", 5001);
      }
      rig.run(0.001);
    }
    rig.run(1);
    return rig.link("circuit-1").counters("edge", "vbr-1")?.dropped.get("flow-limit") ?? 0;
  };
  t.equal(dropped("", 1), 0);
  t.ok(dropped("flowLimit: 50Mbps", 1) > 300);
  t.equal(dropped("flowLimit: 50Mbps", 17), 0, "each of them is slow");
  t.equal(dropped("flowLimit: 50Mbps", 1, "500Mbps"), 0, "slower lines have none");
});

t.test("taskTime: changes go through at once, or the next one meets TaskConflict", async (t) => {
  const change = (knobs: string) => {
    const rig = new CloudRig({ cloud: TR(knobs) }).start(1);
    const route = { do: "custom-route", vpc: "vpc-a", nextHop: "instance" } as const;
    const codes = [10, 11].map(
      (one) => rig.cloud.do({ ...route, prefix: `10.${one}.0.0/24` })?.code,
    );
    t.equal(
      rig.cloud.do({ do: "set-route-quota", vbr: "vbr-1", routes: 90 }),
      undefined,
      "another",
    );
    rig.run(3);
    return [...codes, rig.cloud.do({ ...route, prefix: "10.12.0.0/24" })?.code];
  };
  t.same(change("taskTime: 0s"), [undefined, undefined, undefined]);
  t.same(change("taskTime: 3s"), [undefined, "TaskConflict", undefined]);
});

t.test("routeRefresh, extendedMessages: offered, or not", async (t) => {
  const offered = (knobs: string) => {
    const rig = new CloudRig({ cloud: CLOUD(knobs) }).start();
    const peer = rig.edge.view.speaker.peer("circuit-1");
    const kinds = peer?.negotiated?.remoteCapabilities.map(({ kind }) => kind) ?? [];
    return ["route-refresh", "enhanced-route-refresh", "extended-message"].filter((kind) =>
      (kinds as readonly string[]).includes(kind),
    );
  };
  t.same(offered(""), ["route-refresh"]);
  t.same(offered("routeRefresh: off"), []);
  t.same(offered("routeRefresh: enhanced"), ["route-refresh", "enhanced-route-refresh"]);
  t.same(offered("extendedMessages: offered"), ["route-refresh", "extended-message"]);
});

t.test("gtsm: off, or an edge has to be one hop away and say so", async (t) => {
  const up = (knobs: string, edge: string) =>
    new CloudRig({ cloud: CLOUD(knobs), edge }).start().edgeState("circuit-1") === "Established";
  const plain = edgeFile(circuit(1) + circuit(2));
  const guarded = plain.replaceAll("    bfd:", "    gtsm: { hops: 1 }\n    bfd:");
  t.ok(up("", plain));
  t.notOk(up("", guarded), "the edge takes TTL 255 only, the VBR sends 1");
  t.ok(up("gtsm: on", guarded));
  t.notOk(up("gtsm: on", plain));
});

t.test("md5KeyMax: a longer key is refused, in the file and at run time", async (t) => {
  const keyed = vbr(1, "\n    md5: twelve-octet");
  t.ok(readCloud(CLOUD("md5KeyMax: 12", keyed)));
  t.throws(() => readCloud(CLOUD("md5KeyMax: 11", keyed)), /longer than 11 octets/);
  const rig = new CloudRig({ cloud: CLOUD("md5KeyMax: 12") }).start(1);
  const set = (key: string) => rig.cloud.do({ do: "set-md5", vbr: "vbr-1", key })?.code;
  t.equal(set("thirteenoctet"), "InvalidBgpAuthkey.Malformed");
  t.equal(set("twelve-octet"), undefined);
});

t.test("droppedRoutes: return after a refresh, or at once when there is room", async (t) => {
  const table = (knobs: string) => {
    const cloud = CLOUD(knobs, vbr(1, "\n    routeQuota: 3"));
    const edge = (numbers: readonly number[]) =>
      edgeFile(circuit(1, "\n    budget: { limit: 20 }")).replace(
        /announce: .*/,
        prefixes(numbers),
      );
    const rig = new CloudRig({ cloud, edge: edge([5, 6, 7]), idc: "10.1.5.10" }).start();
    const announce = (numbers: readonly number[]) => {
      rig.reloadEdge(() => readEdge(edge(numbers)));
      rig.run(5);
      return rig.tableOf("ecr-1").filter((prefix) => prefix.startsWith("10.1."));
    };
    const full = announce([1, 5, 6, 7]);
    t.same(full, ["10.1.5.0/24", "10.1.6.0/24", "10.1.7.0/24"], "the first three stay");
    return announce([1, 5, 6]);
  };
  t.same(table(""), ["10.1.5.0/24", "10.1.6.0/24"]);
  const all = ["10.1.1.0/24", "10.1.5.0/24", "10.1.6.0/24"];
  t.same(table("droppedRoutes: return-at-once"), all);
});

t.test("customerOrigin: the step after AS_PATH, or nothing", async (t) => {
  const edge = marked("origin: incomplete", circuit(2));
  const via = (knobs: string) => new CloudRig({ cloud: CLOUD(knobs), edge }).start().backVia();
  t.same(via(""), ["circuit-2"]);
  t.same(via("customerOrigin: ignored"), ["circuit-1", "circuit-2"]);
});

t.test("customerNoExport: keeps from customers, from nobody, from the whole cloud", async (t) => {
  const edge = marked("community: { add: [no-export] }");
  const seen = (knobs: string) => {
    const rig = new CloudRig({ cloud: CLOUD(knobs, LINKED), edge }).start();
    const isInCloud = rig.tableOf("ecr-1").includes("10.1.0.0/16");
    return [isInCloud, rig.cloud.view().vbrs[1]?.peers[0]?.advertisedRouteCount];
  };
  t.same(seen(""), [true, 1]);
  t.same(seen("customerNoExport: ignored"), [true, 2]);
  t.same(seen("customerNoExport: kept-at-vbr"), [false, 1]);
});

t.test("customerDefault: a customer's default route is taken, or not", async (t) => {
  const edge = edgeFile(circuit(1)).replace("10.1.0.0/16", "0.0.0.0/0");
  const isTaken = (knobs: string) =>
    new CloudRig({ cloud: CLOUD(knobs, vbr(1)), edge })
      .start()
      .tableOf("ecr-1")
      .includes("0.0.0.0/0");
  t.equal(isTaken(""), true);
  t.equal(isTaken("customerDefault: refused"), false);
});

t.test("ownAsAllowed: the cloud's own AS in a path is a loop, or is let through", async (t) => {
  const edge = marked("prepend: { as: 45104, count: 1 }");
  const isTaken = (knobs: string) =>
    new CloudRig({ cloud: CLOUD(knobs), edge }).start().tableOf("ecr-1").includes("10.1.0.0/16");
  t.equal(isTaken(""), false);
  t.equal(isTaken("ownAsAllowed: 1"), true);
});

t.test("privateAs: other customers see private ASes, or do not", async (t) => {
  const heard = circuit(2, "\n    import: [accept-all]\n    export: [reject-all]");
  const edge = marked("asPath: { replace: [4200000001, 3356] }", heard);
  const path = (knobs: string) => {
    const rig = new CloudRig({ cloud: CLOUD(knobs, LINKED), edge }).start();
    const slot = rig.edge.view.speaker.peer("circuit-2")?.slot;
    const candidates = rig.edge.view.speaker.rib.explain("10.1.0.0/16")?.candidates ?? [];
    return candidates.find((one) => one.slot === slot)?.attributes.asPath[0]?.ases;
  };
  // Its own AS stands in front, so the edge itself has to let it in to be looked at.
  t.same(path(""), [45104, 65010, 4200000001, 3356]);
  t.same(path("privateAs: removed"), [45104, 3356]);
});

t.test("hubTieBreak: equal paths all carry, or one does by router id or by age", async (t) => {
  const ways = (knobs: string) => {
    const rig = new CloudRig({ cloud: CLOUD(knobs) }).start();
    const before = rig.backVia().join();
    rig.link("circuit-1").cut({ carrier: "unseen" });
    rig.run(10);
    rig.link("circuit-1").repair();
    t.ok(rig.until(() => rig.edgeState("circuit-1") === "Established", 90) !== undefined);
    rig.run(120); // failback lets it soak
    return [before, rig.backVia().join()];
  };
  t.same(ways(""), ["circuit-1,circuit-2", "circuit-1,circuit-2"]);
  t.same(ways("hubTieBreak: router-id"), ["circuit-1", "circuit-1"]);
  t.equal(ways("hubTieBreak: oldest")[1], "circuit-2", "what came back is younger");
});

t.test("vpcRoutesActive: of too many dynamic routes the lowest, or the first", async (t) => {
  const active = (knobs: string) => {
    const cloud = CLOUD(knobs, vbr(1))
      .replace(ECR, "ecr: { name: ecr-1 }")
      .concat("vpcs: [{ name: vpc-a, vswitches: [{ name: v, cidr: 10.64.0.0/24 }] }]\n")
      .concat("quotas: { ecrRoutesPerVpcTable: 2 }\n");
    const edge = (numbers: readonly number[]) =>
      edgeFile(circuit(1)).replace(/announce: .*/, prefixes(numbers));
    const rig = new CloudRig({ cloud, edge: edge([5, 6]), idc: "10.1.5.10" }).start();
    rig.reloadEdge(() => readEdge(edge([1, 5, 6])));
    rig.run(5);
    const table = rig.cloud.view().vpcs[0]?.table ?? [];
    return table.flatMap(({ type, isActive, prefix }) =>
      type === "Dynamic" && isActive ? [prefix] : [],
    );
  };
  t.same(active(""), ["10.1.1.0/24", "10.1.5.0/24"]);
  t.same(active("vpcRoutesActive: first-received"), ["10.1.5.0/24", "10.1.6.0/24"]);
});

const TR = (knobs: string, more = "") =>
  cloudFile(`vpcs:
  - name: vpc-a
    vswitches: [{ name: vsw, cidr: 10.64.0.0/24 }]
    routes: [{ prefix: 100.64.9.0/24, nextHop: instance }]
transitRouters:
  - name: tr-1
    attachments:
      - { name: to-vpc, kind: vpc, to: vpc-a }
      - { name: to-vbr-1, kind: vbr, to: vbr-1 }${more}
    routes: [{ prefix: 10.1.7.0/24, to: to-vbr-1 }]
knobs: { ${knobs} }
`);
const WITH_ECR = "\n      - { name: to-ecr, kind: ecr }";
const WITH_VBR = "\n      - { name: to-vbr-2, kind: vbr, to: vbr-2 }";

t.test("gatewayStatics: static routes to one gateway are told to the next, or not", async (t) => {
  const told = (knobs: string) =>
    new CloudRig({ cloud: TR(knobs, WITH_VBR) })
      .start()
      .toldToEdge("circuit-2")
      .includes("10.1.7.0/24");
  t.equal(told("gatewayStatics: kept"), false);
  t.equal(told("gatewayStatics: told"), true);
});

t.test("vbrBesideEcr: VBRs and the ECR on one transit router, or refused", async (t) => {
  t.ok(readCloud(TR("vbrBesideEcr: allowed", WITH_ECR)));
  t.throws(() => readCloud(TR("vbrBesideEcr: refused", WITH_ECR)), /VBRs and the ECR at once/);
  t.ok(readCloud(TR("vbrBesideEcr: refused")), "one kind alone is none of it");
});

t.test("serviceRangeRoutes: custom routes inside of 100.64.0.0/10, or none", async (t) => {
  t.ok(readCloud(TR("serviceRangeRoutes: allowed")));
  t.throws(() => readCloud(TR("serviceRangeRoutes: refused")), /inside of 100\.64\.0\.0\/10/);
  const cloud = TR("serviceRangeRoutes: refused").replace(/routes: \[\{ prefix: 100.*/, "");
  const rig = new CloudRig({ cloud }).start(1);
  const route = { do: "custom-route", vpc: "vpc-a", nextHop: "instance" } as const;
  const fault = rig.cloud.do({ ...route, prefix: "100.64.9.0/24" });
  t.equal(fault?.code, "InvalidDestCidrBlock.Malformed");
  t.equal(rig.cloud.do({ ...route, prefix: "10.9.0.0/24" }), undefined);
});

const PEERED = (knobs: string, more = "") => `
cloud: { name: lab }
vbrs:${vbr(
  1,
  `
    routes: [{ prefix: 10.64.0.0/24, to: ri-1 }]
    networks: [10.64.0.0/24, 10.65.0.0/24]`,
)}${more}
ecr: { name: ecr-1 }
vpcs:
  - name: vpc-a
    vswitches: [{ name: vsw, cidr: 10.64.0.0/24 }]
    routes: [{ prefix: 10.1.0.0/16, nextHop: peering, via: [{ peering: ri-1 }] }]
peerings: [{ name: ri-1, vbr: vbr-1, vpc: vpc-a }]
knobs: { ${knobs} }
`;
const DOWN = { do: "peering", peering: "ri-1", isActive: false } as const;

t.test("networksTold: whatever the table of the VBR says, or with a route only", async (t) => {
  const told = (knobs: string) => {
    const rig = new CloudRig({ cloud: PEERED(knobs), edge: edgeFile(circuit(1)) }).start();
    const before = rig.toldToEdge("circuit-1").length;
    rig.cloud.do(DOWN);
    rig.run(5);
    return [before, rig.toldToEdge("circuit-1").length];
  };
  t.same(told("networksTold: always"), [2, 2]);
  t.same(told("networksTold: with-route"), [1, 0]);
});

t.test("failedPeeringRoute: drops what it is given, or leaves it to the next", async (t) => {
  const fate = (knobs: string) => {
    const cloud = PEERED(knobs, vbr(2))
      .concat("transitRouters: [{ name: tr-1, attachments: [")
      .concat("{ name: a, kind: vpc, to: vpc-a }, { name: e, kind: ecr }] }]");
    const rig = new CloudRig({ cloud }).start();
    t.same(rig.backVia(), ["circuit-1"]);
    rig.cloud.do(DOWN);
    rig.run(5);
    const failed = rig.fate("vpc");
    rig.cloud.do({ ...DOWN, isActive: true });
    rig.run(5);
    t.same(rig.backVia(), ["circuit-1"], "it is the VPC's own route again");
    return failed;
  };
  t.not(fate("failedPeeringRoute: drops"), "delivered");
  t.equal(fate("failedPeeringRoute: falls-back"), "delivered", "by way of the transit router");
});

t.test("vbrSamePrefix: the VBR's static route wins, or what its customer announces", async (t) => {
  const edge = edgeFile(circuit(1)).replace(
    "announce: [",
    "announce: [{ prefix: 10.64.0.0/24, rank: 2 }, ",
  );
  const way = (knobs: string) => {
    const cloud = PEERED(knobs).replace("networks: [10.64.0.0/24, 10.65.0.0/24]", "networks: []");
    const rig = new CloudRig({ cloud, edge }).start();
    const route = () => {
      const packet = { source: "10.0.1.1", destination: "10.64.0.10" };
      const ports = { sourcePort: 1, destinationPort: 1 };
      const walk = rig.ground.world.forward({ host: "vbr-1", ...packet, ...ports });
      return walk.path.map(({ host }) => host);
    };
    const before = route();
    rig.reloadEdge((config) => ({ ...config, announce: config.announce.slice(1) }));
    rig.run(5);
    t.ok(route().includes("vpc-a"), `${knobs}: the static route is back`);
    return before;
  };
  t.ok(way("vbrSamePrefix: static").includes("vpc-a"));
  t.ok(way("vbrSamePrefix: bgp").includes("edge"));
});
