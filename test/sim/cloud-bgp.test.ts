/**
 * BGP groups and peers of a VBR in virtual time: several routers of the customer on one
 * interconnect, each a shipped agent.
 */
import t from "tap";
import { Agent } from "../../src/agent/agent.ts";
import { startInlineBfdEngine } from "../../src/agent/bfd/inline-engine.ts";
import type { Secret } from "../../src/agent/config/edge-config.ts";
import { World } from "../../src/platform/virtual/world.ts";
import { Cloud } from "../../src/sim/cloud/cloud.ts";
import { addCloud, virtualField } from "../../src/sim/cloud/world.ts";
import { withDevices } from "../../src/sim/lab/virtual/topology.ts";
import { ECR, readCloud, readEdge } from "./cloud-rig.ts";

const BFD = "bfd: { interval: 300ms, multiplier: 3, hops: 255 }";

/** The other end of 10.0.1.1/29 at .2, .3 …, each with a host of the data centre behind it. */
const router = (number: number, as: number, prepend: number) => `
router: { name: router-${number}, as: ${as}, id: 10.255.0.${number} }
circuits:
  - name: circuit-1
    profile: alibaba-vbr
    interface: { device: c1, vlan: 0 }
    local: 10.0.1.${number + 1}/29
    remote: 10.0.1.1
    ${BFD}
    export: [far, announce-own]
policy: { policies: { far: [{ term: far, set: { prepend: { count: ${prepend} } } }] } }
announce: [{ prefix: 10.1.0.0/16, rank: 1 }]
fib: { kind: kernel }
`;

const GROUPS = `
cloud: { name: lab }
vbrs:
  - name: vbr-1
    circuit: circuit-1
    local: 10.0.1.1/29
    peer: 10.0.1.2
    bfd: { tx: 300ms, rx: 300ms, multiplier: 3, hops: 255 }
    groups:
      - { name: a, peerAs: 65010, md5: key-a, peers: [{ address: 10.0.1.2 }] }
      - { name: b, peerAs: 65011, routeQuota: 5, peers: [{ name: second, address: 10.0.1.3 }] }
${ECR}
`;

function lab(options: { readonly prepend?: number } = {}) {
  const config = withDevices(readCloud(GROUPS));
  const world = new World({ seed: 7 });
  const network = addCloud(world, config);
  const files = [router(1, 65010, 1), router(2, 65011, options.prepend ?? 1)];
  const agents = files.map((text, index) => {
    const host = world.addHost(`router-${index + 1}`);
    host.addLocalPrefix("10.1.0.10/32");
    return { host, index, parsed: readEdge(text) };
  });
  const wire = world.link({
    between: [
      { host: world.host("vbr-1"), device: "edge", addresses: ["10.0.1.1/29"] },
      ...agents.map(({ host, index }) => {
        return { host, device: "c1", addresses: [`10.0.1.${index + 2}/29`] };
      }),
    ],
    latencyUs: 1000,
  });
  const cloud = new Cloud(config, {
    plan: { fib: "kernel", innerPort: 179 },
    host: (node) => world.host(node),
    startBfd: (node) => startInlineBfdEngine(world.host(node)),
    field: virtualField(world, network),
  });
  cloud.start();
  const key: Secret = { reveal: () => "key-a", toString: () => "***", toJSON: () => "***" };
  for (const { host, index, parsed } of agents) {
    const circuits = parsed.circuits.map((one) => ({
      ...one,
      sessions: one.sessions.map((of) => (index === 0 ? { ...of, md5Key: key } : of)),
    }));
    const startBfd = startInlineBfdEngine(host);
    new Agent({ host, config: { ...parsed, circuits }, startBfd }).start();
  }
  world.run({ forUs: 15e6 });
  const state = (peer: string) => cloud.agent("vbr-1")?.view.speaker.peer(peer)?.state;
  const states = () => [state("circuit-1"), state("second")];
  /** Routers that 32 flows of the VPC end at. */
  const endsAt = () => {
    const ends = Array.from({ length: 32 }, (_, flow) => {
      const ports = { sourcePort: 20_000 + flow, destinationPort: 7007 };
      const way = { host: "ecr-1", source: "10.64.0.10", destination: "10.1.0.10", ...ports };
      return world.forward(way).host;
    });
    return [...new Set(ends)].sort();
  };
  return { world, cloud, wire, states, endsAt };
}

t.test("BGP groups: two routers on one interconnect have a session each", async (t) => {
  const { world, cloud, wire, states, endsAt } = lab();
  t.same(states(), ["Established", "Established"], "each with its group's AS and key");
  t.match(cloud.view().vbrs[0]?.peers, [
    { name: "circuit-1", group: "a", address: "10.0.1.2", receivedRouteCount: 1 },
    { name: "second", group: "b", address: "10.0.1.3", receivedRouteCount: 1 },
  ]);
  t.same(endsAt(), ["router-1", "router-2"], "AS_PATHs of one length share the load");
  wire.cut({ from: "router-2", carrier: "unseen" });
  world.run({ forUs: 2e6 });
  t.same(states()[0], "Established", "the other does not suffer");
  t.same(endsAt(), ["router-1"], "and BFD took the dead one out");
  t.match(
    cloud.events().filter(({ name }) => name === "BGPPeerStatus:Down"),
    [{ resource: "vbr-1", text: /^second: / }],
  );
});

t.test("BGP groups: the longer AS_PATH stands by", async (t) => {
  const { states, endsAt } = lab({ prepend: 2 });
  t.same(states(), ["Established", "Established"]);
  t.same(endsAt(), ["router-1"]);
});

t.test("BGP groups: deeds on a peer, a group, all of a VBR", async (t) => {
  const { world, cloud, states } = lab();
  const run = (forSec: number) => world.run({ forUs: forSec * 1e6 });
  t.equal(
    cloud.do({ do: "disable-session", vbr: "vbr-1", peer: "second", isDisabled: true }),
    undefined,
  );
  run(2);
  t.same(states(), ["Established", "Idle"]);
  t.equal(cloud.do({ do: "disable-session", vbr: "vbr-1", isDisabled: false }), undefined);
  run(30);
  t.same(states(), ["Established", "Established"]);
  t.equal(cloud.do({ do: "set-md5", vbr: "vbr-1", group: "a", key: "another" }), undefined);
  run(40);
  t.equal(states()[1], "Established", "a key of one group is none of the other");
  t.not(states()[0], "Established");
  t.match(cloud.do({ do: "reset-session", vbr: "vbr-1", peer: "third" }), {
    code: "InvalidBgpPeer.NotFound",
  });
  t.match(cloud.do({ do: "set-route-quota", vbr: "vbr-1", group: "c", routes: 9 }), {
    code: "InvalidBgpGroup",
  });
});
