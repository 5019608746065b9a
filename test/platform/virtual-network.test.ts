import t from "tap";
import type { LinkState } from "../../src/platform/contract.ts";
import { World } from "../../src/platform/virtual/world.ts";
import { at, MS, type Pair, pair, row, SEC, type Shape, udpSink } from "./topology.ts";

/** Sends `count` numbered datagrams from a to b, one every `everyUs`, and returns what arrived. */
function volley({ world, a, b }: Pair, count: number, everyUs: number, lengthOctets = 4) {
  const got = udpSink(world, b, "10.0.0.2", 7000);
  const socket = a.udp.open({ localAddress: "10.0.0.1", port: 0, ttl: 64 }, () => undefined);
  const start = world.now;
  for (let index = 0; index < count; index += 1) {
    world.at(start + index * everyUs, () => {
      const octets = new Uint8Array(lengthOctets);
      new DataView(octets.buffer).setUint32(0, index);
      socket.send(octets, "10.0.0.2", 7000);
    });
  }
  world.run({ forUs: count * everyUs + 10 * SEC });
  return got.map(({ at, octets, datagram }) => ({
    at: at - start,
    index: new DataView(octets.buffer).getUint32(0),
    ttl: datagram.ttl,
    device: datagram.device,
  }));
}

const numbers = (got: readonly { readonly index: number }[]) => got.map(({ index }) => index);
const sorted = (list: readonly number[]) => [...list].sort((a, b) => a - b);
type Reason = "loss" | "corrupt" | "cut" | "queue-full" | "rule" | "wire-mtu";
const dropsOf = ({ link }: Pair, reason: Reason) =>
  link.counters("a", "b")?.dropped.get(reason) ?? 0;

t.test("latency is exact, jitter stays inside its bounds and keeps the order", async (t) => {
  const plain = volley(pair({ latencyUs: 1_234 }), 10, 100);
  t.same(
    plain.map(({ at }) => at),
    Array.from({ length: 10 }, (_, index) => index * 100 + 1_234),
  );
  const shaken = volley(pair({ latencyUs: 1_000, jitterUs: 500 }), 500, 10);
  t.same(numbers(shaken), sorted(numbers(shaken)), "in order");
  const delays = shaken.map(({ at, index }) => at - index * 10);
  t.ok(delays.every((delay) => delay >= 1_000 && delay <= 1_500));
  t.ok(new Set(delays).size > 50, "and really shaken");
});

t.test("loss, duplication and reordering happen as often as asked", async (t) => {
  const lossy = pair({ loss: 0.3 });
  const left = volley(lossy, 2_000, 10).length;
  t.ok(left > 1_300 && left < 1_500, `${left} of 2000 at 30 % loss`);
  t.equal(dropsOf(lossy, "loss"), 2_000 - left, "what is lost is counted");
  const doubled = volley(pair({ duplicate: 0.5 }), 1_000, 10);
  t.ok(doubled.length > 1_400 && doubled.length < 1_600, `${doubled.length} of 1000 doubled`);
  const mixed = volley(pair({ latencyUs: 100, reorder: 0.2, reorderUs: 200 }), 1_000, 10);
  t.equal(mixed.length, 1_000);
  t.not(numbers(mixed).join(), sorted(numbers(mixed)).join(), "some are overtaken");
  t.same(
    sorted(numbers(mixed)),
    Array.from({ length: 1_000 }, (_, index) => index),
    "none lost",
  );
});

t.test("loss in bursts: as much of it, in runs of the length asked for", async (t) => {
  const ends = pair({ loss: 0.1, lossBurst: 8 });
  const arrived = new Set(numbers(volley(ends, 40_000, 10)));
  const lost = 40_000 - arrived.size;
  t.ok(lost > 3_200 && lost < 4_800, `${lost} of 40000 at 10 % loss`);
  let runs = 0;
  for (let index = 1; index < 40_000; index += 1) {
    if (!arrived.has(index) && arrived.has(index - 1)) runs += 1;
  }
  const mean = lost / runs;
  t.ok(mean > 6.5 && mean < 9.5, `runs of ${mean}`);
  t.equal(volley(pair({ loss: 1, lossBurst: 8 }), 100, 10).length, 0, "all is all");
});

