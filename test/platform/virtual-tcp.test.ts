import fc from "fast-check";
import t from "tap";
import { equalBytes } from "../../src/core/bytes.ts";
import { TcpFlag } from "../../src/platform/virtual/packet.ts";
import { World } from "../../src/platform/virtual/world.ts";
import { at, connect, Ear, listen, MS, type Pair, pair, row, SEC } from "./topology.ts";

const text = (words: string): Uint8Array => Uint8Array.from(words, (word) => word.charCodeAt(0));
const heard = (ear: Ear | undefined): string => String.fromCharCode(...(ear?.received ?? []));

/** A connection from a to b, established. */
function established(ends: Pair): { client: Ear; server: Ear } {
  const accepted = listen(ends.b, "10.0.0.2");
  const client = connect(ends.a, "10.0.0.2");
  ends.world.runUntil(
    () => accepted.length === 1 && client.events.length > 0,
    ends.world.now + 60 * SEC,
  );
  return { client, server: at(accepted, 0) };
}

/** Instants at which segments with these flags leave a host. */
function departures({ world }: Pair, from: string, flags: number): number[] {
  const seen: number[] = [];
  world.observe((event) => {
    if (event.kind !== "send" || event.packet.body.kind !== "tcp") return;
    const isOurs = event.packet.source.text === from && event.packet.body.flags === flags;
    if (isOurs) seen.push(event.at);
  });
  return seen;
}

t.test("a SYN into silence is sent again with back-off, and given up after 127 s", async (t) => {
  const ends = pair({ carrierVisible: false });
  ends.link.cut();
  const syns = departures(ends, "10.0.0.1", TcpFlag.Syn);
  const ear = connect(ends.a, "10.0.0.2");
  ends.world.run({ forUs: 200 * SEC });
  t.same(
    syns.map((instant) => instant / SEC),
    [0, 1, 3, 7, 15, 31, 63],
  );
  t.same(ear.events, ["closed"]);
  t.equal(ear.cause, "timeout");
});

t.test("a connection survives the loss of any handshake segment", async (t) => {
  for (const victim of [TcpFlag.Syn, TcpFlag.Syn | TcpFlag.Ack, TcpFlag.Ack]) {
    const ends = pair({ latencyUs: MS });
    let isLost = false;
    ends.link.addRule(({ body }) => {
      if (isLost || body.kind !== "tcp" || body.flags !== victim) return "pass";
      isLost = true;
      return "drop";
    });
    const accepted = listen(ends.b, "10.0.0.2");
    const client = connect(ends.a, "10.0.0.2");
    ends.world.run({ forUs: 5 * SEC });
    client.connection?.send(text("x"));
    ends.world.run({ forUs: 5 * SEC });
    t.ok(isLost);
    t.same(client.events.slice(0, 1), ["connected"]);
    t.equal(heard(accepted[0]), "x");
  }
});

t.test("no way to the peer: unreachable at once, by ICMP, or after three seconds", async (t) => {
  const { world, routers } = row(3);
  const first = at(routers, 0);
  const nowhere = connect(first, "203.0.113.1");
  t.same(nowhere.events, [], "not inside the call");
  first.addRoute({ prefix: "198.51.100.0/24", hops: [{ gateway: "10.0.0.2", device: "right" }] });
  const beyond = connect(first, "198.51.100.1");
  first.addInterface("lan2", { addresses: ["192.0.2.1/24"] });
  const wireless = connect(first, "192.0.2.2");
  world.run({ forUs: 2 * MS });
  t.same([nowhere.cause, beyond.cause, wireless.cause], Array(3).fill("unreachable"));
  const ends = pair();
  const absent = ends.b;
  absent.removeAddress("eth0", "10.0.0.2/30");
  const ear = connect(ends.a, "10.0.0.2");
  t.notOk(ends.world.runUntil(() => ear.cause !== undefined, 2_999 * MS));
  t.ok(ends.world.runUntil(() => ear.cause !== undefined, 3 * SEC));
  t.equal(ear.cause, "unreachable");
});

t.test("a cut leaves it half-open: the sender times out, the listener never knows", async (t) => {
  const ends = pair({ latencyUs: MS, carrierVisible: false });
  const { client, server } = established(ends);
  ends.link.cut();
  client.connection?.send(text("into the void"));
  ends.world.run({ forUs: 800 * SEC });
  t.equal(client.cause, undefined, "TCP alone takes a quarter of an hour");
  ends.world.run({ forUs: 200 * SEC });
  t.equal(client.cause, "timeout");
  t.equal(server.cause, undefined);
  ends.link.repair();
  server.connection?.send(text("anybody"));
  ends.world.run({ forUs: SEC });
  t.equal(server.cause, "reset", "until it says something");
});

