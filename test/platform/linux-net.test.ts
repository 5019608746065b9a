import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { Worker } from "node:worker_threads";
import t from "tap";
import { AppError } from "../../src/core/app-error.ts";
import { after } from "../../src/core/time.ts";
import type {
  LinkState,
  TcpCloseCause,
  TcpConnection,
  TcpConnectOptions,
  TcpHandler,
  UdpDatagram,
} from "../../src/platform/contract.ts";
import { createLinuxHost, type LinuxHost } from "../../src/platform/linux/host.ts";
import { skipWithoutNetns as skip, sleep, TwinNetns, until } from "../support/netns.ts";

const FAMILIES = [
  { family: "IPv4", addressA: "10.99.0.1", addressB: "10.99.0.2" },
  { family: "IPv6", addressA: "fd99::1", addressB: "fd99::2" },
] as const;

/** What became of a connection. */
class Call implements TcpHandler {
  isConnected = false;
  received = "";
  cause: TcpCloseCause | undefined;
  connection: TcpConnection | undefined;

  connected(): void {
    this.isConnected = true;
  }
  data(octets: Uint8Array): void {
    this.received += String.fromCharCode(...octets);
  }
  progress(): void {}
  closed(cause: TcpCloseCause): void {
    this.cause = cause;
  }
}

function dial(host: LinuxHost, options: TcpConnectOptions): Call {
  const call = new Call();
  call.connection = host.tcp.connect(options, call);
  return call;
}

/** Whether a connection comes about; the ones that do not are dropped SYNs, hence the wait. */
async function connects(host: LinuxHost, options: TcpConnectOptions): Promise<boolean> {
  const call = dial(host, options);
  const isConnected = await until(() => call.isConnected || call.cause !== undefined, 300);
  call.connection?.close("reset");
  return isConnected && call.isConnected;
}

const codeOf = (act: () => unknown): string => {
  try {
    act();
    return "";
  } catch (error) {
    return error instanceof AppError ? `${error.code}: ${error.message}` : String(error);
  }
};

