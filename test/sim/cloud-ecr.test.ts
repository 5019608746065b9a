/**
 * The Express Connect Router's associations in virtual time: allowed prefixes of VPCs and transit
 * routers, single routes switched off, regions whose Cloud Data Transfer is closed.
 */
import t from "tap";
import { CloudRig, cloudFile, TWO_REGIONS } from "./cloud-rig.ts";

/** vpc-a on the ECR itself, vpc-b behind a transit router on it. */
const CLOUD = (attachment = "") =>
  cloudFile(`vpcs:
  - name: vpc-a
    vswitches: [{ name: a, cidr: 10.64.0.0/24 }, { name: z, cidr: 10.70.0.0/24 }]
  - { name: vpc-b, vswitches: [{ name: b, cidr: 10.65.0.0/24 }, { name: y, cidr: 10.71.0.0/24 }] }
transitRouters:
  - name: tr-1
    attachments:
      - { name: to-ecr, kind: ecr${attachment} }
      - { name: to-b, kind: vpc, to: vpc-b }
`);
const ALL = ["10.64.0.0/24", "10.65.0.0/24", "10.70.0.0/24", "10.71.0.0/24"];
const started = (cloud: string, vpc = "10.64.0.10") => new CloudRig({ cloud, vpc }).start();
const told = (rig: CloudRig) => [...rig.toldToEdge("circuit-1")].toSorted();

t.test(
  "ECR: allowed prefixes of a transit router stand for its routes, in both modes",
  async (t) => {
    t.same(told(started(CLOUD())), ALL);
    const allowed = ", allowedPrefixes: [10.65.0.0/16]";
    const match = started(CLOUD(allowed), "10.65.0.10");
    t.same(told(match), ["10.64.0.0/24", "10.65.0.0/16", "10.70.0.0/24"]);
    t.equal(match.fate("idc"), "delivered");
    const more = started(CLOUD(`${allowed}, prefixMode: incremental`));
    t.same(told(more), ["10.64.0.0/24", "10.65.0.0/16", "10.70.0.0/24", "10.71.0.0/24"]);
  },
);

t.test("ECR: allowed prefixes of a VPC, set and taken away while it runs", async (t) => {
  const rig = started(CLOUD());
  const deed = { do: "allowed-prefixes", association: "vpc-a" } as const;
  const set = (prefixes: readonly string[], mode: "match" | "incremental") => {
    t.equal(rig.cloud.do({ ...deed, allowed: { prefixes, mode } }), undefined);
    rig.run(3);
    return told(rig);
  };
  t.same(set(["10.64.0.0/24"], "match"), ["10.64.0.0/24", "10.65.0.0/24", "10.71.0.0/24"]);
  t.equal(rig.fate("idc"), "delivered");
  t.same(set(["10.64.0.0/16"], "incremental"), ["10.64.0.0/16", ...ALL.slice(1)]);
  t.same(set(["10.70.0.0/16"], "match"), ["10.65.0.0/24", "10.70.0.0/16", "10.71.0.0/24"]);
  t.not(rig.fate("idc"), "delivered", "the vSwitch that nobody thought of is withdrawn");
  t.same(set([], "match"), ALL);
  const allowed = { prefixes: [], mode: "match" } as const;
  t.match(rig.cloud.do({ ...deed, association: "vpc-b", allowed }), { code: "Causeway.NotFound" });
  const bad = { prefixes: ["10.0.0.1/8"], mode: "match" } as const;
  t.match(rig.cloud.do({ ...deed, allowed: bad }), { code: "InvalidCIDRBlock.Malformed" });
});

t.test("ECR: a route switched off by prefix and next hop, and on again", async (t) => {
  const rig = started(CLOUD());
  const deed = { do: "ecr-route", prefix: "10.1.0.0/16", nextHop: "vbr-1" } as const;
  t.same(rig.backVia(), ["circuit-1", "circuit-2"]);
  rig.cloud.do({ ...deed, isOn: false });
  rig.run(3);
  t.same(rig.backVia(), ["circuit-2"]);
  rig.cloud.do({ ...deed, prefix: "10.64.0.0/24", nextHop: "vpc-a", isOn: false });
  rig.cloud.do({ ...deed, prefix: "10.65.0.0/24", nextHop: "tr-1", isOn: false });
  rig.run(3);
  t.same(told(rig), ["10.70.0.0/24", "10.71.0.0/24"]);
  rig.cloud.do({ ...deed, isOn: true });
  rig.run(3);
  t.same(rig.backVia(), ["circuit-1", "circuit-2"]);
  t.match(rig.cloud.do({ ...deed, nextHop: "nobody", isOn: true }), { code: "Causeway.NotFound" });
  t.match(rig.cloud.do({ ...deed, prefix: "x", isOn: true }), {
    code: "InvalidCIDRBlock.Malformed",
  });
});

