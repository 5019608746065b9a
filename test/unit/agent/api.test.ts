import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get, request } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t from "tap";
import { hintFor, parseMd5Drops } from "../../../src/agent/api/hints.ts";
import { createApi, startApi } from "../../../src/agent/api/server.ts";
import type { Secret } from "../../../src/agent/config/edge-config.ts";
import { VERSION } from "../../../src/agent/version.ts";
import { fakeAgent, fakeConfig, START_MS } from "../../support/agent-view.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..", "..");

const metrics = async () => ({ contentType: "text/plain", text: "up 1\n" });

async function rig(t: Tap) {
  const { view, journal, clock } = fakeAgent();
  const app = await createApi({ view, journal, metrics });
  t.teardown(() => app.close());
  const ask = async (url: string) => {
    const response = await app.inject({ url });
    return { status: response.statusCode, body: response.json() };
  };
  return { app, ask, view, journal, clock };
}
type Tap = Pick<typeof t, "teardown">;

t.test("api: the version is that of package.json", async (t) => {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  t.equal(VERSION, manifest.version);
});

t.test("api: summary names every peer, why it is down, and both forms of time", async (t) => {
  const { ask } = await rig(t);
  const { status, body } = await ask("/v1/bgp/summary");
  t.equal(status, 200);
  t.match(body, {
    ...{ schema: "causeway.bgp.summary/v1", name: "edge1", routerId: "10.0.0.1" },
    at: { time: "2026-11-21T12:01:00.000Z", ms: START_MS + 60_000 },
    locRib: { ipv4: 10, ipv6: 0 },
  });
  t.match(body.peers[0], {
    ...{ peer: "vbr1", circuit: "vbr1", state: "Established", reason: null },
    prefixes: { received: 12, accepted: 10, advertised: 3 },
    bfd: { state: "Up", isStrict: false },
  });
  t.match(body.peers[1], {
    ...{ peer: "vbr2", state: "Idle", reason: "hold timer expired after 30 s of silence" },
    lastReset: { reason: "hold_timer", code: 4, subcode: null },
    prefixes: { received: 4, stale: 4 },
  });
});

t.test("api: one peer, whole; an unknown one is 404 with the nearest names", async (t) => {
  const { ask } = await rig(t);
  const { body } = await ask("/v1/bgp/peers/vbr1");
  t.match(body, {
    ...{ schema: "causeway.bgp.peer/v1", peer: "vbr1" },
    configured: { hasMd5: true, ttl: 255, minTtl: 255, budget: 110, maxPrefix: { limit: 500 } },
    negotiated: { holdTimeSec: 30, remoteRouterId: "10.0.1.2", families: ["ipv4-unicast"] },
    timers: [{ name: "HoldTimer", inMs: 31_000 }],
    ...{ messagesIn: { update: 5 }, discards: { "as-path-length": 3 } },
  });
  t.match((await ask("/v1/bgp/peers/10.0.2.2")).body, { peer: "vbr2", negotiated: null });
  const missing = await ask("/v1/bgp/peers/vrb1");
  t.equal(missing.status, 404);
  t.match(missing.body, { schema: "causeway.problem/v1", code: "API_PEER_UNKNOWN" });
  t.same(missing.body.nearest, ["vbr1"]);
});

t.test("api: routes come in pages, as text people know", async (t) => {
  const { ask } = await rig(t);
  const first = (await ask("/v1/bgp/routes?limit=20")).body;
  t.equal(first.routes.length, 20);
  t.equal(first.nextOffset, 20);
  t.match(first.routes[0], {
    ...{ asPath: "45104 4200000000", origin: "igp", med: 10, localPref: 200, peer: "vbr1" },
    largeCommunities: ["45104:1:2"],
  });
  const last = (await ask("/v1/bgp/routes?limit=20&offset=20")).body;
  t.equal(last.routes.length, 5);
  t.equal(last.nextOffset, null);
  t.match((await ask("/v1/bgp/rejected")).body.routes[0], {
    rejectedBy: "from-cloud/own-networks",
  });
  t.equal((await ask("/v1/bgp/routes?rib=adj-rib-in")).body.code, "API_PEER_MISSING");
  t.equal((await ask("/v1/bgp/routes?within=10.0.0.1/8")).body.code, "API_PREFIX_INVALID");
  t.equal((await ask("/v1/bgp/routes?rib=bogus")).status, 400);
  t.equal((await ask("/v1/bgp/routes?bogus=1")).status, 400, "an unknown question is refused");
});

t.test("api: explain names the step that removed each candidate", async (t) => {
  const { ask } = await rig(t);
  const { body } = await ask("/v1/bgp/explain?route=172.16.0.0/12");
  t.match(body.candidates, [
    { peer: "vbr1", isBest: true, lostAt: null },
    { peer: "vbr2", lostAt: "local-pref", because: "LOCAL_PREF 100 < 200" },
  ]);
  t.match(body.fib, { via: "primary", circuits: ["vbr1"] });
  t.equal((await ask("/v1/bgp/explain?route=172.16.9.9")).body.prefix, "172.16.0.0/12");
  t.equal((await ask("/v1/bgp/explain?route=9.9.9.9")).status, 404);
  t.equal((await ask("/v1/bgp/explain")).status, 400);
});

