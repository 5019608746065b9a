/**
 * A BGP speaker of the least kind, for `bench/agent.ts`: opens a session, says a table as fast as
 * the socket takes it, prints `{"sent": N, "atMs": wall}` and keeps the session.
 *
 *   node dist/bench/lib/feeder.js LOCAL REMOTE AS ROUTES
 */
import { connect, type Socket } from "node:net";
import { encodeAttributes } from "../../src/bgp/wire/attribute-encode.ts";
import { encodeKeepalive } from "../../src/bgp/wire/header.ts";
import { Origin, SegmentType } from "../../src/bgp/wire/iana.ts";
import { encodeNlri } from "../../src/bgp/wire/nlri.ts";
import { encodeOpen } from "../../src/bgp/wire/open.ts";
import { encodeEndOfRib, encodeUpdate } from "../../src/bgp/wire/update.ts";

const [local = "", remote = "", as = "", routes = ""] = process.argv.slice(2);
const PREFIXES_PER_SET = 7;

const socket = connect({ host: remote, port: 179, localAddress: local });
socket.once("connect", () => {
  socket.write(
    encodeOpen({
      ...{
        kind: "open",
        version: 4,
        myAs: Number(as),
        holdTimeSec: 240,
        bgpIdentifier: 0x0a0003_02,
      },
      capabilities: [
        { kind: "multiprotocol", family: { afi: 1, safi: 1 } },
        { kind: "four-octet-as", as: Number(as) },
      ],
    }),
  );
  socket.once("data", () => {
    socket.write(encodeKeepalive());
    // The other side's KEEPALIVE has followed its OPEN by then, or is about to.
    setTimeout(() => feed(socket, Number(routes)), 1_000);
  });
});
setInterval(() => socket.write(encodeKeepalive()), 30_000);
socket.on("data", () => undefined);
socket.on("close", () => process.exit(0));

function feed(into: Socket, count: number): void {
  const updates: Uint8Array[] = [];
  for (let row = 0; row < count; row += PREFIXES_PER_SET) {
    const size = Math.min(PREFIXES_PER_SET, count - row);
    const nlri = encodeNlri(Array.from({ length: size }, (_, index) => prefixOf(row + index)));
    updates.push(encodeUpdate({ attributes: attributesOf(row), nlri }));
  }
  updates.push(encodeEndOfRib({ afi: 1, safi: 1 }));
  process.stdout.write(`${JSON.stringify({ sent: count, atMs: Date.now() })}\n`);
  into.write(Buffer.concat(updates));
}

/** Scattered /24s of the unicast space. */
function prefixOf(row: number): { address: Uint8Array; length: number } {
  const rest = Math.floor(row / 180);
  return { address: Uint8Array.of(16 + (row % 180), rest & 0xff, rest >> 8, 0), length: 24 };
}

function attributesOf(row: number): Uint8Array {
  const ases = [Number(as), 3_000 + (row % 997), 70_000 + (row % 60_013)];
  return encodeAttributes(
    {
      origin: Origin.Igp,
      asPath: [{ type: SegmentType.AsSequence, ases }],
      nextHop: Uint8Array.from(local.split("."), Number),
      communities: [((Number(as) & 0xffff) << 16) | (row % 1_000)],
    },
    { as4: true, session: "ebgp", includeNextHop: true },
  );
}