t.test("damaged packets are dropped at their end, and counted as such", async (t) => {
  const ends = pair({ corrupt: 0.2 });
  const left = volley(ends, 2_000, 10).length;
  t.ok(left > 1_500 && left < 1_700, `${left} of 2000`);
  t.equal(dropsOf(ends, "corrupt"), 2_000 - left);
});

t.test("bandwidth spaces packets out, and the queue has an end", async (t) => {
  // 4 octets of data are 32 on the wire: 256 µs at 1 Mbit/s.
  const spaced = volley(pair({ bandwidthBps: 1_000_000, latencyUs: 50 }), 4, 0);
  t.same(
    spaced.map(({ at }) => at),
    [306, 562, 818, 1_074],
  );
  const narrow = pair({ bandwidthBps: 1_000_000, queueOctets: 320 });
  t.equal(volley(narrow, 50, 0).length, 10, "ten packets of 32 octets fit");
  t.equal(dropsOf(narrow, "queue-full"), 40);
});

t.test("a wire with a smaller MTU than the interfaces loses long packets silently", async (t) => {
  const ends = pair();
  ends.link.shape({ mtu: 600 });
  t.equal(volley(ends, 5, 10, 572).length, 5);
  const shrunk = pair();
  shrunk.link.shape({ mtu: 600 });
  t.equal(volley(shrunk, 5, 10, 573).length, 0);
  t.equal(dropsOf(shrunk, "wire-mtu"), 5);
  const socket = shrunk.a.udp.open({ localAddress: "10.0.0.1", port: 0, ttl: 9 }, () => undefined);
  socket.send(new Uint8Array(1_473), "10.0.0.2", 7000);
  t.equal(socket.sendErrors, 1, "beyond the interface's own MTU sending fails");
});

t.test("rules pass, delay and drop; the first that does not pass decides", async (t) => {
  const ends = pair({ latencyUs: 10 });
  const seen: string[] = [];
  ends.link.addRule((_packet, from, to) => {
    seen.push(`${from}>${to}`);
    return "pass";
  });
  const odd = ends.link.addRule(({ body }) => {
    const isOdd = body.kind === "udp" && (body.octets[3] ?? 0) % 2 === 1;
    return isOdd ? "drop" : "pass";
  });
  ends.link.addRule(() => ({ delayUs: 1_000 }));
  const got = volley(ends, 6, 100);
  t.same(numbers(got), [0, 2, 4]);
  t.same(
    got.map(({ at }) => at),
    [1_010, 1_210, 1_410],
  );
  t.same([...new Set(seen)], ["a>b"]);
  t.equal(dropsOf(ends, "rule"), 3);
  odd.remove();
  ends.b.udp.open({ localAddress: "10.0.0.2", port: 1, ttl: 1 }, () => undefined);
  t.equal(ends.world.forward({ host: "a", ...FLOW }).delayUs, 1_010, "walks meet the rules too");
});

const FLOW = { source: "10.0.0.1", destination: "10.0.0.2" } as const;

t.test("a cut loses what is under way; a repaired link carries again", async (t) => {
  const ends = pair({ latencyUs: 10 * MS, carrierVisible: false });
  const { world, link } = ends;
  world.at(50 * MS, () => link.cut());
  world.at(80 * MS, () => link.repair());
  const got = volley(ends, 100, MS);
  const lost = sorted(Array.from({ length: 100 }, (_, index) => index)).filter(
    (index) => !numbers(got).includes(index),
  );
  t.equal(lost[0], 40, "what would arrive at the instant of the cut is caught by it");
  t.equal(lost.at(-1), 79, "the one sent at the instant of the repair arrives");
  t.equal(lost.length, 40);
  t.equal(link.isCut, false);
});

