import type { Test } from "tap";
import { AppError } from "../../src/core/app-error.ts";
import { concatBytes } from "../../src/core/bytes.ts";
import { after } from "../../src/core/time.ts";
import type {
  Host,
  TcpCloseCause,
  TcpConnection,
  TcpConnectOptions,
  TcpHandler,
  TcpListener,
  TcpListenOptions,
  UdpDatagram,
} from "../../src/platform/contract.ts";

/**
 * Two hosts that can reach each other, as the suite needs them: the virtual ones on a link, or the
 * kernel twice on two loopback addresses. What the virtual host promises, the kernel must do.
 */
export interface SuiteHosts {
  readonly a: Host;
  readonly b: Host;
  readonly addressA: string;
  readonly addressB: string;
  /** An address no interface of `a` has. */
  readonly foreignAddress: string;
  /** Lets time pass until the predicate holds; false where it does not within a few seconds. */
  until(predicate: () => boolean): Promise<boolean>;
  /** Lets this much time pass. */
  pass(durationUs: number): Promise<void>;
  close(): void;
}

/** One behaviour of `Host`, run on every host there is. */
export function platformSuite(t: Test, name: string, open: () => SuiteHosts): void {
  for (const [title, check] of CASES) {
    t.test(`${name}: ${title}`, async (t) => {
      const hosts = open();
      t.teardown(() => hosts.close());
      await check(t, hosts);
    });
  }
}

type Case = (t: Test, hosts: SuiteHosts) => Promise<void>;

const clockAndAlarms: Case = async (t, { a, until, pass }) => {
  const start = a.clock.now();
  const rung: string[] = [];
  const ring = (name: string) => a.clock.createAlarm(() => rung.push(name));
  const [late, early, never, moved] = [ring("late"), ring("early"), ring("never"), ring("moved")];
  late.set(after(start, 40_000));
  early.set(after(start, 20_000));
  never.set(after(start, 10_000));
  moved.set(after(start, 5_000));
  moved.set(after(start, 60_000));
  never.set(undefined);
  t.same(rung, [], "nothing rings inside a call");
  t.ok(await until(() => rung.length === 3), "three ring");
  t.same(rung, ["early", "late", "moved"], "in the order of their instants");
  t.ok(a.clock.now() >= after(start, 60_000), "none before its instant");
  early.set(start);
  t.same(rung.length, 3, "an instant gone by does not ring inside the call either");
  t.ok(await until(() => rung.length === 4), "but as soon as the host can");
  await pass(20_000);
  t.equal(rung.length, 4, "each rings once");
};

const alarmFromAlarm: Case = async (t, { a, until }) => {
  let count = 0;
  const alarm = a.clock.createAlarm(() => {
    count += 1;
    if (count < 5) alarm.set(after(a.clock.now(), 1_000));
  });
  alarm.set(a.clock.now());
  t.ok(await until(() => count === 5), "an alarm may set itself again");
};

const conversation: Case = async (t, hosts) => {
  const { client, server, listener } = await connected(t, hosts);
  t.equal(client.events[0], "connected", "the client hears that it is connected");
  t.notOk(server.events.includes("connected"), "an accepted connection begins connected");
  t.equal(client.connection.remotePort, listener.port, "the port it went to");
  t.equal(client.connection.remoteAddress, hosts.addressB);
  t.equal(client.connection.localAddress, hosts.addressA);
  t.equal(server.connection.remoteAddress, hosts.addressA);
  t.equal(server.connection.localAddress, hosts.addressB);
  t.equal(server.connection.remotePort, client.connection.localPort, "ports agree");
  client.connection.send(text("hello "));
  client.connection.send(text("server"));
  server.connection.send(text("hello client"));
  t.ok(await hosts.until(() => server.received.length === 12 && client.received.length === 12));
  t.equal(String.fromCharCode(...server.received.octets()), "hello server");
  t.equal(String.fromCharCode(...client.received.octets()), "hello client");
  t.ok(client.events.includes("progress 0"), "what was sent went down to the kernel");
  t.ok(client.isCalm && server.isCalm, "no handler was called inside a call");
};

const closeFlush: Case = async (t, hosts) => {
  const { client, server } = await connected(t, hosts);
  const octets = pattern(1_500_000);
  client.connection.send(octets.slice());
  client.connection.close("flush");
  const eventCount = client.events.length;
  t.ok(await hosts.until(() => server.cause !== undefined), "the end arrives");
  t.equal(server.cause?.kind, "fin", "in order");
  t.ok(sameOctets(server.received.octets(), octets), "every octet before it");
  t.equal(client.events.length, eventCount, "who closed is called no more");
  t.equal(server.events.at(-1), "closed", "closed is the last call");
};

