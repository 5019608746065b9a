/**
 * IPsec connections of a transit router in virtual time: two tunnels, dead peer detection, the
 * VPN's own health check, keys negotiated again.
 */
import t from "tap";
import { CloudRig, circuit, edgeFile, vbr } from "./cloud-rig.ts";

const CLOUD = (vpn = "", more = "") => `
cloud: { name: lab }
vbrs:${vbr(1)}
ecr: { name: ecr-1 }
vpcs: [{ name: vpc-a, vswitches: [{ name: vsw, cidr: 10.64.0.0/24 }] }]
vpns:
  - name: vpn
    circuit: tunnel-1
    local: 169.254.10.1/30
    peer: 169.254.10.2
    peerAs: 65010
    second: { circuit: tunnel-2, local: 169.254.11.1/30, peer: 169.254.11.2 }${vpn}
transitRouters:
  - name: tr-1
    attachments:
      - { name: to-vpc, kind: vpc, to: vpc-a }
      - { name: to-vpn, kind: vpn, to: vpn }
${more}`;
const tunnel = (number: number) => `
  - name: tunnel-${number}
    interface: { device: tun${number}, vlan: 0 }
    local: 169.254.${9 + number}.2/30
    remote: 169.254.${9 + number}.1
    remoteAs: 45104
    bfd: off
    import: [cloud-in]
    export: [announce-own]`;
const EDGE = edgeFile(circuit(1) + tunnel(1) + tunnel(2));
const BOTH = ["tunnel-1", "tunnel-2"];
const STANDBY = "\n    tunnelMode: active-standby";
const started = (vpn = "", more = "") =>
  new CloudRig({ cloud: CLOUD(vpn, more), edge: EDGE }).start(20);
const view = (rig: CloudRig, at = 0) => rig.cloud.view().vpns[at];

t.test("VPN: two tunnels share the traffic, one carries all when the other dies", async (t) => {
  const rig = started();
  t.same(rig.backVia(64), BOTH);
  t.same(rig.outVia(64), BOTH);
  t.match(view(rig, 1), { name: "vpn-2", connection: "vpn", role: "slave", isStandby: false });
  rig.link("tunnel-1").cut({ carrier: "seen" });
  t.ok(rig.until(() => rig.backVia(64).join() === "tunnel-2", 60) !== undefined);
  t.equal(rig.fate("vpc"), "delivered");
});

t.test("VPN: the slave stands by, takes over from a dead master, and gives back", async (t) => {
  const rig = started(STANDBY);
  t.same(rig.backVia(64), ["tunnel-1"]);
  t.equal(view(rig, 1)?.isStandby, true);
  t.equal(view(rig, 1)?.bgpStatus, "Established", "its session is up all the same");
  rig.link("tunnel-1").cut({ carrier: "unseen" });
  const sec = rig.until(() => rig.backVia(64).join() === "tunnel-2", 60);
  t.ok(sec !== undefined && sec > 20 && sec <= 31, `after ${sec} s: no BFD over IPsec`);
  rig.link("tunnel-1").repair();
  t.ok(rig.until(() => rig.backVia(64).join() === "tunnel-1", 200) !== undefined);
});

t.test("VPN: how long the slave needs is a knob", async (t) => {
  const rig = started(STANDBY, "knobs: { tunnelSwitch: 5s }");
  rig.cloud.stopNode("vpn", "zone lost", () => undefined);
  rig.run(4);
  t.not(rig.fate("vpc"), "delivered");
  rig.run(3);
  t.same(rig.backVia(64), ["tunnel-2"]);
});

