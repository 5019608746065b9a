import t from "tap";
import { startInlineBfdEngine } from "../../../src/agent/bfd/inline-engine.ts";
import { BfdRuntime } from "../../../src/agent/bfd/runtime.ts";
import type { BfdStateChange } from "../../../src/bfd/sessions/contract.ts";
import { decodeControlPacket, encodeControlPacket } from "../../../src/bfd/wire/control-packet.ts";
import type { LogEvent } from "../../../src/core/log.ts";
import { FakeHost, type FakeSocket } from "./fake-host.ts";
import { MS, SEC, sessionConfig } from "./harness.ts";

function started() {
  const fake = new FakeHost();
  fake.setLink("eth0", 7);
  const states: BfdStateChange[] = [];
  const logs: LogEvent[] = [];
  const runtime = new BfdRuntime(fake.host, {
    state: (change) => states.push(change),
    log: (entry) => logs.push(entry),
  });
  return { fake, states, logs, runtime };
}

const packetsOf = (socket: FakeSocket | undefined) =>
  (socket?.sent ?? []).map(({ octets, to, port }) => {
    const decoded = decodeControlPacket(octets);
    return { to, port, packet: decoded.ok ? decoded.value : undefined };
  });

/** The peer speaks to whoever listens on this port. */
function speak(
  fake: FakeHost,
  state: "Down" | "Init" | "Up",
  way: { port?: number; ttl?: number },
) {
  const { port = 3784, ttl = 255 } = way;
  const octets = encodeControlPacket({
    ...{ diag: 0, state, poll: false, final: false, detectMult: 3, auth: undefined },
    myDiscriminator: 5,
    yourDiscriminator:
      state === "Down" ? 0 : (packetsOf(fake.senders()[0])[0]?.packet?.myDiscriminator ?? 0),
    desiredMinTxIntervalUs: SEC,
    requiredMinRxIntervalUs: 300 * MS,
    requiredMinEchoRxIntervalUs: 0,
  });
  const [socket] = fake.open(port);
  socket?.receive({
    octets,
    remoteAddress: "10.0.0.2",
    remotePort: 50_000,
    localAddress: "10.0.0.1",
    ttl,
  });
}

t.test("RFC 5881 §4, §5: ports, TTL and one source port a session", async (t) => {
  const { fake, runtime, states } = started();
  runtime.configure([sessionConfig(), sessionConfig({ name: "t", remoteAddress: "10.0.0.6" })]);
  fake.run(5 * SEC);
  t.equal(fake.open(3784).length, 1, "one receive socket for both");
  t.match(fake.open(3784)[0], { localAddress: "10.0.0.1", device: "eth0", ttl: 255, tos: 0xc0 });
  const senders = fake.senders();
  t.equal(senders.length, 2);
  t.not(senders[0]?.port, senders[1]?.port);
  for (const sender of senders) {
    t.ok(sender.port >= 49_152 && sender.port <= 65_535);
    t.equal(sender.ttl, 255);
    t.ok(sender.sent.length >= 5, "the same socket throughout");
    t.ok(sender.sent.every(({ port }) => port === 3784));
  }
  speak(fake, "Down", {});
  speak(fake, "Init", {});
  t.match(states.at(-1), { session: "s", to: "Up" });
});

t.test("RFC 5883 §5: multihop uses 4784, and the other port is watched too", async (t) => {
  const { fake, runtime, logs } = started();
  runtime.configure([sessionConfig({ mode: "multihop", device: undefined })]);
  fake.run(0);
  t.equal(fake.senders()[0]?.sent[0]?.port, 4784);
  t.equal(fake.open(4784).length, 1);
  speak(fake, "Down", { port: 3784 });
  t.match(logs.at(-1), { event: "bfd.packet.discarded", fields: { reason: "port", session: "s" } });
  t.equal(runtime.view()[0]?.discards.port, 1);
});

t.test("a watch on the other port gives way to a session that needs it", async (t) => {
  const { fake, runtime } = started();
  runtime.configure([sessionConfig({ mode: "multihop" })]);
  t.equal(fake.open(3784)[0]?.device, "eth0");
  const single = sessionConfig({ name: "t", device: undefined, remoteAddress: "10.0.0.6" });
  runtime.configure([sessionConfig({ mode: "multihop" }), single]);
  t.same(
    fake.open(3784).map(({ device }) => device),
    [undefined],
  );
  t.same(
    fake.open(4784).map(({ device }) => device),
    ["eth0"],
    "and never takes one away",
  );
});

t.test("a socket that cannot be opened is tried again, and told once", async (t) => {
  const { fake, runtime, logs } = started();
  fake.refuse = () => "PLATFORM_ADDRESS_UNKNOWN";
  runtime.configure([sessionConfig()]);
  fake.run(10 * SEC);
  const failures = logs.filter(({ event }) => event === "bfd.socket.failed");
  t.equal(failures.filter(({ level }) => level === "error").length, 2, "receiver and sender, once");
  t.match(failures[0]?.fields, { code: "PLATFORM_ADDRESS_UNKNOWN", localAddress: "10.0.0.1" });
  fake.refuse = () => undefined;
  fake.run(2 * SEC);
  t.equal(fake.open(3784).length, 1);
  t.ok(logs.some(({ event }) => event === "bfd.socket.opened"));
  t.ok((fake.senders()[0]?.sent.length ?? 0) >= 1);
});