const closeReset: Case = async (t, hosts) => {
  const { client, server } = await connected(t, hosts);
  client.connection.close("reset");
  t.ok(await hosts.until(() => server.cause !== undefined), "the reset arrives");
  t.equal(server.cause?.kind, "reset");
  t.notOk(client.cause, "who reset is called no more");
  server.connection.close("flush");
  server.connection.close("reset");
  t.equal(server.connection.send(text("late")), 0, "calls on what is closed do nothing");
};

const peerCloses: Case = async (t, hosts) => {
  const { client, server } = await connected(t, hosts);
  server.connection.send(text("bye"));
  server.connection.close("flush");
  t.ok(await hosts.until(() => client.cause !== undefined));
  t.equal(client.cause?.kind, "fin");
  t.equal(client.received.length, 3, "data before the end is not lost");
  t.same(client.events.filter((event) => event === "closed").length, 1, "exactly once");
};

const refused: Case = async (t, hosts) => {
  const listener = hosts.b.tcp.listen({ localAddress: hosts.addressB, port: 0 }, () => new Ear());
  const { port } = listener;
  listener.close();
  const ear = new Ear();
  hosts.a.tcp.connect(
    { localAddress: hosts.addressA, remoteAddress: hosts.addressB, remotePort: port },
    ear,
  );
  t.notOk(ear.cause, "nothing is said inside the call");
  t.ok(await hosts.until(() => ear.cause !== undefined));
  t.equal(ear.cause?.kind, "refused");
  t.same(ear.events, ["closed"]);
};

const closedListener: Case = async (t, hosts) => {
  const { client, server, listener } = await connected(t, hosts);
  listener.close();
  client.connection.send(text("still"));
  t.ok(await hosts.until(() => server.received.length === 5), "accepted connections live on");
  const again = hosts.b.tcp.listen(
    { localAddress: hosts.addressB, port: listener.port },
    () => new Ear(),
  );
  t.equal(again.port, listener.port, "the port is free again, whoever is still connected to it");
  again.close();
};

const slowReader: Case = async (t, hosts) => {
  const { client, server } = await connected(t, hosts);
  server.connection.pause(true);
  const octets = pattern(64_000);
  let waiting = 0;
  let sent = 0;
  for (; waiting === 0 && sent < 64_000_000; sent += octets.length) {
    waiting = client.connection.send(octets.slice());
    await hosts.pass(1_000);
  }
  t.ok(waiting > 0, "what the peer does not read comes to wait here");
  for (let more = 0; more < 64; more += 1) client.connection.send(octets.slice());
  sent += 64 * octets.length;
  await hosts.pass(300_000);
  t.equal(server.received.length, 0, "a paused reader hears nothing");
  const before = client.events.length;
  await hosts.pass(200_000);
  t.equal(client.events.length, before, "progress stops");
  const left = client.connection.send(text("x"));
  t.ok(left > 0, "the queue is still there");
  server.connection.pause(false);
  t.ok(await hosts.until(() => server.received.length === sent + 1), "then all of it arrives");
  t.ok(await hosts.until(() => client.events.at(-1) === "progress 0"), "and nothing waits");
  t.ok(server.received.hasPattern(64_000), "in order");
};

const ttlOfTcp: Case = async (t, hosts) => {
  const near = await attempt(hosts, { ttl: 255, minTtl: 255 }, { ttl: 255, minTtl: 255 });
  t.ok(near, "255 on both sides passes 255");
  const far = await attempt(hosts, { ttl: 255, minTtl: 255 }, { ttl: 64 });
  t.notOk(far, "a SYN with a smaller TTL than the listener takes is dropped");
};

const md5: Case = async (t, hosts) => {
  t.ok(await attempt(hosts, {}, { md5Key: "secret" }, "secret"), "equal keys");
  t.notOk(await attempt(hosts, {}, { md5Key: "other" }, "secret"), "different keys");
  t.notOk(await attempt(hosts, {}, {}, "secret"), "no key where one is asked for");
  t.notOk(await attempt(hosts, {}, { md5Key: "secret" }), "a key where none is asked for");
};