t.test("regions: one whose Cloud Data Transfer is closed keeps its own lines only", async (t) => {
  const rig = started(TWO_REGIONS);
  const both = ["10.64.0.0/24", "10.65.0.0/24"];
  t.same(told(rig), both);
  t.equal(rig.cloud.do({ do: "cdt", region: "far", isOpen: false }), undefined);
  rig.run(5);
  t.same(told(rig), ["10.64.0.0/24"]);
  t.same([...rig.toldToEdge("circuit-2")], ["10.65.0.0/24"], "its own region's");
  t.equal(rig.fate("idc"), "delivered");
  rig.cloud.do({ do: "cdt", region: "far", isOpen: true });
  t.ok(rig.until(() => told(rig).length === 2, 60) !== undefined);
  t.match(rig.cloud.do({ do: "cdt", region: "x", isOpen: true }), { code: "Causeway.NotFound" });
});

const RULED = (rules: string) => CLOUD().replace("ecr-1 }", `ecr-1, routeMaps: [${rules}] }`);

t.test("ECR: route policies prepend, deny and mark, by instance and direction", async (t) => {
  const prepend = `{ priority: 10, direction: in, result: permit,
    match: { instances: [vbr-2] }, set: { prepend: [65010, 65010] } }`;
  const standby = started(RULED(prepend));
  t.same(standby.backVia(), ["circuit-1"], "the longer path stands by");
  standby.link("circuit-1").cut({ carrier: "unseen" });
  t.ok(standby.until(() => standby.backVia().join() === "circuit-2", 10) !== undefined);

  const hidden = `{ priority: 10, direction: out, result: deny,
    match: { instances: [vbr-1], prefixes: [10.64.0.0/15] } }`;
  const apart = started(RULED(hidden));
  t.same(told(apart), ["10.70.0.0/24", "10.71.0.0/24"]);
  t.same([...apart.toldToEdge("circuit-2")].toSorted(), ALL, "the other circuit is another");

  const longer = `{ priority: 10, direction: out, result: permit,
    match: { instances: [vbr-2], prefixes: [10.64.0.0/16] }, set: { prepend: [45104, 45104] } }`;
  t.same(started(RULED(longer)).outVia(), ["circuit-1"], "the edge sees the longer path too");

  const closed = `{ priority: 5, direction: out, result: deny,
    match: { instances: [vpc-a], prefixes: [10.1.0.0/16], asns: [65010] } }`;
  const noWay = started(RULED(closed));
  t.not(noWay.fate("vpc"), "delivered");
  t.notOk(noWay.tableOf("vpc-a").includes("10.65.0.0/24"), "and nothing else got in");
  t.ok(noWay.tableOf("tr-1").includes("10.1.0.0/16"), "the transit router has it");
});

t.test("ECR: of its rules the first that matches decides, communities are matched", async (t) => {
  const rules = [
    `{ priority: 10, direction: in, result: permit,
       match: { instances: [vbr-1] }, set: { communities: ["65000:100"] } }`,
    "{ priority: 20, direction: in, result: deny, match: { prefixes: [10.1.0.0/16] } }",
    `{ priority: 10, direction: out, result: deny,
       match: { instances: [vpc-a], communities: ["65000:100"] } }`,
  ];
  const rig = started(RULED(rules.join(", ")));
  const rib = rig.cloud.agent("ecr-1")?.view.speaker.rib;
  const used = rib?.explain("10.1.0.0/16")?.candidates.filter(({ rejectedBy }) => !rejectedBy);
  t.equal(used?.length, 1, "that of vbr-1, which priority 10 let through");
  t.notOk(rig.tableOf("vpc-a").includes("10.1.0.0/16"));
  t.ok(rig.tableOf("vpc-b").includes("10.1.0.0/16"));
});
