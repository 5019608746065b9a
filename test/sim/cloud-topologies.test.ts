/** The topologies by name: sound files, every session up, and what each of them survives. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { TOPOLOGIES, type TopologyName, topology } from "../../src/sim/cloud/config/topologies.ts";
import { CloudRig } from "./cloud-rig.ts";

const start = (name: TopologyName): CloudRig => {
  const { cloud, edge, traffic } = topology(name);
  return new CloudRig({ cloud, edge, ...traffic }).start(20);
};

const SHAPES: Readonly<Record<TopologyName, readonly [circuits: number, points: number]>> = {
  "optimal-disaster-recovery": [4, 2],
  "powerful-disaster-recovery": [2, 2],
  development: [2, 1],
  "load-balancing": [4, 1],
  "vpn-backup": [1, 1],
};

for (const name of TOPOLOGIES) {
  t.test(`${name}: circuits and access points as the vendor has them, all in use`, async (t) => {
    const rig = start(name);
    const [circuits, points] = SHAPES[name];
    t.equal(rig.config.connections.length, circuits);
    t.equal(new Set(rig.config.connections.map((one) => one.accessPoint)).size, points);
    const names = rig.config.vbrs.map((vbr) => vbr.circuit);
    for (const one of names) t.equal(rig.edgeState(one), "Established");
    t.same(rig.outVia(128), names);
    t.same(rig.backVia(128), names);
  });
}

t.test("optimal-disaster-recovery: an access point and a device of the other may go", async (t) => {
  const rig = start("optimal-disaster-recovery");
  rig.cloud.do({ do: "access-point", accessPoint: "ap-1", isUp: false });
  rig.cloud.do({ do: "device", device: "device-2a", isUp: false });
  rig.run(2);
  t.same([rig.outVia(), rig.backVia()], [["circuit-4"], ["circuit-4"]]);
});

t.test("powerful-disaster-recovery: one access point may go", async (t) => {
  const rig = start("powerful-disaster-recovery");
  rig.cloud.do({ do: "access-point", accessPoint: "ap-2", isUp: false });
  rig.run(2);
  t.same([rig.outVia(), rig.backVia()], [["circuit-1"], ["circuit-1"]]);
});

t.test("development: a device may go, the access point may not", async (t) => {
  const rig = start("development");
  rig.cloud.do({ do: "device", device: "device-1b", isUp: false });
  rig.run(2);
  t.equal(rig.fate("idc"), "delivered");
  rig.cloud.do({ do: "access-point", accessPoint: "ap-1", isUp: false });
  rig.run(2);
  t.not(rig.fate("idc"), "delivered");
});

t.test("vpn-backup: without the circuit both directions take the VPN", async (t) => {
  const rig = start("vpn-backup");
  rig.cloud.do({ do: "port", connection: "pc-1", isOpen: false });
  const isMoved = () => rig.outVia().join() === "vpn" && rig.backVia().join() === "vpn";
  t.ok(rig.until(isMoved, 10) !== undefined);
});

t.test("vpn-backup: the shipped files are what the name gives", async (t) => {
  const lab = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "fixtures", "lab");
  const { cloud, edge } = topology("vpn-backup");
  t.equal(readFileSync(join(lab, "cloud-vpn-backup.yaml"), "utf8"), cloud);
  t.equal(readFileSync(join(lab, "edge-vpn-backup.yaml"), "utf8"), edge);
});