t.test("api: orders over the Unix socket, and never over the port", async (t) => {
  const { view, journal } = fakeAgent();
  const given: string[] = [];
  const order = (verb: string) => (name: string) => {
    given.push(`${verb} ${name}`);
    if (name === "vbr9") return { kind: "unknown", known: ["vbr1", "vbr2"] } as const;
    if (name === "vbr2") return { kind: "refused", text: "vbr2 is not held" } as const;
    return { kind: "done", isChanged: true, text: `${name} it is` } as const;
  };
  const orders = {
    ...{ releaseCircuit: order("release"), drainCircuit: order("drain") },
    ...{ undrainCircuit: order("undrain"), startPeer: order("start") },
  };
  const directory = mkdtempSync(join(tmpdir(), "causeway-orders-"));
  const socketPath = join(directory, "edge.sock");
  const listen = { address: "127.0.0.1", port: 0 };
  const server = await startApi({ listen, socketPath }, { view, journal, metrics, orders });
  t.teardown(async () => {
    await server.close();
    rmSync(directory, { recursive: true });
  });
  const post = (path: string, where: object) =>
    new Promise<{ status: number | undefined; body: Record<string, unknown> }>(
      (resolve, reject) => {
        const asked = request({ ...where, path, method: "POST" }, (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (chunk) => {
            text += chunk;
          });
          response.on("end", () =>
            resolve({ status: response.statusCode, body: JSON.parse(text) }),
          );
        });
        asked.on("error", reject).end();
      },
    );
  const socket = { socketPath };
  for (const verb of ["release", "drain", "undrain"]) {
    const { status, body } = await post(`/v1/circuits/vbr1/${verb}`, socket);
    t.equal(status, 200);
    t.match(body, { schema: "causeway.order/v1", order: `circuit ${verb}`, text: "vbr1 it is" });
  }
  t.match((await post("/v1/bgp/peers/vbr1/start", socket)).body, { order: "peer start" });
  t.match(await post("/v1/circuits/vbr2/release", socket), {
    ...{ status: 409, body: { code: "API_ORDER_REFUSED", message: "vbr2 is not held" } },
  });
  t.match(await post("/v1/circuits/vbr9/release", socket), {
    ...{ status: 404, body: { code: "API_CIRCUIT_UNKNOWN", nearest: ["vbr1", "vbr2"] } },
  });
  t.equal(given.length, 6);
  const port = { host: "127.0.0.1", port: server.port };
  for (const path of ["/v1/circuits/vbr1/release", "/v1/bgp/peers/vbr1/start", "/v1/bfd"]) {
    t.match(await post(path, port), { status: 405, body: { code: "API_READ_ONLY" } });
  }
  t.equal(given.length, 6, "nothing was ordered over the port");
});

t.test("api: bfd, circuits, fib, health", async (t) => {
  const { ask } = await rig(t);
  const bfd = (await ask("/v1/bfd")).body;
  t.match(bfd.sessions[0], { session: "vbr1", state: "Up", lastPacketAgoMs: 10 });
  t.match(bfd.sessions[1], { state: "Down", diagText: "control detection time expired" });
  t.same(bfd.sessions[0].discards, { ttl: 2 });
  const circuits = (await ask("/v1/circuits")).body.circuits;
  t.match(circuits[1], { state: "down", reason: /nothing heard/, vlan: 100 });
  const fib = (await ask("/v1/fib")).body;
  t.match(fib, { kind: "virtual", lastFailure: { errno: "ENETUNREACH" }, isSynced: false });
  t.match((await ask("/v1/fib/route?prefix=172.16.0.0/12")).body.group, { id: 1 });
  t.equal((await ask("/v1/fib/route?prefix=1.0.0.0/8")).status, 404);
  t.equal((await ask("/healthz")).status, 503);
  t.equal((await ask("/readyz")).status, 200);
});

t.test("api: the configuration is shown without its secrets", async (t) => {
  const { app } = await rig(t);
  const text = (await app.inject({ url: "/v1/config" })).body;
  t.notMatch(text, /hunter2|104,117|"104"/);
  const { config } = JSON.parse(text);
  t.equal(config.circuits[0].sessions[0].md5Key, "***");
  t.equal(config.circuits[0].sessions[0].bfd.auth.keys[0].secret, "***");
  t.equal(config.circuits[0].sessions[0].importPolicy, "reject-all");
});