for (const { family, addressA, addressB } of FAMILIES) {
  t.test(`RFC 2385 §2.0 ${family}: only who has the key connects`, { skip }, async (t) => {
    const twin = new TwinNetns(t);
    const [a, b] = [twin.host("a"), twin.host("b")];
    const calls: Call[] = [];
    const listener = b.tcp.listen({ localAddress: addressB, port: 179 }, () => {
      calls.push(new Call());
      return calls.at(-1) ?? new Call();
    });
    const to = { localAddress: addressA, remoteAddress: addressB, remotePort: 179 };
    listener.setMd5Key(addressA, "right");
    t.notOk(await connects(a, { ...to, md5Key: "wrong" }), "wrong key");
    t.notOk(await connects(a, to), "no key");
    const call = dial(a, { ...to, md5Key: "right" });
    t.ok(await until(() => call.isConnected), "right key");
    listener.setMd5Key(addressA, "new");
    t.notOk(await connects(a, { ...to, md5Key: "right" }), "the key was changed");
    t.ok(await connects(a, { ...to, md5Key: "new" }), "from the next SYN on");
    listener.setMd5Key(addressA, undefined);
    listener.setMd5Key(addressA, undefined);
    t.notOk(await connects(a, { ...to, md5Key: "new" }), "signed, where no key is set");
    t.ok(await connects(a, to), "the key is gone");
    call.connection?.send(Uint8Array.of(104, 105));
    t.ok(await until(() => calls[0]?.received === "hi"), "an older session keeps its own key");
    t.match(
      codeOf(() => listener.setMd5Key(addressA, "x".repeat(81))),
      /^PLATFORM_OPTION/,
    );
    t.match(
      codeOf(() => dial(a, { ...to, md5Key: "x".repeat(81) })),
      /^PLATFORM_OPTION: .*81/,
    );
  });

  t.test(`RFC 5082 §3 ${family}: a smaller TTL is dropped`, { skip }, async (t) => {
    const twin = new TwinNetns(t);
    const [a, b] = [twin.host("a"), twin.host("b")];
    const calls: { call: Call; connection: TcpConnection }[] = [];
    const accept = (connection: TcpConnection) => {
      calls.push({ call: new Call(), connection });
      return calls.at(-1)?.call ?? new Call();
    };
    b.tcp.listen({ localAddress: addressB, port: 1790, ttl: 255, minTtl: 255 }, accept);
    b.tcp.listen({ localAddress: addressB, port: 1791, ttl: 255 }, accept);
    const to = { remoteAddress: addressB, remotePort: 1790 };
    const first = dial(a, { ...to, remotePort: 9 });
    t.ok(await until(() => first.cause?.kind === "refused"), "the neighbour is found");
    t.notOk(await connects(a, { ...to, ttl: 1 }), "TTL 1");
    t.notOk(await connects(a, { ...to, ttl: 254 }), "TTL 254");
    t.ok(await connects(a, { ...to, ttl: 255, minTtl: 255 }), "TTL 255, both ways");
    const loose = { ...to, remotePort: 1791, ttl: 64, minTtl: 255 };
    calls.length = 0;
    const call = dial(a, loose);
    t.ok(await until(() => call.isConnected && calls.length === 1), "a listener without a floor");
    const [accepted] = calls;
    accepted?.connection.setTtl({ ttl: 255, minTtl: 255 });
    call.connection?.send(Uint8Array.of(120));
    await sleep(150);
    t.equal(
      accepted?.call.received,
      "",
      "once the floor is set, what is further away is not heard",
    );
    accepted?.connection.setTtl({ ttl: 255, minTtl: undefined });
    t.ok(await until(() => accepted?.call.received === "x"), "and again when it is lifted");
  });

  t.test(`RFC 5881 §5 ${family}: TTL, interface and address of a datagram`, { skip }, async (t) => {
    const twin = new TwinNetns(t);
    twin.cable("spare", 1);
    const [a, b] = [twin.host("a"), twin.host("b")];
    const got: UdpDatagram[] = [];
    const any = family === "IPv4" ? "0.0.0.0" : "::";
    const open = (ttl: number) =>
      a.udp.open({ localAddress: addressA, port: 0, ttl, isSendOnly: true }, () => undefined);
    b.udp.open({ localAddress: any, port: 3784, ttl: 255 }, (datagram) => {
      got.push({ ...datagram, octets: datagram.octets.slice() });
    });
    const senders = [255, 254, 1].map(open);
    for (const sender of senders) sender.send(Uint8Array.of(sender.port & 0xff), addressB, 3784);
    t.ok(await until(() => got.length === 3));
    t.same(
      got.map(({ ttl }) => ttl),
      [255, 254, 1],
    );
    const [first] = got;
    t.match(first, { device: "wire", localAddress: addressB, remoteAddress: addressA });
    t.equal(first?.remotePort, senders[0]?.port);
    t.same(first?.octets, Uint8Array.of((senders[0]?.port ?? 0) & 0xff));
    for (let count = 0; count < 500; count += 1) senders[0]?.send(Uint8Array.of(1), addressB, 3784);
    t.ok(await until(() => got.length === 503), "a burst of many batches");
    senders[0]?.send(new Uint8Array(9_000), addressB, 3784);
    t.ok(await until(() => got.length === 504), "a large one, in fragments");
    t.equal(got.at(-1)?.octets.length, 9_000);

    const bound = b.udp.open(
      { localAddress: any, port: 3785, ttl: 255, device: "spare" },
      (datagram) => got.push(datagram),
    );
    senders[0]?.send(Uint8Array.of(1), addressB, bound.port);
    await sleep(60);
    t.equal(got.length, 504, "a socket of one interface does not hear the others");
    const elsewhere = family === "IPv4" ? "203.0.113.1" : "2001:db8::1";
    senders[0]?.send(Uint8Array.of(1), elsewhere, 9);
    t.equal(senders[0]?.sendErrors, 1, "what the network refuses is counted");
  });
}