const listenErrors: Case = async (t, { a, addressA, foreignAddress }) => {
  const listener = a.tcp.listen({ localAddress: addressA, port: 0 }, () => new Ear());
  const refusal = (options: TcpListenOptions) =>
    codeOf(() => a.tcp.listen(options, () => new Ear()));
  t.equal(refusal({ localAddress: addressA, port: listener.port }), "PLATFORM_ADDRESS_IN_USE");
  t.equal(refusal({ localAddress: foreignAddress, port: 0 }), "PLATFORM_ADDRESS_UNKNOWN");
  t.equal(
    refusal({ localAddress: addressA, port: 0, device: "no-such-link" }),
    "PLATFORM_LINK_UNKNOWN",
  );
  listener.close();
  const again = a.tcp.listen({ localAddress: addressA, port: listener.port }, () => new Ear());
  t.equal(again.port, listener.port, "a closed port is free");
  again.close();
};

const udp: Case = async (t, hosts) => {
  const got: { octets: Uint8Array; datagram: UdpDatagram }[] = [];
  const server = hosts.b.udp.open({ localAddress: hosts.addressB, port: 0, ttl: 64 }, (datagram) =>
    got.push({ octets: datagram.octets.slice(), datagram }),
  );
  const answers: number[] = [];
  const client = hosts.a.udp.open(
    { localAddress: hosts.addressA, port: 0, ttl: 255, tos: 0xc0 },
    ({ ttl }) => answers.push(ttl),
  );
  const octets = text("first");
  client.send(octets, hosts.addressB, server.port);
  octets.fill(0);
  client.send(text("second"), hosts.addressB, server.port);
  t.equal(got.length, 0, "nothing arrives inside the call");
  t.ok(await hosts.until(() => got.length === 2));
  t.equal(String.fromCharCode(...(got[0]?.octets ?? [])), "first", "octets are taken at once");
  t.equal(String.fromCharCode(...(got[1]?.octets ?? [])), "second", "in order");
  t.match(got[0]?.datagram, {
    remoteAddress: hosts.addressA,
    remotePort: client.port,
    localAddress: hosts.addressB,
    ttl: 255,
  });
  server.send(text("answer"), hosts.addressA, client.port);
  t.ok(await hosts.until(() => answers.length === 1));
  t.same(answers, [64], "each socket has its own TTL");
  t.equal(client.sendErrors, 0);
  client.close();
  server.send(text("nobody"), hosts.addressA, client.port);
  await hosts.pass(20_000);
  t.equal(answers.length, 1, "a closed socket hears nothing, and sending to it fails nowhere");
  server.close();
};

const udpErrors: Case = async (t, { a, addressA, foreignAddress }) => {
  const socket = a.udp.open({ localAddress: addressA, port: 0, ttl: 64 }, () => undefined);
  const refusal = (localAddress: string, port: number) =>
    codeOf(() => a.udp.open({ localAddress, port, ttl: 64 }, () => undefined));
  t.equal(refusal(addressA, socket.port), "PLATFORM_ADDRESS_IN_USE");
  t.equal(refusal(foreignAddress, 0), "PLATFORM_ADDRESS_UNKNOWN");
  socket.close();
};

const datagramsBeforeAlarms: Case = async (t, hosts) => {
  const order: string[] = [];
  const server = hosts.b.udp.open({ localAddress: hosts.addressB, port: 0, ttl: 64 }, () =>
    order.push("datagram"),
  );
  const client = hosts.a.udp.open(
    { localAddress: hosts.addressA, port: 0, ttl: 64 },
    () => undefined,
  );
  const alarm = hosts.b.clock.createAlarm(() => order.push("alarm"));
  for (let count = 0; count < 3; count += 1) {
    client.send(text("x"), hosts.addressB, server.port);
  }
  alarm.set(after(hosts.b.clock.now(), 30_000));
  t.ok(await hosts.until(() => order.includes("alarm")));
  t.same(order, ["datagram", "datagram", "datagram", "alarm"]);
  client.close();
  server.close();
};

const CASES: readonly (readonly [string, Case])[] = [
  ["clock and alarms", clockAndAlarms],
  ["an alarm sets itself again", alarmFromAlarm],
  ["TCP conversation", conversation],
  ["TCP close with flush", closeFlush],
  ["TCP close with reset", closeReset],
  ["TCP closed by the peer", peerCloses],
  ["TCP connection refused", refused],
  ["TCP listener closed", closedListener],
  ["TCP slow reader", slowReader],
  ["TCP smallest TTL (RFC 5082 §3)", ttlOfTcp],
  ["TCP MD5 signatures (RFC 2385)", md5],
  ["TCP listen errors", listenErrors],
  ["UDP datagrams", udp],
  ["UDP open errors", udpErrors],
  ["UDP is read before alarms ring", datagramsBeforeAlarms],
];