t.test(
  "a cut of one direction leaves the other alone, and only the receiver goes dark",
  async (t) => {
    const { world, a, b, link } = pair();
    const carriers = () => [a, b].map((host) => host.links.state("eth0")?.hasCarrier);
    link.cut({ from: "a" });
    t.same(carriers(), [true, false]);
    const outcome = (from: "a" | "b") => {
      const [source, destination] =
        from === "a" ? ["10.0.0.1", "10.0.0.2"] : ["10.0.0.2", "10.0.0.1"];
      return world.forward({ host: from, source, destination }).outcome;
    };
    t.equal(outcome("a"), "cut");
    t.equal(outcome("b"), "no-carrier");
    link.repair();
    link.cut({ from: "a", carrier: "unseen" });
    t.same(carriers(), [true, true], "a silent cut");
    t.equal(outcome("a"), "cut");
    t.equal(outcome("b"), "delivered");
    link.cut({ to: "a" });
    t.same(carriers(), [false, true]);
    link.repair({ to: "a" });
    t.same(carriers(), [true, true]);
    t.equal(outcome("a"), "cut", "the other direction is still cut");
  },
);

t.test(
  "watchers hear of carrier and admin state; a quick change replaces untold news",
  async (t) => {
    const world = new World({ seed: 1 });
    const a = world.addHost("a", { linkNewsDelayUs: 500 });
    const b = world.addHost("b");
    const link = world.link({
      between: [
        { host: a, device: "eth0", addresses: ["10.0.0.1/30"] },
        { host: b, device: "eth0", addresses: ["10.0.0.2/30"] },
      ],
    });
    world.run({ forUs: MS });
    const news: [number, string, boolean | undefined][] = [];
    const watch = a.links.watch((device, state: LinkState | undefined) => {
      news.push([world.now, device, state?.hasCarrier]);
    });
    link.cut();
    world.run({ untilUs: 2 * MS });
    link.repair();
    world.run({ untilUs: 2 * MS + 100 });
    b.setAdmin("eth0", false);
    world.run({ untilUs: 4 * MS });
    b.setAdmin("eth0", true);
    world.run({ untilUs: 5 * MS });
    a.removeInterface("eth0");
    world.run({ untilUs: 6 * MS });
    t.same(
      news,
      [
        [1_500, "eth0", false],
        [2_500, "eth0", false],
        [4_500, "eth0", true],
        [5_500, "eth0", undefined],
      ],
      "the repair at 2 ms was overtaken by the far end's switch at 2.1 ms",
    );
    watch.close();
    a.addInterface("eth1");
    world.run({ untilUs: 7 * MS });
    t.equal(news.length, 4);
  },
);

t.test("VLANs share a port, keep apart, and follow their parent", async (t) => {
  const world = new World({ seed: 1 });
  const a = world.addHost("a");
  const b = world.addHost("b");
  const link = world.link({
    between: [
      { host: a, device: "eth0" },
      { host: b, device: "port" },
    ],
  });
  const vlan = (vlanId: number, index: number) => ({
    vlanId,
    addresses: [`10.0.${vlanId}.${index}/30`],
  });
  for (const vlanId of [100, 200]) {
    a.links.ensureVlan({ device: `eth0.${vlanId}`, parent: "eth0", ...vlan(vlanId, 1) });
  }
  const state = b.links.ensureVlan({ device: "vbr", parent: "port", mtu: 1_400, ...vlan(100, 2) });
  t.match(state, { device: "vbr", mtu: 1_400, isAdminUp: true, hasCarrier: true });
  const adopted = b.links.ensureVlan({ device: "vbr", parent: "port", ...vlan(100, 2) });
  t.match(adopted, { index: state.index, addresses: ["10.0.100.2/30"] });
  const outcome = (destination: string, source: string) =>
    world.forward({ host: "a", source, destination }).outcome;
  t.equal(outcome("10.0.100.2", "10.0.100.1"), "delivered");
  t.equal(outcome("10.0.200.2", "10.0.200.1"), "no-neighbour", "nobody is in that VLAN");
  const codes = [
    { device: "vbr", parent: "port", ...vlan(101, 2) },
    { device: "other", parent: "port", ...vlan(100, 2) },
    { device: "other", parent: "port", mtu: 9_000, ...vlan(102, 2) },
    { device: "other", parent: "nowhere", ...vlan(103, 2) },
  ].map((options) => codeOf(() => b.links.ensureVlan(options)));
  t.same(codes, [
    "PLATFORM_LINK_CONFLICT",
    "PLATFORM_LINK_CONFLICT",
    "PLATFORM_LINK_CONFLICT",
    "PLATFORM_LINK_UNKNOWN",
  ]);
  link.cut();
  t.equal(a.links.state("eth0.100")?.hasCarrier, false, "carrier is the parent's");
  link.repair();
  a.setAdmin("eth0", false);
  t.match(a.links.state("eth0.200"), { isAdminUp: false, hasCarrier: false });
  t.equal(b.links.state("vbr")?.hasCarrier, false, "the far end sees the port switched off");
  a.setAdmin("eth0", true);
  t.match(a.links.state("eth0.200"), { isAdminUp: true, hasCarrier: true });
  t.equal(outcome("10.0.100.2", "10.0.100.1"), "delivered");
  b.removeInterface("vbr");
  t.equal(outcome("10.0.100.2", "10.0.100.1"), "no-neighbour");
  t.equal(b.links.state("vbr"), undefined);
});