t.test("link-local addresses go by interface", { skip }, async (t) => {
  const twin = new TwinNetns(t);
  const [a, b] = [twin.host("a"), twin.host("b")];
  const linkLocal = (host: LinuxHost) =>
    host.links
      .state("wire")
      ?.addresses.find((address) => address.startsWith("fe80"))
      ?.split("/")[0] ?? "";
  const tentative = () =>
    twin.ip("b", "-6 addr show tentative") + twin.ip("a", "-6 addr show tentative");
  t.ok(await until(() => linkLocal(a) !== "" && linkLocal(b) !== "" && tentative() === ""));
  const remoteAddress = linkLocal(b);
  let peer = "";
  b.tcp.listen({ localAddress: remoteAddress, port: 179, device: "wire" }, (connection) => {
    peer = connection.remoteAddress;
    return new Call();
  });
  const call = dial(a, { remoteAddress, remotePort: 179, device: "wire" });
  t.ok(await until(() => call.isConnected && peer !== ""));
  t.equal(peer, linkLocal(a));
  t.equal(call.connection?.localAddress, linkLocal(a));

  const got: UdpDatagram[] = [];
  const options = { port: 3784, ttl: 255, device: "wire" };
  b.udp.open({ localAddress: remoteAddress, ...options }, (datagram) => got.push(datagram));
  const sender = a.udp.open({ localAddress: linkLocal(a), ...options }, () => undefined);
  sender.send(Uint8Array.of(1), remoteAddress, 3784);
  t.ok(await until(() => got.length === 1));
  t.match(got[0], { remoteAddress: linkLocal(a), device: "wire", ttl: 255 });
  const bare = { remoteAddress, remotePort: 179 };
  t.match(
    codeOf(() => a.tcp.connect(bare, new Call())),
    /PLATFORM_OPTION: .*which interface/,
  );
  const zoned = { remoteAddress: `${remoteAddress}%wire`, remotePort: 179 };
  t.match(
    codeOf(() => a.tcp.connect(zoned, new Call())),
    /PLATFORM_OPTION: .*device/,
  );
});

t.test("what may heal ends a connection, what cannot throws", { skip }, async (t) => {
  const twin = new TwinNetns(t);
  const a = twin.host("a");
  const causeOf = async (options: TcpConnectOptions) => {
    const call = dial(a, options);
    t.notOk(call.cause, "nothing is said inside the call");
    await until(() => call.cause !== undefined, 5_000);
    return call.cause;
  };
  const far = { remoteAddress: "203.0.113.1", remotePort: 179 };
  const near = { remoteAddress: "10.99.0.2", remotePort: 179 };
  t.match(await causeOf(far), { kind: "unreachable", text: /ENETUNREACH/ });
  t.match(await causeOf({ ...near, localAddress: "192.0.2.1" }), { kind: "unreachable" });
  t.match(await causeOf({ ...near, device: "nowhere" }), { kind: "unreachable" });
  t.match(await causeOf(near), { kind: "refused", text: /Connection refused/ });
  t.match(await causeOf({ remoteAddress: "10.99.0.3", remotePort: 179 }), { kind: /./ });
  t.match(
    codeOf(() => dial(a, { ...near, localAddress: "fd99::1" })),
    /PLATFORM_OPTION/,
  );
  t.match(
    codeOf(() => dial(a, { ...near, remoteAddress: "10.99.0" })),
    /PLATFORM_OPTION/,
  );
  t.match(
    codeOf(() => dial(a, { ...near, ttl: 999 })),
    /PLATFORM_OPTION/,
  );
  t.match(
    codeOf(() => createLinuxHost({ name: "x", netns: "no-such-space", log: NO_LOG })),
    /PLATFORM_NETNS_UNKNOWN: .*no-such-space/,
  );
});