/** Records what a connection tells. */
class Ear implements TcpHandler {
  readonly events: string[] = [];
  readonly received = new Received();
  cause: TcpCloseCause | undefined;
  #held: TcpConnection | undefined;
  /** False once a handler ran inside a call. */
  isCalm = true;
  #depth = 0;

  get connection(): TcpConnection {
    if (this.#held === undefined) throw new Error("the connection is known");
    return this.#held;
  }

  /** The connection, with every call on it watched. */
  hold(connection: TcpConnection): void {
    this.#held = {
      localAddress: connection.localAddress,
      localPort: connection.localPort,
      remoteAddress: connection.remoteAddress,
      remotePort: connection.remotePort,
      send: (octets) => this.#during(() => connection.send(octets)),
      pause: (isPaused) => this.#during(() => connection.pause(isPaused)),
      setTtl: (options) => this.#during(() => connection.setTtl(options)),
      close: (how) => this.#during(() => connection.close(how)),
    };
  }

  connected(): void {
    this.#hear("connected");
  }

  data(octets: Uint8Array): void {
    this.received.push(octets);
    this.#hear("data");
  }

  progress(queuedOctets: number): void {
    this.#hear(`progress ${queuedOctets}`);
  }

  closed(cause: TcpCloseCause): void {
    this.cause = cause;
    this.#hear("closed");
  }

  #hear(event: string): void {
    if (this.#depth > 0) this.isCalm = false;
    this.events.push(event);
  }

  #during<Value>(run: () => Value): Value {
    this.#depth += 1;
    try {
      return run();
    } finally {
      this.#depth -= 1;
    }
  }
}

class Received {
  readonly #parts: Uint8Array[] = [];
  length = 0;

  /** Copies, as every handler that keeps octets must. */
  push(octets: Uint8Array): void {
    this.#parts.push(octets.slice());
    this.length += octets.length;
  }

  octets(): Uint8Array {
    return concatBytes(this.#parts);
  }

  /** Whole repetitions of `pattern(period)` to the last but one octet. */
  hasPattern(period: number): boolean {
    const wanted = pattern(period);
    const all = this.octets();
    for (let index = 0; index < all.length - 1; index += 1) {
      if (all[index] !== wanted[index % period]) return false;
    }
    return true;
  }
}

interface Ends {
  readonly client: Ear;
  readonly server: Ear;
  readonly listener: TcpListener;
}

async function connected(t: Test, hosts: SuiteHosts): Promise<Ends> {
  const server = new Ear();
  const client = new Ear();
  let isAccepted = false;
  const listener = hosts.b.tcp.listen({ localAddress: hosts.addressB, port: 0 }, (connection) => {
    isAccepted = true;
    server.hold(connection);
    return server;
  });
  t.teardown(() => listener.close());
  client.hold(
    hosts.a.tcp.connect(
      { localAddress: hosts.addressA, remoteAddress: hosts.addressB, remotePort: listener.port },
      client,
    ),
  );
  t.same(client.events, [], "nothing is said inside the call");
  t.ok(await hosts.until(() => isAccepted && client.events.length > 0), "they connect");
  t.teardown(() => {
    client.connection.close("reset");
    server.connection.close("reset");
  });
  return { client, server, listener };
}

/** Whether a connection with these options comes about within a short while. */
async function attempt(
  hosts: SuiteHosts,
  listen: Pick<TcpListenOptions, "ttl" | "minTtl">,
  connect: Pick<TcpConnectOptions, "ttl" | "minTtl" | "md5Key">,
  listenerKey?: string,
): Promise<boolean> {
  const ear = new Ear();
  const listener = hosts.b.tcp.listen(
    { localAddress: hosts.addressB, port: 0, ...listen },
    () => new Ear(),
  );
  if (listenerKey !== undefined) listener.setMd5Key(hosts.addressA, listenerKey);
  const connection = hosts.a.tcp.connect(
    {
      localAddress: hosts.addressA,
      remoteAddress: hosts.addressB,
      remotePort: listener.port,
      ...connect,
    },
    ear,
  );
  await hosts.pass(250_000);
  connection.close("reset");
  listener.close();
  return ear.events.includes("connected");
}

function codeOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return error instanceof AppError ? error.code : String(error);
  }
}

const text = (words: string): Uint8Array => Uint8Array.from(words, (word) => word.charCodeAt(0));

function pattern(length: number): Uint8Array {
  const octets = new Uint8Array(length);
  for (let index = 0; index < length; index += 1)
    octets[index] = (index * 31 + (index >> 8)) & 0xff;
  return octets;
}

function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, index) => octet === b[index]);
}