t.test("a host without rights or 802.1Q says so", async (t) => {
  const world = new World({ seed: 1 });
  const poor = world.addHost("poor", { isPrivileged: false });
  const old = world.addHost("old", { hasVlanSupport: false });
  world.link({
    between: [
      { host: poor, device: "eth0", addresses: ["10.0.0.1/30"] },
      { host: old, device: "eth0", addresses: ["10.0.0.2/30"] },
    ],
  });
  const vlan = { device: "v", parent: "eth0", vlanId: 5, addresses: [] };
  t.equal(
    codeOf(() => poor.links.ensureVlan(vlan)),
    "PLATFORM_PERMISSION",
  );
  t.equal(
    codeOf(() => old.links.ensureVlan(vlan)),
    "PLATFORM_VLAN_UNSUPPORTED",
  );
  const udp = { localAddress: "10.0.0.1", port: 179, ttl: 1 };
  t.equal(
    codeOf(() => poor.udp.open(udp, () => undefined)),
    "PLATFORM_PERMISSION",
  );
});

t.test("routers decrement the TTL, answer when it ends, and walks go the same way", async (t) => {
  const { world, routers } = row(4);
  const [first, , , last] = [at(routers, 0), at(routers, 1), at(routers, 2), at(routers, 3)];
  const got = udpSink(world, last, "172.16.0.2", 7000);
  for (const ttl of [255, 3, 2]) {
    const socket = first.udp.open({ localAddress: "172.16.0.1", port: 0, ttl }, () => undefined);
    socket.send(Uint8Array.of(ttl), "172.16.0.2", 7000);
  }
  world.run({ forUs: SEC });
  t.same(
    got.map(({ datagram }) => datagram.ttl),
    [253, 1],
    "two routers on the way",
  );
  t.match(got[0]?.datagram, { device: "left", remoteAddress: "172.16.0.1" });
  t.equal(at(routers, 2).drops.get("ttl"), 1);
  const flow = { host: "r0", source: "172.16.0.1", destination: "172.16.0.2" };
  const walk = world.forward(flow);
  t.match(walk, { outcome: "delivered", host: "r3", delayUs: 3_000, arrivalProbability: 1 });
  t.same(
    walk.path.map(({ host }) => host),
    ["r0", "r1", "r2", "r3"],
  );
  t.match(walk.path[1], { device: "right", nextHop: "10.0.1.2", link: "r1:right - r2:left" });
  t.match(world.forward({ ...flow, ttl: 2 }), { outcome: "ttl", host: "r2" });
  const answers: unknown[] = [];
  for (const ttl of [1, 2, 64]) {
    const options = { source: "172.16.0.1", destination: "172.16.0.2", timeoutUs: SEC, ttl };
    first.ping(options, (result) => answers.push(result));
  }
  first.ping({ destination: "203.0.113.1", timeoutUs: SEC }, (result) => answers.push(result));
  world.run({ forUs: SEC });
  t.same(answers, [
    { outcome: "not-sent", rttUs: 0, from: undefined },
    { outcome: "time-exceeded", from: "10.0.0.2", rttUs: 2_000 },
    { outcome: "time-exceeded", from: "10.0.1.2", rttUs: 4_000 },
    { outcome: "reply", from: "172.16.0.2", rttUs: 6_000 },
  ]);
});