t.test("links: state is what holds now, watchers hear of changes", { skip }, async (t) => {
  const twin = new TwinNetns(t);
  const a = twin.host("a");
  t.equal(a.links.state("nothing"), undefined);
  t.match(a.links.state("wire"), { isAdminUp: true, hasCarrier: true, mtu: 1500 });
  t.same(a.links.state("wire")?.addresses.slice(0, 2), ["10.99.0.1/30", "fd99::1/64"]);
  t.same(
    a.links
      .all()
      .map(({ device }) => device)
      .sort(),
    ["lo", "wire"],
  );

  const news: { device: string; state: LinkState | undefined }[] = [];
  const watch = a.links.watch((device, state) => news.push({ device, state }));
  const told = (device: string, isAsWanted: (state: LinkState | undefined) => boolean) =>
    until(() => news.some((item) => item.device === device && isAsWanted(item.state)));
  twin.ip("a", "link set wire mtu 1400");
  t.equal(a.links.state("wire")?.mtu, 1400, "at once");
  t.equal(news.length, 0, "watchers are not called inside a call");
  t.ok(await told("wire", (state) => state?.mtu === 1400));
  twin.ip("a", "addr add 192.0.2.1/24 dev wire");
  t.ok(await told("wire", (state) => state?.addresses.includes("192.0.2.1/24") === true));
  twin.ip("b", "link set wire down");
  t.ok(await told("wire", (state) => state?.isAdminUp === true && !state.hasCarrier), "carrier");
  twin.ip("b", "link set wire up");
  t.ok(await until(() => a.links.state("wire")?.hasCarrier === true));
  twin.ip("a", "link set wire down");
  t.ok(await told("wire", (state) => state?.isAdminUp === false));
  twin.ip("a", "link set wire name cord");
  t.ok(await told("wire", (state) => state === undefined), "a renamed link is gone");
  t.ok(await told("cord", (state) => state !== undefined), "and there by its new name");
  twin.ip("a", "link del cord");
  t.ok(await told("cord", (state) => state === undefined));
  t.equal(a.links.state("cord"), undefined);
  watch.close();
  const before = news.length;
  twin.ip("a", "link add name late type veth peer name later");
  t.ok(await until(() => a.links.state("late") !== undefined));
  await sleep(30);
  t.equal(news.length, before, "a closed watch is silent");
});

t.test("ensureVlan: refusals say what to do, a plain interface stands in", { skip }, async (t) => {
  const twin = new TwinNetns(t);
  const { links } = twin.host("a");
  const vlan = { device: "wire.100", parent: "wire", vlanId: 100, addresses: ["10.1.0.1/30"] };
  const hasVlans = twin.try("a", "ip link add link wire name probe type vlan id 7").status === 0;
  if (hasVlans) {
    t.match(links.ensureVlan(vlan), { device: "wire.100", isAdminUp: true });
    t.match(links.ensureVlan(vlan), { addresses: /10\.1\.0\.1\/30/ }, "adopted");
    t.match(
      codeOf(() => links.ensureVlan({ ...vlan, vlanId: 101 })),
      /PLATFORM_LINK_CONFLICT/,
    );
    t.match(
      codeOf(() => links.ensureVlan({ ...vlan, device: "twice" })),
      /PLATFORM_LINK_CONFLICT/,
    );
    t.match(
      codeOf(() => links.ensureVlan({ ...vlan, device: "high", vlanId: 8, mtu: 1501 })),
      /PLATFORM_LINK_CONFLICT: MTU 1501/,
    );
    t.equal(links.state("high"), undefined, "what cannot be finished is taken away again");
    const sixth = { ...vlan, device: "wire.6", vlanId: 6, addresses: ["fd06::1/64"], mtu: 1400 };
    t.match(links.ensureVlan(sixth), { mtu: 1400, addresses: ["fd06::1/64"] });
    twin.ip("a", "link set wire down");
    t.match(links.state("wire.6"), { isAdminUp: false }, "down with its parent");
    t.match(links.ensureVlan(sixth), { isAdminUp: false, addresses: ["fd06::1/64"] });
    twin.ip("a", "link set wire up");
    t.ok(await until(() => links.state("wire.6")?.hasCarrier === true), "and up with it");
    t.ok(links.state("wire.6")?.addresses.includes("fd06::1/64"), "with its IPv6 address");
  } else {
    const refusal = codeOf(() => links.ensureVlan(vlan));
    t.match(refusal, /^PLATFORM_VLAN_UNSUPPORTED: .*VLAN 100 on wire.*802\.1Q.*vlan: 0/);
    t.equal(links.state("wire.100"), undefined);
  }
  const refusal = (change: Partial<typeof vlan>) =>
    codeOf(() => links.ensureVlan({ ...vlan, ...change }));
  t.match(refusal({ device: "new", parent: "nowhere" }), /PLATFORM_LINK_UNKNOWN: .*nowhere/);
  t.match(refusal({ vlanId: 4095 }), /PLATFORM_OPTION/);
  t.match(refusal({ device: "wire" }), /PLATFORM_LINK_CONFLICT: wire exists/);
  t.match(refusal({ device: "nowhere", vlanId: 0 }), /PLATFORM_LINK_UNKNOWN/);
  const plain = { device: "wire", parent: "wire", vlanId: 0 };
  t.match(refusal({ ...plain, addresses: ["10.1.0.1"] }), /PLATFORM_OPTION: .*10\.1\.0\.1/);

  twin.ip("a", "link set wire down");
  const addresses = ["10.99.0.1/30", "10.1.0.1/30", "fd01::1/64"];
  const state = links.ensureVlan({ ...plain, addresses, mtu: 1450 });
  t.match(state, { device: "wire", isAdminUp: true, mtu: 1450 });
  for (const address of addresses) t.ok(state.addresses.includes(address), address);
  t.equal(
    twin.ip("a", "-6 addr show dev wire tentative").includes("fd01"),
    false,
    "usable at once",
  );
});