t.test("VPN: dead peer detection gives a tunnel up before BGP, IKE brings it back", async (t) => {
  const slow = "\n    hold: 180s\n    keepalive: 60s";
  const rig = started(slow);
  rig.link("tunnel-1").cut({ carrier: "unseen" });
  const isDown = () => view(rig)?.status === "ike_sa_not_established";
  const sec = rig.until(isDown, 100);
  t.ok(sec !== undefined && sec > 20 && sec <= 40, `given up after ${sec} s`);
  rig.run(1);
  t.same(rig.backVia(64), ["tunnel-2"]);
  t.ok(rig.cloud.events().some(({ name }) => name === "VpnTunnel:Down"));
  rig.link("tunnel-1").repair();
  t.equal(isDown(), true, "the keys are gone, so a line that is whole carries nothing yet");
  const back = rig.until(() => !isDown(), 60);
  t.ok(back !== undefined && back > 2 && back <= 12, `negotiated after ${back} s`);
  t.ok(rig.until(() => rig.backVia(64).join() === BOTH.join(), 200) !== undefined);
  const deaf = started(`${slow}\n    dpd: false`);
  deaf.link("tunnel-1").cut({ carrier: "unseen" });
  deaf.run(60);
  t.equal(view(deaf)?.status, "ipsec_sa_established", "without it nobody looks");
});

t.test("VPN: how long dead peer detection and IKE take are knobs", async (t) => {
  const slow = "\n    hold: 300s\n    keepalive: 60s";
  const rig = started(slow, "knobs: { dpdTimeout: 90s, ikeSetup: 30s }");
  rig.link("tunnel-1").cut({ carrier: "unseen" });
  const isDown = () => view(rig)?.status === "ike_sa_not_established";
  const sec = rig.until(isDown, 200);
  t.ok(sec !== undefined && sec > 60, `given up after ${sec} s`);
  rig.link("tunnel-1").repair();
  const back = rig.until(() => !isDown(), 100);
  t.ok(back !== undefined && back > 29, `negotiated after ${back} s`);
});

t.test("VPN: a failed health check revokes the routes while BGP is up, or reserves", async (t) => {
  const check = (policy: string) => `\n    healthCheck: { policy: ${policy} }`;
  const rig = started(check("revoke"));
  rig.ground.edge.answersEcho = () => false;
  const sec = rig.until(() => !rig.tableOf("tr-1").includes("10.1.0.0/16"), 30);
  t.ok(sec !== undefined && sec > 8 && sec <= 12, `3 s x 3: after ${sec} s`);
  t.equal(rig.edgeState("tunnel-1"), "Established");
  t.match(view(rig)?.healthCheck, { isFailed: true });
  t.ok(rig.toldToEdge("tunnel-1").includes("10.64.0.0/24"), "the edge is told as before");
  rig.ground.edge.answersEcho = () => true;
  t.ok(rig.until(() => rig.backVia(64).join() === BOTH.join(), 60) !== undefined);
  const kept = started(check("reserve"));
  kept.ground.edge.answersEcho = () => false;
  kept.run(30);
  t.match(view(kept)?.healthCheck, { isFailed: true });
  t.same(kept.backVia(64), BOTH);
});

t.test("VPN: negotiating keys again costs a moment where the knob says so", async (t) => {
  const often = "\n    lifetime: 60s";
  const rig = started(often, "knobs: { rekeyOutage: 3s }");
  t.equal(rig.fate("vpc"), "delivered");
  const lost = rig.until(() => rig.fate("vpc") !== "delivered", 70);
  t.ok(lost !== undefined && lost > 35 && lost < 45, `${lost} s later`);
  const back = rig.until(() => rig.fate("vpc") === "delivered", 10);
  t.ok(back !== undefined && Math.abs(back - 3) < 0.1, `${back} s of nothing`);
  t.equal(rig.edgeState("tunnel-1"), "Established");
  const seamless = started(often);
  t.equal(
    seamless.until(() => seamless.fate("vpc") !== "delivered", 120),
    undefined,
  );
});

t.test("VPN: what is longer than the tunnel's MTU is too long", async (t) => {
  const rig = started("\n    mtu: 1300");
  const device = rig.ground.world.host("vpn").kernel.links.interfaces.get("edge");
  t.equal(device?.mtu, 1300);
});