t.test(
  "faults of a router: dead, not forwarding, blackhole, no route, loop, no answer",
  async (t) => {
    const { world, routers } = row(4);
    const [r0, r1, r2, r3] = [at(routers, 0), at(routers, 1), at(routers, 2), at(routers, 3)];
    const flow = { host: "r0", source: "172.16.0.1", destination: "172.16.0.2" };
    const ping = () => {
      let outcome = "";
      const { source, destination } = flow;
      r0.ping({ source, destination, timeoutUs: SEC }, (result) => {
        outcome = result.outcome;
      });
      world.run({ forUs: 2 * SEC });
      return [world.forward(flow).outcome, outcome];
    };
    t.same(ping(), ["delivered", "reply"]);
    r1.forwarding = "dead";
    t.same(ping(), ["forwarding-dead", "timeout"]);
    r1.forwarding = "off";
    t.same(ping(), ["forwarding-off", "timeout"]);
    r1.forwarding = "on";
    r2.addRoute({ prefix: "172.16.0.2/32", hops: [], kind: "blackhole", metric: -1 });
    t.same(ping(), ["blackhole", "timeout"]);
    r2.removeRoute("172.16.0.2/32");
    t.same(ping(), ["no-route", "net-unreachable"]);
    r2.addRoute({ prefix: "172.16.0.0/16", hops: [], kind: "prohibit" });
    t.same(ping(), ["prohibited", "net-unreachable"]);
    r2.addRoute({ prefix: "172.16.0.0/24", hops: [{ gateway: "10.0.1.1", device: "left" }] });
    t.same(ping(), ["loop", "time-exceeded"], "the longer prefix wins, and points back");
    r2.addRoute({ prefix: "172.16.0.2/32", hops: [{ gateway: "10.0.2.2", device: "right" }] });
    r3.answersEcho = () => false;
    t.same(ping(), ["delivered", "timeout"], "a filter, not the path");
    t.equal(r3.drops.get("icmp-ignored"), 1);
  },
);

t.test("a network of many addresses behind one host", async (t) => {
  const { world, a, b } = pair({ latencyUs: 10 });
  a.addRoute({ prefix: "172.16.0.0/12", hops: [{ gateway: "10.0.0.2", device: "eth0" }] });
  b.addLocalPrefix("172.16.0.0/12");
  const got = udpSink(world, b, "0.0.0.0", 7000);
  const socket = a.udp.open({ localAddress: "10.0.0.1", port: 0, ttl: 64 }, () => undefined);
  for (const address of ["172.16.1.2", "172.31.255.255"]) {
    socket.send(Uint8Array.of(1), address, 7000);
    t.equal(world.forward({ host: "a", source: "10.0.0.1", destination: address }).host, "b");
  }
  world.run({ forUs: SEC });
  t.same(
    got.map(({ datagram }) => datagram.localAddress),
    ["172.16.1.2", "172.31.255.255"],
  );
  b.removeLocalPrefix("172.16.0.0/12");
  t.not(world.forward({ host: "a", ...FLOW, destination: "172.16.1.2" }).outcome, "delivered");
});