t.test("a source port that is taken is not the last one", async (t) => {
  const { fake, runtime } = started();
  let refused = 0;
  fake.refuse = ({ port }) => {
    if (port < 49_152 || refused >= 3) return undefined;
    refused += 1;
    return "PLATFORM_ADDRESS_IN_USE";
  };
  runtime.configure([sessionConfig()]);
  fake.run(0);
  t.equal(refused, 3);
  t.equal(fake.senders().length, 1);
});

t.test("an interface that is made anew gets new sockets", async (t) => {
  const { fake, runtime } = started();
  runtime.configure([sessionConfig()]);
  fake.run(SEC);
  const before = fake.open();
  fake.setLink("eth0", 7);
  fake.setLink("eth1", 9);
  t.same(fake.open(), before, "news that mean nothing");
  fake.refuse = () => "PLATFORM_LINK_UNKNOWN";
  fake.setLink("eth0", undefined);
  fake.run(3 * SEC);
  t.same(fake.open(), []);
  fake.refuse = () => undefined;
  fake.setLink("eth0", 8);
  t.equal(fake.open(3784).length, 1, "at once");
  fake.run(2 * SEC);
  t.equal(fake.senders().length, 1);
  t.notOk(before.some(({ isOpen }) => isOpen));
});

t.test("sockets go when their sessions have ended", async (t) => {
  const { fake, runtime } = started();
  runtime.configure([sessionConfig()]);
  fake.run(0);
  speak(fake, "Down", {});
  runtime.configure([]);
  fake.run(SEC);
  t.equal(fake.open(3784).length, 1, "AdminDown is still being said");
  t.equal(packetsOf(fake.senders()[0]).at(-1)?.packet?.state, "AdminDown");
  fake.run(3 * SEC);
  t.same(fake.open(), []);
  runtime.configure([sessionConfig()]);
  fake.run(0);
  t.equal(fake.senders().length, 1, "and come with new ones");
});

t.test("another peer under the same name: the old one hears AdminDown", async (t) => {
  const { fake, runtime } = started();
  runtime.configure([sessionConfig()]);
  fake.run(SEC);
  const [old] = fake.senders();
  runtime.configure([sessionConfig({ remoteAddress: "10.0.0.9" })]);
  fake.run(0);
  t.match(packetsOf(old).at(-1), { to: "10.0.0.2", packet: { state: "AdminDown" } });
  t.equal(old?.isOpen, false);
  t.match(packetsOf(fake.senders()[0]).at(-1), { to: "10.0.0.9", packet: { state: "Down" } });
});

t.test("stop: AdminDown everywhere, then silence and no timer left", async (t) => {
  const { fake, runtime } = started();
  runtime.configure([sessionConfig({ detectMult: 50 })]);
  fake.run(0);
  speak(fake, "Down", {});
  let done = 0;
  runtime.stop(() => {
    done += 1;
  });
  t.equal(packetsOf(fake.senders()[0]).at(-1)?.packet?.state, "AdminDown");
  fake.run(2_900 * MS);
  t.equal(done, 0);
  fake.run(200 * MS);
  t.equal(done, 1, "a long Detection Time does not hold up the end");
  t.same(fake.open(), []);
  t.equal(fake.armed(), 0);
  t.equal(fake.watchers, 0);
  runtime.configure([sessionConfig()]);
  runtime.admin({ kind: "admin", session: "s", isDown: true });
  fake.run(5 * SEC);
  t.same(fake.open(), []);
  t.equal(done, 1);
});

t.test("inline engine: tells from the host's loop, never from inside a call", async (t) => {
  const fake = new FakeHost();
  fake.setLink("eth0", 7);
  const told: string[] = [];
  const engine = startInlineBfdEngine(fake.host)({
    state: ({ to }) => told.push(to),
    log: ({ event }) => told.push(event),
    failed: () => told.push("failed"),
  });
  engine.configure([sessionConfig()]);
  fake.run(0);
  speak(fake, "Down", {});
  engine.admin({ kind: "admin", session: "s", isDown: true });
  engine.snapshot((sessions) => told.push(`snapshot ${sessions[0]?.state}`));
  engine.stop(() => told.push("stopped"));
  t.same(told, ["snapshot AdminDown"], "who looks leaves no alarm behind");
  fake.run(0);
  t.same(told, ["snapshot AdminDown", "Init", "AdminDown"]);
  fake.run(4 * SEC);
  t.equal(told.at(-1), "stopped");
  const idle = startInlineBfdEngine(fake.host)({
    state: () => {},
    log: () => {},
    failed: () => {},
  });
  idle.stop(() => told.push("idle stopped"));
  fake.run(0);
  t.equal(told.at(-1), "idle stopped");
});