t.test("without privilege: one sentence each", { skip }, async (t) => {
  const module = new URL("../../src/platform/linux/host.js", import.meta.url);
  const script = `
    const { createLinuxHost } = await import(${JSON.stringify(module.href)});
    const log = { write: () => undefined };
    const host = createLinuxHost({ name: "x", log });
    const fib = { kind: "kernel", table: 254, proto: 202, metric: 20 };
    const vlan = { device: "lo", parent: "lo", vlanId: 0, addresses: ["192.0.2.1/32"] };
    const wanted = [
      () => host.tcp.listen({ localAddress: "127.0.0.1", port: 179 }, () => undefined),
      () => host.udp.open({ localAddress: "127.0.0.1", port: 179, ttl: 1 }, () => undefined),
      () => createLinuxHost({ name: "x", log, routes: fib }),
      () => createLinuxHost({ name: "x", log, netns: "/proc/self/ns/net" }).links.all(),
      () => host.links.ensureVlan(vlan),
    ];
    for (const act of wanted) {
      try { act(); console.log("allowed"); }
      catch (error) { console.log(error.code + ": " + error.message); }
    }
    console.log(host.links.state("lo").device, host.routes.resolve("127.0.0.1").device);
    host.close();`;
  const nobody = ["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"];
  const node = [process.execPath, "--input-type=module", "-e", script];
  const { stdout, stderr } = spawnSync("setpriv", [...nobody, ...node], { encoding: "utf8" });
  const lines = stdout.trim().split("\n");
  t.match(
    lines[0],
    /^PLATFORM_PERMISSION: .*TCP 127\.0\.0\.1 port 179.*CAP_NET_BIND_SERVICE/,
    stderr,
  );
  t.match(lines[1], /^PLATFORM_PERMISSION: .*UDP 127\.0\.0\.1 port 179.*CAP_NET_BIND_SERVICE/);
  t.match(lines[2], /^PLATFORM_PERMISSION: .*kernel routes.*CAP_NET_ADMIN.*kind: virtual/);
  t.match(lines[3], /^PLATFORM_PERMISSION: .*network namespace.*CAP_SYS_ADMIN/);
  t.match(lines[4], /^PLATFORM_PERMISSION: .*192\.0\.2\.1\/32.*CAP_NET_ADMIN/);
  t.equal(lines[5], "lo lo", "looking is free");
});