t.test("UDP sockets: bound to a device, shared ports, send only, wildcard", async (t) => {
  const world = new World({ seed: 1 });
  const edge = world.addHost("edge");
  const peers = [1, 2].map((index) => {
    const peer = world.addHost(`vbr${index}`);
    world.link({
      between: [
        { host: edge, device: `eth${index}`, addresses: [`10.0.${index}.1/30`] },
        { host: peer, device: "port", addresses: [`10.0.${index}.2/30`] },
      ],
    });
    return peer;
  });
  const heard: string[] = [];
  for (const device of ["eth1", "eth2"]) {
    const options = { localAddress: "0.0.0.0", port: 3784, ttl: 255, device };
    edge.udp.open(options, (datagram) => heard.push(`${device} ${datagram.device}`));
  }
  const clash = { localAddress: "0.0.0.0", port: 3784, ttl: 255 };
  t.equal(
    codeOf(() => edge.udp.open(clash, () => undefined)),
    "PLATFORM_ADDRESS_IN_USE",
  );
  for (const [index, peer] of peers.entries()) {
    const localAddress = `10.0.${index + 1}.2`;
    const socket = peer.udp.open({ localAddress, port: 0, ttl: 255 }, () => undefined);
    socket.send(Uint8Array.of(1), `10.0.${index + 1}.1`, 3784);
  }
  const deaf = { localAddress: "10.0.1.1", port: 49_152, ttl: 255, isSendOnly: true };
  const sender = edge.udp.open(deaf, () => heard.push("never"));
  sender.send(Uint8Array.of(1), "10.0.1.2", 9);
  const echo = at(peers, 0).udp.open({ localAddress: "10.0.1.2", port: 9, ttl: 9 }, (datagram) => {
    echo.send(datagram.octets, datagram.remoteAddress, datagram.remotePort);
  });
  world.run({ forUs: SEC });
  t.same(heard, ["eth1 eth1", "eth2 eth2"]);
  t.equal(edge.drops.get("not-read"), 1);
  const lost = edge.udp.open({ ...deaf, port: 49_153 }, () => undefined);
  lost.send(Uint8Array.of(1), "203.0.113.1", 9);
  t.equal(lost.sendErrors, 1, "no route");
});

t.test(
  "power off is silent, takes processes and routes along, and shows as lost carrier",
  async (t) => {
    const { world, a, b } = pair({ latencyUs: 10 });
    let rung = 0;
    const alarm = b.clock.createAlarm(() => {
      rung += 1;
    });
    alarm.set(world.now);
    world.run({ forUs: MS });
    alarm.set(world.now);
    udpSink(world, b, "10.0.0.2", 7000);
    b.powerOff();
    world.run({ forUs: MS });
    t.equal(rung, 1, "a dead process hears no alarm");
    t.equal(a.links.state("eth0")?.hasCarrier, false);
    t.equal(world.forward({ host: "a", ...FLOW }).outcome, "no-carrier");
    b.powerOn();
    t.equal(a.links.state("eth0")?.hasCarrier, true);
    t.equal(world.forward({ host: "a", ...FLOW }).outcome, "delivered");
    const again = b.spawn("after");
    const got = udpSink(world, again.host, "10.0.0.2", 7000);
    const socket = a.udp.open({ localAddress: "10.0.0.1", port: 0, ttl: 64 }, () => undefined);
    socket.send(Uint8Array.of(1), "10.0.0.2", 7000);
    world.run({ forUs: MS });
    t.equal(got.length, 1, "the port of the dead process was free");
  },
);

t.test("a frozen process reads what waited before it hears its alarms", async (t) => {
  const ends = pair({ latencyUs: 10 });
  const { world, a, b } = ends;
  const order: string[] = [];
  b.udp.open({ localAddress: "10.0.0.2", port: 7000, ttl: 64 }, ({ octets }) => {
    order.push(`datagram ${octets[0]} at ${world.now}`);
  });
  const socket = a.udp.open({ localAddress: "10.0.0.1", port: 0, ttl: 64 }, () => undefined);
  const [first, second] = ["first", "second"].map((name) =>
    b.clock.createAlarm(() => order.push(`${name} at ${world.now}`)),
  );
  first?.set(world.now);
  world.run({ forUs: 1 });
  b.process.stall(100 * MS);
  second?.set(world.now);
  first?.set(world.now);
  world.at(50 * MS, () => socket.send(Uint8Array.of(1), "10.0.0.2", 7000));
  world.at(60 * MS, () => socket.send(Uint8Array.of(2), "10.0.0.2", 7000));
  world.run({ forUs: SEC });
  t.same(order, [
    "first at 0",
    `datagram 1 at ${100 * MS + 1}`,
    `datagram 2 at ${100 * MS + 1}`,
    `second at ${100 * MS + 1}`,
    `first at ${100 * MS + 1}`,
  ]);
  b.process.freeze();
  for (let count = 0; count < 400; count += 1) socket.send(new Uint8Array(1_000), "10.0.0.2", 7000);
  world.run({ forUs: SEC });
  const overflow = b.drops.get("receive-buffer") ?? 0;
  t.ok(overflow > 200 && overflow < 400, `${overflow} did not fit the receive buffer`);
  b.process.thaw();
  t.equal(order.length, 5 + 400 - overflow);
});