t.test("api: OpenAPI names every path, nothing changes anything", async (t) => {
  const { ask, app } = await rig(t);
  const { body } = await ask("/openapi.json");
  const paths = Object.keys(body.paths);
  for (const path of ["/v1/bgp/summary", "/v1/bgp/peers/{peer}", "/v1/events", "/metrics"]) {
    t.ok(paths.includes(path), path);
  }
  for (const path of paths) t.same(Object.keys(body.paths[path]), ["get"], path);
  for (const method of ["POST", "PUT", "DELETE", "PATCH"] as const) {
    t.equal((await app.inject({ method, url: "/v1/config" })).statusCode, 404);
  }
  t.equal((await ask("/v2/nothing")).body.code, "API_PATH_UNKNOWN");
});

t.test("api: events since a number, and a stream that resumes", async (t) => {
  const { view, journal } = fakeAgent();
  const directory = mkdtempSync(join(tmpdir(), "causeway-api-"));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const socketPath = join(directory, "run", "edge.sock");
  const server = await startApi({ listen: undefined, socketPath }, { view, journal, metrics });
  journal.emit("info", "bgp.peer.up", { peer: "vbr1" });
  journal.emit("debug", "bgp.peer.changed", {});
  journal.emit("warn", "bgp.peer.down", { peer: "vbr1", reason: "hold_timer" });
  const answer = await new Promise<string>((resolve) => {
    get({ socketPath, path: "/v1/events?since=1" }, async (response) => {
      resolve((await response.toArray()).join(""));
    });
  });
  t.match(JSON.parse(answer), { lastSeq: 2, events: [{ seq: 2, event: "bgp.peer.down" }] });

  const headers = { accept: "text/event-stream", "last-event-id": "1" };
  const seen = await new Promise<string>((resolve) => {
    let text = "";
    const asked = request({ socketPath, path: "/v1/events", headers }, (response) => {
      t.equal(response.headers["content-type"], "text/event-stream; charset=utf-8");
      response.setEncoding("utf8").on("data", (chunk: string) => {
        const isFirst = text === "";
        text += chunk;
        if (isFirst) journal.emit("info", "bgp.peer.up", { peer: "vbr1" });
        if (text.includes("id: 3")) {
          asked.destroy();
          resolve(text);
        }
      });
    });
    asked.end();
  });
  const ids = [...seen.matchAll(/^id: (\d+)$/gm)].map((match) => Number(match[1]));
  t.same(ids, [2, 3]);
  await server.close();
});

t.test("api: one agent a socket, and a stale socket is nobody's", async (t) => {
  const { view, journal } = fakeAgent();
  const directory = mkdtempSync(join(tmpdir(), "causeway-api-"));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const socketPath = join(directory, "edge.sock");
  const parts = { view, journal, metrics };
  const first = await startApi({ listen: undefined, socketPath }, parts);
  await t.rejects(startApi({ listen: undefined, socketPath }, parts), /another causeway agent/);
  await first.close();
  const second = await startApi({ listen: undefined, socketPath }, parts);
  await second.close();
  writeFileSync(socketPath, "");
  await t.rejects(startApi({ listen: undefined, socketPath }, parts), /is there and no socket/);
});

t.test("api: over loopback the Host header must name a loopback host", async (t) => {
  const { view, journal } = fakeAgent();
  const listen = { address: "127.0.0.1", port: 0 };
  const server = await startApi({ listen, socketPath: undefined }, { view, journal, metrics });
  t.teardown(() => server.close());
  const status = (host: string) =>
    new Promise((resolve) => {
      const options = { host: "127.0.0.1", port: server.port, path: "/healthz" };
      get({ ...options, headers: { host } }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
    });
  t.equal(await status(`localhost:${server.port}`), 503, "the fake is unhealthy");
  t.equal(await status("rebound.example.com"), 421);
});

t.test("hints: what the host knows where TCP only says nothing", async (t) => {
  const text =
    "TcpExt: A TCPMD5NotFound TCPMD5Unexpected TCPMD5Failure\nTcpExt: 1 2 3 4\nIpExt: X\n";
  t.same(parseMd5Drops(text), { unsigned: 2, unexpected: 3, wrong: 4 });
  t.same(parseMd5Drops("nothing"), { unsigned: 0, unexpected: 0, wrong: 0 });
  const [circuit] = fakeConfig().circuits;
  const [session] = circuit?.sessions ?? [];
  if (session === undefined) throw new Error("no session");
  const open = { ...session, md5Key: undefined };
  const signed = { ...session, md5Key: { reveal: () => "key" } as Secret };
  t.match(hintFor("connecting to 10.0.0.1", signed), /compare the TCP MD5 key/);
  t.equal(hintFor("TCP connection to 10.0.0.1 refused", signed), "");
  const nowhere = { ...open, localAddress: "192.0.2.99" };
  t.match(
    hintFor("TCP connection to 192.0.2.1 failed: unreachable", nowhere),
    /192\.0\.2\.99 is on no/,
  );
  const here = { ...open, localAddress: "127.0.0.1" };
  t.equal(hintFor("TCP connection to 192.0.2.1 failed: unreachable", here), "");
});