t.test("a loop that was held up reads its datagrams before it rings", async (t) => {
  const host = createLinuxHost({ name: "x", log: NO_LOG });
  t.teardown(() => host.close());
  const order: string[] = [];
  const socket = host.udp.open({ localAddress: "127.0.0.1", port: 0, ttl: 64 }, () =>
    order.push("datagram"),
  );
  const alarm = host.clock.createAlarm(() => order.push("alarm"));
  alarm.set(after(host.clock.now(), 2_000));
  for (let count = 0; count < 100; count += 1) {
    socket.send(Uint8Array.of(1), "127.0.0.1", socket.port);
  }
  for (const end = host.clock.now() + 30_000; host.clock.now() < end; );
  t.ok(await until(() => order.length === 101));
  t.equal(order.at(-1), "alarm");

  order.length = 0;
  const first = host.udp.open({ localAddress: "127.0.0.1", port: 0, ttl: 64 }, () => {
    order.push("put off");
    alarm.set(after(host.clock.now(), 20_000));
  });
  const due = host.clock.now() + 2_000;
  alarm.set(after(host.clock.now(), 2_000));
  socket.send(Uint8Array.of(1), "127.0.0.1", first.port);
  for (; host.clock.now() < due + 1_000; );
  t.ok(await until(() => order.includes("alarm")));
  t.same(order, ["put off", "alarm"], "a datagram in time puts a late alarm off");
});

t.test("a host of a worker thread hears datagrams", async (t) => {
  const module = new URL("../../src/platform/linux/host.js", import.meta.url);
  const script = `
    const { parentPort } = require("node:worker_threads");
    import(${JSON.stringify(module.href)}).then(({ createLinuxHost }) => {
      const host = createLinuxHost({ name: "w", log: { write: () => undefined } });
      const socket = host.udp.open({ localAddress: "127.0.0.1", port: 0, ttl: 64 }, (datagram) => {
        parentPort.postMessage({ ttl: datagram.ttl, device: datagram.device });
        host.close();
      });
      parentPort.postMessage({ port: socket.port });
    });`;
  const worker = new Worker(script, { eval: true });
  t.teardown(() => worker.terminate());
  const messages: { port?: number; ttl?: number }[] = [];
  worker.on("message", (message) => messages.push(message));
  t.ok(await until(() => messages.length === 1));
  const host = createLinuxHost({ name: "x", log: NO_LOG });
  t.teardown(() => host.close());
  const socket = host.udp.open({ localAddress: "127.0.0.1", port: 0, ttl: 77 }, () => undefined);
  socket.send(Uint8Array.of(1), "127.0.0.1", messages[0]?.port ?? 0);
  t.ok(await until(() => messages.length === 2));
  t.same(messages[1], { ttl: 77, device: "lo" });
});

t.test("poll handles survive collections, sockets leave no descriptors", async (t) => {
  const host = createLinuxHost({ name: "x", log: NO_LOG });
  t.teardown(() => host.close());
  let accepted = 0;
  const listener = host.tcp.listen({ localAddress: "127.0.0.1", port: 0 }, () => {
    accepted += 1;
    return new Call();
  });
  const to = { remoteAddress: "127.0.0.1", remotePort: listener.port };
  const churn = async (count: number) => {
    for (let round = 0; round < count; round += 1) {
      const calls = [dial(host, to), dial(host, to), dial(host, { ...to, remotePort: 1 })];
      await until(() => calls.every((call) => call.isConnected || call.cause !== undefined));
      calls[0]?.connection?.close("reset");
      calls[1]?.connection?.close("flush");
      let garbage: unknown[] = [];
      for (let piece = 0; piece < 20_000; piece += 1) garbage.push({ piece });
      garbage = [];
    }
    await sleep(30);
  };
  await churn(3);
  const before = descriptors();
  await churn(30);
  t.ok(await until(() => descriptors() <= before + 2), `${before} before, ${descriptors()} after`);
  t.equal(accepted, 66);
});

const NO_LOG = { write: () => undefined };

const descriptors = (): number => readdirSync("/proc/self/fd").length;