t.test("a cut shorter than the timeout loses nothing", async (t) => {
  const ends = pair({ latencyUs: MS, carrierVisible: false });
  const { client, server } = established(ends);
  ends.link.cut();
  client.connection?.send(text("patience"));
  ends.world.run({ forUs: 30 * SEC });
  t.equal(heard(server), "");
  ends.link.repair();
  ends.world.run({ forUs: 60 * SEC });
  t.equal(heard(server), "patience");
});

t.test("a peer that lost its memory resets what it does not know", async (t) => {
  const ends = pair({ latencyUs: MS });
  const { client } = established(ends);
  ends.b.powerOff();
  ends.b.powerOn();
  t.equal(client.cause, undefined, "it went without a word");
  client.connection?.send(text("hello?"));
  ends.world.run({ forUs: SEC });
  t.equal(client.cause, "reset");
});

t.test("a reset in the window but not exact is challenged (RFC 5961 §3.2)", async (t) => {
  const ends = pair({ latencyUs: MS });
  const { client, server } = established(ends);
  let isLost = false;
  ends.link.addRule(({ body }, from) => {
    const isData = from === "a" && body.kind === "tcp" && body.octets.length > 0;
    if (isLost || !isData) return "pass";
    isLost = true;
    return "drop";
  });
  client.connection?.send(text("lost"));
  ends.world.run({ forUs: 10 * MS });
  client.connection?.close("reset");
  ends.world.run({ forUs: SEC });
  t.equal(server.cause, "reset", "the challenge is answered by an exact one");
  t.equal(heard(server), "");
});

t.test("a killed process: the kernel sends what it has, then ends the connections", async (t) => {
  const ends = pair({ latencyUs: MS, bandwidthBps: 10_000_000 });
  const { client, server } = established(ends);
  const big = new Uint8Array(1_000_000).fill(7);
  client.connection?.send(big);
  ends.world.run({ forUs: 5 * MS });
  ends.a.process.kill();
  ends.world.run({ forUs: 60 * SEC });
  t.equal(server.cause, "fin");
  const { length } = server.received;
  t.ok(length >= 262_144 && length < 300_000, `the socket buffer is flushed, no more: ${length}`);
  t.notOk(client.events.includes("closed"), "the dead hear nothing");
});

t.test("a frozen reader closes its window; the sender probes it for ever", async (t) => {
  const ends = pair({ latencyUs: MS });
  const { client, server } = established(ends);
  ends.b.process.freeze();
  client.connection?.send(new Uint8Array(600_000).fill(1));
  ends.world.run({ forUs: 3_600 * SEC });
  t.equal(client.cause, undefined, "an hour of zero window is no failure of TCP's");
  t.equal(server.received.length, 0);
  ends.b.process.thaw();
  ends.world.run({ forUs: 300 * SEC });
  t.equal(server.received.length, 600_000);
  const closed = pair({ latencyUs: MS, carrierVisible: false });
  const second = established(closed);
  closed.b.process.freeze();
  second.client.connection?.send(new Uint8Array(600_000).fill(1));
  closed.world.run({ forUs: 60 * SEC });
  closed.link.cut();
  closed.world.run({ forUs: 3_600 * SEC });
  t.equal(second.client.cause, "timeout", "but unanswered probes are");
});

t.test("TTL and MD5 of an accepted connection", async (t) => {
  const ends = pair({ latencyUs: MS });
  const { client, server } = established(ends);
  server.connection?.setTtl({ ttl: 255, minTtl: 255 });
  client.connection?.send(text("64"));
  ends.world.run({ forUs: SEC });
  t.equal(heard(server), "", "the client still sends with 64");
  client.connection?.setTtl({ ttl: 255, minTtl: 254 });
  ends.world.run({ forUs: 10 * SEC });
  t.equal(heard(server), "64");
  t.ok((ends.b.drops.get("min-ttl") ?? 0) > 0);
  const { world, routers } = row(3);
  const [near, far] = [at(routers, 0), at(routers, 2)];
  const ears = listen(far, "172.16.0.2", { minTtl: 255 });
  near.tcp.connect({ remoteAddress: "172.16.0.2", remotePort: 179, ttl: 255 }, new Ear());
  world.run({ forUs: 10 * SEC });
  t.equal(ears.length, 0, "a hop away, 255 has become 254");
});