t.test("wall clock: starts where told, steps, and leaves alarms alone", async (t) => {
  const world = new World({ seed: 1, startWallMs: 1_000_000 });
  const a = world.addHost("a");
  let rungAt: number | undefined;
  a.clock
    .createAlarm(() => {
      rungAt = world.now;
    })
    .set(a.clock.now());
  world.run({ untilUs: 1_500 });
  t.equal(a.wallClock.nowMs(), 1_000_001);
  a.stepWallClock(-3_600_000);
  t.equal(a.wallClock.nowMs(), 1_000_001 - 3_600_000);
  t.equal(rungAt, 0);
});

t.test("a segment of three", async (t) => {
  const world = new World({ seed: 1 });
  const hosts = [1, 2, 3].map((index) => world.addHost(`h${index}`));
  const lan = world.link({
    name: "lan",
    between: hosts.map((host, index) => ({
      host,
      device: "eth0",
      addresses: [`10.0.0.${index + 1}/24`],
    })),
  });
  const outcome = (from: number, to: number) =>
    world.forward({ host: `h${from}`, source: `10.0.0.${from}`, destination: `10.0.0.${to}` })
      .outcome;
  t.same(
    [outcome(1, 2), outcome(1, 3), outcome(3, 2), outcome(1, 4)],
    [...["delivered", "delivered", "delivered", "no-neighbour"]],
  );
  at(hosts, 0).setAdmin("eth0", false);
  t.equal(at(hosts, 1).links.state("eth0")?.hasCarrier, true, "two others are still lit");
  at(hosts, 0).setAdmin("eth0", true);
  lan.cut({ from: "h1", to: "h3", carrier: "unseen" });
  t.same([outcome(1, 2), outcome(1, 3), outcome(3, 1)], ["delivered", "cut", "delivered"]);
});

const SHAPES: readonly Shape[] = [{ loss: 0.2 }, { jitterUs: 900 }, { duplicate: 0.3 }];

t.test("the same seed repeats a run, another seed does not", async (t) => {
  for (const shape of SHAPES) {
    const run = (seed: number) => {
      const ends = pair({ latencyUs: 100, ...shape }, seed);
      const got = volley(ends, 200, 50);
      return { hash: ends.world.traceHash, got };
    };
    const first = run(7);
    t.same(run(7), first, "equal to the last octet and instant");
    t.match(first.hash, /^[0-9a-f]{16}$/);
    const other = run(8);
    t.not(other.hash, first.hash);
    t.notSame(other.got, first.got);
  }
});

t.test("the luck of one link does not hang on what else there is", async (t) => {
  const run = (isCrowded: boolean) => {
    const world = new World({ seed: 3 });
    if (isCrowded) world.addHost("earlier");
    const a = world.addHost("a");
    const b = world.addHost("b");
    const link = world.link({
      name: "circuit",
      between: [
        { host: a, device: "eth0", addresses: ["10.0.0.1/30"] },
        { host: b, device: "eth0", addresses: ["10.0.0.2/30"] },
      ],
      loss: 0.5,
    });
    return numbers(volley({ world, a, b, link }, 100, 10));
  };
  t.same(run(true), run(false));
});

t.test("observers see everything and change nothing", async (t) => {
  const run = (isObserved: boolean) => {
    const ends = pair({ latencyUs: 5, loss: 0.5 });
    const kinds = new Map<string, number>();
    if (isObserved) {
      ends.world.observe((event) => {
        kinds.set(event.kind, (kinds.get(event.kind) ?? 0) + 1);
      });
    }
    volley(ends, 100, 10);
    ends.world.mark("end");
    return { hash: ends.world.traceHash, kinds };
  };
  const seen = run(true);
  t.equal(seen.hash, run(false).hash);
  t.equal(seen.kinds.get("send"), 100);
  t.equal((seen.kinds.get("arrive") ?? 0) + (seen.kinds.get("drop") ?? 0), 100);
  t.ok((seen.kinds.get("note") ?? 0) > 0);
});

function codeOf(run: () => unknown): unknown {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as { readonly code?: string }).code ?? error;
  }
}
