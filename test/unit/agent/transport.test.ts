import t from "tap";
import { sessionPlans } from "../../../src/agent/speaker-config.ts";
import { Transport } from "../../../src/agent/transport.ts";
import type { ConnectionId, SpeakerInput } from "../../../src/bgp/speaker/inputs.ts";
import { PlatformError } from "../../../src/core/app-error.ts";
import type { Tcp, TcpConnection, TcpHandler } from "../../../src/platform/contract.ts";
import { edgeConfig, neighbor } from "../../support/agent-fakes.ts";

/** A connection that the host can do nothing with any more, or everything. */
function connectionOf(remoteAddress: string, isDead: boolean, done: string[]): TcpConnection {
  const refuse = () => {
    if (isDead) throw new PlatformError("PLATFORM_OPTION", "setting TTL 255: it is dead (EINVAL)");
  };
  return {
    ...{ remoteAddress, remotePort: 40_000, localAddress: "10.0.0.1", localPort: 179 },
    send: (octets) => octets.length,
    pause: () => undefined,
    setTtl: refuse,
    close: (how) => void done.push(`${remoteAddress} ${how}`),
  };
}

t.test("what the host refuses to one connection ends that one", async (t) => {
  const inputs: SpeakerInput[] = [];
  const done: string[] = [];
  let accept: ((connection: TcpConnection) => TcpHandler) | undefined;
  const tcp: Pick<Tcp, "listen" | "connect"> = {
    listen: (_options, onConnection) => {
      accept = onConnection;
      return { port: 179, setMd5Key: () => undefined, close: () => undefined };
    },
    connect: () => {
      throw new TypeError("nobody dials here");
    },
  };
  const transport = new Transport(tcp as Tcp, (input) => void inputs.push(input));
  const neighbors = ["b", "c"].map((name, index) => {
    return neighbor({ name, remoteAddress: `10.0.0.${index + 2}`, minTtl: 255, ttl: 255 });
  });
  const config = edgeConfig({ listen: { addresses: ["10.0.0.1"], port: 179 }, neighbors });
  transport.configure(config.listen, sessionPlans(config));
  accept?.(connectionOf("10.0.0.2", true, done));
  accept?.(connectionOf("10.0.0.3", false, done));
  const [dead, alive] = inputs.map((input) => (input as { connection: ConnectionId }).connection);
  if (dead === undefined || alive === undefined) throw new Error("nobody was accepted");
  transport.perform({ kind: "tcp-adopt", connection: dead, peer: "b" });
  transport.perform({ kind: "tcp-adopt", connection: alive, peer: "c" });
  t.match(inputs.slice(2), [
    { kind: "tcp-closed", connection: dead, cause: "error", text: /it is dead/ },
  ]);
  t.same(done, ["10.0.0.2 reset"], "the other one is not touched");
  transport.perform({ kind: "tcp-send", connection: dead, octets: new Uint8Array(1) });
  t.equal(inputs.length, 3, "what was under way for it is void");
});