t.test("an MD5 key is of one peer; a stranger's reset does not hurt", async (t) => {
  const ends = pair({ latencyUs: MS });
  const listener = ends.b.tcp.listen({ localAddress: "10.0.0.2", port: 179 }, () => new Ear());
  listener.setMd5Key("10.0.0.1", "secret");
  const good = connect(ends.a, "10.0.0.2", "secret");
  const bad = connect(ends.a, "10.0.0.2", "wrong");
  ends.world.run({ forUs: 5 * SEC });
  t.same([good.events, bad.events], [["connected"], []]);
  t.ok((ends.b.drops.get("md5") ?? 0) >= 3, "silently, again and again");
  listener.setMd5Key("10.0.0.1", undefined);
  const open = connect(ends.a, "10.0.0.2");
  ends.world.run({ forUs: SEC });
  t.same(open.events, ["connected"]);
  listener.setMd5Key("10.0.0.1", "secret");
  ends.b.powerOff();
  ends.b.powerOn();
  good.connection?.send(text("x"));
  ends.world.run({ forUs: 5 * SEC });
  t.equal(good.cause, undefined, "an unsigned reset is dropped; only the hold timer will tell");
});

t.test("the path's smaller MTU: too-big is learned, silence is a black hole", async (t) => {
  const { world, routers } = row(3);
  at(routers, 1).setMtu("right", 600);
  const [near, far] = [at(routers, 0), at(routers, 2)];
  const ears = listen(far, "172.16.0.2");
  const client = new Ear();
  const connection = near.tcp.connect(
    { localAddress: "172.16.0.1", remoteAddress: "172.16.0.2", remotePort: 179 },
    client,
  );
  world.run({ forUs: SEC });
  connection.send(new Uint8Array(20_000).fill(3));
  world.run({ forUs: 5 * SEC });
  t.equal(ears[0]?.received.length, 20_000, "smaller segments pass");
  const ends = pair({ latencyUs: MS });
  const { server, client: other } = established(ends);
  ends.link.shape({ mtu: 600 });
  other.connection?.send(text("small passes"));
  ends.world.run({ forUs: SEC });
  other.connection?.send(new Uint8Array(4_096));
  ends.world.run({ forUs: 100 * SEC });
  t.equal(heard(server), "small passes", "a large UPDATE never does");
});

t.test("a narrow link shares itself out without losing octets", async (t) => {
  const ends = pair({ latencyUs: 5 * MS, bandwidthBps: 20_000_000, queueOctets: 60_000 });
  const { client, server } = established(ends);
  const start = ends.world.now;
  client.connection?.send(new Uint8Array(5_000_000).fill(9));
  ends.world.runUntil(() => server.received.length === 5_000_000, start + 60 * SEC);
  const seconds = (ends.world.now - start) / SEC;
  t.equal(server.received.length, 5_000_000);
  t.ok((ends.link.counters("a", "b")?.dropped.get("queue-full") ?? 0) > 0, "the queue overflowed");
  t.ok(seconds > 2 && seconds < 4, `40 Mbit over 20 Mbit/s took ${seconds} s`);
});

t.test("handlers may do anything to their connection from inside", async (t) => {
  const ends = pair({ latencyUs: MS });
  const order: string[] = [];
  ends.b.tcp.listen({ localAddress: "10.0.0.2", port: 179 }, (connection) => {
    connection.send(text("go away"));
    connection.close("flush");
    return new Ear();
  });
  const ear = connect(ends.a, "10.0.0.2");
  ear.heard = () => {
    order.push(heard(ear));
    ear.connection?.close("reset");
    ear.connection?.send(text("late"));
  };
  ends.world.run({ forUs: SEC });
  t.same(order, ["go away"]);
  t.equal(ear.cause, undefined);
});

t.test("a listener closed during the handshake resets", async (t) => {
  const ends = pair({ latencyUs: 10 * MS });
  const listener = ends.b.tcp.listen({ localAddress: "10.0.0.2", port: 179 }, () => {
    t.fail("nobody is accepted any more");
    return new Ear();
  });
  const ear = connect(ends.a, "10.0.0.2");
  ends.world.run({ forUs: 15 * MS });
  listener.close();
  ends.world.run({ forUs: SEC });
  t.same(ear.events, ["connected", "closed"]);
  t.equal(ear.cause, "reset");
});

t.test("both ends close at once", async (t) => {
  const ends = pair({ latencyUs: MS });
  const { client, server } = established(ends);
  client.connection?.send(text("a"));
  client.connection?.close("flush");
  server.connection?.send(text("b"));
  server.connection?.close("flush");
  ends.world.run({ forUs: 200 * SEC });
  t.same([client.cause, server.cause], [undefined, undefined]);
  const again = connect(ends.a, "10.0.0.2");
  ends.world.run({ forUs: SEC });
  t.same(again.events, ["connected"]);
});

t.test(
  "property: any path delivers exactly the octets in order, or the connection ends",
  async (t) => {
    const path = fc.record({
      latencyUs: fc.nat({ max: 200 * MS }),
      jitterUs: fc.nat({ max: 50 * MS }),
      loss: fc.constantFrom(0, 0.01, 0.1, 0.3),
      duplicate: fc.constantFrom(0, 0.2),
      reorder: fc.constantFrom(0, 0.2),
      reorderUs: fc.nat({ max: 100 * MS }),
      bandwidthBps: fc.constantFrom(undefined, 500_000, 50_000_000),
      queueOctets: fc.constantFrom(10_000, 1_000_000),
      mtu: fc.constantFrom(576, 1_500, 9_000),
    });
    const deed = fc.record({
      afterUs: fc.nat({ max: 2 * SEC }),
      what: fc.constantFrom("send", "send", "send", "pause", "resume", "cut", "freeze"),
      octets: fc.oneof(fc.nat({ max: 100 }), fc.nat({ max: 60_000 })),
      isServer: fc.boolean(),
    });
    let endedCount = 0;
    let octetCount = 0;
    fc.assert(
      fc.property(path, fc.array(deed, { maxLength: 12 }), fc.integer(), (shape, deeds, seed) => {
        const { bandwidthBps, ...rest } = shape;
        const ends = pair(
          {
            ...rest,
            ...(bandwidthBps === undefined ? {} : { bandwidthBps }),
            carrierVisible: false,
          },
          seed,
        );
        const { world, a, b, link } = ends;
        const accepted = listen(b, "10.0.0.2");
        const client = connect(a, "10.0.0.2");
        if (!world.runUntil(() => accepted.length === 1, 150 * SEC)) return true; // loss ate every SYN-ACK
        const server = at(accepted, 0);
        const said = { client: [] as number[], server: [] as number[] };
        for (const { afterUs, what, octets, isServer } of deeds) {
          world.run({ forUs: afterUs });
          const ear = isServer ? server : client;
          if (what === "send") {
            const list = isServer ? said.server : said.client;
            const piece = Uint8Array.from(
              { length: octets },
              (_, index) => list.length + index * 7,
            );
            for (const octet of piece) list.push(octet);
            ear.connection?.send(piece);
          } else if (what === "cut") {
            link.cut();
            world.at(world.now + SEC, () => link.repair());
          } else if (what === "freeze") {
            (isServer ? b : a).process.stall(SEC);
          } else {
            ear.connection?.pause(what === "pause");
          }
        }
        client.connection?.pause(false);
        server.connection?.pause(false);
        const isDone = () =>
          server.received.length === said.client.length &&
          client.received.length === said.server.length;
        world.runUntil(isDone, world.now + 3_600 * SEC);
        client.connection?.close("flush");
        world.runUntil(() => server.cause !== undefined, world.now + 3_600 * SEC);
        const isPrefix = (got: number[], all: number[]) =>
          equalBytes(Uint8Array.from(got), Uint8Array.from(all.slice(0, got.length)));
        t.ok(isPrefix(server.received, said.client), "what arrives is what was sent, in order");
        t.ok(isPrefix(client.received, said.server), "both ways");
        endedCount += client.cause === undefined && isDone() ? 0 : 1;
        octetCount += server.received.length + client.received.length;
        return isDone() ? server.cause === "fin" : client.cause === "timeout";
      }),
      { numRuns: 120 },
    );
    t.ok(octetCount > 1_000_000, `${octetCount} octets were carried`);
    t.ok(endedCount < 12, `${endedCount} of 120 connections ended early`);
  },
);

t.test("property: two runs of one seed are equal, and nothing happens in the past", async (t) => {
  const run = (seed: number) => {
    const world = new World({ seed });
    const a = world.addHost("a");
    const b = world.addHost("b");
    const link = world.link({
      between: [
        { host: a, device: "eth0", addresses: ["10.0.0.1/30"] },
        { host: b, device: "eth0", addresses: ["10.0.0.2/30"] },
      ],
      ...{ latencyUs: 3 * MS, jitterUs: MS, loss: 0.05, reorder: 0.05, reorderUs: 9 * MS },
    });
    const { client, server } = established({ world, a, b, link });
    let last = 0;
    let isOrdered = true;
    world.observe((event) => {
      isOrdered &&= event.at >= last && event.at === world.now;
      last = event.at;
    });
    client.connection?.send(new Uint8Array(200_000).fill(1));
    server.connection?.send(new Uint8Array(50_000).fill(2));
    world.run({ forUs: 60 * SEC });
    return { hash: world.traceHash, events: world.eventCount, isOrdered, last };
  };
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const [first, second, other] = [run(seed), run(seed), run(seed + 1)];
      t.same(first, second);
      return first.isOrdered && first.hash !== other.hash;
    }),
    { numRuns: 10 },
  );
});
